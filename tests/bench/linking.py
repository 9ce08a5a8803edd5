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
from clinnlp.core.abbreviations import abbreviations
from clinnlp.core.vocab import Concept, Vocabulary, fold
from clinnlp.io.tables.vocabularies import read_drugbank, read_icd10cm
from clinnlp.text.candidates import Candidates
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
    parser.add_argument("--candidates", action="store_true", help="measure candidates instead")
    parser.add_argument("--sheet", type=Path, help="write drawn links not judged yet here")
    args = parser.parse_args()
    if args.candidates:
        for kind in [args.only] if args.only else KINDS:
            candidates(kind)
        return
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


def candidates(kind: str) -> None:
    """Count how often the concept of a dev mention that no step links is among its candidates.

    The vocabulary is the names of train by their MeSH id; asked for are dev mentions whose id is
    there.
    """
    from clinnlp.bert.name_vectors import name_vectors

    names = defaultdict(dict)
    for *_, mention, gold, _ in linked("Training", kind, None):
        if len(gold) == 1:
            names[gold[0]].setdefault(mention)
    words = Vocabulary(
        Concept(code=code, name=first, synonyms=tuple(others))
        for code, (first, *others) in names.items()
    )
    steps, n_right = Counter(), Counter()
    asked = []
    for *_, mention, gold, link in linked("Development", kind, words):
        if len(gold) == 1 and gold[0] in words:
            step = "none" if link is None else link.step
            steps[step] += 1
            n_right[step] += link is not None and link.concepts == gold
            asked += [(mention, gold[0])] if link is None else []
    by_step = {step: f"{n_right[step]} of {n} right" for step, n in steps.items() if step != "none"}
    record(f"linking, {kind}, names of train", concepts=len(words), **by_step)
    for by, vectors in (("letters", None), ("vectors", name_vectors())):
        find = Candidates(words, vectors=vectors)
        found = [([c.code for c in find(mention)], code) for mention, code in asked]
        first, five = (sum(code in codes[:n] for codes, code in found) for n in (1, 5))
        record(f"linking, {kind}, candidates by {by}", asked=len(asked),
               first=f"{first} ({first / len(asked):.3f})",
               among_five=f"{five} ({five / len(asked):.3f})")  # fmt: skip


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
