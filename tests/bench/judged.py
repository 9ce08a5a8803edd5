"""Mentions of real notes, judged twice: scripts/bench judged [--parts tuned held] [--errors].

F1 of each axis over the problems, of "not current" over the drugs; a mention that may be read both
ways counts as right. `--medspacy PYTHON` adds medSpaCy on the same mentions.
"""

import argparse
import csv
import lzma
import sys
from pathlib import Path

from clinnlp.core.counts import PRF
from clinnlp.core.notes import AXES, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.assertion import Assertions
from clinnlp.text.medication import Medications
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from tests.bench import DATA, ROOT, record
from tests.bench.assertion import medspacy_context

PEER_AXES = ("negated", "historical", "hypothetical")
_STOPPED = ("stop", "hold")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", default=["tuned", "held"])
    parser.add_argument("--errors", action="store_true", help="list the differences")
    parser.add_argument("--medspacy", default=sys.executable, help="its interpreter")
    args = parser.parse_args()
    for part in args.parts:
        rows = judged(part)
        done = [annotated(note, row["kind"]) for note, row in rows]
        problems = [k for k, (_, row) in enumerate(rows) if row["kind"] == "problem"]
        drugs = [k for k, (_, row) in enumerate(rows) if row["kind"] == "drug"]
        peer = medspacy_context([rows[k][0] for k in problems], args.medspacy)
        figures: dict[str, object] = {"part": part, "problems": len(problems), "drugs": len(drugs)}
        for axis in AXES:
            pairs = [(rows[k][1][axis], getattr(done[k].assertion, axis)) for k in problems]
            figures[axis] = told(pairs)
            if peer is not None and axis in PEER_AXES:
                said = peer[:, PEER_AXES.index(axis)]
                gold = [rows[k][1][axis] for k in problems]
                figures[f"{axis}, medspacy"] = told(list(zip(gold, said, strict=True)))
            show = args.errors and any(axis == name for name in AXES)
            for k, (gold_value, value) in zip(problems, pairs, strict=True):
                if show and gold_value in "01" and bool(int(gold_value)) != bool(value):
                    print(axis, "is", gold_value, excerpt(*rows[k]))
        not_current = {"0": "1", "1": "0"}
        pairs = [(not_current.get(rows[k][1]["current"], "?"), not current(done[k])) for k in drugs]
        figures["not current"] = told(pairs)
        for k, (gold_value, value) in zip(drugs, pairs, strict=True):
            if args.errors and gold_value in "01" and bool(int(gold_value)) != bool(value):
                print("not current is", gold_value, excerpt(*rows[k]))
        record("judged mentions", **figures)


def judged(part: str) -> list[tuple[Note, dict[str, str]]]:
    """Return the valid mentions of a part, each in its note."""
    with lzma.open(DATA / "mtsamples" / "mtsamples.csv.xz", "rt", newline="") as handle:
        texts = [row["transcription"] for row in csv.DictReader(handle)]
    table = ROOT / "corpora" / "mtsamples-judged" / "judged.tsv"
    with Path(table).open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["part"] == part]
    return [(_note(texts[int(row["note"][2:])], row), row) for row in rows if row["valid"] == "1"]


def annotated(note: Note, kind: str) -> Entity:
    """Return the one mention of a note as the pipes leave it."""
    note = Assertions()(Sentences()(Sections()(note)))
    return (Medications()(note) if kind == "drug" else note).entities[0]


def current(entity: Entity) -> bool:
    """Return whether a drug counts as an exposure by default."""
    said = any(getattr(entity.assertion, axis) for axis in AXES)
    return not said and dict(entity.attributes).get("change") not in _STOPPED


def told(pairs: list[tuple[str, bool]]) -> str:
    """Return F1 with its counts, of (judged, said)."""
    tp = sum(gold != "0" and bool(said) for gold, said in pairs if gold != "?")
    fp = sum(gold == "0" and bool(said) for gold, said in pairs)
    fn = sum(gold == "1" and not said for gold, said in pairs)
    return f"F1 {PRF(tp=tp, fp=fp, fn=fn).f1:.3f} ({tp} right, {fp} wrong, {fn} missed)"


def excerpt(note: Note, row: dict[str, str]) -> str:
    start, end = int(row["start"]), int(row["end"])
    before, behind = note.text[max(0, start - 110) : start], note.text[end : end + 50]
    return f"{before}[[{note.text[start:end]}]]{behind}"


def _note(text: str, row: dict[str, str]) -> Note:
    span = Span(int(row["start"]), int(row["end"]))
    label = "Drug" if row["kind"] == "drug" else "Problem"
    return Note(id="n", text=text, entities=(Entity(id="T1", span=span, label=label),))


if __name__ == "__main__":
    main()
