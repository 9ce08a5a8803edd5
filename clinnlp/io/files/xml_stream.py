"""XML, element by element, from files that nobody vouches for.

Expat reads the file in small pieces; an element asked for is handed over when it is closed and
then forgotten. A document type is allowed, as BioC files have one, but nothing it names is ever
opened, and a file that declares or uses an entity of its own is refused: so neither an external
entity nor an expansion ("billion laughs") can do anything. Text is as XML has it: ``\\r\\n`` in it
is read as ``\\n``; the writers here spell ``\\r`` as ``&#13;``, which comes back.

References
----------
https://docs.python.org/3/library/xml.html#xml-security; OWASP XML External Entity Prevention.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

from clinnlp.core.errors import DataError
from clinnlp.io.files.lines import BROKEN, Opener, open_bytes, unpacking_fault

__all__ = ["Element", "check_xml", "elements", "elements_in", "escaped", "root_of"]

_CHUNK = 8192  # bytes handed to expat at a time, unless a tag is longer
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
    | {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
)
_TEXT_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ENTITIES = "XML must declare and use no entities of its own, got one"


class Element:
    """A tag, its attributes, the line it began on, what stands in it."""

    __slots__ = ("attributes", "children", "line", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str], line: int) -> None:
        self.tag = tag
        self.attributes = attributes
        self.line = line
        self.children: list[Element] = []
        self.text = ""

    def all(self, tag: str) -> list["Element"]:
        """Return the children with a tag."""
        return [child for child in self.children if child.tag == tag]

    def first(self, tag: str) -> "Element | None":
        """Return the first child with a tag."""
        return next((child for child in self.children if child.tag == tag), None)

    def text_of(self, tag: str) -> str | None:
        """Return the text of the first child with a tag."""
        found = self.first(tag)
        return None if found is None else found.text


class _Refused(Exception):
    pass


def elements(
    path: Path,
    tag: str | None = None,
    *,
    encoding: str | None = None,
    within: str | None = None,
    markup: str | None = None,
    opened: Opener = open_bytes,
) -> Iterator[Element]:
    """Yield the elements with a tag (without: the root) when each is closed.

    Parameters
    ----------
    path : Path
    tag : str, optional
        Elements with it are not kept in what they stand in.
    encoding : str, optional
        Of the file, where its own declaration is wrong.
    within : str, optional
        Only elements that stand in one with this tag count; the root comes last, without them.
        Tags are then taken without the prefix of their namespace.
    markup : str, optional
        With `within`: the text of elements with this tag is all that they are, with its tags.
    opened : callable
        Opens the file.

    Raises
    ------
    DataError
        XML that is not well-formed, or that declares entities, with its line.
    """
    reader = (
        _Reader(tag, encoding) if within is None else _InnerReader(tag, encoding, within, markup)
    )
    with opened(path) as handle:
        yield from _taken(reader, handle, path)


def elements_in(
    handle: IO[bytes], path: Path, tag: str | None = None, *, encoding: str | None = None
) -> Iterator[Element]:
    """Yield as `elements` from a file that is open already; errors call it by its path."""
    yield from _taken(_Reader(tag, encoding), handle, path)


def _taken(reader: "_Reader", handle: IO[bytes], path: Path) -> Iterator[Element]:
    failure: DataError | None = None
    raw = b" "
    while raw and failure is None:
        try:
            raw = handle.read(max(_CHUNK, reader.n_waiting))
            reader.feed(raw)
        except BROKEN as error:
            failure = DataError(unpacking_fault(error), path=path, line=reader.line)
        except _Refused:
            failure = DataError(_ENTITIES, path=path, line=reader.line)
        except expat.ExpatError as error:
            foreign = reader.failed_at(raw) >= b"\x80"
            said = f"XML must be well-formed, got: {expat.ErrorString(error.code)}"
            said += "; its bytes are not those of its encoding: name it" if foreign else ""
            failure = DataError(said, path=path, line=error.lineno, of_encoding=foreign)
        except DataError:
            raise
        except (LookupError, ValueError):
            failure = DataError("XML must be of a known encoding", path=path, line=reader.line)
        yield from reader.taken()
    if failure is not None:
        raise failure from None


def root_of(path: Path, *, encoding: str | None = None) -> Element:
    """Return the root of a file that is one document."""
    return next(elements(path, encoding=encoding))


def escaped(text: str, *, attribute: bool = False) -> str:
    """Return text as it stands in XML.

    Examples
    --------
    >>> escaped("a < b"), escaped("line\\r\\n", attribute=True)
    ('a &lt; b', 'line&#13;&#10;')
    """
    return text.translate(_ESCAPES if attribute else _TEXT_ESCAPES)


def check_xml(text: str, *, note: str) -> str:
    """Return XML to write, or raise `DataError` for characters that no XML 1.0 can hold."""
    if _FORBIDDEN.search(text):
        raise DataError(
            "XML holds no control characters and no lone surrogate, got one; write JSONL", note=note
        )
    return text


class _Reader:
    def __init__(self, tag: str | None, encoding: str | None) -> None:
        self._wanted = tag
        self._stack: list[Element] = []
        self._pieces: list[list[str]] = []
        self._done: list[Element] = []
        self._n_before = self._n_fed = 0  # bytes
        parser = self._parser = expat.ParserCreate(encoding)
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.EntityDeclHandler = self._refuse
        parser.UnparsedEntityDeclHandler = self._refuse
        parser.ExternalEntityRefHandler = self._refuse
        parser.SkippedEntityHandler = self._refuse

    @property
    def line(self) -> int:
        return int(self._parser.CurrentLineNumber)

    @property
    def n_waiting(self) -> int:
        """How many bytes are of a tag that has not ended: expat looks through all of them again.

        To feed as many at once keeps the work in proportion to the length of the tag.
        """
        return self._n_fed - int(self._parser.CurrentByteIndex)

    def feed(self, raw: bytes) -> None:
        self._n_before, self._n_fed = self._n_fed, self._n_fed + len(raw)
        self._parser.Parse(raw, not raw)

    def failed_at(self, raw: bytes) -> bytes:
        """Return the byte of the last piece on which the parser failed."""
        at = max(0, self._parser.ErrorByteIndex - self._n_before)
        return raw[at : at + 1]

    def taken(self) -> Iterator[Element]:
        done, self._done = self._done, []
        return iter(done)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes, self._parser.CurrentLineNumber)
        if self._stack and tag != self._wanted:
            self._stack[-1].children.append(element)
        self._stack.append(element)
        self._pieces.append([])

    def _end(self, tag: str) -> None:
        element, pieces = self._stack.pop(), self._pieces.pop()
        element.text = pieces[0] if len(pieces) == 1 else "".join(pieces)
        if tag == self._wanted or (self._wanted is None and not self._stack):
            self._done.append(element)

    def _data(self, text: str) -> None:
        self._pieces[-1].append(text)

    def _refuse(self, *_: Any) -> int:
        raise _Refused


class _InnerReader(_Reader):
    """Takes elements by what they stand in, and keeps markup where it is text."""

    def __init__(
        self, tag: str | None, encoding: str | None, within: str, markup: str | None
    ) -> None:
        super().__init__(tag, encoding)
        self._within, self._markup = within, markup
        self._n_inside = 0  # elements that are open in one whose markup is kept

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = _local(tag)
        inside = self._stack[-1] if self._stack else None
        if inside is not None and inside.tag == self._markup:
            self._n_inside += 1
            self._pieces[-1].append(_opening(tag, attributes))
            return
        element = Element(tag, attributes, self._parser.CurrentLineNumber)
        if inside is not None and not self._is_wanted(tag):
            inside.children.append(element)
        self._stack.append(element)
        self._pieces.append([_opening(tag, attributes)] if tag == self._markup else [])

    def _end(self, tag: str) -> None:
        tag = _local(tag)
        if self._n_inside:
            self._n_inside -= 1
            self._pieces[-1].append(f"</{tag}>")
            return
        element, pieces = self._stack.pop(), self._pieces.pop()
        element.text = "".join([*pieces, f"</{tag}>"] if tag == self._markup else pieces)
        if not self._stack or self._is_wanted(tag):
            self._done.append(element)

    def _data(self, text: str) -> None:
        of_markup = self._stack[-1].tag == self._markup
        self._pieces[-1].append(escaped(text) if of_markup else text)

    def _is_wanted(self, tag: str) -> bool:
        return tag == self._wanted and bool(self._stack) and self._stack[-1].tag == self._within


def _opening(tag: str, attributes: dict[str, str]) -> str:
    said = (f' {name}="{escaped(value, attribute=True)}"' for name, value in attributes.items())
    return f"<{tag}{''.join(said)}>"


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]
