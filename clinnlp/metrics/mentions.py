"""What lies behind a span score: groups of mentions, kinds of error, trust in the scores, rivals.

Everything here matches **strictly**: label and all parts equal.

**Errors** of one note and the mention they are told of: *type*, the right span under another
label; *boundary*, the right label on a span that overlaps; *missed* and *invented*, what is left
of the gold and of the predicted mentions.

**Confidence**: with n mentions in bins of equal size by score,

    ECE = Σ_bins n_bin/n · |mean score - share that is right|        Brier = mean (score - right)²

**Rivals**: the difference of micro F1 of two predictions of the same notes, its interval from
resampling documents, and a p-value from swapping the two at random within documents
(H0: the predictions are exchangeable).

References
----------
Noreen 1989; Yeh, COLING 2000 (approximate randomisation); Naeini et al., AAAI 2015 (ECE).
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from clinnlp.core.arrays import Floats
from clinnlp.core.checks import check_at_least, check_level, check_several
from clinnlp.core.counts import PRF, Estimate, ratio
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span, overlaps
from clinnlp.metrics.intervals import bootstrap_draws, percentile_interval
from clinnlp.metrics.spans import pair_entities

__all__ = [
    "ConfidenceScores",
    "Difference",
    "SpanError",
    "compare_spans",
    "difference_of_counts",
    "list_errors",
    "mention_length",
    "score_confidence",
    "score_groups",
    "seen_in",
]

Kind = Literal["type", "boundary", "missed", "invented"]
Key = tuple[str, tuple[Span, ...]]


class SpanError(NamedTuple):
    """One error, by note and offsets, never by text; absent ends are None."""

    note: str
    kind: Kind
    gold_label: str | None
    gold_span: Span | None
    label: str | None
    span: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceScores:
    """How far the scores of mentions can be trusted.

    Parameters
    ----------
    ece, brier : float
    n : int
        Mentions that carry a score.
    rows : tuple of dict
        One per bin: n, mean score, share right.
    """

    ece: float
    brier: float
    n: int
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Micro F1 of `a` less that of `b`: interval by document, p by swapping within documents."""

    difference: Estimate
    p: float
    n_notes: int


def score_groups(
    gold: Iterable[Note], predicted: Iterable[Note], group: Callable[[Note, Entity], str]
) -> dict[str, PRF]:
    """Return strict counts of each group of mentions, in the order of the groups' names.

    Parameters
    ----------
    gold, predicted : iterable of Note
        Paired by id.
    group : callable
        From a note and a mention of it, gold or predicted, to the group's name; it must depend
        on span and label alone. See `seen_in` and `mention_length`.

    Examples
    --------
    >>> from clinnlp.core.spans import Span
    >>> note = Note(id="n", text="aspirin, ibuprofen", entities=(
    ...     Entity(id="T1", span=Span(0, 7), label="Drug"),))
    >>> score_groups([note], [note], seen_in([note]))
    {'seen': PRF(tp=1, fp=0, fn=0)}
    """
    counts: dict[str, list[int]] = {}
    for note, ours, theirs in pair_entities(gold, predicted):
        left, right = _by_key(ours), _by_key(theirs)
        for key in left.keys() | right.keys():
            entity = (left.get(key) or right[key])[0]
            n, m = len(left.get(key, ())), len(right.get(key, ()))
            row = counts.setdefault(group(note, entity), [0, 0, 0])
            for i, more in enumerate((min(n, m), max(0, m - n), max(0, n - m))):
                row[i] += more
    return {name: PRF(tp=t, fp=p, fn=n) for name, (t, p, n) in sorted(counts.items())}


def seen_in(train: Iterable[Note]) -> Callable[[Note, Entity], str]:
    """Return a group: whether a mention's text carries its label in `train`, case apart."""
    known = {(e.label, _folded(note, e)) for note in train for e in note.entities}
    return lambda note, entity: (
        "seen" if (entity.label, _folded(note, entity)) in known else "unseen"
    )


