"""Drug normalisation on the distinct Chemical mentions of bc5cdr dev: scripts/bench normalise.

Each distinct mention (case and blanks folded), with the abbreviations of the first document it
stands in, against the DrugBank open vocabulary. Prints the share that each step links, and the
precision of each step on at most 100 mentions drawn by seed and judged by hand
(``corpora/bc5cdr-drugbank/judged.tsv``); ``--sheet`` writes the sheet to judge.
"""

import argparse
import csv
import random
from collections import Counter, defaultdict
from pathlib import Path

import clinnlp
from clinnlp.core.vocab import fold
from clinnlp.io.tables.vocabularies import read_drugbank
from clinnlp.text.abbreviations import abbreviations
from clinnlp.text.normalise import Normalise
from tests.bench import DATA, ROOT, record

FUZZY = 0.85
N_JUDGED = 100
JUDGED = ROOT / "corpora" / "bc5cdr-drugbank" / "judged.tsv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", default="Development", choices=["Development", "Training"])
    parser.add_argument("--sheet", type=Path, help="write the sampled links here, to be judged")
    args = parser.parse_args()
    drugs = read_drugbank(DATA / "drugbank_vocabulary" / "drugbank vocabulary.csv")
    links = linked(args.part, drugs)
    steps = Counter(link.step for *_, link in links if link)
    shares = {step: f"{n} ({n / len(links):.3f})" for step, n in steps.most_common()}
    n_linked = sum(steps.values())
    record(f"normalise, {args.part}", mentions=len(links),
           linked=f"{n_linked} ({n_linked / len(links):.3f})", **shares)  # fmt: skip
    drawn = sample(links)
    if args.sheet:
        with args.sheet.open("w", encoding="utf-8") as handle:
            for note, start, mention, link in drawn:
                names = " + ".join(drugs[code].name for code in link.concepts)
                handle.write(
                    f"{note}\t{start}\t{link.step}\t{mention}\t{names}\t{'|'.join(link.concepts)}\n"
                )
    elif args.part == "Development":
        record("normalise, precision", **precision(drawn))


def linked(part: str, drugs):
    """Return (note, start, mention, link or None) for each distinct mention."""
    pipe = Normalise(drugs, fuzzy=FUZZY)
    seen, out = set(), []
    for note in clinnlp.read_notes(DATA / "bc5cdr" / f"CDR_{part}Set.PubTator.txt"):
        long_forms = abbreviations(note.text)
        for entity in note.entities:
            mention = note.mention(entity)
            if entity.label == "Chemical" and fold(mention) not in seen:
                seen.add(fold(mention))
                link = pipe.link(mention, long_forms, is_drug=True)
                out.append((note.id, entity.span.start, mention, link))
    return out


def sample(links):
    by_step = defaultdict(list)
    for row in links:
        if row[3]:
            by_step[row[3].step].append(row)
    rng = random.Random(20261121)
    return [
        row
        for step in sorted(by_step)
        for row in sorted(rng.sample(by_step[step], min(N_JUDGED, len(by_step[step]))),
                          key=lambda row: row[:2])
    ]  # fmt: skip


def precision(drawn) -> dict:
    with JUDGED.open(encoding="utf-8") as handle:
        judged = {
            (row["note"], int(row["start"]), row["concepts"]): row["right"] == "1"
            for row in csv.DictReader(handle, delimiter="\t")
        }
    counts = defaultdict(lambda: [0, 0, 0])
    for note, start, _, link in drawn:
        right = judged.get((note, start, "|".join(link.concepts)))
        counts[link.step][1 if right else 0 if right is not None else 2] += 1
    return {
        step: f"{right} of {right + wrong} right ({right / max(1, right + wrong):.3f})"
        + (f", {unjudged} not judged" if unjudged else "")
        for step, (wrong, right, unjudged) in counts.items()
    }


if __name__ == "__main__":
    main()
