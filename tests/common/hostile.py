"""Names that attack a terminal, a page, a wiki and a table, and what must not come of them."""

import csv
import gzip
import io
import re
from pathlib import Path

from clinnlp.core.formulas import FORMULA
from clinnlp.core.visible import visible

__all__ = ["FILE", "FORMULA_NAME", "NAME", "check_files", "check_terminal"]

# clears, renames the window, turns text around, hides letters, begins a line of its own
_CONTROLS = "\x1b[2J\x1b]0;x\x07\r\x7f\x9b31m\u202e\u2066\u200b\u2028"
NAME = f"{_CONTROLS}\nFORGED |`x`<script>alert(1)</script>[a](http://evil.example)<b>"
FORMULA_NAME = '=HYPERLINK("http://evil.example";"FORGED")'
FILE = f"{_CONTROLS}\nFORGED `x`[a](b)<b>"  # may stand in a path
_BARS = re.compile(r"\r(?:extract|fine-tuning|itemsets|pretraining)[^\r\n]*|\x1b\[A")


def check_terminal(printed):
    """Fail where a stream holds a hidden character, or a line that a name began."""
    for stream in printed:
        text = _BARS.sub("", stream)
        assert visible(text, keep="\n\t") == text, ascii(text)
        assert not [line for line in text.splitlines() if line.startswith("FORGED")]


def check_files(folder: Path):
    """Fail where a page, a wiki page or a table that was written carries an attack; count them."""
    n = {".html": 0, ".md": 0, ".csv": 0}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        kind = path.suffix.lower()
        if kind in (".html", ".md"):
            n[kind] += 1
            (_check_page if kind == ".html" else _check_wiki)(path.read_text("utf-8"))
        elif {".csv", ".tsv"} & {s.lower() for s in path.suffixes} and "NOTE" not in path.name:
            n[".csv"] += 1
            _check_table(path)
    return n


def _check_page(text):
    assert visible(text, keep="\n\t") == text
    assert "<script>alert" not in text
    assert "<b>" not in text


def _check_wiki(text):
    assert visible(text, keep="\n") == text
    for line in text.splitlines():
        assert not re.search(r"(?<!\\)[`<>]|(?<!\\)\]\(|https?:|^FORGED", line.removeprefix("> "))
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line)
            assert len(cells) == len(re.split(r"(?<!\\)\|", _header_of(text, line)))


def _header_of(text, line):
    block = next(b for b in text.split("\n\n") if line in b.splitlines())
    return block.splitlines()[0]


def _check_table(path):
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.suffix.lower() == ".gz" else raw
    delimiter = "\t" if ".tsv" in path.name.lower() else ","
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8"), newline=""), delimiter=delimiter))
    assert len({len(row) for row in rows}) == 1
    for cell in (cell for row in rows for cell in row):
        if re.match(FORMULA, cell) and not cell.startswith("'"):
            float(cell)  # a number, whatever its sign
