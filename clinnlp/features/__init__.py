"""Tables and matrices from notes and events.

``entities`` makes the table of mentions and holds the filter that every consumer shares
(`asserted`); ``baskets`` and ``exposure`` make sets of items; ``events``, ``facts`` and
``outcomes`` make the cases of a study, with what was known before its index time and nothing else;
``matrix`` and ``columns`` are scikit-learn transformers, fitted inside the folds.
"""
