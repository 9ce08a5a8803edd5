"""Synthetic corpora with planted truth: notes, patients and drug interactions from a seed.

Two corpora are made here, both CC0-1.0 and free of any real patient:

- ``discharge-mini``: discharge notes with entities, assertion and relations, for tagging;
- ``cohort-mini``: patients with structured events, notes for a part of them, an outcome from
  a known logistic model, and drug interactions planted beside confounders.

Everything depends on the seed alone; the package needs the standard library, numpy and scipy.
"""

from clinnlp.study.synthetic.cohort import COHORT_SEED, write_cohort_mini
from clinnlp.study.synthetic.discharge import DISCHARGE_SEED, write_discharge_mini

__all__ = ["COHORT_SEED", "DISCHARGE_SEED", "write_cohort_mini", "write_discharge_mini"]
