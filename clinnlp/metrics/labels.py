"""Scores of predicted classes: accuracy, macro F1, and precision, recall and F1 per class.

Everything is a function of the confusion counts. The macro F1 is the mean over classes that
occur in gold or prediction. Where a row has any number of labels, all are counted together (micro
F1). Intervals resample clusters (patients), or rows where none are given.

References
----------
Sokolova and Lapalme, Inf Process Manag 2009; Opitz and Burst 2019 (macro F1 as mean of F1).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from clinnlp.core.arrays import Array, Bools, Counts, Floats
from clinnlp.core.checks import check_level
from clinnlp.core.counts import PRF, Estimate, ratio
from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.intervals import bootstrap_draws, cluster_codes, percentile_interval

__all__ = [
    "LabelScores",
    "LabelSetScores",
    "Resampled",
    "label_matrix",
    "resample_confusion",
    "score_label_sets",
    "score_labels",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelScores:
    """Scores of one classification.

    Parameters
    ----------
    labels : tuple of str
        Classes of gold and prediction, sorted.
    confusion : array of int64, shape (n_labels, n_labels)
        Rows gold, columns predicted.
    accuracy, macro_f1 : Estimate
    per_label : mapping of str to PRF
    label_f1 : mapping of str to Estimate
    n, n_groups : int
        Rows and clusters.
    """

    labels: tuple[str, ...]
    confusion: Counts
    accuracy: Estimate
    macro_f1: Estimate
    per_label: Mapping[str, PRF]
    label_f1: Mapping[str, Estimate]
    n: int
    n_groups: int

    def rows(self) -> list[dict[str, Any]]:
        """Return one plain row per class."""
        return [
            {"label": name, "n_gold": prf.tp + prf.fn, "n_predicted": prf.tp + prf.fp}
            | {"precision": prf.precision, "recall": prf.recall, "f1": prf.f1}
            | {"f1_low": self.label_f1[name].low, "f1_high": self.label_f1[name].high}
            for name, prf in self.per_label.items()
        ]


def score_labels(
    gold: Sequence[str],
    predicted: Sequence[str],
    *,
    groups: Sequence[Any] | Array | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> LabelScores:
    """Score one predicted class per row.

    Parameters
    ----------
    gold, predicted : sequence of str, length n
    groups : sequence of length n, optional
        Patient of each row, drawn together in the bootstrap.
    n_boot, level, seed
        Resamples (0 gives no intervals), coverage, seed.

    Returns
    -------
    LabelScores
        Accuracy, macro F1 and its parts with intervals, and the confusion matrix.

    Raises
    ------
    ArgumentError
        No rows, unequal lengths, or `level` not strictly between 0 and 1.

    Examples
    --------
    >>> scores = score_labels(["a", "a", "b", "b"], ["a", "b", "b", "b"], n_boot=0)
    >>> scores.accuracy.value, scores.confusion.tolist()
    (0.75, [[1, 1], [0, 2]])
    """
    made = resample_confusion(
        _scores, gold, predicted, groups=groups, n_boot=n_boot, level=level, seed=seed
    )
    confusion = made.confusion
    tp, n_gold, n_found = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    return LabelScores(
        labels=made.labels,
        confusion=confusion,
        accuracy=made.estimates[0],
        macro_f1=made.estimates[1],
        per_label={
            name: PRF(tp=int(tp[k]), fp=int(n_found[k] - tp[k]), fn=int(n_gold[k] - tp[k]))
            for k, name in enumerate(made.labels)
        },
        label_f1=dict(zip(made.labels, made.estimates[2:], strict=True)),
        n=len(gold),
        n_groups=made.n_groups,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelSetScores:
    """Scores where a row has any number of labels.

    Parameters
    ----------
    micro_f1 : Estimate
        Over all rows and labels; ``nan`` where there is neither a label nor a prediction.
    per_label : mapping of str to PRF
    n, n_groups : int
        Rows and clusters.
    """

    micro_f1: Estimate
    per_label: Mapping[str, PRF]
    n: int
    n_groups: int


def score_label_sets(
    gold: Sequence[Collection[str]],
    predicted: Sequence[Collection[str]],
    labels: Sequence[str],
    *,
    groups: Sequence[Any] | Array | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    unit: str | None = None,
) -> LabelSetScores:
    """Score the predicted labels of each row, of which there may be any number.

    Parameters
    ----------
    gold, predicted : sequences of collections of str, length n
    labels : sequence of str
        Those that are scored; others count nowhere.
    groups : sequence of length n, optional
        Patient of each row, drawn together in the bootstrap.
    n_boot, level, seed
        Resamples (0 gives no intervals), coverage, seed.
    unit : str, optional
        What is drawn, for the method's name; "row" or "group" by default.

    Returns
    -------
    LabelSetScores
        Micro and macro F1 with intervals, and counts per label.

    Raises
    ------
    ArgumentError
        Unequal lengths, or `level` not strictly between 0 and 1.

    Examples
    --------
    >>> scores = score_label_sets([["a", "b"], []], [["a"], ["b"]], ["a", "b"], n_boot=0)
    >>> scores.micro_f1.value, scores.per_label["b"].fn
    (0.5, 1)
    """
    check_level(level)
    if len(gold) != len(predicted):
        raise ArgumentError(
            f"gold and predicted must be equally long, got {len(gold)} and {len(predicted)} rows"
        )
    truth, found = label_matrix(gold, labels), label_matrix(predicted, labels)
    codes, n_groups = cluster_codes(groups, len(gold))
    hits, given = (truth & found).sum(1), truth.sum(1) + found.sum(1)

    def micro(weights: Floats) -> float:
        return float(ratio(2 * weights[codes] @ hits, weights[codes] @ given))

    draws = bootstrap_draws(micro, n_groups, n_boot=n_boot, seed=seed)
    unit = unit or ("row" if groups is None else "group")
    tp = (truth & found).sum(0)
    fp, fn = found.sum(0) - tp, truth.sum(0) - tp
    return LabelSetScores(
        micro_f1=percentile_interval(micro(np.ones(n_groups)), draws, level=level, unit=unit),
        per_label={
            name: PRF(tp=int(tp[k]), fp=int(fp[k]), fn=int(fn[k])) for k, name in enumerate(labels)
        },
        n=len(gold),
        n_groups=n_groups,
    )


def label_matrix(sets: Sequence[Collection[str]], labels: Sequence[str]) -> Bools:
    """Return which row has which label, shape (n_rows, n_labels).

    Examples
    --------
    >>> label_matrix([["a"], [], ["b", "a"]], ["a", "b"]).astype(int).tolist()
    [[1, 0], [0, 0], [1, 1]]
    """
    out = np.array([[label in each for label in labels] for each in sets], np.bool_)
    return out.reshape(len(sets), len(labels))


class Resampled(NamedTuple):
    """Classes, their confusion (rows first, columns second), and estimates made from it."""

    labels: tuple[str, ...]
    confusion: Counts
    estimates: list[Estimate]
    n_groups: int


def resample_confusion(
    statistic: Callable[[Any], Floats],
    first: Sequence[str],
    second: Sequence[str],
    *,
    groups: Sequence[Any] | Array | None,
    n_boot: int,
    level: float,
    seed: int,
) -> Resampled:
    """Return the confusion of two labellings and a function of it, with cluster bootstrap.

    `statistic` maps weighted counts of shape (n_labels, n_labels) to k numbers.

    Raises
    ------
    ArgumentError
        No rows, unequal lengths, or `level` not strictly between 0 and 1.
    """
    check_level(level)
    if len(first) != len(second) or not len(first):
        raise ArgumentError(
            "the two labellings must be equally long and not empty, "
            f"got {len(first)} and {len(second)} labels"
        )
    labels = tuple(sorted(set(first) | set(second)))
    at, k = {label: i for i, label in enumerate(labels)}, len(labels)
    # One number per row, so that a resample is one weighted count
    cells = np.array([at[a] * k + at[b] for a, b in zip(first, second, strict=True)], np.int64)
    codes, n_groups = cluster_codes(groups, len(cells))

    def resampled(weights: Floats) -> Floats:
        counts = np.bincount(cells, weights[codes], minlength=k * k)
        return statistic(counts.reshape(k, k))

    confusion = np.bincount(cells, minlength=k * k).reshape(k, k).astype(np.int64)
    draws = bootstrap_draws(resampled, n_groups, n_boot=n_boot, seed=seed)
    unit = "row" if groups is None else "group"
    estimates = [
        percentile_interval(float(v), draws[:, i] if len(draws) else (), level=level, unit=unit)
        for i, v in enumerate(statistic(confusion))
    ]
    return Resampled(labels, confusion, estimates, n_groups)


def _scores(confusion: Any) -> Floats:
    """Accuracy, macro F1, then F1 of each class."""
    tp = confusion.diagonal()
    f1 = ratio(2 * tp, confusion.sum(axis=0) + confusion.sum(axis=1))
    defined = f1[~np.isnan(f1)]
    accuracy, macro = ratio(tp.sum(), confusion.sum()), ratio(defined.sum(), len(defined))
    return np.array([accuracy, macro, *f1])
