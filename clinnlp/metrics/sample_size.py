"""How many patients the development of a risk model needs, by the criteria of Riley et al.

With k candidate parameters, outcome share φ, Cox-Snell R² and S the shrinkage to be borne:

    1  S = 0.9              n = k / ((S - 1) ln(1 - R² / S))
    2  optimism of Nagelkerke's R² at most 0.05:
                            S = R² / (R² + 0.05 max R²), and n from it as in 1
    3  overall risk within 0.05:  n = (1.96 / 0.05)² φ (1 - φ)

The largest of the three is needed. max R² is 1 - (φ^φ (1 - φ)^(1 - φ))². Where nothing is known of
R², 15 % of its maximum is taken, as the authors advise.

References
----------
Riley et al., Stat Med 2019, 38:1276; Riley et al., BMJ 2020, 368:m441; R package pmsampsize.
"""

import math
from dataclasses import dataclass

from clinnlp.core.errors import ArgumentError

__all__ = ["SampleSize", "riley_sample_size"]

_SHRINKAGE = 0.9
_OPTIMISM = 0.05
_MARGIN = 0.05
_EXPECTED = 0.15  # share of the largest R² where nothing is known
_MOST = 10**12  # patients, where a model is expected to tell nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize:
    """Patients that a development needs, by three criteria.

    Parameters
    ----------
    n_shrinkage, n_optimism, n_overall : int
        By criterion 1, 2 and 3.
    r2, r2_max : float
        Cox-Snell R² that was expected, and its largest.
    n_events : int
        Outcomes among the largest of the three.
    """

    n_shrinkage: int
    n_optimism: int
    n_overall: int
    r2: float
    r2_max: float
    n_events: int

    @property
    def n(self) -> int:
        """The largest of the three."""
        return max(self.n_shrinkage, self.n_optimism, self.n_overall)


def riley_sample_size(
    n_parameters: int, prevalence: float, *, r2: float | None = None
) -> SampleSize:
    """Return how many patients a model with so many candidate parameters needs.

    Parameters
    ----------
    n_parameters : int
        Candidates among which the model is made, at least 1: before any selection.
    prevalence : float
        Share of patients with the outcome, above 0 and below 1.
    r2 : float, optional
        Cox-Snell R² to expect, above 0 and below its largest; else 15 % of that.

    Raises
    ------
    ArgumentError
        A number out of its range.

    Examples
    --------
    The model of Chagas disease in Riley et al. 2019.

    >>> found = riley_sample_size(24, 0.174, r2=0.288)
    >>> found.n_shrinkage, found.n_optimism, found.n_overall, found.n
    (623, 662, 221, 662)
    """
    if n_parameters < 1 or not 0 < prevalence < 1:
        raise ArgumentError(
            "n_parameters must be at least 1 and prevalence above 0 and below 1, got "
            f"{n_parameters} and {prevalence}"
        )
    entropy = prevalence * math.log(prevalence) + (1 - prevalence) * math.log1p(-prevalence)
    r2_max = -math.expm1(2 * entropy)
    r2 = _EXPECTED * r2_max if r2 is None else r2
    if not 0 < r2 < r2_max:
        raise ArgumentError(f"r2 must lie above 0 and below {r2_max:.3f}, got {r2}")
    n_overall = math.ceil((1.96 / _MARGIN) ** 2 * prevalence * (1 - prevalence))
    found = [_n(n_parameters, r2, s) for s in (_SHRINKAGE, r2 / (r2 + _OPTIMISM * r2_max))]
    n = max(*found, n_overall)
    return SampleSize(
        n_shrinkage=found[0], n_optimism=found[1], n_overall=n_overall,
        r2=r2, r2_max=r2_max, n_events=math.ceil(n * prevalence),
    )  # fmt: skip


def _n(n_parameters: int, r2: float, shrinkage: float) -> int:
    if r2 >= shrinkage:  # more than the criterion asks for, whatever the number of patients
        return 1
    return min(_MOST, math.ceil(n_parameters / ((shrinkage - 1) * math.log1p(-r2 / shrinkage))))
