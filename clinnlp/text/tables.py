"""Tab-separated tables: everything that belongs to a language lies here, not in the engines.

A table has one header line that names its columns, ``#`` lines as comments, and no quoting.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from clinnlp.core.checks import check_file, check_one_of
from clinnlp.core.errors import DataError, instead_of, located

__all__ = ["data_path", "language_path", "languages", "read_table"]

_DATA = Path(__file__).parent / "data"


def data_path(name: str) -> Path:
    """Return the path of a table that comes with the package."""
    return _DATA / name


def language_path(name: str, language: str) -> Path:
    """Return the path of a language's table, such as ``language_path("assertion", "es")``.

    Raises
    ------
    ArgumentError
        No table for this language comes with the package.
    """
    check_one_of(language, languages(name), name="language")
    return _DATA / f"{name}_{language}.tsv"


def languages(name: str = "assertion") -> list[str]:
    """Return the languages that have a table of a name.

    Examples
    --------
    >>> languages()
    ['en', 'es']
    """
    return sorted(path.stem.removeprefix(f"{name}_") for path in _DATA.glob(f"{name}_*.tsv"))


def read_table(
    path: str | Path, columns: Sequence[str], *, optional: Sequence[str] = ()
) -> Iterator[tuple[int, list[str]]]:
    """Yield ``(line, values)`` for each row, values in the order of `columns`, then `optional`.

    Parameters
    ----------
    path : str or Path
        UTF-8, tab-separated, with a header line.
    columns : sequence of str
        Wanted columns; the file may hold more. Short rows end in empty values.
    optional : sequence of str
        Columns whose values are empty where the file has no such column.

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
    with instead_of(UnicodeDecodeError, DataError("a table must be UTF-8", path=path)):
        lines = path.read_text(encoding="utf-8").splitlines()
    rows = [(i, line) for i, line in enumerate(lines, 1) if line.strip() and line[0] != "#"]
    header = rows[0][1].split("\t") if rows else []
    with located(path, rows[0][0] if rows else 1):
        _check_header(header, columns)
    names = (*columns, *optional)
    where = [header.index(name) if name in header else len(header) for name in names]
    for line, row in rows[1:]:
        cells = [cell.strip() for cell in row.split("\t")]
        if len(cells) > len(header):
            raise DataError(
                f"a row must have at most {len(header)} cells, got {len(cells)}",
                path=path,
                line=line,
            )
        cells += [""] * (len(header) + 1 - len(cells))
        yield line, [cells[i] for i in where]


def _check_header(header: Sequence[str], columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in header]
    if missing:
        raise DataError(
            f"the header of this table must name {', '.join(columns)}, "
            f"{', '.join(missing)} is missing"
        )
