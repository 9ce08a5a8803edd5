"""Gene variants: scripts/bench variants [--parts seth-tuned tmvar biored-train ...] [--errors].

Strict precision, recall and F1 on the two halves of SETH (by the hash of the id; rules were made
on the first), on tmVar's training part and on `SequenceVariant` of BioRED (rules were made on
train); groups by normal form on tmVar (pairs of mentions of one note that mean the same; a pair
of which one was missed is missed); words a second; false finds in the traps of corpora/variant-
cases. SETH marks no change without a position, and 9 of its 60 rsIDs (label RS): there those are
not sought. Some notes of BioRED's dev part are in tmVar's too, so it is scored without them as
well.
"""

import argparse
import hashlib
import time
import zipfile
from collections import defaultdict
from itertools import combinations

from clinnlp.core.counts import PRF
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes
from clinnlp.metrics.spans import score_spans
from clinnlp.text.variants_genes import GeneVariants
from tests.bench import DATA, ROOT, record

PARTS = ("seth-tuned", "seth-held", "tmvar", "biored-train", "biored-dev", "biored-dev-apart")
OF_SETH = ("protein", "dna")
PLACED = (*OF_SETH, "rsid")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--errors", action="store_true", help="list the differences")
    args = parser.parse_args()
    for part in args.parts:
        notes = gold(part)
        kinds = OF_SETH if part.startswith("seth") else (*PLACED, "unplaced")
        pipe = GeneVariants(kinds)
        found = [pipe(note.with_(entities=())) for note in notes]
        score(part, notes, found)
        if args.errors:
            differences(notes, found)
        if part == "tmvar":
            groups(notes, found)
    speed()
    traps(errors=args.errors)


def gold(part: str) -> list[Note]:
    """Return the notes of a part, with their variants alone, under one label."""
    if part.startswith("seth"):
        notes = [n for n in seth() if is_tuned(n.id) == (part == "seth-tuned")]
        labels = {"SNP"}
    elif part == "tmvar":
        notes = list(read_notes(DATA / "seth_variants" / "train.txt"))
        labels = {"ProteinMutation", "DNAMutation", "SNP"}
    else:
        name = "Train" if part.endswith("train") else "Dev"
        notes = list(read_notes(DATA / "biored" / f"{name}.PubTator"))
        if part.endswith("apart"):
            others = {note.id for note in gold("tmvar")}
            notes = [note for note in notes if note.id not in others]
        labels = {"SequenceVariant"}
    return [
        note.with_(
            relations=(),
            entities=tuple(
                Entity(id=e.id, span=e.span, label="SequenceVariant", concepts=e.concepts)
                for e in note.entities
                if e.label in labels
            ),
        )
        for note in notes
    ]


def is_tuned(name: str) -> bool:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2 == 0


def seth() -> list[Note]:
    with zipfile.ZipFile(DATA / "seth_variants" / "SETH-corpus.zip") as folder:
        lines = folder.read("corpus.txt").decode("utf-8").splitlines()
        notes = []
        for name, _, text in (line.partition("\t") for line in lines):
            rows = folder.read(f"annotations/{name}.ann").decode("utf-8").splitlines()
            notes.append(Note(id=name, text=text, entities=tuple(marked(rows, text))))
    return notes


def marked(rows: list[str], text: str):
    for row in rows:
        if row.startswith("T"):
            name, what, mention = row.split("\t")
            label, start, end = what.split()
            if text[int(start) : int(end)] != mention:
                raise ValueError("a mention of SETH is not where it is said to be")
            yield Entity(id=name, span=Span(int(start), int(end)), label=label)


def score(part: str, notes: list[Note], found: list[Note]) -> None:
    strict = score_spans(notes, found).micro
    record(
        "variants", part=part, mentions=strict.tp + strict.fn, precision=round(strict.precision, 4),
        recall=round(strict.recall, 4), f1=round(strict.f1, 4),
    )  # fmt: skip


def differences(notes: list[Note], found: list[Note]) -> None:
    for note, other in zip(notes, found, strict=True):
        right, said = ({e.span for e in n.entities} for n in (note, other))
        for sign, spans in (("missed", right - said), ("false", said - right)):
            for span in sorted(spans):
                before, behind = (
                    note.text[max(0, span.start - 45) : span.start],
                    note.text[span.end :],
                )
                print(sign, note.id, before, f"[[{note[span]}]]", behind[:35].replace("\n", " "))


def groups(notes: list[Note], found: list[Note]) -> None:
    """Record whether two mentions of a note that mean the same have one normal form."""
    counts = defaultdict(int)
    for note, other in zip(notes, found, strict=True):
        form = {e.span: e.concepts for e in other.entities if e.concepts}
        both = [(e.concepts, form.get(e.span)) for e in note.entities if e.concepts]
        for (one, one_form), (two, two_form) in combinations(both, 2):
            counts[one == two, one_form is not None and one_form == two_form] += 1
    found_pairs = PRF(tp=counts[True, True], fp=counts[False, True], fn=counts[True, False])
    record(
        "variant groups", pairs=counts[True, True] + counts[True, False],
        precision=round(found_pairs.precision, 4), recall=round(found_pairs.recall, 4),
        f1=round(found_pairs.f1, 4),
    )  # fmt: skip


def speed() -> None:
    texts = [n.text for n in seth()]
    notes = [Note(id=str(k), text=text) for k, text in enumerate(texts)]
    pipe = GeneVariants()
    start = time.process_time()
    for note in notes:
        pipe(note)
    spent = time.process_time() - start
    n_words = sum(len(text.split()) for text in texts)
    record("variant speed", words=n_words, words_a_second=round(n_words / spent))


def traps(*, errors: bool) -> None:
    lines = (ROOT / "corpora" / "variant-cases" / "traps.txt").read_text("utf-8").splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    pipe = GeneVariants()
    false = [line for line in lines if pipe(Note(id="n", text=line)).entities]
    record("variant traps", lines=len(lines), false=len(false))
    if errors:
        print(*false, sep="\n")


if __name__ == "__main__":
    main()
