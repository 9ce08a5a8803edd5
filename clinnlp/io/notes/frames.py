"""Rows of a pandas DataFrame to notes."""

import pandas as pd

from clinnlp.core.errors import located
from clinnlp.core.notes import Note
from clinnlp.io.notes.documents import add_id
from clinnlp.io.notes.tables import COLUMNS, note_of_row
from clinnlp.io.notes.values import check_values
from clinnlp.io.tables.columns import check_columns

__all__ = ["from_pandas"]


def from_pandas(
    df: pd.DataFrame,
    *,
    text: str,
    id: str | None = None,
    patient: str | None = None,
    encounter: str | None = None,
    time: str | None = None,
    known: str | None = None,
    kind: str | None = None,
    label: str | None = None,
) -> list[Note]:
    """Return one note per row of a DataFrame.

    Parameters
    ----------
    df : DataFrame
    text : str
        Name of the column with the text; the others likewise, each optional.
    id : str, optional
        Absent: the position of the row from 0.
    time, known : str, optional
        What time the note speaks of, and when it could first be read: datetimes or ISO 8601.
    label : str, optional
        Becomes the one label of the note.

    Raises
    ------
    DataError
        A missing column, a repeated id, a time that is none.

    Examples
    --------
    >>> frame = pd.DataFrame({"note": ["No cough."], "mrn": [7], "dept": ["ENT"]})
    >>> notes = from_pandas(frame, text="note", patient="mrn", label="dept")
    >>> notes[0].id, notes[0].patient, notes[0].labels
    ('0', '7', ('ENT',))
    """
    given = locals()
    named = {field: given[field] for field in COLUMNS if given[field] is not None}
    check_columns(list(named.values()), [str(c) for c in df.columns])
    columns = [
        df[name].astype(object).where(df[name].notna(), None).tolist() for name in named.values()
    ]
    seen: set[str] = set()
    notes = []
    for row, values in enumerate(zip(*columns, strict=True)):
        note = note_of_row(dict(zip(named, values, strict=True)), str(row), f"row {row}", None)
        with located(f"row {row}"):
            notes.append(check_values(note))
        add_id(seen, notes[-1].id, f"row {row}")
    return notes
