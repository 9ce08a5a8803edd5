"""Baskets of a long Parquet table of any size: a row for each item of each basket.

The table is read once, some rows at a time. Each row goes to one of several files by a keyed digest
of its basket's id, so that all rows of a basket, wherever they stand, lie in one file, and each
file fits into memory. There they are sorted and become rows of a matrix (`core.basket_blocks`).
Memory is that of one file and of the distinct items, however many baskets there are; the disk takes
about 30 bytes a row, in a folder that only its user may read and that is removed afterwards.
"""

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from clinnlp.core.arrays import Array, Counts, Ints
from clinnlp.core.basket_blocks import (
    NO_ITEM,
    BasketBlocks,
    Spelled,
    items_of,
    pairs_spelled,
    write_block,
)
from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError, DataError, RunError, instead_of
from clinnlp.core.files import scratch_folder
from clinnlp.core.vocab import squeeze
from clinnlp.io.tables.columns import check_columns
from clinnlp.io.tables.parquet import parquet_batches, parquet_names

__all__ = ["basket_blocks"]

_ROW = np.dtype([("high", "<u8"), ("low", "<u8"), ("item", "<i4")])
_AT_ONCE = 1 << 18  # rows read at a time
_MOST_FILES = 500  # that are open at once
_NONE, _OTHER = -1, -2  # the items of rows that only say that there is the basket


