"""Generators of the synthetic corpora, all CC0-1.0 and free of any real patient.

- ``discharge``: ``discharge-mini``, discharge notes with entities, assertion and relations;
- ``planted``: encounters with drug interactions planted beside look-alikes.

``cohort-mini`` is made by ``clinnlp.study.synthetic``, since the demonstration generates it; words,
phrases and notes come from there too. None of what stands here is installed with the package.
"""
