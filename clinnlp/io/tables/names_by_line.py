"""Word lists that are text with one name a line."""

from collections.abc import Iterator
from pathlib import Path

from clinnlp.core.errors import DataError
from clinnlp.core.vocab import Vocabulary
from clinnlp.io.files.lines import read_lines
from clinnlp.io.tables.looks import encoding_of
from clinnlp.io.tables.word_lists import vocabulary_of

__all__ = ["read_names"]

_HEADER = "name"


def read_names(path: str | Path) -> Vocabulary:
    """Return the names of a text, one a line; blank lines, and a first line ``name``, are none.

    Raises
    ------
    DataError
        A line with a tab, as in a table.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "words.txt")
    >>> _ = path.write_text("htn\\nchest pain\\n")
    >>> [concept.name for concept in read_names(path)]
    ['htn', 'chest pain']
    >>> folder.cleanup()
    """
    return vocabulary_of(list(dict.fromkeys(_names(Path(path)))))


def _names(path: Path) -> Iterator[str]:
    for number, line in read_lines(path, encoding_of(path)):
        name = line.strip()
        if "\t" in name:
            raise DataError(
                "a .txt word list must have one name a line, got a tab; call a table .tsv",
                path=path,
                line=number,
            )
        if name and (number > 1 or name.casefold() != _HEADER):
            yield name
