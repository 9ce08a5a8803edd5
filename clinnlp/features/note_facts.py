"""What can be counted of each annotated note without reading it again: for drift over time."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from clinnlp.core.arrays import Array, Floats, Ints
from clinnlp.core.checks import check_several
from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note
from clinnlp.core.times import naive_utc

__all__ = ["NoteFacts", "note_facts"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NoteFacts:
    """Numbers of notes.

    Parameters
    ----------
    times : array of datetime64[s], shape (n_notes,)
    patients : array of int64, shape (n_notes,)
        A number for each patient; a note of nobody is a patient of its own.
    quantities : tuple of str
        ``words``; ``mentions of <label>`` and ``with heading <kind>`` for each; ``score`` (mean),
        ``without a concept`` (share of mentions), ``new tokens`` (share), ``not read`` (share of
        tokens) and ``unlike`` (1 where the note is unlike those of the training), where known.
    values : array of float64, shape (n_notes, n_quantities)
        nan where a note has no such number.
    """

    times: Array
    patients: Ints
    quantities: tuple[str, ...]
    values: Floats


def note_facts(notes: Iterable[Note]) -> NoteFacts:
    """Return the numbers of annotated notes.

    Parameters
    ----------
    notes : iterable of Note
        Each with a time; read once.

    Raises
    ------
    DataError
        A note without a time.

    Examples
    --------
    >>> from datetime import datetime
    >>> facts = note_facts([Note(id="n1", text="No cough.", time=datetime(2024, 5, 1))])
    >>> facts.quantities[0], float(facts.values[0, 0]), str(facts.times[0])
    ('words', 2.0, '2024-05-01T00:00:00')
    """
    check_several(notes, name="notes")
    times, patients, rows = [], list[int](), list[dict[str, float]]()
    codes: dict[str, int] = {}
    for k, note in enumerate(notes):
        time = naive_utc(note.time)
        if time is None:
            raise DataError("each note must have a time to be in a period, got none", note=note.id)
        times.append(time)
        whose = f"note {k}" if note.patient is None else f"patient {note.patient}"
        patients.append(codes.setdefault(whose, len(codes)))
        rows.append(_facts(note))
    names = tuple(sorted({name for row in rows for name in row}, key=_rank))
    counted = [name.startswith(_COUNTED) for name in names]
    values = np.full((len(rows), len(names)), np.nan)
    values[:, counted] = 0.0  # a note without such a mention or heading has none of it
    column = {name: j for j, name in enumerate(names)}
    for i, row in enumerate(rows):
        for name, value in row.items():
            values[i, column[name]] = value
    return NoteFacts(
        times=np.array(times, "datetime64[s]"),
        patients=np.array(patients, np.int64),
        quantities=names,
        values=values,
    )


_COUNTED = ("mentions of ", "with heading ")
_FIRST = ("words", "score", "without a concept", "new tokens", "not read", "unlike")


def _rank(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST)), name


def _facts(note: Note) -> dict[str, float]:
    facts: dict[str, float] = {"words": len(note.text.split())}
    scores = [entity.score for entity in note.entities if entity.score is not None]
    if scores:
        facts["score"] = float(np.mean(scores))
    if note.entities:
        facts["without a concept"] = float(np.mean([not e.concepts for e in note.entities]))
    for entity in note.entities:
        name = f"mentions of {entity.label}"
        facts[name] = facts.get(name, 0.0) + 1
    facts |= {f"with heading {section.kind}": 1.0 for section in note.sections or ()}
    coverage = note.coverage
    if coverage is not None and coverage.n_total:
        facts["not read"] = 1 - coverage.n_seen / coverage.n_total
        if coverage.n_new is not None:
            facts["new tokens"] = coverage.n_new / coverage.n_total
        if coverage.unlike is not None:
            facts["unlike"] = float(coverage.unlike)
    return facts
