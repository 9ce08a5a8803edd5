"""A review read back: from the leaks that people found in a sample, what may be left in all notes.

Every note that was drawn must be in the reviewed file, since one that was left out would count as
clean. A mention with the label ``LEAK`` is an identifier that was left.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError, StoreError, instead_of
from clinnlp.core.json_objects import read_json_object
from clinnlp.core.notes import Note
from clinnlp.core.spans import merge
from clinnlp.metrics.leak_bound import LeakBound, ReviewedStratum, leak_bound
from clinnlp.study.deidentify.sample import DESIGN

__all__ = ["LEAK", "read_audit"]

LEAK = "LEAK"


def read_audit(
    reviewed: Iterable[Note],
    folder: str | Path,
    *,
    most_chars: int = 100,
    level: float = 0.95,
) -> LeakBound:
    """Return the bound that follows from reviewed notes and how they were drawn.

    Parameters
    ----------
    reviewed : iterable of Note
        The notes of ``review.jsonl``, what was left in them marked with the label ``LEAK``.
    folder : path
        ``OUT.deid``, which holds how they were drawn.
    most_chars : int
        That a note leaks at most.
    level : float
        How often the bound is to hold.

    Raises
    ------
    DataError
        A note that was drawn is missing, or one was not drawn.
    StoreError
        The folder holds no design, or a broken one.
    ArgumentError
        `level` not strictly between 0 and 1.
    """
    path = Path(folder, DESIGN)
    if not path.exists():
        raise StoreError(f"{path} must say how notes were drawn, got none; draw some by --audit N")
    design = read_json_object(path)
    broken = StoreError(f"{path} must say how notes were drawn, got another form")
    with instead_of((KeyError, TypeError, AttributeError, ValueError), broken):
        strata = [(int(s["n_notes"]), [str(i) for i in s["drawn"]]) for s in design["strata"]]
        n_words = int(design["n_words"])
    leaked = {note.id: _n_leaked(note) for note in reviewed}
    drawn = {name for _, names in strata for name in names}
    _check_all(leaked, drawn, folder)
    made = [
        ReviewedStratum(n_notes=n_notes, leaked=[leaked[name] for name in names])
        for n_notes, names in strata
    ]
    return leak_bound(made, n_words=n_words, most_chars=most_chars, level=level)


def _check_all(leaked: Mapping[str, Any], drawn: set[str], folder: str | Path) -> None:
    n_missing, n_other = len(drawn - leaked.keys()), len(leaked.keys() - drawn)
    if n_missing or n_other:
        raise DataError(
            f"reviewed notes must be the {len(drawn)} that were drawn, got {n_missing} missing and "
            f"{n_other} others",
            path=folder,
        )


def _n_leaked(note: Note) -> int:
    pieces = [piece for entity in note.entities if entity.label == LEAK for piece in entity.pieces]
    return sum(span.length for span in merge(pieces))
