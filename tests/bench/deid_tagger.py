"""A tagger of identifiers beside the rules: scripts/bench deid_tagger [--english] [--dev].

Fine-tunes on nine tenths of MEDDOCAN train (by a hash of the note), labels as ours, and scores on
the last tenth the rules alone, the tagger alone and what both find; with `--dev` also on dev, once
for a configuration that the tenth has chosen. The encoder in the box is of English and uncased;
`--encoder` takes a folder of one of Spanish. `--notes` and `--set epochs=1` make a short trial;
`--share 0.2` trains on the sentences with identifiers and a fifth of the others, `--model` scores a
tagger that an earlier call trained.

With `--english` one tagger learns from the *build* halves of presidio_synth, asq_phi and planted
notes (see `deid`), what is no word of a list: names, streets, places, organisations, dates. Tenths
are of templates where texts are made from some; `--dev` scores the halves set aside, each alone.
"""

import argparse
import json
import random
import re
import time
from dataclasses import replace

import clinnlp
from clinnlp.bert.settings import TaggerSettings
from clinnlp.bert.store import load
from clinnlp.core.config import settings_from
from clinnlp.core.notes import Note
from clinnlp.core.spans import Span
from clinnlp.study.deidentify.tagged import TaggedIdentifiers
from clinnlp.text.identifiers import Identifiers, identifier_labels
from tests.bench import ROOT, record
from tests.bench.deid import LABELS, as_meddocan, asq_phi, meddocan, planted, presidio_synth, report

N_PARTS = 10
ENGLISH = {"presidio_synth": presidio_synth, "asq_phi": asq_phi, "planted": planted}
OURS = {  # what the tagger is to learn; numbers and addresses of machines are left to the rules
    "PERSON": "NAME", "NAME": "NAME", "STREET_ADDRESS": "STREET", "STREET": "STREET",
    "GPE": "PLACE", "GEOGRAPHIC_LOCATION": "PLACE", "PLACE": "PLACE", "HOSPITAL": "PLACE",
    "ZIP": "ZIP", "ZIP_CODE": "ZIP", "ORGANIZATION": "ORGANISATION",
    "ORGANISATION": "ORGANISATION", "DATE_TIME": "DATE", "DATE": "DATE", "PHONE": "PHONE",
    "PHONE_NUMBER": "PHONE",
}  # fmt: skip
_SENTENCE = re.compile(r"[^\n]+?(?:\.(?=\s)|$|(?=\n))\s*", re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--english", action="store_true", help="corpora of English")
    parser.add_argument("--dev", action="store_true", help="score dev, of a frozen configuration")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--name", default="default", help="of the configuration")
    parser.add_argument("--notes", type=int, help="train on so many")
    parser.add_argument("--share", type=float, default=1.0, help="of sentences without identifiers")
    parser.add_argument("--model", help="folder of a trained tagger; none is trained then")
    parser.add_argument("--least", type=float, default=0.5, help="score that counts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=JSON")
    args = parser.parse_args()
    corpora = {c: read() for c, read in ENGLISH.items()} if args.english else {"": meddocan()}
    built = [(c, note) for c, halves in corpora.items() for note in halves["build"]]
    train = [lean(as_ours(note), args.share) for _, note in built if part_of(note) > 0]
    changed = {key: json.loads(value) for key, _, value in (one.partition("=") for one in args.set)}
    settings = settings_from(TaggerSettings, {"known_names": 1, **changed, "seed": args.seed})
    name = f"deid tagger {args.name}"
    if args.model:
        tagger = load(args.model)
    else:
        out = f"{'english' if args.english else 'meddocan'}-{args.name}-{args.seed}"
        tagger = clinnlp.fine_tune_ner(
            train[: args.notes], out=ROOT / "out" / "models" / out, settings=settings,
            encoder=args.encoder,
        )  # fmt: skip
    for corpus, halves in corpora.items():
        if not (args.model and args.dev):  # which was scored on the tenth before
            held = [note for c, note in built if c == corpus and part_of(note) == 0]
            score(f"{name}, held-out tenth of train {corpus}", held, tagger, args.least, corpus)
        if args.dev:
            score(f"{name}, dev {corpus}", halves["aside"], tagger, args.least, corpus)


def score(name: str, gold: list[Note], tagger, least: float, corpus: str) -> None:
    """Record strict F1, of Spanish, and recall by characters of rules, tagger and both."""
    bare = [note.with_(entities=(), relations=()) for note in gold]
    pipe = Identifiers(language="en" if corpus else "es", labels=LABELS[corpus or "meddocan"])
    n_words, start = sum(len(note.text.split()) for note in bare), time.process_time()
    rules = [pipe(note) for note in bare]
    read = time.process_time()
    model = tagger.batch(bare)
    record(name, words_per_s={"rules": round(n_words / (read - start)),
                              "tagger": round(n_words / (time.process_time() - read))})  # fmt: skip
    joined = TaggedIdentifiers(pipe, tagger, least_score=least).joined
    both = [joined(note, tagged) for note, tagged in zip(bare, model, strict=True)]
    for how, found in (("rules", rules), ("tagger", model), ("both", both)):
        if not corpus:
            strict = clinnlp.score_spans(as_meddocan(gold), as_meddocan(found))
            record(f"{name}, {how}, strict", f1=str(strict.f1), precision=str(strict.precision),
                   recall=str(strict.recall))  # fmt: skip
        report(f"{name}, {how}", gold, found)


def part_of(note: Note) -> int:
    """Return the part of a note, by a hash of its template where its name tells one, or text."""
    from hashlib import sha256

    template, made, _ = note.id.partition(".")
    return int(sha256((template if made else note.text).encode()).hexdigest(), 16) % N_PARTS


def lean(note: Note, share: float) -> Note:
    """Return a note of its sentences with identifiers, and a share of the others."""
    draw = random.Random(note.id)
    text, entities = "", []
    for match in _SENTENCE.finditer(note.text):
        inside = [e for e in note.entities if match.start() <= e.span.start < match.end()]
        if inside or share >= 1 or draw.random() < share:
            by = len(text) - match.start()
            text += match[0]
            entities += [replace(e, span=Span(e.span.start + by, e.span.end + by)) for e in inside]
    kept = [e for e in entities if e.span.end <= len(text)]
    return Note(id=note.id, text=text, entities=tuple(kept))


def as_ours(note: Note) -> Note:
    """Return a note with our labels in place of a corpus's, MEDDOCAN's the first that stands."""
    ours = dict(OURS)
    for row in identifier_labels().values():
        ours.setdefault(row.meddocan, row.label)
    entities = (replace(e, label=ours[e.label]) for e in note.entities if e.label in ours)
    return note.with_(entities=tuple(entities))


if __name__ == "__main__":
    main()
