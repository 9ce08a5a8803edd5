"""Scores of extracted mentions against gold ones.

**Strict**: a prediction is right where label and all parts equal those of a gold mention.
**Relaxed**: same label and at least one shared code point of the parts, paired one-to-one so
that the number of pairs is the largest possible. Both are micro-averaged over labels, and every
mention counts: two equal gold mentions need two equal predictions.

    precision = tp / (tp + fp)      recall = tp / (tp + fn)      F1 = 2 tp / (2 tp + fp + fn)

Intervals resample documents (patients are not known here) and so cover the test sample, not
retraining.

References
----------
Tjong Kim Sang and De Meulder, CoNLL 2003 (strict); Segura-Bedmar et al., SemEval 2013 task 9
(exact boundary and type); Hopcroft and Karp, SIAM J Comput 1973 (maximum matching).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import maximum_bipartite_matching

from clinnlp.core.arrays import Counts, Floats
from clinnlp.core.checks import check_level, check_one_of, check_several
from clinnlp.core.counts import PRF, Estimate, ratio
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import pairs_overlapping
from clinnlp.metrics.intervals import bootstrap_draws, percentile_interval

__all__ = [
    "Match",
    "SpanScores",
    "count_matches",
    "labels_among",
    "pair_entities",
    "score_spans",
    "scores_of_counts",
]

Match = Literal["strict", "relaxed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanScores:
    """Counts and scores of one comparison.

    Parameters
    ----------
    match : {"strict", "relaxed"}
    micro : PRF
        Counts over all labels.
    per_label : mapping of str to PRF
        Sorted by label.
    precision, recall, f1 : Estimate
        Of `micro`, with the document-bootstrap interval.
    label_f1 : mapping of str to Estimate
        F1 of each label.
    macro_f1 : Estimate
        Mean of the labels' F1.
    n_notes : int
        Documents compared.
    """

    match: Match
    micro: PRF
    per_label: Mapping[str, PRF]
    precision: Estimate
    recall: Estimate
    f1: Estimate
    label_f1: Mapping[str, Estimate]
    macro_f1: Estimate
    n_notes: int

    def rows(self) -> list[dict[str, Any]]:
        """Return one plain row per label, then one for all labels together ("micro")."""
        pairs = [(label, prf, self.label_f1[label]) for label, prf in self.per_label.items()]
        return [_row(*pair) for pair in [*pairs, ("micro", self.micro, self.f1)]]


def score_spans(
    gold: Iterable[Note],
    predicted: Iterable[Note],
    *,
    match: Match = "strict",
    labels: Collection[str] | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> SpanScores:
    """Score the mentions of predicted notes against gold notes of the same ids.

    Parameters
    ----------
    gold, predicted : iterable of Note
        Paired by id, in any order; read once.
    match : {"strict", "relaxed"}
        Equal parts, or one shared code point under a maximum one-to-one matching.
    labels : collection of str, optional
        Score only these; all labels of both sides by default.
    n_boot : int
        Resamples of documents for the intervals; 0 gives none.
    level : float
        Coverage of the intervals.
    seed : int
        Seed of the resampling.

    Returns
    -------
    SpanScores
        Micro precision, recall and F1 with intervals by document, and counts per label.

    Raises
    ------
    ArgumentError
        An unknown `match`, a label that stands in neither side, or a `level` that is not strictly
        between 0 and 1.
    DataError
        Ids that repeat or have no partner, or texts that differ under one id.

    Examples
    --------
    >>> from clinnlp.core.spans import Span
    >>> gold = Note(id="n", text="aspirin 10 mg", entities=(
    ...     Entity(id="T1", span=Span(0, 7), label="Drug"),
    ...     Entity(id="T2", span=Span(8, 13), label="Dose")))
    >>> found = gold.with_(entities=(
    ...     Entity(id="P1", span=Span(0, 7), label="Drug"),
    ...     Entity(id="P2", span=Span(8, 10), label="Dose")))
    >>> score_spans([gold], [found]).micro
    PRF(tp=1, fp=1, fn=1)
    >>> score_spans([gold], [found], match="relaxed").micro
    PRF(tp=2, fp=0, fn=0)
    """
    check_one_of(match, ("strict", "relaxed"), name="match")
    check_level(level)
    check_several(gold, name="gold")
    check_several(predicted, name="predicted")
    pairs = [(ours, theirs) for _, ours, theirs in pair_entities(gold, predicted)]
    names = _labels(pairs, labels)
    counts = _count(pairs, names, match)
    return scores_of_counts(counts, names, match=match, n_boot=n_boot, level=level, seed=seed)


def scores_of_counts(
    counts: Counts, names: Sequence[str], *, match: Match, n_boot: int, level: float, seed: int
) -> SpanScores:
    """Return the scores of true positives, false ones and misses of each note and label.

    Parameters
    ----------
    counts : array of int, shape (n_notes, n_labels, 3)
    names : sequence of str
        The labels, sorted.
    match, n_boot, level, seed
        As for `score_spans`.
    """
    check_level(level)
    whole = _scores(counts.sum(axis=0))
    n_notes = len(counts)
    flat = counts.reshape(n_notes, 3 * len(names)).astype(np.float64)

    def resampled(weights: Floats) -> Floats:
        return _scores((weights @ flat).reshape(len(names), 3))

    draws = bootstrap_draws(resampled, n_notes, n_boot=n_boot if n_notes else 0, seed=seed)
    made = [
        percentile_interval(
            float(value), draws[:, k] if len(draws) else (), level=level, unit="document"
        )
        for k, value in enumerate(whole)
    ]
    totals = [PRF(tp=int(t), fp=int(p), fn=int(n)) for t, p, n in counts.sum(axis=0)]
    return SpanScores(
        match=match,
        micro=sum(totals, PRF(tp=0, fp=0, fn=0)),
        per_label=dict(zip(names, totals, strict=True)),
        precision=made[0],
        recall=made[1],
        f1=made[2],
        macro_f1=made[3],
        label_f1=dict(zip(names, made[4:], strict=True)),
        n_notes=n_notes,
    )


def count_matches(gold: Sequence[Entity], predicted: Sequence[Entity], match: Match) -> int:
    """Return how many mentions of one note and one label pair up, one-to-one.

    Both sequences must hold mentions of the same label; the label is not looked at.
    """
    return _MATCHERS[match](gold, predicted)


def pair_entities(
    gold: Iterable[Note], predicted: Iterable[Note]
) -> list[tuple[Note, tuple[Entity, ...], tuple[Entity, ...]]]:
    """Return each gold note with its mentions and the predicted ones, in the order of gold.

    Raises
    ------
    DataError
        Ids that repeat or have no partner, or texts that differ under one id.
    """
    ours: dict[str, Note] = {}
    for note in gold:
        if note.id in ours:
            raise DataError("ids of gold notes must be unique, got this one twice", note=note.id)
        ours[note.id] = note
    theirs: dict[str, tuple[Entity, ...]] = {}
    for note in predicted:
        if note.id in theirs:
            raise DataError("ids of predictions must be unique, got this one twice", note=note.id)
        if note.id not in ours:
            raise DataError(
                "each prediction must have a gold note, this one has none", note=note.id
            )
        if ours[note.id].text != note.text:
            raise DataError(
                "gold and prediction must have the same text, got different ones; offsets of "
                "two texts cannot be compared",
                note=note.id,
            )
        theirs[note.id] = note.entities
    for name in ours:
        if name not in theirs:
            raise DataError("each gold note must have a prediction, this one has none", note=name)
    return [(note, note.entities, theirs[name]) for name, note in ours.items()]


def _strict(gold: Sequence[Entity], predicted: Sequence[Entity]) -> int:
    theirs = Counter(entity.pieces for entity in predicted)
    ours = Counter(entity.pieces for entity in gold)
    return sum(min(n, theirs[pieces]) for pieces, n in ours.items())


def _relaxed(gold: Sequence[Entity], predicted: Sequence[Entity]) -> int:
    touching = _touching(gold, predicted)
    if not touching:
        return 0
    rows, columns = (list(side) for side in zip(*sorted(touching), strict=True))
    if len(set(rows)) == len(rows) and len(set(columns)) == len(columns):
        return len(touching)  # nothing to choose
    graph = sparse.csr_matrix(
        (np.ones(len(rows), np.int8), (rows, columns)), shape=(len(gold), len(predicted))
    )
    return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())


def _touching(gold: Sequence[Entity], predicted: Sequence[Entity]) -> set[tuple[int, int]]:
    """Return the positions of entities that share a character in some of their parts."""
    left = [(piece, i) for i, e in enumerate(gold) for piece in e.pieces]
    right = [(piece, j) for j, e in enumerate(predicted) for piece in e.pieces]
    pairs = pairs_overlapping([piece for piece, _ in left], [piece for piece, _ in right])
    return {(left[a][1], right[b][1]) for a, b in pairs}


_MATCHERS: dict[Match, Callable[[Sequence[Entity], Sequence[Entity]], int]] = {
    "strict": _strict,
    "relaxed": _relaxed,
}

_Pair = tuple[tuple[Entity, ...], tuple[Entity, ...]]


def _labels(pairs: Iterable[_Pair], labels: Collection[str] | None) -> list[str]:
    known = {entity.label for pair in pairs for side in pair for entity in side}
    return labels_among(known, labels, what="mentions")


def labels_among(known: Collection[str], labels: Collection[str] | None, *, what: str) -> list[str]:
    """Return the labels to score, sorted: all known ones, or those asked for among them.

    Raises
    ------
    ArgumentError
        One string instead of a collection, or a label that is not known.
    """
    if labels is None:
        return sorted(known)
    if isinstance(labels, str):
        raise ArgumentError(f"labels must be a collection of labels, got the one string {labels!r}")
    unknown = sorted(set(labels) - set(known))
    if unknown:
        raise ArgumentError(
            f"labels must be among {', '.join(sorted(known)) or f'none (no {what})'}, "
            f"got {', '.join(unknown)}"
        )
    return sorted(set(labels))


def _count(pairs: Sequence[_Pair], names: Sequence[str], match: Match) -> Counts:
    at = {name: k for k, name in enumerate(names)}
    counts = np.zeros((len(pairs), len(names), 3), np.int64)
    for row, pair in enumerate(pairs):
        gold, predicted = (_by_label(side) for side in pair)
        for label in at.keys() & (gold.keys() | predicted.keys()):
            ours, theirs = gold.get(label, []), predicted.get(label, [])
            tp = count_matches(ours, theirs, match) if ours and theirs else 0
            counts[row, at[label]] = tp, len(theirs) - tp, len(ours) - tp
    return counts


def _by_label(entities: Iterable[Entity]) -> dict[str, list[Entity]]:
    out: dict[str, list[Entity]] = defaultdict(list)
    for entity in entities:
        out[entity.label].append(entity)
    return out


def _scores(counts: Any) -> Floats:
    """Micro precision, recall, F1; macro F1; then F1 of each label, of (n_labels, 3) counts."""
    tp, fp, fn = counts.sum(axis=0)
    f1 = ratio(2 * counts[:, 0], 2 * counts[:, 0] + counts[:, 1] + counts[:, 2])
    defined = f1[~np.isnan(f1)]
    micro = [ratio(tp, tp + fp), ratio(tp, tp + fn), ratio(2 * tp, 2 * tp + fp + fn)]
    return np.array([*micro, ratio(defined.sum(), len(defined)), *f1])


def _row(label: str, prf: PRF, f1: Estimate) -> dict[str, Any]:
    return {
        "label": label,
        "n_gold": prf.tp + prf.fn,
        "n_predicted": prf.tp + prf.fp,
        "tp": prf.tp,
        "fp": prf.fp,
        "fn": prf.fn,
        "precision": prf.precision,
        "recall": prf.recall,
        "f1": prf.f1,
        "f1_low": f1.low,
        "f1_high": f1.high,
    }
