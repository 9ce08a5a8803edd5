"""Trained relations: scripts/bench relation_models CORPUS [--fold K] [--reading inserted appended]
[--epochs N] [--words-only] [--out FOLDER]; or --speed FOLDER.

ddi2013 and phee by five folds of documents inside train (ordered by the hash of their ids); bc5cdr
and biored from train to dev, without documents of any test part or of dev. Gold mentions. Strict
micro F1 with labels and without, beside naive Bayes and a linear SVM on words, with the paired
interval of the difference. --words-only scores these two alone, without a network.

--speed reads the pairs of 40 notes of discharge-mini, 30 mentions planted in each, with a saved
model, in float32 and in 8-bit integers, and one note of 400 mentions.
"""

import argparse
import hashlib
import json
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import clinnlp
from clinnlp.bert.relate_recipe import RelationRecipe
from clinnlp.bert.relation_baselines import baselines
from clinnlp.bert.settings import RelationSettings
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes
from clinnlp.metrics.relations import compare_relations, score_relations
from clinnlp.text.sentences import Sentences
from tests.bench import DATA, record
from tests.bench.relations import pairs_of

N_FOLDS = 5
FILES = {
    "bc5cdr": ("CDR_TrainingSet.PubTator.txt", "CDR_DevelopmentSet.PubTator.txt"),
    "biored": ("Train.PubTator", "Dev.PubTator"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", choices=["ddi2013", "phee", *FILES])
    parser.add_argument("--fold", type=int, default=0, choices=range(N_FOLDS))
    parser.add_argument("--reading", default="inserted", choices=["inserted", "appended"])
    parser.add_argument("--set", nargs="*", default=[], metavar="FIELD=JSON")
    parser.add_argument("--words-only", action="store_true")
    parser.add_argument("--out", default="out/models")
    parser.add_argument("--speed", metavar="FOLDER")
    args = parser.parse_args()
    if args.speed:
        speed(args.speed)
        return
    train, dev = parts(args.corpus, args.fold)
    changed = {key: json.loads(value) for key, _, value in (one.partition("=") for one in args.set)}
    settings = RelationSettings(reading=args.reading, **changed)
    if args.words_only:
        words(args, train, dev, settings)
        return
    out = f"{args.out}/{args.corpus}-{args.fold}-{args.reading}"
    start, cpu = time.perf_counter(), time.process_time()
    model = clinnlp.fine_tune_relations(train, dev, out=out, settings=settings)
    card = model.card["dev"]
    record(
        "relation models", corpus=args.corpus, fold=args.fold, reading=args.reading,
        settings=changed, minutes=round((time.perf_counter() - start) / 60, 1),
        cpu_minutes=round((time.process_time() - cpu) / 60, 1),
        pairs=model.card["n_pairs"], related=model.card["n_related"], cut=model.card["n_cut"],
        **figures(card), rows=card["rows"],
        **{name: {**figures(each), "better_by": told(each["difference"]), "p": each["p"]}
           for name, each in card.get("baselines", {}).items()},
    )  # fmt: skip


def words(args, train: list[Note], dev: list[Note], settings: RelationSettings) -> None:
    """Score the classifiers on words alone."""
    recipe = RelationRecipe(train, dev, replace(settings, selection_fraction=0.0))
    kinds, search = recipe.asked
    gold = [kinds.as_pairs(note, labels=kinds.labels) for note in dev]
    found = baselines(train, gold, kinds, search)
    svm = found["linear_svm"]
    for name, notes in found.items():
        typed, detected = (score_relations(gold, notes, typed=t) for t in (True, False))
        record(
            "relation words", corpus=args.corpus, fold=args.fold, name=name, f1=str(typed.f1),
            detection=str(detected.f1),
            svm_better_by=str(compare_relations(gold, svm, notes).difference),
        )  # fmt: skip


def figures(card) -> dict[str, str]:
    return {name: told(card[name]) for name in ("precision", "recall", "f1", "detection_f1")}


def told(estimate) -> str:
    return "{value:.3f} [{low:.3f}, {high:.3f}]".format(**estimate)


def parts(corpus: str, fold: int) -> tuple[list[Note], list[Note]]:
    """Return notes to train on and notes to score."""
    if corpus in FILES:
        train, dev = (list(read_notes(DATA / corpus / name)) for name in FILES[corpus])
        listed = json.loads((DATA / "overlap_pmids.json").read_text())
        tested = {pmid for part in listed.values() for pmid in part}
        dev_ids, dev_texts = {n.id for n in dev}, {n.text for n in dev}
        kept = [n for n in train if n.id not in dev_ids | tested and n.text not in dev_texts]
        return kept, [n for n in dev if n.id not in tested] if corpus == "biored" else dev
    with ddi() if corpus == "ddi2013" else phee() as notes:
        found = sorted(notes, key=lambda n: hashlib.sha256(n.id.encode()).hexdigest())
    once = list({note.text: note for note in found}.values())
    return [n for k, n in enumerate(once) if k % N_FOLDS != fold], once[fold::N_FOLDS]


@contextmanager
def ddi() -> Iterator[list[Note]]:
    """Give the training documents of DDI-2013."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(DATA / "ddi2013" / "DDICorpus-2013.zip") as packed:
            names = [n for n in packed.namelist() if n.startswith("DDICorpus/Train/")]
            packed.extractall(folder, [n for n in names if n.endswith(".xml")])
        yield list(read_notes(Path(folder) / "DDICorpus" / "Train", repair=True))


@contextmanager
def phee() -> Iterator[list[Note]]:
    """Give the training sentences of PHEE with the pairs of their events."""
    notes = read_notes(DATA / "phee" / "json" / "train.json", format="phee-json")
    yield [pairs_of(n).with_(sentences=(Span(0, len(n.text)),)) for n in notes if n.text]


def speed(folder: str) -> None:
    """Tell how many pairs a second a saved model reads, and the time of a note of 400 mentions."""
    labels = sorted({label for pair in clinnlp.load(folder).kinds.allowed for label in pair})
    texts = read_notes("corpora/discharge-mini/dev.jsonl")
    notes = [planted(note, labels, 30) for note in texts][:40]
    long = planted(Note(id="long", text=" ".join(n.text for n in notes)), labels, 400)
    for int8 in (False, True):
        model = clinnlp.load(folder, device="cpu", int8=int8)
        n_pairs = sum(len(model.search(note).pairs) for note in notes)
        model.batch(notes[:4])  # compiles
        (took, spent), (long_took, long_spent) = (
            min(timed(model, each) for _ in range(3)) for each in (notes, [long])
        )
        record(
            "relation speed", reading=model.reading, int8=int8, pairs=n_pairs,
            pairs_a_second=round(n_pairs / took), pairs_a_cpu_second=round(n_pairs / spent),
            long_seconds=round(long_took, 2), long_cpu_seconds=round(long_spent, 2),
            long_pairs=len(model.search(long).pairs), long_cut=model.search(long).n_cut,
        )  # fmt: skip


def timed(model, notes: list[Note]) -> tuple[float, float]:
    """Return the seconds on the clock and of the processors."""
    start, cpu = time.perf_counter(), time.process_time()
    model.batch(notes)
    return time.perf_counter() - start, time.process_time() - cpu


def planted(note: Note, labels: list[str], n: int) -> Note:
    """Return the note in sentences, with `n` words of its text as mentions, evenly spread."""
    split = Sentences()(note)
    found, at = [], 0
    for word in note.text.split():
        at = note.text.index(word, at)
        found.append(Span(at, at + len(word)))
        at += len(word)
    chosen = found[:: max(1, len(found) // n)][:n]
    return split.with_(
        entities=tuple(
            Entity(id=f"T{k}", span=span, label=labels[k % len(labels)])
            for k, span in enumerate(chosen)
        ),
        relations=(),
    )


if __name__ == "__main__":
    main()
