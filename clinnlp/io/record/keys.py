"""Keys of a table that name each row once, such as those of its patients or stays."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from clinnlp.core.errors import DataError

__all__ = ["each_once"]

Row = dict[str, str | None]


def each_once(
    rows: Iterable[tuple[int, Row]], key: str, *, table: str, path: Path, lost: Counter[str]
) -> Iterator[tuple[int, Row]]:
    """Yield the line and cells of each row; one that repeats an earlier one is counted instead.

    Of each row a hash is held, not its cells, so that memory stays small.

    Parameters
    ----------
    rows : iterable of (int, mapping)
    key : str
        The column that names a row.
    table : str
        Its name, as the count says it.
    path : Path
        Its file.
    lost : Counter
        Where what is repeated is counted.

    Raises
    ------
    DataError
        Two rows of one key that say something else, with the line of the second.

    Examples
    --------
    >>> lost = Counter()
    >>> rows = [(2, {"id": "1"}), (3, {"id": "2"}), (4, {"id": "1"})]
    >>> kept = each_once(rows, "id", table="stays", path=Path("a.csv"), lost=lost)
    >>> [line for line, _ in kept], dict(lost)
    ([2, 3], {'stays repeated': 1})
    """
    seen: dict[str | None, int] = {}
    for line, row in rows:
        name, content = row[key], hash(tuple(row.values()))
        if name not in seen:
            seen[name] = content
            yield line, row
        elif seen[name] == content:
            lost[f"{table} repeated"] += 1
        else:
            said = f"rows of one {key} must be the same, got another; keep one of them"
            raise DataError(said, path=path, line=line)
