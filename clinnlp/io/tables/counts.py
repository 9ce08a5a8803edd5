"""Counts without reports from a file: drug, event, both, each alone, all."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.pair_counts import COUNT_COLUMNS, PairCounts, first_fault
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.tables.columns import columns_named
from clinnlp.io.tables.numbers import count_from_text
from clinnlp.io.tables.rows import table_form, table_look
from clinnlp.io.tables.typed import read_typed

__all__ = ["is_counts", "read_counts"]


def is_counts(names: Sequence[str], columns: Mapping[str, str] | None = None) -> bool:
    """Return whether a table with these columns is one of counts.

    Examples
    --------
    >>> is_counts(["Drug", "event", "a", "n_drug", "n_event", "n"]), is_counts(["drug", "event"])
    (True, False)
    """
    called = [(columns or {}).get(name, name) for name in COUNT_COLUMNS]
    return len(columns_named(called, names)) == len(COUNT_COLUMNS)


def read_counts(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    dialect: Dialect | None = None,
) -> PairCounts:
    r"""Return the counts of a CSV, TSV or Parquet file.

    Parameters
    ----------
    path : path
    columns : mapping of str to str, optional
        How one of ``drug, event, a, n_drug, n_event, n`` is called in the file.
    dialect : Dialect, optional
        How text is written; found by looking by default. A lone mark with three digits behind it
        (1,000) is refused until `decimal` is said; 1,234,567 and 1 000 have one meaning.

    Returns
    -------
    PairCounts
        In the order of the file.

    Raises
    ------
    DataError
        A file that cannot be read or has no row, a column that is missing, or a count that cannot
        be, with its line.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> text = "drug,event,a,n_drug,n_event,n\niron,rash,6,10,8,100\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "counts.csv").write_text(text)
    ...     read_counts(f"{folder}/counts.csv").a.tolist()
    [6]
    """
    how = dialect or Dialect()
    table = read_typed(path, COUNT_COLUMNS, named=columns, dialect=how, guarded=False)
    if not len(table):
        raise DataError("a table of counts must have a row per pair, got none", path=table.path)
    made = {name: table.text(name) for name in COUNT_COLUMNS[:2]}
    made |= {name: table.whole(name, _reader(table.path, how)) for name in COUNT_COLUMNS[2:]}
    fault = first_fault(made)
    if fault is not None:
        raise DataError(
            f"{fault[1]}, got another value", path=table.path, line=table.lines[fault[0]]
        )
    return PairCounts(**made)


def _reader(path: Path, dialect: Dialect) -> Callable[[Any], int]:
    """Return what reads a count of a file that stands there as text."""
    sep = "," if table_form(path) == "parquet" else table_look(path, None, dialect).sep

    def read(value: Any) -> int:
        number: float = (
            count_from_text(value, dialect.decimal, sep) if isinstance(value, str) else float(value)
        )
        if not 0 <= number < 2**63 or number != int(number):
            raise ValueError
        return int(number)

    return read
