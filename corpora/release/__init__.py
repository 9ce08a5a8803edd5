"""The model in the box, from the corpora to the files that are shipped: ``scripts/release-model``.

Steps, each of which reads what the one before wrote below ``out/release`` and is skipped where its
own output is there:

- ``data``: which notes teach and which are held out; what was dropped, counted;
- ``bio``: one encoder with a head for each of three corpora of abstracts;
- ``clinical``: the same with a head for notes, twice: without a fifth of the annotated notes, for
  calibration, then with all of them;
- ``quantise``: the weights in 8 bits;
- ``score``: on the development parts, before and after; which labels are off;
- ``card``: the card, and the folder in its place in the package.

None of it is installed with the package.
"""
