"""Scores with intervals.

``spans`` and ``mentions`` score mentions (strict, relaxed, seen and unseen), ``labels`` classes,
``assertion`` axes, ``risk`` probabilities; ``compare`` pairs two systems; ``agreement`` two
annotators. ``intervals`` holds the cluster bootstrap that all of them use: patients where they are
known, else documents. Counts are kept, ratios derived; 0/0 is ``nan``.
"""
