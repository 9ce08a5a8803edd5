"""A file or folder to read, and one document as it stands in it."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from clinnlp.core.errors import DataError
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.files.lines import UTF_8

__all__ = ["Document", "Source"]


class Source(NamedTuple):
    """A file or folder and how it is to be read."""

    path: Path
    encoding: str = UTF_8
    columns: Mapping[str, str] = {}
    n_excluded: "Counter[str] | None" = None  # what is read but is in no document, by reason
    dialect: Dialect = Dialect()  # of a table, with its encoding
    layers: Mapping[
        str, str
    ] = {}  # which layers of a CAS are mentions, by the feature of the label


class Document(NamedTuple):
    """One document as it stands in a file; `data` is what `parse` of its format takes.

    Where a document alone cannot be cut out of its file, `data` is the error.
    """

    path: Path
    line: int | None
    data: Any
    name: str = ""  # its id, where the format itself says none
    encoding: str = UTF_8
    repairs: "Counter[str] | None" = None  # offsets may be repaired, and are counted here
    files: tuple[Path, ...] = ()  # of which it alone is made, in a folder of such documents
    n_excluded: "Counter[str] | None" = None  # what of it no note can take, by reason

    def leave_out(self, reason: str) -> None:
        """Count something of the document that its note cannot take."""
        if self.n_excluded is not None:
            self.n_excluded[reason] += 1

    def wrong(self, message: str, line: int | None = None) -> DataError:
        """Return an error that names the file and the line."""
        return DataError(message, path=self.path, line=self.line if line is None else line)
