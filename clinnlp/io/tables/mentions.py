"""Mentions in CSV, TSV and Parquet, with the columns of `EntityTable.SCHEMA`.

In CSV and TSV, which may be opened in a spreadsheet, text that it would run as a formula begins
with an apostrophe, which the reader takes off again; a column ``guarded`` then says of each row
where it stands (`core.formulas`).
"""

from pathlib import Path

from clinnlp.core.tables import EntityTable
from clinnlp.io.tables.arrow import read_columns, write_columns

__all__ = ["read_entity_table", "write_entity_table"]


def read_entity_table(path: str | Path) -> EntityTable:
    """Return the mentions in a CSV, TSV or Parquet file, or a folder of Parquet parts.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    EntityTable

    Raises
    ------
    DataError
        A column that is unknown, missing or of the wrong type.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.core.tables import EntityTable
    >>> row = {"note": "n1", "label": "Drug", "start": 0, "end": 7, "n_concepts": 0}
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_entity_table(EntityTable.from_rows([row]), f"{folder.name}/mentions.csv")
    >>> read_entity_table(f"{folder.name}/mentions.csv")
    EntityTable(1 rows)
    >>> folder.cleanup()
    """
    return read_columns(EntityTable, path, {})


def write_entity_table(table: EntityTable, path: str | Path) -> None:
    """Write mentions as CSV, TSV or Parquet by suffix, or without one as a folder of parts."""
    write_columns(table, path)
