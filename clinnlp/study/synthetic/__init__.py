"""``cohort-mini``, a synthetic corpus with planted truth: patients, notes and drug interactions.

Patients with structured events, notes for a part of them, an outcome from a known logistic model,
and drug interactions planted beside confounders; CC0-1.0 and free of any real patient. The
demonstration makes it at run time. Everything depends on the seed alone; the package needs the
standard library, numpy and scipy.
"""

from clinnlp.study.synthetic.cohort import COHORT_SEED, write_cohort_mini

__all__ = ["COHORT_SEED", "write_cohort_mini"]
