"""Files to notes, records and tables, and back.

Four rooms, of which each imports those below it alone:

========== ==================================================================================
``notes``  notes with their mentions: a file per format, and the doors `read_notes` and
           `write_notes` (`notes.corpora`) to all; losses and sidecars; an index of places
``record`` patients, stays and events: a file per source (FHIR, OMOP, MIMIC, Synthea, FAERS), or
           from tables of one's own
``tables`` rows and columns of CSV, TSV and Parquet; mentions and vocabularies in them; releases
           of terminologies (``tables.terminologies``)
``files``  bytes to lines, and streams of JSON or XML, one document at a time
========== ==================================================================================

What a format or a source says of both notes and the record (FHIR, OMOP) is read by two programs,
``notes.fhir`` and ``record.fhir``; what they share stands in ``record``, or in ``tables``.

To add a format of notes, write one file in ``notes`` with its `Format`: the suffixes and looks by
which it is known, ``split`` (a file to its documents), ``parse`` (a document to its note), perhaps
``write``, and what it ``holds`` (`notes.documents`). Then name it in the table of
`notes.formats`. Errors with file and line, streaming, repairs, repeated ids, sidecars, folders,
packed files and the command line come with that; heavy libraries are imported by the functions
that need them. Put a sample in ``tests/common/format_samples.py``, and every common law of
formats runs over it.

To add a source of records, write one file in ``record`` with a function that returns `Timelines`,
each event with the time at which it was known.
"""
