"""A table of text written as another was read: its separator, its packing, whole or not at all.

For databases and programs, not for spreadsheets: a cell that one would run as a formula stays.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from clinnlp.io.files.lines import write_bytes
from clinnlp.io.tables.rows import DELIMITERS, table_form

__all__ = ["write_rows"]


def write_rows(path: str | Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Write rows of text as CSV or TSV by suffix, packed as it says, and return how many.

    Parameters
    ----------
    path : path
        Ends in .csv or .tsv, perhaps in .gz or .xz behind it.
    header : sequence of str
    rows : iterable of sequence of str

    Raises
    ------
    RunError
        The disk is full or may not be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_rows(f"{folder.name}/a.csv", ["id", "word"], [["1", "a, b"]])
    1
    >>> Path(folder.name, "a.csv").read_text()
    'id,word\\n1,"a, b"\\n'
    >>> folder.cleanup()
    """
    n = 0
    with write_bytes(path) as raw:
        text = io.TextIOWrapper(raw, "utf-8", newline="")
        try:
            writer = csv.writer(text, delimiter=DELIMITERS[table_form(path)], lineterminator="\n")
            writer.writerow(header)
            for row in rows:
                writer.writerow(row)
                n += 1
            text.flush()
        finally:
            text.detach()  # who opened it closes it
    return n
