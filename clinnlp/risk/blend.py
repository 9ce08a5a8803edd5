"""Several models as one: the mean of their log odds, case by case.

Nothing is fitted, so nothing can leak: the blend of a row is made from the risks of models that
were not trained on it. Models that err in different ways gain; calibrated members of like quality
stay nearly calibrated, which the slope of the blend shows.

References
----------
Ranjan and Gneiting, J R Stat Soc B 2010; Satopää et al., Int J Forecast 2014.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from clinnlp.core.arrays import Counts, Floats
from clinnlp.core.checks import check_one_of
from clinnlp.core.errors import ArgumentError
from clinnlp.risk.crossfit import CrossFit, auroc_of
from clinnlp.risk.splits import Split

__all__ = ["blend_fits", "blend_risks"]

_SURE = 1e-6  # probabilities are kept this far from 0 and 1


def blend_risks(risks: Sequence[ArrayLike]) -> Floats:
    """Return the mean of several risks of the same rows, on the scale of log odds.

    Parameters
    ----------
    risks : sequence of arrays of float, shape (n,) each
        Probabilities; ``nan`` in any gives ``nan``.

    Raises
    ------
    ArgumentError
        Fewer than two.

    Examples
    --------
    >>> blend_risks([[0.2, 0.5], [0.8, 0.5]]).round(3).tolist()
    [0.5, 0.5]
    """
    if len(risks) < 2:
        raise ArgumentError(f"a blend needs at least 2 models, got {len(risks)}")
    odds = [logit(np.clip(np.asarray(p, np.float64), _SURE, 1 - _SURE)) for p in risks]
    blended: Floats = expit(np.mean(odds, axis=0))
    return blended


def blend_fits(
    fits: Mapping[str, CrossFit], names: Sequence[str], y: Counts, splits: Sequence[Split]
) -> CrossFit:
    """Return the blend of some of the cross-fitted models as one more.

    Raises
    ------
    ArgumentError
        Fewer than two names, or one that is no model of `fits`.
    """
    for name in names:
        check_one_of(name, fits, name="each model of a blend")
    p = blend_risks([fits[name].p for name in names])
    return CrossFit(
        p=p,
        auroc_folds=tuple(auroc_of(y[split.test], p[split.test]) for split in splits),
        top=(),
        points=(),
        chosen=(),
        n_features=fits[names[0]].n_features,
        n_rare=fits[names[0]].n_rare,
        seconds=sum(fits[name].seconds for name in names),
    )
