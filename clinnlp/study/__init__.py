"""Whole flows, one per file: the only place where rooms meet.

A flow reads files or values, runs the rooms and returns values; it prints nothing. What a person
sees of a result is in its ``lines()``, which the command line prints and a service may serve.

``pipeline``, ``extract``        notes to annotated notes and tables of mentions
``mine_flow``, ``signal_plots``  tables to rules, signals and their report
``risk``, ``risk_flow``          rows (``risk_rows``) to a study, its models and its report
``apply``, ``apply_flow``        a kept model on new patients
``tune``, ``tuning``             a search of settings, and what it found
``error_page``, ``inspection``   what is wrong in predictions, and in files
``demo``, ``synthetic``          the demonstration and its generated cohort

An option of a study is one field of a settings class in ``settings``; the flags of the command
line, the provenance and the card come from there.
"""
