"""Real corpora of assertion as notes: the NegEx test kit, split by cluster, and NUBes (Spanish)."""

import hashlib
import lzma
import re
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span


class KitRow(NamedTuple):
    """A sentence with one mention, the cluster of its report, and what the kit says of it."""

    note: Note
    cluster: int
    half: int  # 0: developed on; 1: scored once, at the end
    negated: bool
    temporality: str  # "Recent", "Historical" or "Not particular"


class Scoped(NamedTuple):
    """A line of text, the cues of one axis in it, and the spans each cue reaches."""

    file: str
    text: str
    cues: list[tuple[list[Span], list[Span]]]


def negex_rows(folder: Path) -> list[KitRow]:
    """Return the rows of the NegEx kit.

    Reports that share a sentence form one cluster (union-find over the reports of each
    sentence). Clusters, the largest first and ties by a hash, go to the half with fewer rows;
    where the halves are equally long, the hash decides.
    """
    rows = _cells(folder / "rsAnnotations-1-120-random.txt")
    annotated = _cells(folder / "negex.python" / "Annotations-1-120.txt")
    cluster_of = _clusters(annotated)
    reports = defaultdict(set)
    for report, concept, sentence, _ in annotated:
        reports[_key(concept), _key(sentence)].add(int(report))
    clusters = [cluster_of[min(reports[_key(row[1]), _key(row[2])])] for row in rows]
    halves = _halves(clusters)
    return [_row(row, c, halves[c]) for row, c in zip(rows, clusters, strict=True)]


def nubes_lines(folder: Path, *, axis: str) -> Iterator[Scoped]:
    """Yield every line of NUBes with its cues and scopes, `axis` ``negated`` or ``uncertain``.

    Cues inside a word ("afebril") have no scope and are left out, as are cues without one.
    """
    kinds = {"negated": ("NegSynMarker", "NegLexMarker"),
             "uncertain": ("UncertSynMarker", "UncertLexMarker")}[axis]  # fmt: skip
    for name, text, annotations in _nubes_files(folder):
        spans, scopes = _brat(annotations)
        cues = [
            (at, [span for arg in scopes[i] for span in spans[arg][1]])
            for i, (kind, at) in spans.items()
            if kind in kinds and scopes[i]
        ]
        for line in re.finditer(r"[^\n]+", text):
            here = [
                ([_moved(s, line.start()) for s in at], [_moved(s, line.start()) for s in reach])
                for at, reach in cues
                if line.start() <= at[0].start < line.end()
            ]
            yield Scoped(name, line[0], here)


def _nubes_files(folder: Path) -> Iterator[tuple[str, str, str]]:
    texts: dict[str, str] = {}
    with lzma.open(folder / "nubes_brat.tar.xz") as packed, tarfile.open(fileobj=packed) as tar:
        for member in tar:
            if member.isfile() and member.name.endswith((".txt", ".ann")):
                handle = tar.extractfile(member)
                assert handle is not None
                texts[member.name] = handle.read().decode("utf-8")
    for name in sorted(texts):
        if name.endswith(".txt"):
            yield Path(name).stem, texts[name], texts[name[:-3] + "ann"]


def _brat(lines: str) -> tuple[dict[str, tuple[str, list[Span]]], dict[str, list[str]]]:
    spans, scopes = {}, defaultdict(list)
    for line in lines.splitlines():
        mark, what, *_ = line.split("\t")
        kind, rest = what.split(" ", 1)
        if mark[0] == "T":
            pieces = [piece.split() for piece in rest.split(";")]
            spans[mark] = kind, [Span(int(a), int(b)) for a, b in pieces]
        elif mark[0] == "R" and kind in ("Scope", "DiscScope"):
            cue, argument = (part.split(":")[1] for part in rest.split())
            scopes[cue].append(argument)
    return spans, scopes


def _moved(span: Span, back: int) -> Span:
    return Span(span.start - back, span.end - back)


def _cells(path: Path) -> list[list[str]]:
    """Return the rows below the header, cells without their CSV quotes."""
    lines = path.read_text(encoding="latin-1").splitlines()[1:]
    return [[cell.strip().strip('"').strip() for cell in line.split("\t")] for line in lines]


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _row(row: list[str], cluster: int, half: int) -> KitRow:
    number, concept, sentence, negation, temporality, _ = row
    mention = Entity(id="T1", span=_place(sentence, concept), label="Condition")
    note = Note(id=number, text=sentence, entities=(mention,))
    return KitRow(note, cluster, half, negation == "Negated", temporality)


def _clusters(annotated: list[list[str]]) -> dict[int, int]:
    """Return the cluster (its smallest report) of each report."""
    parent: dict[int, int] = {}

    def find(report: int) -> int:
        parent.setdefault(report, report)
        while parent[report] != report:
            report = parent[report]
        return report

    first: dict[str, int] = {}
    for report, _, sentence, _ in annotated:
        a, b = find(int(report)), find(first.setdefault(_key(sentence), int(report)))
        parent[max(a, b)] = min(a, b)
    return {report: find(report) for report in parent}


def _halves(clusters: list[int]) -> dict[int, int]:
    """Return the half, 0 or 1, of each cluster; `clusters` holds one entry per row."""
    sizes, n_rows = Counter(clusters), [0, 0]
    halves: dict[int, int] = {}
    digest = {c: hashlib.sha256(f"negex-kit {c}".encode()).hexdigest() for c in sizes}
    for cluster in sorted(sizes, key=lambda c: (-sizes[c], digest[c])):
        tied = n_rows[0] == n_rows[1]
        half = int(digest[cluster][0], 16) % 2 if tied else int(n_rows[1] < n_rows[0])
        halves[cluster] = half
        n_rows[half] += sizes[cluster]
    return halves


def _place(sentence: str, concept: str) -> Span:
    """Return the span of the upper-cased concept, or of as much of it as the sentence holds."""
    words = [re.escape(word) for word in concept.split()]
    tries = [part for n in range(len(words), 0, -1) for part in (words[:n], words[-n:])]
    for part in tries:
        pattern = r"\s+".join(part)
        match = re.search(pattern.upper().replace(r"\S", r"\s"), sentence)
        match = match or re.search(pattern, sentence, re.IGNORECASE)
        if match:
            return Span(*match.span())
    raise AssertionError("some word of each concept must stand in its sentence")
