"""What became of conditions that notes call past: scripts/bench course [--parts tuned held].

Counts over all MTSamples notes, by name: mentions said of the patient as there now or once, how
many of them the filter of baskets and risk leaves out as past, and how many where what is chronic
counts. Then precision and recall of `chronic` and `ended` over the mentions judged in
corpora/mtsamples-judged/course.tsv; one that may be read both ways counts as right.
"""

import argparse
import csv
import lzma
from collections import Counter

import clinnlp
from clinnlp.core.counts import PRF
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.features.entities import asserted, entity_table, item_of
from clinnlp.text.assertion import Assertions
from clinnlp.text.course import Courses
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from tests.bench import DATA, ROOT, record

FOLDER = ROOT / "corpora" / "mtsamples-judged"
SHOWN = ("hypertension", "copd", "diabetes", "asthma", "coronary artery disease",
         "atrial fibrillation", "pneumonia", "stroke", "myocardial infarction")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", default=["tuned", "held"])
    parser.add_argument("--errors", action="store_true", help="list the differences")
    args = parser.parse_args()
    texts = all_texts()
    counted(texts)
    for part in args.parts:
        judged(texts, part, errors=args.errors)


def all_texts() -> list[str]:
    with lzma.open(DATA / "mtsamples" / "mtsamples.csv.xz", "rt", newline="") as handle:
        return [row["transcription"] for row in csv.DictReader(handle)]


def counted(texts: list[str]) -> None:
    """Record how many mentions of common problems the filter leaves out as past."""
    names = (FOLDER / "problems.txt").read_text(encoding="utf-8").splitlines()
    words = Vocabulary(Concept(code=name, name=name, label="Problem") for name in names)
    nlp = clinnlp.pipeline(vocabulary=words)
    distinct = dict.fromkeys(text for text in texts if text.strip())
    notes = [Note(id=f"n{k}", text=text) for k, text in enumerate(distinct)]
    table = entity_table(map(nlp, notes))
    others = ("negated", "uncertain", "hypothetical", "experiencer")
    table = table.take(asserted(table, axes=others)[0])
    items = item_of(table).names
    before = ~asserted(table, chronic_counts=False)[0]
    after = ~asserted(table)[0]
    n, dropped, left = (Counter(items[mask].tolist()) for mask in (before | ~before, before, after))
    for name in ("all", *SHOWN):
        told = {k.casefold(): k for k in n}
        each = [told[name]] if name != "all" else list(n)
        record("mentions left out as past", name=name, mentions=sum(n[k] for k in each),
               before=sum(dropped[k] for k in each), now=sum(left[k] for k in each))  # fmt: skip


def judged(texts: list[str], part: str, *, errors: bool) -> None:
    """Record precision and recall of `chronic` and `ended` over the judged mentions of a part."""
    with (FOLDER / "course.tsv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["part"] == part]
    pairs = []
    for row in rows:
        if row["course"] != "-":
            note, entity = annotated(texts[int(row["note"][2:])], row)
            said = str(entity.attributes["course"])
            pairs.append((row["course"], said))
            if errors and row["course"] not in (said, "?"):
                start, end = entity.span
                print(row["course"], "is said", said, note.text[max(0, start - 110) : start],
                      f"[[{note[entity.span]}]]", note.text[end : end + 50])  # fmt: skip
    figures = {"part": part, "mentions": len(pairs)}
    for course in ("chronic", "ended"):
        tp = sum(said == course and gold in (course, "?") for gold, said in pairs)
        fp = sum(said == course and gold not in (course, "?") for gold, said in pairs)
        fn = sum(said != course and gold == course for gold, said in pairs)
        found = PRF(tp=tp, fp=fp, fn=fn)
        figures[course] = f"P {found.precision:.3f} R {found.recall:.3f} ({tp}, {fp}, {fn})"
    record("judged courses", **figures)


def annotated(text: str, row: dict[str, str]) -> tuple[Note, Entity]:
    """Return a note with one judged mention as the pipes leave it."""
    span = Span(int(row["start"]), int(row["end"]))
    note = Note(id="n", text=text, entities=(Entity(id="T1", span=span, label="Problem"),))
    for pipe in (Sections(), Sentences(), Assertions(), Courses()):
        note = pipe(note)
    return note, note.entities[0]


if __name__ == "__main__":
    main()
