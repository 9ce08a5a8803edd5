"""What large word lists find in real notes, judged: scripts/bench word_lists [--errors].

Of the judged finds of `corpora/mtsamples-word-lists` those that are found today, and how many of
them are right, with Wilson intervals. Alcohol and tobacco as habits count as wrong; the second
figure counts them as right. `found today` of the right finds drawn before the rules for large
lists is what those rules keep.
"""

import argparse
import csv
from collections import Counter

from clinnlp.core.spans import Span, overlaps
from clinnlp.io.tables.vocabularies import read_any_vocabulary
from clinnlp.metrics.intervals import wilson_interval
from clinnlp.text.lookup import Lookup
from clinnlp.text.sections import Sections
from tests.bench import DATA, ROOT, record

JUDGED = ROOT / "corpora" / "mtsamples-word-lists" / "judged.tsv"
LISTS = {
    "drugbank": "drugbank_vocabulary/drugbank vocabulary.csv",
    "icd10cm": "icd10cm/icd10cm-order-Jan-2021.csv.gz",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--errors", action="store_true", help="list right finds that are lost")
    args = parser.parse_args()
    from tests.bench.extract import distinct_notes

    notes = {note.id: Sections()(note) for note in distinct_notes()}
    rows = judged()
    for name, path in LISTS.items():
        lookup = Lookup(read_any_vocabulary(DATA / path))
        done = {key: lookup(note) for key, note in notes.items()}
        held = sum((lookup.held_back(note) for note in done.values()), Counter())
        record(f"word lists, {name}", finds=sum(len(note.entities) for note in done.values()),
               held_back=dict(held.most_common()))  # fmt: skip
        for part in ("tuned", "held"):
            own = [row for row in rows if (row["list"], row["part"]) == (name, part)]
            record(f"word lists, {name}, {part}", **figures(own, done))
            for row in own if args.errors else ():
                if row["right"] == "1" and not found_today(row, done):
                    print(excerpt(notes[row["note"]].text, row))


def judged() -> list[dict[str, str]]:
    with JUDGED.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def figures(rows, done) -> dict[str, str]:
    """Return precision as drawn before and after, and what is kept of the right ones."""
    before = [row for row in rows if row["drawn"] == "before"]
    after = [row for row in rows if row["drawn"] == "after" and found_today(row, done, same=True)]
    right = [row for row in before if row["right"] == "1"]
    kept = [row for row in right if found_today(row, done)]
    return {
        "precision before": share(before),
        "precision before, habits right": share(before, "1s"),
        "precision after": share(after),
        "precision after, habits right": share(after, "1s"),
        "right before and found today": str(wilson_interval(len(kept), len(right))),
    }


def share(rows, right: str = "1") -> str:
    n = sum(row["right"] in right for row in rows)
    return f"{wilson_interval(n, len(rows))} ({n} of {len(rows)})"


def found_today(row, done, *, same: bool = False) -> bool:
    """Return whether a mention lies at a judged find, with `same` of the same concept."""
    span = Span(int(row["start"]), int(row["end"]))
    return any(
        overlaps(entity.span, span) and (not same or row["concept"] in entity.concepts)
        for entity in done[row["note"]].entities
    )


def excerpt(text: str, row) -> str:
    start, end = int(row["start"]), int(row["end"])
    return f"{text[max(0, start - 60) : start]}[[{text[start:end]}]]{text[end : end + 60]}"


if __name__ == "__main__":
    main()
