"""The tagger of identifiers in the box: what teaches it, its training, and its place.

It reads what no list holds: names of persons, streets, towns, institutions, dates and telephones in
running English text; numbers and addresses of machines are left to the rules. It learns from the
*build* halves (`corpora.generate.halves`) of

- ``presidio_synth`` (MIT): sentences made from templates,
- ``asq_phi`` (MIT): clinical queries,
- MTSamples (CC0) with planted identifiers: once with the names of that half that stand in no list
  of the finder, once with those of its lists.

The halves set aside, their templates and their names have taught nothing, and score it:
``scripts/release-model identifiers`` trains, scores, and puts folder and card into the package.
"""

import argparse
import json
import os
import random
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.settings import TaggerSettings
from clinnlp.bert.store import load
from clinnlp.bert.train import fine_tune_ner
from clinnlp.core.errors import ArgumentError, ClinnlpError
from clinnlp.core.files import atomic_folder
from clinnlp.core.model_cards import CARD_FILE
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.metrics.deidentification import score_deidentification
from clinnlp.study.box import IDENTIFIERS
from clinnlp.study.deidentify.tagged import TaggedIdentifiers
from clinnlp.text.identifier_lexicon import Kind, lexicon
from clinnlp.text.identifiers import Identifiers, identifier_labels
from corpora.generate.halves import half_of
from corpora.generate.identifiers import UNLISTED, Names, plant_identifiers

__all__ = [
    "ENGLISH", "LOOKED_FOR", "Halves", "as_ours", "asq_phi", "lean", "noted", "presidio_synth",
    "teaching", "train_identifiers",
]  # fmt: skip

Halves = dict[str, list[Note]]
SHARE = 0.4  # of sentences without identifiers that teach
SETTINGS = TaggerSettings(epochs=4, known_names=0, tokens_per_batch=1024)
OURS = {  # labels of the corpora, and what the tagger calls them
    "PERSON": "NAME", "NAME": "NAME", "STREET_ADDRESS": "STREET", "STREET": "STREET",
    "GPE": "PLACE", "GEOGRAPHIC_LOCATION": "PLACE", "PLACE": "PLACE", "HOSPITAL": "PLACE",
    "ZIP": "ZIP", "ZIP_CODE": "ZIP", "ORGANIZATION": "ORGANISATION",
    "ORGANISATION": "ORGANISATION", "DATE_TIME": "DATE", "DATE": "DATE", "PHONE": "PHONE",
    "PHONE_NUMBER": "PHONE",
}  # fmt: skip
_HARBOR = {row.label for row in identifier_labels().values() if row.hipaa}
LOOKED_FOR: dict[str, Any] = {  # what counts in a corpus: of presidio_synth ages and countries too
    "asq_phi": _HARBOR | {"REGION"}, "presidio_synth": "all", "planted": _HARBOR,
}  # fmt: skip
NO_IDENTIFIERS = {"TITLE", "NRP"}  # of presidio_synth
_OWN = re.compile(r"(?!(?:Dr|Mr|Mrs|Ms)\b)[^\W_]*[A-Z0-9#@][^\s]*(?:[\s]+[^\W_]*[A-Z0-9#][^\s]*)*")
_SENTENCE = re.compile(r"[^\n]+?(?:\.(?=\s)|$|(?=\n))\s*", re.MULTILINE)


def asq_phi(data: Path) -> Halves:
    """Return the queries; values are found in the text, and stand for a mention each time."""
    halves: Halves = {"build": [], "aside": []}
    raw = (data / "asq_phi" / "queries_dev.txt").read_text(encoding="utf-8")
    for i, record in enumerate(part for part in raw.split("===QUERY===") if part.strip()):
        text, _, tags = record.partition("===PHI_TAGS===")
        text = text.strip()
        spans = {}
        for tag in map(json.loads, filter(str.strip, tags.splitlines())):
            own = _OWN.findall(tag["value"]) or [tag["value"]]
            for value in own:
                at = text.find(value)
                while at >= 0:
                    spans[Span(at, at + len(value))] = tag["identifier_type"]
                    at = text.find(value, at + 1)
        halves[half_of(text)].append(noted(f"q{i}", text, sorted(spans.items())))
    return halves


def presidio_synth(data: Path) -> Halves:
    """Return the sentences, in halves by their templates, which lead the ids."""
    halves: Halves = {"build": [], "aside": []}
    raw = (data / "presidio_synth" / "synth_dataset_v2.json").read_text(encoding="utf-8")
    for i, row in enumerate(json.loads(raw)):
        spans = [
            (Span(span["start_position"], span["end_position"]), span["entity_type"])
            for span in row["spans"]
            if span["entity_type"] not in NO_IDENTIFIERS
        ]
        name = f"p{row['template_id']}.{i}"
        half = half_of(str(row["template_id"]))
        halves[half].append(noted(name, row["full_text"], sorted(spans)))
    return halves


def planted(data: Path) -> Halves:
    """Return transcriptions with planted identifiers, each half with names of its own."""
    return {
        half: list(plant_identifiers(data, half, names=UNLISTED.half(half)))
        for half in ("build", "aside")
    }  # fmt: skip


ENGLISH: dict[str, Callable[[Path], Halves]] = {
    "presidio_synth": presidio_synth, "asq_phi": asq_phi, "planted": planted,
}  # fmt: skip


def noted(name: str, text: str, spans: list[tuple[Span, str]]) -> Note:
    """Return a note with mentions at spans."""
    made = (Entity(id=f"T{k}", span=span, label=label) for k, (span, label) in enumerate(spans, 1))
    return Note(id=name, text=text, entities=tuple(made))


