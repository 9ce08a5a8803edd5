"""Scores of assertion: how often each axis of a gold mention is decided right.

Only mentions present in both notes (same label and parts) are compared, so that a missed mention
does not count twice. An axis that gold leaves open (``None``) is not scored; a predicted ``None``
counts as "no", which is what a filter makes of it.
"""

from collections.abc import Iterable

from clinnlp.core.counts import PRF
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import AXES, Entity, Note
from clinnlp.core.spans import Span

__all__ = ["score_assertions"]


def score_assertions(gold: Iterable[Note], predicted: Iterable[Note]) -> dict[str, PRF]:
    """Return precision, recall and F1 of each axis, over mentions found in both.

    Parameters
    ----------
    gold, predicted : iterables of Note
        Paired by id.

    Returns
    -------
    mapping of axis to PRF

    Raises
    ------
    ArgumentError
        A gold note has no prediction.

    Examples
    --------
    >>> from clinnlp.core.notes import Assertion
    >>> def note(negated):
    ...     e = Entity(id="T", span=Span(3, 8), label="P", assertion=Assertion(negated=negated))
    ...     return Note(id="n", text="No cough", entities=(e,))
    >>> score_assertions([note(True)], [note(True)])["negated"]
    PRF(tp=1, fp=0, fn=0)
    """
    found = {note.id: note for note in predicted}
    totals = {axis: PRF(tp=0, fp=0, fn=0) for axis in AXES}
    for note in gold:
        if note.id not in found:
            raise ArgumentError(f"each gold note needs a prediction, note {note.id!r} has none")
        made = {_key(e): e for e in found[note.id].entities}
        for entity in note.entities:
            if (other := made.get(_key(entity))) is not None:
                _count(totals, entity, other)
    return totals


def _key(entity: Entity) -> tuple[str, tuple[Span, ...]]:
    return entity.label, entity.pieces


def _count(totals: dict[str, PRF], gold: Entity, predicted: Entity) -> None:
    values = zip(AXES, gold.assertion.axes, predicted.assertion.axes, strict=True)
    for axis, truth, answer in values:
        if truth is not None:
            tp, fp, fn = truth and bool(answer), not truth and bool(answer), truth and not answer
            totals[axis] += PRF(tp=int(tp), fp=int(fp), fn=int(fn))
