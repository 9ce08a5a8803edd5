"""How well the items of baskets were extracted, from a table of counts: ``kind, tp, fp, fn``."""

from pathlib import Path

from clinnlp.core.counts import PRF
from clinnlp.core.errors import DataError
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.tables.rows import read_rows
from clinnlp.mine.signals.extraction import ExtractionError

__all__ = ["read_extraction"]

_COLUMNS = ("kind", "tp", "fp", "fn")


def read_extraction(path: str | Path, *, dialect: Dialect | None = None) -> ExtractionError:
    """Return what was measured of an extraction.

    Parameters
    ----------
    path : path
        A table (CSV, TSV or Parquet) with a row for each kind of item: how many were found and are
        there (``tp``), found and not there (``fp``), there and not found (``fn``).
    dialect : Dialect, optional
        How text is written.

    Raises
    ------
    DataError
        Another table, a count that cannot be, or a kind that stands there twice, with its line.
    """
    by_kind: dict[str, PRF] = {}
    for line, (kind, *cells) in read_rows(path, _COLUMNS, dialect=dialect):
        name = str(kind or "").strip()
        if not name or name in by_kind:
            raise DataError(
                "a row of an extraction must name a kind that no other row names, got "
                f"{'it again' if name else 'none'}",
                path=path, line=line,
            )  # fmt: skip
        tp, fp, fn = (
            _count(cell, name, path, line) for name, cell in zip(_COLUMNS[1:], cells, strict=True)
        )
        by_kind[name] = PRF(tp=tp, fp=fp, fn=fn)
    if not by_kind:
        raise DataError("a table of an extraction must have a row, got none", path=path)
    return ExtractionError(by_kind=by_kind)


def _count(cell: object, name: str, path: str | Path, line: int) -> int:
    text = str(cell).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise DataError(
            f"{name} of an extraction must be a whole number, 0 or more, got another cell",
            path=path, line=line,
        )  # fmt: skip
    return int(text)
