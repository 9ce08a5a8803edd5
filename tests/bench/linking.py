"""Linking of names to concepts, with its precision by step: scripts/bench linking.

Chemicals: the distinct Chemical mentions of bc5cdr dev against the DrugBank vocabulary.
Diseases: its distinct Disease mentions against the names of ICD-10-CM.

Each distinct mention (case and blanks folded), with the abbreviations of the first document it
stands in, goes through the steps of `clinnlp.text.linking`. Precision comes from links judged by
hand: 200 drawn by lot from all; by step, of these and at least 30 more (corpora/bc5cdr-drugbank,
corpora/bc5cdr-icd10cm). `--sheet` writes the drawn links that nobody has judged yet; `--part
Training` is for looking while the steps are changed.
"""

import argparse
import csv
import random
from collections import Counter, defaultdict
from pathlib import Path

import clinnlp
from clinnlp.core.vocab import fold
from clinnlp.io.tables.vocabularies import read_drugbank, read_icd10cm
from clinnlp.text.abbreviations import abbreviations
from clinnlp.text.normalise import Normalise
from tests.bench import DATA, ROOT, record

FUZZY = 0.85
N_JUDGED, N_OF_STEP = 200, 30
KINDS = {"chemicals": "Chemical", "diseases": "Disease"}
JUDGED = {"chemicals": "bc5cdr-drugbank", "diseases": "bc5cdr-icd10cm"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", default="Development", choices=["Development", "Training"])
    parser.add_argument("--only", choices=list(KINDS))
    parser.add_argument("--sheet", type=Path, help="write drawn links not judged yet here")
    args = parser.parse_args()
    for kind in [args.only] if args.only else KINDS:
        words = vocabulary(kind)
        links = linked(args.part, kind, words)
        steps = Counter(link.step for *_, link in links if link)
        shares = {step: f"{n} ({n / len(links):.3f})" for step, n in steps.most_common()}
        n_linked = sum(steps.values())
        record(f"linking, {kind}, {args.part}", mentions=len(links),
               linked=f"{n_linked} ({n_linked / len(links):.3f})", **shares)  # fmt: skip
        drawn, more = sample(links)
        if args.sheet:
            write_sheet(args.sheet, [*drawn, *more], judged(kind), words)
        elif args.part == "Development":
            record(f"linking, {kind}, precision", **precision(drawn, links, judged(kind)))


def vocabulary(kind: str):
    if kind == "chemicals":
        return read_drugbank(DATA / "drugbank_vocabulary" / "drugbank vocabulary.csv")
    return read_icd10cm(DATA / "icd10cm" / "icd10cm-order-Jan-2021.csv.gz")


def linked(part: str, kind: str, words):
    """Return (note, start, mention, gold ids, link or None) for each distinct mention."""
    pipe = Normalise(words, fuzzy=FUZZY)
    seen, out = set(), []
    for note in clinnlp.read_notes(DATA / "bc5cdr" / f"CDR_{part}Set.PubTator.txt"):
        long_forms = abbreviations(note.text)
        for entity in note.entities:
            mention = note.mention(entity)
            if entity.label == KINDS[kind] and fold(mention) not in seen:
                seen.add(fold(mention))
                link = pipe.link(mention, long_forms, is_drug=kind == "chemicals")
                out.append((note.id, entity.span.start, mention, entity.concepts, link))
    return out


def sample(links):
    """Return links drawn from all, and up to 30 more of each step.

    Each link draws its own lot, so that another link more or less leaves the others drawn.
    """
    found = sorted((row for row in links if row[-1]), key=lot)
    drawn, rest = found[:N_JUDGED], found[N_JUDGED:]
    by_step = defaultdict(list)
    for row in rest:
        by_step[row[-1].step].append(row)
    return drawn, [row for step in sorted(by_step) for row in by_step[step][:N_OF_STEP]]


def key(row) -> tuple[str, int, str]:
    return row[0], row[1], "|".join(row[-1].concepts)


def lot(row) -> float:
    return random.Random(f"20261128 {key(row)}").random()


def judged(kind: str) -> dict[tuple[str, int, str], bool]:
    path = ROOT / "corpora" / JUDGED[kind] / "judged.tsv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8") as handle:
        return {
            (row["note"], int(row["start"]), row["concepts"]): row["right"] == "1"
            for row in csv.DictReader(handle, delimiter="\t")
        }


def precision(drawn, links, known) -> dict:
    """Return the share right of those drawn, and by step of all that were judged."""
    of_step = defaultdict(list)
    for row in links:
        if row[-1] and key(row) in known:
            of_step[row[-1].step].append(known[key(row)])
    said = {step: share(verdicts) for step, verdicts in of_step.items()}
    return {"all, of those drawn": share([known.get(key(row)) for row in drawn])} | said


def share(verdicts) -> str:
    n_right, n = verdicts.count(True), len(verdicts) - verdicts.count(None)
    said = f"{n_right} of {n} right ({n_right / max(1, n):.3f})"
    return said + (f", {verdicts.count(None)} not judged" if None in verdicts else "")


def write_sheet(path: Path, rows, known, words) -> None:
    """Write what is to be judged, with the names of concept and mention: for the eyes alone."""
    with path.open("w", encoding="utf-8") as handle:
        for row in rows:
            if key(row) not in known:
                note, start, mention, gold, link = row
                names = " + ".join(words[code].name for code in link.concepts)
                said = (note, start, "|".join(link.concepts), link.step, mention, names, *gold)
                handle.write("\t".join(map(str, said)) + "\n")


if __name__ == "__main__":
    main()