@contextmanager
def basket_blocks(
    source: str | Path | Sequence[str | Path],
    *,
    unit: str = "patient",
    item: str = "code",
    kind: str = "kind",
    kinds: Sequence[str] | None = None,
    spelled: Spelled | None = None,
    rows_per_block: int = 2_000_000,
) -> Iterator[BasketBlocks]:
    """Give the baskets of a long table of any size, for rules, itemsets and signals.

    Parameters
    ----------
    source : path, or sequence of paths
        Parquet files, or folders of them; a row for each item of a basket, in any order. Repeated
        rows count once.
    unit, item, kind : str
        Columns with the id of the basket, the item, and its kind. Items are taken as they are
        written; rows without a unit are left out, and a basket without an item counts in n.
    kinds : sequence of str, optional
        Kinds that become items; by default all.
    spelled : callable, optional
        Returns what each item counts as, of its kind and name and its rows, empty for no item; by
        default itself.
    rows_per_block : int
        Rows that are held in memory at once, >= 1: about 100 bytes each.

    Yields
    ------
    BasketBlocks
        Of use inside the ``with`` statement alone.

    Raises
    ------
    ArgumentError
        A number out of range, or no Parquet file.
    DataError
        A column is missing, a file is damaged, or no row names a basket.
    RunError
        The disk is full.

    Examples
    --------
    >>> import tempfile
    >>> rows = {"report": [1, 1, 2], "code": ["iron", "rash", "rash"],
    ...         "kind": ["drug", "outcome", "outcome"]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pq.write_table(pa.table(rows), f"{folder}/reports.parquet")
    ...     with basket_blocks(f"{folder}/reports.parquet", unit="report") as blocks:
    ...         print(blocks, blocks.n_each.tolist())
    BasketBlocks(2 x 2 items, unit='report') [1, 2]
    """
    check_at_least(rows_per_block, 1, name="rows_per_block")
    paths, columns = _files(source), (unit, item, kind)
    n_rows = sum(pq.read_metadata(path).num_rows for path in paths if _checked(path, columns))
    n_files = max(1, min(_MOST_FILES, -(-n_rows // rows_per_block)))
    with scratch_folder() as folder:
        with instead_of(OSError, _full):
            spread = _Spread(kinds)
            _spread_rows(spread, paths, columns, folder, n_files)
            if not spread.n_rows:
                raise DataError(f"a row must name a basket in {unit!r}, got none", path=paths[0])
            items, kinds_of, place = spread.ordered(spelled)
            made = [_block(folder, k, place, len(items)) for k in range(n_files)]
        yield BasketBlocks(
            folder=folder,
            n_blocks=n_files,
            n_each=np.sum([each for _, each in made], axis=0),
            n=sum(n for n, _ in made),
            items=items,
            kinds=kinds_of,
            unit=unit,
            n_excluded={
                f"no_{unit}": spread.n_homeless,
                f"no_{item}": spread.n_empty,
                **({} if kinds is None else {"kind": spread.n_other}),
            },
        )


def _spread_rows(
    spread: "_Spread", paths: Sequence[Path], columns: Sequence[str], folder: Path, n_files: int
) -> None:
    with ExitStack() as stack:
        files = [stack.enter_context(open(folder / f"rows-{k}", "wb")) for k in range(n_files)]
        for path in paths:
            for batch in parquet_batches(path, columns, n_rows=_AT_ONCE):
                spread(batch, columns, files)


class _Spread:
    """Sends rows to the file of their basket, and numbers items as they are met."""

    def __init__(self, kinds: Sequence[str] | None) -> None:
        self._kinds = None if kinds is None else frozenset(kinds)
        self._number: dict[tuple[str, str], int] = {}
        self._key = secrets.token_bytes(32)
        self._n_each = np.zeros(0, np.int64)
        self.n_rows = self.n_homeless = self.n_empty = self.n_other = 0

    def __call__(
        self, batch: pa.RecordBatch, columns: Sequence[str], files: Sequence[IO[bytes]]
    ) -> None:
        (units, unit_of), (names, name_of), (kinds, kind_of) = (
            _coded(batch.column(name)) for name in columns
        )
        has = np.array([*(not _is_blank(value) for value in units), False])[unit_of]
        self.n_homeless += int(np.sum(~has))
        unit_of, name_of, kind_of = unit_of[has], name_of[has], kind_of[has]
        pairs, at = np.unique(kind_of * (len(names) + 1) + name_of, return_inverse=True)
        told = [divmod(pair, len(names) + 1) for pair in pairs.tolist()]
        numbers = [
            self._item(kinds[k] if k < len(kinds) else None, names[j]) if j < len(names) else _NONE
            for k, j in told
        ]
        digests = np.array([self._digest(value) for value in units], np.uint64).reshape(-1, 2)
        rows = np.empty(len(unit_of), _ROW)
        rows["high"], rows["low"] = digests[unit_of].T
        rows["item"] = np.array(numbers, np.int32)[at]
        n_other, n_empty, *_ = each = np.bincount(rows["item"] + 2, minlength=len(self._number) + 2)
        self.n_other, self.n_empty = self.n_other + int(n_other), self.n_empty + int(n_empty)
        each[2 : len(self._n_each) + 2] += self._n_each
        self._n_each = each[2:]
        self.n_rows += len(rows)
        to = rows["high"] % np.uint64(len(files))
        for k in np.unique(to).tolist():
            rows[to == k].tofile(files[k])

    def _item(self, kind: Any, name: Any) -> int:
        kind, name = "" if kind is None else _name(kind), _name(name)
        if squeeze(name) in NO_ITEM:
            return _NONE
        if self._kinds is not None and kind not in self._kinds:
            return _OTHER
        return self._number.setdefault((kind, name), len(self._number))

    def _digest(self, value: Any) -> tuple[int, int]:
        """Return 128 bits that tell a basket; by a random key, since ids may be of patients."""
        raw = _name(value).encode("utf-8", "surrogatepass")
        made = hashlib.blake2b(raw, key=self._key, digest_size=16).digest()
        return int.from_bytes(made[:8], "little"), int.from_bytes(made[8:], "little")

    def ordered(self, spelled: Spelled | None) -> tuple[tuple[str, ...], tuple[str, ...], Ints]:
        """Return items and kinds as `features.baskets` orders them, and where each number went."""
        pairs, place = pairs_spelled(list(self._number), self._n_each, spelled)
        self.n_empty += int(self._n_each[place < 0].sum())
        return *items_of(pairs), place


def _block(folder: Path, k: int, place: Ints, n_items: int) -> tuple[int, Counts]:
    """Turn a file of rows into a block; return its baskets, and those with each item."""
    rows = np.fromfile(folder / f"rows-{k}", _ROW)
    (folder / f"rows-{k}").unlink()
    item = np.where(rows["item"] < 0, _NONE, np.append(place, _NONE)[rows["item"]])
    order = np.lexsort((item, rows["low"], rows["high"]))
    rows, item = rows[order], item[order]
    other = np.ones(len(rows), bool)
    other[1:] = (rows["high"][1:] != rows["high"][:-1]) | (rows["low"][1:] != rows["low"][:-1])
    basket = np.cumsum(other) - 1
    again = np.zeros(len(rows), bool)
    again[1:] = ~other[1:] & (item[1:] == item[:-1])
    kept = (item >= 0) & ~again
    n = int(other.sum())
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(basket[kept], minlength=n), out=indptr[1:])
    write_block(folder, k, indptr, item[kept].astype(np.int32))
    return n, np.bincount(item[kept], minlength=n_items).astype(np.int64)


def _files(source: str | Path | Sequence[str | Path]) -> list[Path]:
    given = [source] if isinstance(source, str | Path) else list(source)
    found: list[Path] = []
    for path in map(Path, given):
        found += sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not found:
        raise ArgumentError("at least one Parquet file must be given, got none")
    return found


def _checked(path: Path, columns: Sequence[str]) -> bool:
    if not path.is_file():
        raise DataError("a Parquet file must be there, got none", path=path)
    check_columns(columns, parquet_names(path), path)
    return True


def _coded(column: pa.Array) -> tuple[list[Any], Ints]:
    """Return the distinct values of a column and which is where; their number where none is."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    values = column.dictionary.to_pylist()
    codes: Array = column.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    return values, codes.astype(np.int64)


def _is_blank(value: Any) -> bool:
    """Return whether an id stands for a missing one, as the name of an item does, or is nan."""
    return value != value or squeeze(_name(value)) in NO_ITEM


def _name(value: Any) -> str:
    """Return an id or item as text; a whole number that a missing cell made a float stays whole."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _full(error: OSError) -> RunError:
    full = error.errno == errno.ENOSPC
    why = "the disk is full" if full else os.strerror(error.errno or errno.EIO)
    return RunError(f"writing blocks of baskets failed: {why}; TMPDIR names another place")