def mention_length(note: Note, entity: Entity) -> str:
    """Return a group: how many blank-separated words a mention has."""
    n = len(_folded(note, entity).split(" "))
    return str(n) if n < 4 else "4+"


def list_errors(gold: Iterable[Note], predicted: Iterable[Note]) -> list[SpanError]:
    """Return what went wrong, note by note, by offsets.

    Parameters
    ----------
    gold, predicted : iterable of Note
        Paired by id.

    Returns
    -------
    list of SpanError
        Note id, kind (``type``, ``boundary``, ``missed``, ``invented``), labels and spans of both.

    Raises
    ------
    DataError
        Ids that repeat or have no partner, or texts that differ under one id.

    Examples
    --------
    >>> from clinnlp.core.spans import Span
    >>> gold = Note(id="n", text="chest pain", entities=(
    ...     Entity(id="T1", span=Span(0, 10), label="Problem"),))
    >>> found = gold.with_(entities=(Entity(id="B1", span=Span(6, 10), label="Problem"),))
    >>> [(e.kind, e.gold_span, e.span) for e in list_errors([gold], [found])]
    [('boundary', Span(start=0, end=10), Span(start=6, end=10))]
    """
    out: list[SpanError] = []
    for note, ours, theirs in pair_entities(gold, predicted):
        left, right = _unmatched(ours, theirs), _unmatched(theirs, ours)
        # The nearest first: whoever finds a partner here is neither missed nor invented
        for kind, agree in _PARTNERS:
            for a in list(left):
                b = next((b for b in right if agree(a, b)), None)
                if b is not None:
                    left.remove(a)
                    right.remove(b)
                    out.append(SpanError(note.id, kind, a.label, a.span, b.label, b.span))
        out += [SpanError(note.id, "missed", a.label, a.span, None, None) for a in left]
        out += [SpanError(note.id, "invented", None, None, b.label, b.span) for b in right]
    return out


def score_confidence(
    gold: Iterable[Note], predicted: Iterable[Note], *, n_bins: int = 15
) -> ConfidenceScores:
    """Return how well the scores of predicted mentions tell which of them are right.

    Parameters
    ----------
    gold, predicted : iterable of Note
        Paired by id; mentions without a score are left out.
    n_bins : int
        Bins of equal size, at least 1.
    """
    check_at_least(n_bins, 1, name="n_bins")
    score, right = [], []
    for _, ours, theirs in pair_entities(gold, predicted):
        left = Counter(map(_key, ours))
        for entity in theirs:
            hit = left[_key(entity)] > 0
            left[_key(entity)] -= hit
            if entity.score is not None:
                score.append(entity.score)
                right.append(hit)
    p, y = np.array(score, np.float64), np.array(right, np.float64)
    order = np.argsort(p, kind="stable")
    # Of equal size: scores crowd near 1, so that bins of equal width would be nearly empty
    bins = [part for part in np.array_split(order, n_bins) if len(part)]
    rows = tuple(
        {"n": len(b), "mean_score": float(p[b].mean()), "share_right": float(y[b].mean())}
        for b in bins
    )
    gaps = [row["n"] * abs(row["mean_score"] - row["share_right"]) for row in rows]
    return ConfidenceScores(
        ece=float(ratio(sum(gaps), len(p))),
        brier=float(ratio(((p - y) ** 2).sum(), len(p))),
        n=len(p),
        rows=rows,
    )


