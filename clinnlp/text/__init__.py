"""Rules on text: from a note's characters to sections, mentions and what is said of them.

=============== =============================================================================
``sections``    headings to kinds of section; ``sentences`` splits them
``lookup``      names of a vocabulary, found all at once (``matcher``, ``variants``)
``assertion``   five axes by cues (``cues``), sections, the noun phrase of a cue (``phrases``), and
                the answers of forms (``forms``)
``medication``  dose, route, frequency, change: ``medication_patterns`` finds words and numbers,
                ``_links`` and ``_gaps`` say which drug they belong to, ``_lists`` and ``_changes``
                what was stopped or changed, ``_regimen`` and ``_amounts`` what it comes to
``plain``       a plain copy of what word processors write, which every pipe reads
``course``      whether a condition has ended, or lasts (``chronic``)
``variants_``   gene variants (``genes``), how they are written (``patterns``), and one spelling for
                all (``forms``)
``relations``   what a sentence states of a drug and a problem
``normalise``   mentions to concepts (``linking``, ``names``, ``nearest``, ``drugs``,
                short forms), and ``candidates`` where none is sure
=============== =============================================================================

Everything that belongs to a language stands in ``data/*_<language>.tsv``; a language is a set of
such tables and no code. A word, cue, heading or unit is a row; its columns are explained at the
head of the table. Cases that people can read stand in ``corpora/assertion-cases``,
``section-cases`` and ``medication-cases``; a kind of sentence that was wrong is added there first.
"""
