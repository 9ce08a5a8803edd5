"""A tagger of identifiers beside the rules: scripts/bench deid_tagger [--dev | --english].

Fine-tunes on nine tenths of MEDDOCAN train (by a hash of the note), labels as ours, and scores on
the last tenth the rules alone, the tagger alone and what both find; with `--dev` also on dev, once
for a configuration that the tenth has chosen. The encoder in the box is of English and uncased;
`--encoder` takes a folder of one of Spanish. `--notes` and `--set epochs=1` make a short trial;
`--share 0.2` trains on the sentences with identifiers and a fifth of the others, `--model` scores a
tagger that an earlier call trained.

`--english` scores the tagger in the box, or that of `--model`, on the halves that were set aside of
the corpora whose others have taught it (`corpora.release.identifiers`), each alone.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import clinnlp
from clinnlp.bert.settings import TaggerSettings
from clinnlp.bert.store import load
from clinnlp.core.config import settings_from
from clinnlp.core.notes import Note
from clinnlp.study.box import IDENTIFIERS
from clinnlp.study.deidentify.tagged import TaggedIdentifiers
from clinnlp.text.identifiers import Identifiers, identifier_labels
from corpora.release.identifiers import ENGLISH, LOOKED_FOR, lean
from tests.bench import DATA, ROOT, record
from tests.bench.deid import as_meddocan, meddocan, report

N_PARTS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="score dev, of a frozen configuration")
    parser.add_argument("--english", action="store_true", help="score the tagger in the box")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--name", default="default", help="of the configuration")
    parser.add_argument("--notes", type=int, help="train on so many")
    parser.add_argument("--share", type=float, default=1.0, help="of sentences without identifiers")
    parser.add_argument("--model", help="folder of a trained tagger; none is trained then")
    parser.add_argument("--least", type=float, default=0.5, help="score that counts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=JSON")
    args = parser.parse_args()
    if args.english:
        english(args.model or IDENTIFIERS, args.least)
        return
    notes = meddocan()
    train = [lean(as_ours(note), args.share) for note in notes["build"] if part_of(note) > 0]
    held = [note for note in notes["build"] if part_of(note) == 0]
    changed = {key: json.loads(value) for key, _, value in (one.partition("=") for one in args.set)}
    settings = settings_from(TaggerSettings, {"known_names": 1, **changed, "seed": args.seed})
    out = ROOT / "out" / "models" / f"meddocan-{args.name}-{args.seed}"
    if args.model:
        tagger = load(args.model)
    else:
        tagger = clinnlp.fine_tune_ner(
            train[: args.notes], out=out, settings=settings, encoder=args.encoder
        )
    if not (args.model and args.dev):  # which was scored on the tenth before
        name = f"deid tagger {args.name}, held-out tenth of train"
        score(name, held, tagger, args.least, Identifiers(language="es", labels="all"))
    if args.dev:
        name = f"deid tagger {args.name}, dev"
        score(name, notes["aside"], tagger, args.least, Identifiers(language="es", labels="all"))


def english(folder: str | Path, least: float) -> None:
    """Record what rules, tagger and both find of the halves that taught nothing."""
    tagger = load(folder)
    for corpus, read in ENGLISH.items():
        rules = Identifiers(labels=LOOKED_FOR[corpus])
        score(f"deid tagger, {corpus}, aside", read(DATA)["aside"], tagger, least, rules)


def score(name: str, gold: list[Note], tagger, least: float, rules: Identifiers) -> None:
    """Record what rules, tagger and both find and leave; strict F1 too of notes of MEDDOCAN."""
    bare = [note.with_(entities=(), relations=()) for note in gold]
    n_words, start = sum(len(note.text.split()) for note in bare), time.process_time()
    by_rules = [rules(note) for note in bare]
    read = time.process_time()
    model = tagger.batch(bare)
    record(name, words_per_s={"rules": round(n_words / (read - start)),
                              "tagger": round(n_words / (time.process_time() - read))})  # fmt: skip
    joined = TaggedIdentifiers(rules, tagger, least_score=least).joined
    both = [joined(note, tagged) for note, tagged in zip(bare, model, strict=True)]
    for how, found in (("rules", by_rules), ("tagger", model), ("both", both)):
        if "aside" not in name:
            strict = clinnlp.score_spans(as_meddocan(gold), as_meddocan(found))
            record(f"{name}, {how}, strict", f1=str(strict.f1), precision=str(strict.precision),
                   recall=str(strict.recall))  # fmt: skip
        report(f"{name}, {how}", gold, found)


def part_of(note: Note) -> int:
    """Return the part of a note, by a hash of its text."""
    from hashlib import sha256

    return int(sha256(note.text.encode()).hexdigest(), 16) % N_PARTS


def as_ours(note: Note) -> Note:
    """Return a note with our labels in place of MEDDOCAN's, the first that stands for each."""
    ours: dict[str, str] = {}
    for row in identifier_labels().values():
        ours.setdefault(row.meddocan, row.label)
    entities = (replace(e, label=ours[e.label]) for e in note.entities if e.label in ours)
    return note.with_(entities=tuple(entities))


if __name__ == "__main__":
    main()