def teaching(data: Path) -> Iterator[Note]:
    """Yield the notes that teach, with the tagger's labels."""
    for read in ENGLISH.values():
        yield from map(as_ours, read(data)["build"])
    for note in plant_identifiers(data, "build", seed=27, names=listed_names()):
        yield as_ours(replace(note, id=f"listed {note.id}"))


def listed_names() -> Names:
    """Return names of the finder's lists, which are no words."""
    kinds = sorted(lexicon("en").kinds.items())

    def of(kind: int) -> list[str]:
        return [name.title() for name, bits in kinds if bits & kind and not bits & Kind.WORD]

    return Names(of(Kind.GIVEN), of(Kind.FAMILY), of(Kind.CITY))


def as_ours(note: Note) -> Note:
    """Return a note with the tagger's labels; mentions of others are left out."""
    kept = (replace(e, label=OURS[e.label]) for e in note.entities if e.label in OURS)
    return note.with_(entities=tuple(kept))


def lean(note: Note, share: float) -> Note:
    """Return a note of its sentences with identifiers, and a share of the others."""
    draw = random.Random(note.id)  # noqa: S311, drawn for training
    text, entities = "", []
    for match in _SENTENCE.finditer(note.text):
        inside = [e for e in note.entities if match.start() <= e.span.start < match.end()]
        if inside or share >= 1 or draw.random() < share:
            by = len(text) - match.start()
            text += match[0]
            entities += [replace(e, span=Span(e.span.start + by, e.span.end + by)) for e in inside]
    kept = [e for e in entities if e.span.end <= len(text)]
    return Note(id=note.id, text=text, entities=tuple(kept))


def train_identifiers(data: Path, out: Path) -> EntityTagger:
    """Fine-tune the tagger, go on with a training that was stopped, or load one that is done.

    Parameters
    ----------
    data : Path
        Folder of the corpora.
    out : Path
    """
    if out.is_dir():
        done = load(out, device="cpu", bf16="off")
        if not isinstance(done, EntityTagger):
            raise ArgumentError(f"{out} must be a tagger, got {type(done).__name__}")
        return done
    notes = [lean(note, SHARE) for note in teaching(data)]
    return fine_tune_ner(notes, out=out, settings=SETTINGS)


def aside_scores(tagger: EntityTagger, data: Path) -> list[tuple[str, str, Any]]:
    """Return what rules alone, and with the tagger, find of the halves that taught nothing."""
    out = []
    for corpus, read in ENGLISH.items():
        gold = read(data)["aside"]
        rules = Identifiers(labels=LOOKED_FOR[corpus])
        both = TaggedIdentifiers(rules, tagger)
        bare = [note.with_(entities=()) for note in gold]
        for how, found in (("rules", [rules(note) for note in bare]), ("both", both.batch(bare))):
            out.append((corpus, how, score_deidentification(gold, found)))
    return out


_CARD = """---
library_name: "clinnlp"
pipeline_tag: "token-classification"
language: "en"
license: "cc0-1.0"
tags: ["clinnlp", "medical", "de-identification"]
---

# The tagger of identifiers in the box

    clinnlp deidentify notes.jsonl out.jsonl --key secret.key --model default

Finds {labels} in running English text.
It stands beside the rules and replaces none: numbers and addresses of machines are theirs. MiniLM,
6 layers, 384 wide, lower case; weights in 8-bit integers, the SHA-256 of each file in
`sha256.json`. `scripts/release-model identifiers` makes it.

## Data

{n:,} texts: sentences of presidio_synth and queries of asq_phi (both MIT), transcriptions of
MTSamples (CC0) with planted identifiers; of each the half of the templates that a hash names, with
names of its own in MTSamples. No note of a patient. No name of training is kept (`known_names=0`).

## Scores

On the other halves, whose templates taught nothing; 95 % intervals by document.

| corpus | finder | wholly found | characters found | taken too much | texts without any, touched |
|---|---|---|---|---|---|
{rows}

All of it is made by machines or planted: on notes of your own it finds less. Count what is left
(`--audit`, docs/deidentify.md) before you give anything on.
"""


def card(tagger: EntityTagger, n: int, scores: list[tuple[str, str, Any]]) -> str:
    """Return the text of the card."""
    rows = [
        f"| {corpus} | {'rules and tagger' if how == 'both' else how} | {each.covered} | "
        f"{each.character_recall} | {each.over_redaction} | "
        f"{each.touched_without if each.touched_without.value >= 0 else 'none there'} |"
        for corpus, how, each in scores
    ]
    return _CARD.format(labels=", ".join(tagger.labels), n=n, rows="\n".join(rows))


def main(arguments: list[str] | None = None) -> int:
    """Train, score and place the tagger; return 0, or 2 where something is missing or wrong."""
    root = Path(__file__).parents[2]
    parser = argparse.ArgumentParser(prog="release-model identifiers", description=__doc__)
    parser.add_argument("--out", type=Path, default=root / "out" / "release" / "identifiers")
    default = Path(os.environ.get("CLINNLP_DATA", root.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=default, help="the folder of the corpora")
    parser.add_argument("--box", type=Path, default=IDENTIFIERS, help="where the tagger is put")
    args = parser.parse_args(arguments)
    try:
        tagger = train_identifiers(args.data, args.out)
        with atomic_folder(args.box) as temporary:
            shutil.rmtree(temporary)
            kept = {k: v for k, v in tagger.card.items() if k not in ("seconds", "train_seconds")}
            replace(tagger, card=kept | {"encoder": "minilm"}).save(temporary, int8=True)
            shipped: Any = load(temporary, device="cpu", bf16="off")
            text = card(
                shipped, sum(1 for _ in teaching(args.data)), aside_scores(shipped, args.data)
            )
            (temporary / CARD_FILE).write_text(text, encoding="utf-8")
    except ClinnlpError as error:
        sys.stderr.write(f"release-model identifiers: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
