"""The files of a terminology: in a folder, in a zip file, or one alone; row by row.

Nothing is held but the row that is read.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from clinnlp.core.checks import check_file
from clinnlp.core.errors import DataError, instead_of
from clinnlp.io.files.folders import files_of
from clinnlp.io.files.lines import decode, open_bytes, read_lines
from clinnlp.io.files.zips import open_in_zip, zip_names

__all__ = ["Tables"]

_PACKED = r"(?:\.gz|\.xz)?$"
_BOM = b"\xef\xbb\xbf"


class Tables:
    """Files by the end of their names.

    Parameters
    ----------
    path : str or Path
        A folder with its subfolders, a zip file, or one file.

    Raises
    ------
    DataError
        No such file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._is_zip = self.is_one_file = False
        if self.path.is_dir():
            found = (p for p in self.path.rglob("*") if p.is_file())
            self._names = {p.relative_to(self.path).as_posix(): p for p in sorted(found)}
            return
        check_file(self.path)
        self._is_zip = self.path.suffix.lower() == ".zip"
        self.is_one_file = not self._is_zip
        names = zip_names(self.path) if self._is_zip else [self.path.name]
        self._names = {name: self.path / name if self._is_zip else self.path for name in names}

    def find(self, pattern: str) -> list[str]:
        """Return the files whose name, without folders, is a pattern, packed or not, in any case.

        Raises
        ------
        DataError
            One is a link out of the folder.
        """
        wanted = re.compile(pattern + _PACKED, re.IGNORECASE)
        found = [name for name in self._names if wanted.match(name.rpartition("/")[2])]
        if self.path.is_dir():
            files_of(self.path, [self._names[name] for name in found])
        return found

    def only(self, pattern: str, what: str) -> str:
        """Return the one file of a pattern.

        Raises
        ------
        DataError
            None, or several.
        """
        found = self.find(pattern)
        if len(found) != 1:
            said = f"{len(found)} of them" if found else "none"
            raise DataError(f"there must be one file {what}, got {said}", path=self.path)
        return found[0]

    def main(self, pattern: str, what: str) -> str:
        """Return the one file of a pattern, or whatever file stands alone; raises as `only`."""
        return next(iter(self._names)) if self.is_one_file else self.only(pattern, what)

    def place(self, name: str) -> Path:
        """Return what an error calls a file."""
        return self._names[name]

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file for reading bytes, unpacked."""
        opened = open_in_zip(self.path, name) if self._is_zip else open_bytes(self._names[name])
        with opened as handle:
            yield handle

    def lines(self, name: str) -> Iterator[tuple[int, str]]:
        """Yield ``(line number from 1, line without its end)``."""
        if not self._is_zip:
            for number, line in read_lines(self._names[name]):
                yield number, line.rstrip("\r\n")
            return
        with self.open(name) as handle:
            for number, raw in enumerate(handle, 1):
                text = raw.removeprefix(_BOM) if number == 1 else raw
                yield number, decode(text, self._names[name], number).rstrip("\r\n")

    def piped(self, name: str, n_cells: int) -> Iterator[list[str]]:
        """Yield the cells of each row of a file in which each cell ends with a ``|`` (RRF).

        Raises
        ------
        DataError
            A row of another number of cells.
        """
        for number, line in self.lines(name):
            cells = line.split("|")
            if len(cells) != n_cells + 1 or cells[-1]:
                if not line:
                    continue
                raise DataError(
                    f"a row must have {n_cells} cells, each ended by |, got {len(cells) - 1}",
                    path=self.place(name),
                    line=number,
                )
            yield cells

    def tabbed(self, name: str, columns: Sequence[str]) -> Iterator[list[str]]:
        """Yield these columns of each row of a file separated by tabs, in which quotes are text.

        Raises
        ------
        DataError
            A missing column, or a row of another number of cells.
        """
        at: list[int] = []
        n = 0
        for number, line in self.lines(name):
            cells = line.split("\t")
            if not at:
                at, n = self._positions(name, cells, columns), len(cells)
            elif len(cells) == n:
                yield [cells[i] for i in at]
            elif line:
                raise DataError(
                    f"a row must have {n} cells, got {len(cells)}",
                    path=self.place(name),
                    line=number,
                )

    def commas(
        self, name: str, columns: Sequence[str], *, optional: Sequence[str] = ()
    ) -> Iterator[list[str]]:
        """Yield these columns of each row of a CSV file, then the optional ones, "" where absent.

        Raises
        ------
        DataError
            A missing column, a row of another number of fields, or broken quotes.
        """
        at: list[int] = []
        n = 0
        for line, row in self._records(name):
            if not at:
                at, n = self._positions(name, row, columns), len(row)
                at += [_position(row, column) for column in optional]
            elif len(row) == n:
                yield [row[i] if i >= 0 else "" for i in at]
            else:
                said = f"a row must have {n} fields as the header has, got {len(row)}"
                raise DataError(said, path=self.place(name), line=line)

    def _records(self, name: str) -> Iterator[tuple[int, list[str]]]:
        """Yield the line that a row of a CSV file begins on, and its fields; no empty rows."""
        rows = csv.reader((f"{line}\n" for _, line in self.lines(name)), strict=True)
        row: list[str] | None = []
        while row is not None:
            began = rows.line_num + 1
            broken = DataError("a row must have its quotes in pairs, got others",
                               path=self.place(name), line=began)  # fmt: skip
            with instead_of(csv.Error, broken):
                row = next(rows, None)
            if row:
                yield began, row

    def _positions(self, name: str, header: Sequence[str], columns: Sequence[str]) -> list[int]:
        at = [_position(header, column) for column in columns]
        missing = [column for column, i in zip(columns, at, strict=True) if i < 0]
        if missing:
            raise DataError(
                f"a table must have the columns {', '.join(columns)}, {', '.join(missing)} is "
                "missing",
                path=self.place(name),
                line=1,
            )
        return at


def _position(header: Sequence[str], column: str) -> int:
    """Return where a column stands in a header, in any case; -1 where it does not."""
    names = [name.strip().casefold() for name in header]
    return names.index(column.casefold()) if column.casefold() in names else -1
