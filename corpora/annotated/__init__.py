"""``mtsamples-notes``: whole public notes, annotated by reading; offsets and labels, no text.

- ``texts``: the distinct notes of MTSamples, and which are near-duplicates of which;
- ``sample``: draws the notes that are read, and their parts, once and from a seed;
- ``form``: the plain form in which a reader writes mentions, checked line by line;
- ``stored``: what is committed, and the reader that joins it with the texts again;
- ``agreement``: two readings of the same notes, counted;
- ``card``: the figures of the card.

The guideline and the files lie in ``corpora/mtsamples-notes``. None of it is installed.
"""
