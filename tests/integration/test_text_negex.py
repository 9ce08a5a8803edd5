"""Negation on the NegEx test kit: real report sentences, development half only.

Reports that share a sentence form one cluster (union-find over the reports of each sentence).
Clusters, the largest first and ties by a hash, go to the half with fewer rows; where the halves
are equally long, the hash decides. Half 0 was developed on. Half 1 was never looked at; nothing
here scores it.
"""

import hashlib
import re
from collections import Counter, defaultdict

import pytest

from clinnlp.core.counts import PRF
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.assertion import Assertions
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences


def _rows(path):
    """Return the rows below the header, cells without their CSV quotes."""
    lines = path.read_text(encoding="latin-1").splitlines()[1:]
    return [[cell.strip().strip('"').strip() for cell in line.split("\t")] for line in lines]


def _key(text):
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _clusters(annotated):
    """Return the cluster (its smallest report) of each report."""
    parent = {}

    def find(report):
        parent.setdefault(report, report)
        while parent[report] != report:
            report = parent[report]
        return report

    first = {}
    for report, _, sentence, _ in annotated:
        a, b = find(int(report)), find(first.setdefault(_key(sentence), int(report)))
        parent[max(a, b)] = min(a, b)
    return {report: find(report) for report in parent}


def _halves(clusters):
    """Return the half, 0 or 1, of each cluster; `clusters` holds one entry per row."""
    sizes, halves, n_rows = Counter(clusters), {}, [0, 0]
    digest = {c: hashlib.sha256(f"negex-kit {c}".encode()).hexdigest() for c in sizes}
    for cluster in sorted(sizes, key=lambda c: (-sizes[c], digest[c])):
        tied = n_rows[0] == n_rows[1]
        half = int(digest[cluster][0], 16) % 2 if tied else int(n_rows[1] < n_rows[0])
        halves[cluster] = half
        n_rows[half] += sizes[cluster]
    return halves


def _development_rows(kit):
    rows = _rows(kit / "rsAnnotations-1-120-random.txt")
    annotated = _rows(kit / "negex.python" / "Annotations-1-120.txt")
    cluster_of = _clusters(annotated)
    reports = defaultdict(set)
    for report, concept, sentence, _ in annotated:
        reports[_key(concept), _key(sentence)].add(int(report))
    clusters = [cluster_of[min(reports[_key(row[1]), _key(row[2])])] for row in rows]
    halves = _halves(clusters)
    return [row for row, cluster in zip(rows, clusters, strict=True) if halves[cluster] == 0]


def _place(sentence, concept):
    """Return the span of the upper-cased concept, or of as much of it as the sentence holds."""
    words = [re.escape(word) for word in concept.split()]
    tries = [part for n in range(len(words), 0, -1) for part in (words[:n], words[-n:])]
    for part in tries:
        pattern = r"\s+".join(part)
        match = re.search(pattern.upper().replace(r"\S", r"\s"), sentence)
        match = match or re.search(pattern, sentence, re.IGNORECASE)
        if match:
            return Span(*match.span())
    return pytest.fail("some word of each concept must stand in its sentence")


@pytest.fixture(scope="module")
def scored(data_dir):
    rows = _development_rows(data_dir("negex_kit"))
    sections, sentences, assertions = Sections(), Sentences(), Assertions()
    pairs = []
    for number, concept, sentence, *gold in rows:
        mention = Entity(id="T1", span=_place(sentence, concept), label="Condition")
        note = Note(id=number, text=sentence, entities=(mention,))
        pairs.append((gold, assertions(sentences(sections(note))).entities[0].assertion))
    return pairs


def _prf(pairs):
    pairs = list(pairs)
    return PRF(
        tp=sum(gold and found for gold, found in pairs),
        fp=sum(found and not gold for gold, found in pairs),
        fn=sum(gold and not found for gold, found in pairs),
    )


def test_the_development_half_is_the_frozen_one(scored):
    assert len(scored) == 880
    assert sum(gold[0] == "Negated" for gold, _ in scored) == 246


def test_negation(scored):
    assert _prf((gold[0] == "Negated", found.negated) for gold, found in scored).f1 >= 0.97


def test_historical(scored):
    assert _prf((gold[1] == "Historical", found.historical) for gold, found in scored).f1 >= 0.70


def test_hypothetical(scored):
    pairs = ((gold[1] == "Not particular", found.hypothetical) for gold, found in scored)
    assert _prf(pairs).f1 >= 0.80
