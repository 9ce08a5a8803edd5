"""How far two readings of the same notes agree, by label and by axis, with intervals by note.

Mentions: F1 of the one reading against the other, which is the same both ways; strict where both
ends are equal, relaxed where one character is shared. Axes: over the mentions that both have with
one span and one label, Cohen's kappa, and the F1 of "true".

References
----------
Hripcsak and Rothschild, Agreement, the F-measure, and reliability in information retrieval, JAMIA
2005 (kappa of mentions approaches F1, since there is no count of what neither marked).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clinnlp.core.counts import PRF, Estimate
from clinnlp.core.notes import AXES, Entity, Note
from clinnlp.metrics.agreement import cohen_kappa
from clinnlp.metrics.spans import SpanScores, score_spans

__all__ = ["Agreement", "AxisAgreement", "Difference", "compare_readings", "list_differences"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisAgreement:
    """Two readings of one axis.

    Parameters
    ----------
    counts : PRF
        True in both, in the second alone, in the first alone.
    kappa : Estimate
        ``nan`` where both use one value alone.
    """

    counts: PRF
    kappa: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two readings compared.

    Parameters
    ----------
    strict, relaxed : SpanScores
        Of the mentions.
    axes : dict of str to AxisAgreement
        Of the `n_paired` mentions with axes that both have.
    n_paired : int
    """

    strict: SpanScores
    relaxed: SpanScores
    axes: dict[str, AxisAgreement]
    n_paired: int


class Difference(NamedTuple):
    """A mention that one reading lacks, or of which axes differ."""

    note: str
    start: int
    end: int
    label: str
    only: str = ""  # "first" or "second"
    axes: tuple[str, ...] = ()


def compare_readings(
    first: Sequence[Note], second: Sequence[Note], *, n_boot: int = 1000, seed: int = 0
) -> Agreement:
    """Return the agreement of two readings over the notes that both have.

    Parameters
    ----------
    first, second : sequence of Note
    n_boot, seed
        Resamples of notes for the intervals, and their seed.

    Examples
    --------
    >>> from clinnlp.core.notes import Assertion
    >>> from clinnlp.core.spans import Span
    >>> def read(end, negated):
    ...     said = Assertion(**{axis: axis == "negated" and negated for axis in AXES})
    ...     found = Entity(id="T1", span=Span(3, end), label="Problem", assertion=said)
    ...     return Note(id="n", text="No cough or fever.", entities=(found,))
    >>> agreed = compare_readings([read(8, True)], [read(8, False)], n_boot=0)
    >>> agreed.strict.micro.f1, agreed.axes["negated"].counts
    (1.0, PRF(tp=0, fp=0, fn=1))
    """
    ids = {note.id for note in first} & {note.id for note in second}
    ours = sorted((note for note in first if note.id in ids), key=lambda note: note.id)
    theirs = sorted((note for note in second if note.id in ids), key=lambda note: note.id)
    pairs = [
        (a.id, x, y) for a, b in zip(ours, theirs, strict=True) for x, y in _same_mentions(a, b)
    ]
    axes = {axis: _compare_axis(pairs, axis, n_boot=n_boot, seed=seed) for axis in AXES if pairs}
    return Agreement(
        strict=score_spans(ours, theirs, n_boot=n_boot, seed=seed),
        relaxed=score_spans(ours, theirs, match="relaxed", n_boot=n_boot, seed=seed),
        axes=axes,
        n_paired=len(pairs),
    )


def list_differences(first: Sequence[Note], second: Sequence[Note]) -> list[Difference]:
    """Return what a third look must settle, by note and place.

    Parameters
    ----------
    first, second : sequence of Note
        Notes that only one of them has are left out.

    Examples
    --------
    >>> from clinnlp.core.spans import Span
    >>> one = Entity(id="T1", span=Span(3, 8), label="Problem")
    >>> note = Note(id="n", text="No cough.", entities=(one,))
    >>> [d.only for d in list_differences([note], [note.with_(entities=())])]
    ['first']
    """
    other = {note.id: note for note in second}
    found: list[Difference] = []
    for note in first:
        if note.id in other:
            found += _differences(note, other[note.id])
    return found


def _differences(first: Note, second: Note) -> list[Difference]:
    ours = {(e.span.start, e.span.end, e.label): e.assertion.axes for e in first.entities}
    theirs = {(e.span.start, e.span.end, e.label): e.assertion.axes for e in second.entities}
    found = []
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in theirs:
            found.append(Difference(first.id, *key, only="first"))
        elif key not in ours:
            found.append(Difference(first.id, *key, only="second"))
        elif ours[key] != theirs[key]:
            pairs = zip(AXES, ours[key], theirs[key], strict=True)
            axes = tuple(axis for axis, a, b in pairs if a != b)
            found.append(Difference(first.id, *key, axes=axes))
    return found


def _same_mentions(first: Note, second: Note) -> list[tuple[Entity, Entity]]:
    """Return the mentions with axes that both have."""
    other = {(e.span, e.label): e for e in second.entities}
    both = [(e, other[e.span, e.label]) for e in first.entities if (e.span, e.label) in other]
    return [(a, b) for a, b in both if a.assertion.negated is not None]


def _compare_axis(
    pairs: Sequence[tuple[str, Entity, Entity]], axis: str, *, n_boot: int, seed: int
) -> AxisAgreement:
    ours = [bool(getattr(e.assertion, axis)) for _, e, _ in pairs]
    theirs = [bool(getattr(e.assertion, axis)) for _, _, e in pairs]
    both = list(zip(ours, theirs, strict=True))
    counts = PRF(
        tp=both.count((True, True)), fp=both.count((False, True)), fn=both.count((True, False))
    )
    names = [note for note, _, _ in pairs]
    kappa = cohen_kappa(
        [str(v) for v in ours], [str(v) for v in theirs], groups=names, n_boot=n_boot, seed=seed
    )
    return AxisAgreement(counts=counts, kappa=kappa)
