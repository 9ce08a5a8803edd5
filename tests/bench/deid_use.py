"""Is a recogniser learned from surrogate notes as good: scripts/bench deid_use [--train N --dev N].

Abstracts of BC5CDR, into which a header, sentences and a signature with identifiers of all kinds
are planted (`corpora.generate.identifiers`), are de-identified by the rules, with surrogates. A
tagger of chemicals and diseases is trained and tested on the notes as they were, and another on
what became of them, with each seed. The difference of their F1 is paired by document and has all
seeds in it; beside it that of the first model on both kinds of notes. With --discharge the notes
are those of discharge-mini as they are.
"""

import argparse
from dataclasses import replace

import numpy as np

import clinnlp
from clinnlp.bert.settings import TaggerSettings
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.metrics.intervals import bootstrap_draws, percentile_interval
from clinnlp.metrics.spans import score_spans
from clinnlp.study.deidentify.deidentifier import Deidentifier
from clinnlp.study.deidentify.keys import Key
from clinnlp.text.identifiers import Identifiers
from corpora.generate.identifiers import N_SENTENCES, Filler, filled, templates
from tests.bench import ROOT, record
from tests.bench.ner import ids_of_test_parts, read

MINI = ROOT / "corpora" / "discharge-mini"
FALLS_BY = 0.005  # what F1 may change by


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=int, default=200, help="notes to train on")
    parser.add_argument("--dev", type=int, default=100, help="notes to score")
    parser.add_argument("--discharge", action="store_true", help="notes of discharge-mini, whole")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    args = parser.parse_args()
    if args.discharge:
        before = [list(clinnlp.read_notes(MINI / f"{name}.jsonl")) for name in ("train", "test")]
        args.train, args.dev = map(len, before)
    else:
        before = [carried(split, n) for split, n in ((0, args.train), (1, args.dev))]
    made, n_found = deidentified([*before[0], *before[1]])
    after = [made[: args.train], made[args.train :]]
    counts = {"as they were": [], "de-identified": [], "first model on both": []}
    folder = ROOT / "out" / "models" / ("use-discharge" if args.discharge else "use-bc5cdr")
    for seed in args.seeds:
        settings = TaggerSettings(
            epochs=args.epochs, seed=seed, known_names=1, selection_fraction=0.0, stride=32
        )
        models = [
            clinnlp.fine_tune_ner(
                train, out=folder / f"{name}-{seed}", settings=settings, resume=False
            )
            for name, train in (("before", before[0]), ("after", after[0]))
        ]
        counts["as they were"].append(scored(models[0], before[1]))
        counts["de-identified"].append(scored(models[1], after[1]))
        counts["first model on both"].append(scored(models[0], after[1]))
    report(args, counts, n_found)


def report(args, counts, n_found: int) -> None:
    """Record F1 of each and the paired differences to the notes as they were."""
    of = {name: np.stack(each) for name, each in counts.items()}  # seeds, documents, counts
    base = of["as they were"]
    change = {name: str(difference(found, base)) for name, found in of.items() if found is not base}
    means = {name: round(float(f1(found.sum(axis=1)).mean()), 4) for name, found in of.items()}
    record(
        "deid use", discharge=args.discharge, train=args.train, dev=args.dev, epochs=args.epochs,
        seeds=args.seeds, identifiers=n_found, f1=means, change=change,
        by_seed=[round(float(x), 4) for x in f1(of["de-identified"].sum(axis=1))
                 - f1(base.sum(axis=1))],
        holds=bool(abs(f1(of["de-identified"].sum(axis=1)).mean()
                       - f1(base.sum(axis=1)).mean()) <= FALLS_BY),
    )  # fmt: skip


def carried(split: int, n: int) -> list[Note]:
    """Return notes of a split with identifiers planted, those of tested documents left out."""
    tested = ids_of_test_parts()
    notes = [note for note in read("bc5cdr", split) if note.id not in tested][:n]
    rng = np.random.default_rng([26, split])
    pieces = templates("build")
    return [planted(note, pieces, Filler(rng)) for note in notes]


def planted(note: Note, pieces: dict[str, list[str]], fill: Filler) -> Note:
    """Return a note with a header, sentences and a signature put in; its mentions move along."""
    head, end = (filled(fill.of(pieces[where]), fill).text for where in ("head", "end"))
    body = [filled(fill.of(pieces["body"]), fill).text for _ in range(N_SENTENCES)]
    held = [e.span for e in note.entities]
    stops = [k + 2 for k in range(len(note.text) - 2) if note.text[k : k + 2] == ". "]
    free = [k for k in stops if not any(s.start < k < s.end for s in held)] or [0]
    puts = [(0, f"{head}\n"), *sorted((fill.of(free), f"{sentence} ") for sentence in body)]
    text, last = "", 0
    for at, put in puts:
        text += note.text[last:at] + put
        last = at
    text += f"{note.text[last:]}\n{end}"

    def moved(span: Span) -> Span:
        by = sum(len(put) for at, put in puts if at <= span.start)
        return Span(span.start + by, span.end + by)

    return Note(
        id=note.id, patient=note.id, text=text,
        entities=tuple(_moved(e, moved) for e in note.entities),
    )  # fmt: skip


def _moved(entity: Entity, moved) -> Entity:
    return replace(entity, span=moved(entity.span), parts=tuple(map(moved, entity.parts)))


def deidentified(notes: list[Note]) -> tuple[list[Note], int]:
    """Return the notes with surrogates, and how many identifiers were replaced."""
    by = Deidentifier(Key(b"bench"), Identifiers()).gather(notes)
    made = [by.replaced(note, by.find(note)) for note in notes]
    return [each.note for each in made], sum(len(each.found) for each in made)


def scored(model, gold: list[Note]) -> np.ndarray:
    """Return true and false positives and false negatives of each document."""
    found = model.batch([note.with_(entities=(), relations=()) for note in gold])
    each = [score_spans([a], [b], n_boot=0).micro for a, b in zip(gold, found, strict=True)]
    return np.array([(one.tp, one.fp, one.fn) for one in each])


def f1(counts: np.ndarray) -> np.ndarray:
    """Return F1 of counts, shape (..., 3)."""
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    return 2 * tp / np.maximum(2 * tp + fp + fn, 1)


def difference(found: np.ndarray, base: np.ndarray):
    """Return the mean over seeds of F1 less F1, drawn by document."""

    def of(weights: np.ndarray) -> float:
        each = (f1(np.einsum("d,sdk->sk", weights, x)).mean() for x in (found, base))
        return float(next(each) - next(each))

    n = base.shape[1]
    draws = bootstrap_draws(of, n, n_boot=1000, seed=0)
    return percentile_interval(of(np.ones(n)), draws.ravel(), level=0.95, unit="document")


if __name__ == "__main__":
    main()
