"""Trained relations: scripts/bench relation_models CORPUS [--fold K] [--set FIELD=JSON ...]
[--reading inserted|appended|hidden] [--words-only] [--mentions FOLDER] [--out FOLDER]; or
--speed FOLDER; or --again FOLDER CORPUS to score a saved model anew; or CORPUS --pooled.

ddi2013 by five folds of documents inside train and nlm_ddi by five folds of drug labels (ordered by
the hash of their ids); phee, bc5cdr and biored from train to dev, without documents of any test
part or of dev. Gold mentions. Strict micro F1 with labels and without, beside naive Bayes and a
linear SVM on words, with the paired interval of the difference. --words-only scores these two
alone, without a network. The drugs of nlm_ddi have one label: which of their labels the corpus
gives tells whether they interact.

--beside learns from the other corpus of interactions too, but for documents with a sentence that
is scored: for nlm_ddi all pairs of ddi2013 that interact; for ddi2013 those of nlm_ddi, of which
nothing says how they interact.

--mentions scores end to end too: the model in FOLDER, or one that is fine-tuned on the same train
where there is none (--mentions-set), finds the mentions of dev; their concepts are those of such
words in train, or, with --linked, those of the gold mention of the same label that they meet.

--pooled scores together what the saved models of all folds say of the part that each has not
seen, beside a linear SVM on words that learns all of the rest; with --mentions, whose models have
the number of the fold behind them, end to end too.

--speed reads with a saved model, in float32 and in 8-bit integers, the pairs of 40 notes of
discharge-mini, 30 mentions planted in each, or those of dev where a corpus is named, and one note
of 400 mentions; --reading in another way than it was taught (the time hangs on no weight).
"""

import argparse
import hashlib
import json
import re
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import clinnlp
from clinnlp.bert.relate import RelationExtractor
from clinnlp.bert.relate_recipe import RelationRecipe
from clinnlp.bert.relation_baselines import baselines
from clinnlp.bert.settings import RelationSettings
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes
from clinnlp.metrics.relations import compare_relations, score_relations
from clinnlp.text.sentences import Sentences
from tests.bench import DATA, record
from tests.bench.interactions import DRUGS, read_labels
from tests.bench.relations import pairs_of

