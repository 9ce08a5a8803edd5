"""Rows of a DataFrame, or of any table with the Arrow interface, to notes."""

from collections.abc import Mapping
from typing import Any

from clinnlp.core.arrow import column_lists, names_of, read_once
from clinnlp.core.errors import DataError, located
from clinnlp.core.notes import Note
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.notes.documents import add_id
from clinnlp.io.notes.tables import COLUMNS, Cells, note_of_row
from clinnlp.io.notes.values import check_values
from clinnlp.io.tables.columns import check_columns
from clinnlp.io.tables.dates import time_reader

__all__ = ["from_pandas", "notes_of_rows"]


def from_pandas(
    df: Any,
    *,
    text: str,
    id: str | None = None,
    patient: str | None = None,
    encounter: str | None = None,
    time: str | None = None,
    known: str | None = None,
    kind: str | None = None,
    label: str | None = None,
    dialect: Dialect | None = None,
) -> list[Note]:
    """Return one note per row of a DataFrame.

    Parameters
    ----------
    df : DataFrame, or table with the Arrow interface
        Of pandas, polars, DuckDB, pyarrow, ...; only those of pandas need pandas.
    text : str
        Name of the column with the text; the others likewise, each optional.
    id : str, optional
        Absent: the position of the row from 0.
    time, known : str, optional
        What time the note speaks of, and when it could first be read: datetimes or ISO 8601.
    label : str, optional
        Becomes the one label of the note.
    dialect : Dialect, optional
        How times are written, where they are text.
    patient, encounter, kind : str, optional
        Columns with whose note it is, the stay, and the kind of document.

    Returns
    -------
    list of Note

    Raises
    ------
    ArgumentError
        No table.
    DataError
        A missing column, a repeated id, a time that is none, a row without text.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"note": ["No cough."], "mrn": [7], "dept": ["ENT"]})
    >>> notes = from_pandas(frame, text="note", patient="mrn", label="dept")
    >>> notes[0].id, notes[0].patient, notes[0].labels
    ('0', '7', ('ENT',))
    """
    given = locals()
    named = {field: given[field] for field in COLUMNS if given[field] is not None}
    df = read_once(df)
    names = names_of(df)
    at = check_columns(list(named.values()), names)
    columns = column_lists(df, [names[k] for k in at])
    cells = Cells(read_time=time_reader(dialect or Dialect()), column_of=named)
    seen: set[str] = set()
    notes = []
    for row, values in enumerate(zip(*columns, strict=True)):
        fields = dict(zip(named, values, strict=True))
        note = note_of_row(fields, str(row), f"row {row}", None, cells=cells)
        with located(f"row {row}"):
            notes.append(check_values(note))
        add_id(seen, notes[-1].id, f"row {row}")
    return notes


def notes_of_rows(
    table: Any, named: Mapping[str, str], dialect: Dialect | None = None
) -> tuple[list[Note], list[tuple[str | None, DataError]]]:
    """Return the notes of the rows of a table, and what is wrong with other rows.

    Parameters
    ----------
    table : table with the Arrow interface, or DataFrame
        Repeated ids are not looked for.
    named : mapping of str to str
        Which column is the text, the id, ..., as in `from_pandas`.
    dialect : Dialect, optional

    Returns
    -------
    notes : list of Note
    wrong : list of (str or None, DataError)
        The id of each other row, where it has one.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"n": ["a", "b"], "words": ["No cough.", None]})
    >>> notes, wrong = notes_of_rows(frame, {"id": "n", "text": "words"})
    >>> notes, wrong[0][0]
    ([Note(id='a', n_chars=9, n_entities=0, n_relations=0)], 'b')
    """
    columns = column_lists(table, list(named.values()))
    cells = Cells(read_time=time_reader(dialect or Dialect()), column_of=named)
    notes, wrong = list[Note](), list[tuple[str | None, DataError]]()
    for row, values in enumerate(zip(*columns, strict=True)):
        fields = dict(zip(named, values, strict=True))
        try:
            with located(f"row {row}"):
                note = note_of_row(fields, str(row), f"row {row}", None, cells=cells)
                notes.append(check_values(note))
        except DataError as error:
            known = fields.get("id")
            wrong.append((None if known is None else str(known), error))
    return notes, wrong