def compare_spans(
    gold: Iterable[Note],
    a: Iterable[Note],
    b: Iterable[Note],
    *,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Return how much better `a` is than `b` in strict micro F1, paired by document.

    Parameters
    ----------
    gold, a, b : re-iterable of Note
        Of the same ids.
    n_boot : int
        Resamples for the interval, and random swaps for p, at least 1.
    level, seed
        As for `clinnlp.metrics.spans.score_spans`.

    Returns
    -------
    Difference
        F1 of `a` less that of `b` with its interval, and p of random swaps.

    Raises
    ------
    ArgumentError
        `n_boot` below 1, a `level` not strictly between 0 and 1, or notes that are read only once.
    DataError
        Ids that repeat or have no partner, or texts that differ under one id.

    Examples
    --------
    >>> pain = Entity(id="T1", span=Span(0, 10), label="Problem")
    >>> gold = [Note(id=f"n{k}", text="chest pain", entities=(pain,)) for k in range(9)]
    >>> none = [note.with_(entities=()) for note in gold]
    >>> compare_spans(gold, gold, none).difference.value
    1.0
    """
    check_at_least(n_boot, 1, name="n_boot")
    check_level(level)
    for notes, name in ((gold, "gold"), (a, "a"), (b, "b")):
        check_several(notes, name=name)
        if iter(notes) is notes:
            raise ArgumentError(f"{name} must be re-iterable, got a one-shot iterator")
    counts = np.stack([_note_counts(gold, a), _note_counts(gold, b)])
    return difference_of_counts(counts, n_boot=n_boot, level=level, seed=seed)


def difference_of_counts(counts: Floats, *, n_boot: int, level: float, seed: int) -> Difference:
    """Return the difference of micro F1 of two predictions of the same notes.

    Parameters
    ----------
    counts : array of float, shape (2, n_notes, 3)
        True positives, false ones and misses of both.
    n_boot, level, seed
        As for `compare_spans`.
    """
    check_level(level)
    value = _f1_gap(counts.sum(axis=1))

    def resampled(weights: Floats) -> Floats:
        return np.array([_f1_gap(weights @ counts)])

    n = counts.shape[1]
    draws = bootstrap_draws(resampled, n, n_boot=n_boot, seed=seed)[:, 0]
    rng = np.random.default_rng(seed)
    total, gap = counts.sum(axis=(0, 1)), counts[0] - counts[1]
    extreme = 0
    for _ in range(n_boot):
        # The counts are (total ± gap) / 2: swapping a document turns the sign of its gap
        half = rng.choice([-0.5, 0.5], n) @ gap
        extreme += abs(_f1_gap(np.stack([total / 2 + half, total / 2 - half]))) >= abs(value)
    return Difference(
        difference=percentile_interval(value, draws, level=level, unit="document"),
        # The answers as they are count as one of the swaps, so that p is never 0
        p=(extreme + 1) / (n_boot + 1),
        n_notes=n,
    )


def _key(entity: Entity) -> Key:
    return entity.label, entity.pieces


def _by_key(entities: Iterable[Entity]) -> dict[Key, list[Entity]]:
    out: dict[Key, list[Entity]] = {}
    for entity in entities:
        out.setdefault(_key(entity), []).append(entity)
    return out


def _unmatched(these: Iterable[Entity], others: Iterable[Entity]) -> list[Entity]:
    left = Counter(map(_key, others))
    out = []
    for entity in these:
        if left[_key(entity)]:
            left[_key(entity)] -= 1
        else:
            out.append(entity)
    return out


def _touch(a: Entity, b: Entity) -> bool:
    return any(overlaps(x, y) for x in a.pieces for y in b.pieces)


_PARTNERS: tuple[tuple[Kind, Callable[[Entity, Entity], bool]], ...] = (
    ("type", lambda a, b: a.pieces == b.pieces),
    ("boundary", lambda a, b: a.label == b.label and _touch(a, b)),
)


def _folded(note: Note, entity: Entity) -> str:
    text = " ".join(note[piece] for piece in entity.pieces)
    return " ".join(text.casefold().split())


def _note_counts(gold: Iterable[Note], predicted: Iterable[Note]) -> Floats:
    rows = []
    for _, ours, theirs in pair_entities(gold, predicted):
        tp = sum((Counter(map(_key, ours)) & Counter(map(_key, theirs))).values())
        rows.append((tp, len(theirs) - tp, len(ours) - tp))
    return np.array(rows, np.float64).reshape(-1, 3)


def _f1_gap(counts: Any) -> float:
    """Return F1 of the first less that of the second, of counts (2, 3)."""
    tp, fp, fn = np.asarray(counts, np.float64).T
    f1 = ratio(2 * tp, 2 * tp + fp + fn)
    return float(f1[0] - f1[1])
