"""The model in the box on notes and corpora: scripts/bench box [--part dev|test] [--models ...].

By default the development notes of `mtsamples-notes`, the notes of `typed-notes`, the development
parts of the abstracts, load time and speed. `--part test` reads the test notes in place of the
development ones: once for a release, when nothing is chosen any more. Beside it stand word lists
(DrugBank for Drug, ICD-10-CM for Problem), the same lists looked up as medSpaCy's matcher does
it (spaCy's PhraseMatcher over small letters, the longest of those that overlap) and, by `--bc5cdr
FOLDER`, a model of abstracts, whose Chemical counts as Drug and whose Disease as Problem. F1 with
intervals by note.
"""

import argparse
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import spacy
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from spacy.util import filter_spans

import clinnlp
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.tables.vocabularies import read_any_vocabulary
from clinnlp.metrics.mentions import list_errors
from clinnlp.study.box import BOX
from corpora.annotated.stored import read_annotated
from corpora.annotated.typed import read_typed
from corpora.release.data import NOTES, read_data
from corpora.release.scores import note_scores, read_bare
from tests.bench import DATA, record

LISTS = {
    "Drug": "drugbank_vocabulary/drugbank vocabulary.csv",
    "Problem": "icd10cm/icd10cm-order-Jan-2021.csv.gz",
}
AS_CLINICAL = {"Chemical": "Drug", "Disease": "Problem"}

FIRST = """
import time
start = time.perf_counter()
import clinnlp
note = clinnlp.pipeline({folder!r})("Denies chest pain. Started lisinopril 10 mg daily.")
print(round(time.perf_counter() - start, 2), round(time.process_time(), 2), len(note.entities))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--box", type=Path, default=BOX)
    parser.add_argument("--part", choices=["dev", "test"], default="dev")
    parser.add_argument("--bc5cdr", type=Path, help="a model folder of BC5CDR")
    parser.add_argument("--no-abstracts", action="store_true")
    parser.add_argument("--no-speed", action="store_true")
    args = parser.parse_args()
    readers = {
        "box": clinnlp.load(args.box).only(["Problem", "Drug", "Test", "Procedure", "Anatomy"])
    }
    if args.bc5cdr:
        readers["bc5cdr model"] = Renamed(clinnlp.load(args.bc5cdr))
    notes = {args.part: read_annotated(DATA, part=args.part), "typed": read_typed()}
    for kind, gold in notes.items():
        for name, reader in readers.items():
            tell(f"{kind}: {name}", gold, read_bare(reader, gold))
        for label, path in LISTS.items():
            only = [only_label(note, label) for note in gold]
            tell(
                f"{kind}: word list",
                only,
                [only_label(n, label) for n in listed(gold, label, path)],
            )
        tell(f"{kind}: phrases", [only_label(n, *LISTS) for n in gold], phrases(gold))
    errors = [
        error
        for gold in notes.values()
        for error in list_errors(gold, read_bare(readers["box"], gold))
    ]
    kinds = Counter((e.kind, e.gold_label or "", e.label or "") for e in errors)
    record("box errors", kinds={" ".join(k): n for k, n in kinds.most_common()})
    if not args.no_abstracts:
        abstracts(args.box)
    if not args.no_speed:
        speed(args.box)


class Renamed:
    """A model of abstracts whose labels are called as those of notes."""

    def __init__(self, tagger) -> None:
        self.tagger = tagger

    def batch(self, notes: list[Note]) -> list[Note]:
        return [
            note.with_(
                entities=tuple(
                    replace(e, label=AS_CLINICAL.get(e.label, e.label)) for e in note.entities
                )
            )
            for note in self.tagger.batch(notes)
        ]


def tell(name: str, gold: list[Note], found: list[Note]) -> None:
    scores = note_scores(gold, found)
    for match in ("strict", "relaxed"):
        rows = {
            r["label"]: f"{r['f1']:.3f} [{r['f1_low']:.3f}, {r['f1_high']:.3f}] "
            f"P {r['precision']:.3f} R {r['recall']:.3f}"
            for r in scores[match]["rows"]
        }
        record(f"box, {name}, {match}", **rows)
    sure = scores["sure"]
    record(
        f"box, {name}, scores",
        ece=round(scores["ece"], 4),
        n_sure=sure["n"],
        sure=sure["share_right"],
    )


def only_label(note: Note, *labels: str) -> Note:
    return note.with_(entities=tuple(e for e in note.entities if e.label in labels))


def listed(gold: list[Note], label: str, path: str) -> list[Note]:
    """Return the notes as a word list reads them, its label that of the notes."""
    nlp = clinnlp.pipeline(vocabulary=DATA / path, assertion=False)
    bare = [note.with_(entities=(), relations=()) for note in gold]
    return [
        gold_note.with_(entities=tuple(replace(e, label=label) for e in note.entities))
        for gold_note, note in zip(gold, nlp.stream(bare), strict=True)
    ]


def phrases(gold: list[Note]) -> list[Note]:
    """Return the notes as spaCy's PhraseMatcher reads them with both lists."""
    nlp = spacy.blank("en")
    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    for label, path in LISTS.items():
        names = {name for c in read_any_vocabulary(DATA / path) for name in c.names}
        matcher.add(label, list(nlp.tokenizer.pipe(names)))
    return [matched(note, nlp.make_doc(note.text), matcher) for note in gold]


def matched(note: Note, doc: Doc, matcher: PhraseMatcher) -> Note:
    found = filter_spans(matcher(doc, as_spans=True))
    entities = [
        Entity(id=f"T{k}", span=Span(s.start_char, s.end_char), label=s.label_)
        for k, s in enumerate(found)
    ]
    return note.with_(entities=tuple(entities), relations=())


def abstracts(folder: Path) -> None:
    """Development parts of the corpora of abstracts, in float and in 8-bit kernels."""
    box = clinnlp.load(folder)
    box = box.only(box.labels)
    for name, gold in read_data(DATA).dev.items():
        if name != NOTES:
            scores = note_scores(gold, read_bare(box, gold))
            record(f"box, {name} dev", f1=scores["strict"]["all"], ece=round(scores["ece"], 4))


def speed(folder: Path) -> None:
    """Seconds from a fresh process to the first entities, and words read in a second."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST.format(folder=str(folder))],
        capture_output=True,
        text=True,
        check=True,
    )
    wall, cpu, n = done.stdout.split()
    record("box, first entities", seconds=wall, cpu_seconds=cpu, n_entities=n)
    notes = [note.with_(entities=()) for note in read_annotated(DATA, part="train")]
    n_words = sum(len(note.text.split()) for note in notes)
    for int8 in (False, True):
        box = clinnlp.load(folder, int8=int8)
        box.batch(notes[:2])
        start = time.process_time()
        box.batch(notes)
        record(
            "box, speed",
            int8=int8,
            words_per_cpu_second=round(n_words / (time.process_time() - start)),
        )


if __name__ == "__main__":
    main()
