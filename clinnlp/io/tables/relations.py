"""Relations in CSV, TSV and Parquet, with the columns of `RelationTable.SCHEMA`.

Text that a spreadsheet would run as a formula is guarded as in a table of mentions.
"""

from pathlib import Path

from clinnlp.core.tables import RelationTable
from clinnlp.io.tables.arrow import read_columns, write_columns

__all__ = ["read_relation_table", "write_relation_table"]


def read_relation_table(path: str | Path) -> RelationTable:
    """Return the relations in a CSV, TSV or Parquet file, or a folder of Parquet parts.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    RelationTable

    Raises
    ------
    DataError
        A column that is unknown, missing or of the wrong type.

    Examples
    --------
    >>> import tempfile
    >>> row = {"note": "n1", "label": "causes", "start": 0, "end": 23}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_relation_table(RelationTable.from_rows([row]), f"{folder}/relations.csv")
    ...     read_relation_table(f"{folder}/relations.csv")
    RelationTable(1 rows)
    """
    return read_columns(RelationTable, path, {})


def write_relation_table(table: RelationTable, path: str | Path) -> None:
    """Write relations as CSV, TSV or Parquet by suffix, or without one as a folder of parts.

    Parameters
    ----------
    table : RelationTable
        From `clinnlp.relation_table`.
    path : str or Path

    Returns
    -------
    None
        `read_relation_table` reads the file.

    Raises
    ------
    RunError
        The disk is full or may not be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_relation_table(RelationTable({}), f"{folder}/relations.parquet")
    ...     read_relation_table(f"{folder}/relations.parquet")
    RelationTable(0 rows)
    """
    write_columns(table, path)
