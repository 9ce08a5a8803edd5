"""Itemsets, co-occurrence rules and interaction signals, with honest statistics.

=============== =============================================================================
``sets``        itemsets of baskets, counted exactly by one of several engines
``measures``    functions of counts with their intervals: association, disproportionality,
                interaction, the additive null
``signals``     drug → event and drug + drug → event, screened over all candidates
``rules``       from itemsets to rules, with evidence; ``permute``, ``replicate`` doubt them
``small_cells`` what may be shown of small groups (``cell_tables``, ``bounds``)
``screen``      q-values over all candidates; ``strata``, ``tallies``: counts by stratum
=============== =============================================================================

To add a measure of drug and event, write a function of a `Table2x2` and its interval in
``measures`` and name it in the table of columns of ``signals.drug_events``; the common checks
of measures (``tests/common/test_measures.py``) then run over it. A p always belongs to a named
test, and its multiplicity is that of all candidates of the queried shape.
"""
