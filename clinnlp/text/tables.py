"""Tab-separated tables: everything that belongs to a language lies here, not in the engines.

A table has one header line that names its columns, ``#`` lines as comments, and no quoting.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from clinnlp.core.checks import check_file
from clinnlp.core.errors import DataError

__all__ = ["data_path", "read_table"]

_DATA = Path(__file__).parent / "data"


def data_path(name: str) -> Path:
    """Return the path of a table that comes with the package."""
    return _DATA / name


def read_table(path: str | Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield ``(line, values)`` for each row, values in the order of `columns`.

    Parameters
    ----------
    path : str or Path
        UTF-8, tab-separated, with a header line.
    columns : sequence of str
        Wanted columns; the file may hold more. Short rows end in empty values.

    Raises
    ------
    DataError
        Missing file, invalid UTF-8, a header without one of `columns`, a row that is too long.

    Examples
    --------
    >>> next(read_table(data_path("section_priors.tsv"), ("kind", "axis")))[1]
    ['family_history', 'experiencer']
    """
    path = check_file(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise DataError("a table must be UTF-8", path=path) from None
    rows = [(i, line) for i, line in enumerate(lines, 1) if line.strip() and line[0] != "#"]
    header = rows[0][1].split("\t") if rows else []
    missing = [name for name in columns if name not in header]
    if missing:
        raise DataError(
            f"the header of this table must name {', '.join(columns)}, "
            f"{', '.join(missing)} is missing",
            path=path,
            line=rows[0][0] if rows else 1,
        )
    where = [header.index(name) for name in columns]
    for line, row in rows[1:]:
        cells = [cell.strip() for cell in row.split("\t")]
        if len(cells) > len(header):
            raise DataError(
                f"a row must have at most {len(header)} cells, got {len(cells)}",
                path=path,
                line=line,
            )
        cells += [""] * (len(header) - len(cells))
        yield line, [cells[i] for i in where]
