r"""The text of HTML as a reader sees it: what is said, line by line, without markup.

Blocks (paragraphs, headings, items, rows) begin on lines of their own, cells are apart by a tab,
items of lists begin with ``- ``. White space is squeezed as a browser does, but in ``pre``.
Scripts, styles, heads and comments are not read. No-break spaces stay, as they are text. A tag
that does not end is text. `html.parser` is not used: what is broken on purpose takes it a time
that grows with the square of its length, and some of it raises `AssertionError`.
"""

import re
from collections.abc import Iterator
from html import unescape

__all__ = ["text_of_html"]

_UNREAD = frozenset(("head", "template"))
_RAW = frozenset(("script", "style"))  # in which no markup is but their own end
_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote caption center dd div dl dt fieldset figcaption figure "
        "footer form h1 h2 h3 h4 h5 h6 header hr html legend li main nav ol p pre section table "
        "tbody tfoot thead title tr ul",
    )
)
_CELLS = frozenset(("td", "th"))
_SPACE = re.compile(r"[ \t\r\n\f]+")
_NAME = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
_END = re.compile(r"""[^>"']*+(?:"[^"]*+"[^>"']*+|'[^']*+'[^>"']*+)*+>""")
_COMMENT, _CDATA = ("<!--", "-->"), ("<![CDATA[", "]]>")
_TEXT = ""  # the name of a token that is no tag


def text_of_html(html: str) -> str:
    r"""Return the text of HTML or XHTML, a whole document or a part of one.

    Examples
    --------
    >>> text_of_html("<p>No <b>fever</b>.<br>Cough &lt; 2&nbsp;d</p><ul><li>aspirin</li></ul>")
    'No fever.\nCough < 2\xa0d\n- aspirin'
    >>> text_of_html("<table><tr><th>Na</th><td>141</td></tr><tr><td>K</td></tr></table>")
    'Na\t141\nK'
    """
    page = _Page()
    for name, is_end, text in _tokens(html):
        if name == _TEXT:
            page.add(text)
        elif is_end:
            page.end(name)
        else:
            page.start(name)
    return page.text()


def _tokens(html: str) -> Iterator[tuple[str, bool, str]]:
    """Yield ``(name, whether it ends, "")`` of tags, and text under an empty name.

    Each search that can fail does so once: time is in proportion to the length.
    """
    at, seek = 0, _Seek(html)
    while at < len(html):
        start = html.find("<", at)
        start = len(html) if start < 0 else start
        if start > at:
            yield _TEXT, False, unescape(html[at:start])
        at = start
        tag = _NAME.match(html, at)
        end = seek.end_of_tag(tag.end()) if tag else seek.end_of_other(at)
        if end < 0:
            if at < len(html):
                yield _TEXT, False, "<"
            at += 1
        elif tag is None:
            if html.startswith(_CDATA[0], at):
                yield _TEXT, False, html[at + len(_CDATA[0]) : end - len(_CDATA[1])]
            at = end
        else:
            name, is_end = tag[2].lower(), bool(tag[1])
            if name in _RAW and not is_end and html[end - 2] != "/":
                end = seek.end_of_raw(name, end)
            else:
                yield name, is_end, ""
                if html[end - 2] == "/" and not is_end:
                    yield name, True, ""
            at = end


class _Seek:
    """Where things end in a text; what was not found once is not looked for again."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._gone: set[str] = set()

    def _find(self, what: str, at: int) -> int:
        found = -1 if what in self._gone else self._html.find(what, at)
        if found < 0:
            self._gone.add(what)
            return -1
        return found + len(what)

    def end_of_tag(self, at: int) -> int:
        found = None if "quotes" in self._gone else _END.match(self._html, at)
        if found is not None:
            return found.end()
        self._gone.add("quotes")
        return self._find(">", at)

    def end_of_other(self, at: int) -> int:
        for begin, end in (_COMMENT, _CDATA):
            if self._html.startswith(begin, at):
                return self._find(end, at + len(begin))
        return self._find(">", at) if self._html[at + 1 : at + 2] in ("!", "?") else -1

    def end_of_raw(self, name: str, at: int) -> int:
        found = re.compile(f"</{name}[^>]*+>", re.IGNORECASE).search(self._html, at)
        return len(self._html) if found is None else found.end()


class _Page:
    """Lines of what has been read."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._is_said = False  # the line has something
        self._unread = 0  # how many elements are open that are not read
        self._kept = 0  # how many ``pre`` are open

    def start(self, tag: str) -> None:
        if tag in _UNREAD:
            self._unread += 1
        elif tag == "body":
            self._unread = 0  # of a head that nobody closed
            self._end_line()
        elif tag == "br":
            self._end_line(blank=True)
        elif tag in _BLOCKS:
            self._end_line()
            self._kept += tag == "pre"
            if tag == "li":
                self._line.append("- ")
        elif tag in _CELLS and self._is_said:
            self._line.append("\t")

    def end(self, tag: str) -> None:
        if tag in _UNREAD:
            self._unread = max(0, self._unread - 1)
        elif tag in _BLOCKS:
            self._end_line()
            self._kept = max(0, self._kept - (tag == "pre"))

    def add(self, text: str) -> None:
        if self._unread:
            return
        self._is_said = self._is_said or not text.isspace()
        if not self._kept:
            self._line.append(_SPACE.sub(" ", text))
            return
        *whole, last = text.replace("\r\n", "\n").split("\n")
        for line in whole:
            self._line.append(line)
            self._end_line(blank=True)
        self._line.append(last)

    def _end_line(self, *, blank: bool = False) -> None:
        """End a line; one without text is kept only where it was asked for."""
        line = "".join(self._line)
        self._line, self._is_said = [], False
        if not self._kept:
            line = re.sub(r" ?\t ?", "\t", re.sub(" {2,}", " ", line)).strip(" ")
        if line.strip(" \t") not in ("", "-") or (blank and self._lines):
            self._lines.append(line.rstrip(" "))

    def text(self) -> str:
        """Return what has been read, without blank lines at the end."""
        self._end_line()
        return "\n".join(self._lines).rstrip("\n ")