N_FOLDS = 5
FOLDS = ("ddi2013", "nlm_ddi")
FILES = {
    "bc5cdr": ("CDR_TrainingSet.PubTator.txt", "CDR_DevelopmentSet.PubTator.txt"),
    "biored": ("Train.PubTator", "Dev.PubTator"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", choices=[*FOLDS, "phee", *FILES])
    parser.add_argument("--fold", type=int, default=0, choices=range(N_FOLDS))
    parser.add_argument("--reading", choices=["inserted", "appended", "hidden"])
    parser.add_argument("--set", nargs="*", default=[], metavar="FIELD=JSON")
    parser.add_argument("--words-only", action="store_true")
    parser.add_argument("--beside", action="store_true")
    parser.add_argument("--mentions", metavar="FOLDER")
    parser.add_argument("--mentions-set", nargs="*", default=[], metavar="FIELD=JSON")
    parser.add_argument("--linked", action="store_true")
    parser.add_argument("--again", metavar="FOLDER")
    parser.add_argument("--pooled", action="store_true")
    parser.add_argument("--out", default="out/models")
    parser.add_argument("--speed", metavar="FOLDER")
    args = parser.parse_args()
    if args.speed:
        notes = args.corpus and parts(args.corpus, args.fold)[1]
        speed(args.speed, notes, args.reading)
        return
    args.reading = args.reading or RelationSettings().reading
    if args.pooled:
        pooled(args)
        return
    train, dev = parts(args.corpus, args.fold)
    if args.beside:
        train += others(args.corpus, dev)
    changed = fields_of(args.set)
    if args.corpus == "biored":  # whose pairs have no order
        changed.setdefault("undirected", sorted({r.label for n in train for r in n.relations}))
    settings = RelationSettings(reading=args.reading, **changed)
    if args.words_only:
        words(args, train, dev, settings)
        return
    again = args.again and clinnlp.load(args.again)
    model = again or trained(args, train, dev, settings, changed)
    if args.mentions:
        end_to_end(args, model, train, dev)


def fields_of(words: list[str]) -> dict[str, object]:
    return {key: json.loads(value) for key, _, value in (one.partition("=") for one in words)}


def trained(args, train, dev, settings: RelationSettings, changed) -> RelationExtractor:
    """Return a model of the settings, its scores recorded."""
    out = f"{args.out}/{args.corpus}-{args.fold}-{args.reading}"
    start, cpu = time.perf_counter(), time.process_time()
    model = clinnlp.fine_tune_relations(train, dev, out=out, settings=settings)
    card = model.card["dev"]
    record(
        "relation models", corpus=args.corpus, fold=args.fold, reading=args.reading,
        settings=changed, minutes=round((time.perf_counter() - start) / 60, 1),
        cpu_minutes=round((time.process_time() - cpu) / 60, 1), tokens=model.card["n_tokens"],
        pairs=model.card["n_pairs"], related=model.card["n_related"], cut=model.card["n_cut"],
        selection=[each["score"] and round(each["score"], 3) for each in model.card["epochs"]],
        **figures(card), labels=by_label(card["rows"]),
        **{name: {**figures(each), "better_by": told(each["difference"]), "p": each["p"]}
           for name, each in card.get("baselines", {}).items()},
    )  # fmt: skip
    return model


def end_to_end(args, model: RelationExtractor, train: list[Note], dev: list[Note]) -> None:
    """Score relations between mentions that a model finds."""
    tagged, found = found_alone(args, args.mentions, model, train, dev)
    record_end_to_end(args, model, dev, tagged, asked_of(model, dev), found)


def found_alone(args, folder: str, model: RelationExtractor, train, dev):
    """Return the notes with the mentions that a model finds, and with relations between those."""
    if not Path(folder).exists():
        how = {"labels": model.kinds.end_labels, **fields_of(args.mentions_set)}
        clinnlp.fine_tune_ner(train, out=folder, **how)
    tagger = clinnlp.load(folder)
    tagged = tagger.batch([note.with_(entities=(), relations=()) for note in dev])
    ours = tagged
    if model.search.ends == "concepts":
        ours = linked(tagged, dev) if args.linked else with_concepts(tagged, train)
    return tagged, asked_of(model, model.batch(ours))


def asked_of(model: RelationExtractor, notes: list[Note]) -> list[Note]:
    return [model.kinds.as_pairs(note, labels=model.labels) for note in notes]


def record_end_to_end(args, model: RelationExtractor, dev, tagged, gold, found) -> None:
    undirected = model.kinds.undirected
    typed, any_label, relaxed = (
        score_relations(gold, found, undirected=undirected, **asked)
        for asked in ({}, {"typed": False}, {"match": "relaxed"})
    )
    mentions = clinnlp.score_spans(dev, tagged)
    record(
        "relation models end to end", corpus=args.corpus, fold=args.fold, reading=model.reading,
        linked=args.linked, mentions=str(mentions.f1), f1=str(typed.f1),
        detection=str(any_label.f1), relaxed=str(relaxed.f1),
    )  # fmt: skip


def pooled(args) -> None:
    """Score the parts of all folds as one."""
    gold, found, words, notes, tagged, alone = ([] for _ in range(6))
    for fold in range(N_FOLDS):
        train, dev = parts(args.corpus, fold)
        model = clinnlp.load(f"{args.out}/{args.corpus}-{fold}-{args.reading}")
        gold += asked_of(model, dev)
        found += asked_of(model, model.batch([note.with_(relations=()) for note in dev]))
        words += baselines(train, asked_of(model, dev), model.kinds, model.search)["linear_svm"]
        notes += dev
        if args.mentions:
            both = found_alone(args, f"{args.mentions}-{fold}", model, train, dev)
            tagged, alone = tagged + both[0], alone + both[1]
    undirected = model.kinds.undirected
    for name, theirs in (("network", found), ("linear SVM", words)):
        typed, detected = (
            score_relations(gold, theirs, typed=t, undirected=undirected) for t in (True, False)
        )
        record(
            "relation models pooled", corpus=args.corpus, reading=args.reading, name=name,
            precision=str(typed.precision), recall=str(typed.recall), f1=str(typed.f1),
            detection=str(detected.f1),
            network_better_by=str(
                compare_relations(gold, found, theirs, undirected=undirected).difference
            ),
        )  # fmt: skip
    if args.mentions:
        args.fold = "all"
        record_end_to_end(args, model, notes, tagged, gold, alone)


def with_concepts(notes: list[Note], train: list[Note]) -> list[Note]:
    """Return the notes with the concepts that train gives most to mentions of such words."""
    seen: dict[tuple[str, str], Counter[tuple[str, ...]]] = {}
    for note in train:
        for entity in note.entities:
            seen.setdefault((entity.label, note.mention(entity).lower()), Counter())[
                entity.concepts
            ] += 1
    known = {key: counts.most_common(1)[0][0] for key, counts in seen.items()}
    return [
        note.with_(entities=tuple(
            replace(e, concepts=known.get((e.label, note.mention(e).lower()), ()))
            for e in note.entities
        ))
        for note in notes
    ]  # fmt: skip


def linked(notes: list[Note], gold: list[Note]) -> list[Note]:
    """Return the notes with the concepts of the gold mentions that their mentions meet."""

    def met(entity: Entity, theirs: Note) -> tuple[str, ...]:
        same = [e for e in theirs.entities if e.label == entity.label]
        a, b = entity.span
        return next((e.concepts for e in same if e.span.start < b and a < e.span.end), ())

    return [
        note.with_(entities=tuple(replace(e, concepts=met(e, theirs)) for e in note.entities))
        for note, theirs in zip(notes, gold, strict=True)
    ]


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


def by_label(rows) -> dict[str, str]:
    """Return F1 and gold relations of each label."""
    return {
        row["label"]: f"{2 * row['n_right'] / (row['n_gold'] + row['n_predicted']):.3f} "
        f"of {row['n_gold']}"
        for row in rows
    }


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
    if corpus == "phee":
        train, dev = phee("train"), phee("dev")
        seen = {n.text for n in dev}
        return [n for n in train if n.text not in seen], dev
    units = list(ddi() if corpus == "ddi2013" else drug_labels())
    fit = [n for k, unit in enumerate(units) if k % N_FOLDS != fold for n in unit]
    kept = [n for unit in units[fold::N_FOLDS] for n in unit]
    seen = {n.text for n in kept}
    return once(n for n in fit if n.text not in seen), once(kept)


def others(corpus: str, scored: list[Note]) -> list[Note]:
    """Return the other corpus of interactions in the labels of a corpus."""
    told = {sentence for note in scored for sentence in sentences_of(note)}
    if corpus == "nlm_ddi":
        units, label, ends = ddi(), "interacts", {}
    else:
        units, label, ends = drug_labels(typed=True), "", {"Drug_Class": "group"}
    usual, roles = "Drug" if corpus == "nlm_ddi" else "drug", ("drug", "other")
    return [
        note.with_(
            entities=tuple(replace(e, label=ends.get(e.label, usual)) for e in note.entities),
            relations=tuple(
                replace(r, label=label, roles=dict(zip(roles, r.roles.values(), strict=True)))
                for r in note.relations
            ),
        )
        for unit in units
        if told.isdisjoint(sentence for note in unit for sentence in sentences_of(note))
        for note in unit
    ]


def sentences_of(note: Note) -> list[str]:
    """Return the words of each sentence."""
    return [" ".join(re.findall(r"\w+", note.text[s.start : s.end].lower()))
            for s in note.sentences or ()]  # fmt: skip


def once(notes: Iterable[Note]) -> list[Note]:
    """Return the notes without those whose text stands before."""
    return list({note.text: note for note in notes}.values())


def ddi() -> Iterator[list[Note]]:
    """Yield each training document of DDI-2013 that has a text of its own."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(DATA / "ddi2013" / "DDICorpus-2013.zip") as packed:
            names = [n for n in packed.namelist() if n.startswith("DDICorpus/Train/")]
            packed.extractall(folder, [n for n in names if n.endswith(".xml")])
        notes = read_notes(Path(folder) / "DDICorpus" / "Train", repair=True)
        ordered = sorted(notes, key=lambda note: place_of(note.id))
    yield from ([note] for note in once(ordered))


def place_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def drug_labels(*, typed: bool = False) -> Iterator[list[Note]]:
    """Yield the sentences of each drug label, its drugs under one label unless told."""
    labels = read_labels((*DRUGS, "Biomedical_Entity"))
    for notes in sorted((each for each in labels if each), key=lambda each: place_of(each[0].id)):
        yield (
            notes
            if typed
            else [
                note.with_(entities=tuple(replace(e, label="Drug") for e in note.entities))
                for note in notes
            ]
        )


def phee(part: str) -> list[Note]:
    """Return the sentences of a part of PHEE with the pairs of their events."""
    notes = read_notes(DATA / "phee" / "json" / f"{part}.json", format="phee-json")
    kept = once(n for n in notes if n.text)
    return [pairs_of(n).with_(sentences=(Span(0, len(n.text)),)) for n in kept]


def speed(folder: str, notes: list[Note] | None, reading: str | None) -> None:
    """Tell how many pairs a second a saved model reads, and the time of a note of 400 mentions."""
    labels = sorted({label for pair in clinnlp.load(folder).kinds.allowed for label in pair})
    texts = read_notes("corpora/discharge-mini/dev.jsonl")
    made = [planted(note, labels, 30) for note in texts][:40]
    long = planted(Note(id="long", text=" ".join(n.text for n in made)), labels, 400)
    notes = notes or made
    for int8 in (False, True):
        model = clinnlp.load(folder, device="cpu", int8=int8)
        model = replace(model, reading=reading or model.reading)
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
