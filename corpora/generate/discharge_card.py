"""The card of ``discharge-mini``: counts from the same records as the files, then prose."""

from collections.abc import Mapping, Sequence
from typing import Any

from clinnlp.study.synthetic.cards import (
    LABELS,
    VERSION,
    Note,
    by_axis,
    by_label,
    card,
    entities_of,
)

__all__ = ["discharge_card"]

DECIMALS = 4  # of shares

DISCHARGE_PROSE = """
# discharge-mini

Synthetic English discharge notes, written by a seeded generator from a lexicon and phrases made
for this project. No real patient, no text from any clinical source. They have the habits of such
notes (headings in several styles, lists, wrapped lines, abbreviations, slips of the pen, brand
names) but far less variety than a ward: **scores on this corpus say that the machinery works, not
how well it would do in a clinic.**

## Files

`train.jsonl`, `dev.jsonl`, `test.jsonl`: one note per line. `vocabulary.csv`: codes, names and
synonyms (`|` between them) for a part of the names of train, as a hospital's own word list would
be: incomplete, and without abbreviations of two letters.

## What is annotated

- `Drug`: named medicines, generic or brand. Not classes ("antibiotics"), nor a name inside the
  name of a test or clinic ("vancomycin trough", "Coumadin clinic"). Attributes `dose` and
  `schedule` as written.
- `Problem`: illnesses, symptoms, adverse reactions, and ways of life or frailty that matter for
  risk ("tobacco use", "medication nonadherence"). Not names of people ("Dr. Graves"), tests
  ("influenza swab"), units ("stroke unit") or clinics; not "ST depression".
- `concepts`: one id each, `drug:<generic>` or `problem:<name>`; brand names, synonyms and
  abbreviations share the id of the main name.
- `attributes.meant`: the right spelling, where the note has a slip of the pen.
- Five assertion axes on every entity, `true` or `false`, with the cue where words decided.
  *negated*: absent, ruled out, or a drug not to be taken. *uncertain*: suspected, possible.
  *hypothetical*: only if something happens, including "as needed for". *historical*: in the past,
  as ConText has it (Harkema 2009): also every problem listed as past medical history, chronic or
  not, but not the drug named beside it; and the drug and reaction of an allergy. *experiencer*:
  somebody else than the patient.
- `AdverseReaction`: `drug` caused `reaction`, as the note states it. Reactions that are denied
  have none.
- `sections`: kind, extent and heading. `labels`: the specialty of the principal illness.

## Why a word list is not enough

About a third of the lexicon never appears in train, with all its brand names and synonyms; see
`unseen` above for what this makes of dev and test. Names also come misspelled, and many words
that look like names are none.
"""


def discharge_card(splits: Mapping[str, Sequence[Note]], n_vocabulary: int, *, seed: int) -> str:
    """Return the card of ``discharge-mini``.

    Parameters
    ----------
    splits : mapping
        Split name to its notes; ``train`` is what the others are compared with.
    n_vocabulary : int
        Rows of `vocabulary.csv`.
    seed : int
        Of the generator.
    """
    head: dict[str, Any] = {
        "name": "discharge-mini",
        "licence": "CC0-1.0",
        "version": VERSION,
        "seed": seed,
        "language": "en",
        "made_by": "python -m corpora.generate",
        "n_vocabulary": n_vocabulary,
        "documents": {split: len(notes) for split, notes in splits.items()},
        "words": {
            split: sum(len(note["text"].split()) for note in notes)
            for split, notes in splits.items()
        },
        "entities": {split: by_label(notes) for split, notes in splits.items()},
        "relations": {
            split: {"AdverseReaction": sum(len(note.get("relations", ())) for note in notes)}
            for split, notes in splits.items()
        },
        "assertion": {split: by_axis(notes) for split, notes in splits.items()},
        "misspelled": {
            split: sum("meant" in e.get("attributes", {}) for _, e in entities_of(notes))
            for split, notes in splits.items()
        },
        "unseen": {label: _unseen(splits, label) for label in LABELS},
    }
    return card(head, DISCHARGE_PROSE)


def _unseen(splits: Mapping[str, Sequence[Note]], label: str) -> dict[str, float]:
    """Return what of dev and test a list of the names of train does not know.

    Names are compared as rightly spelled, mentions as written.
    """
    found = {
        split: [
            (_name_of(note["text"][entity["start"] : entity["end"]]), _meant(note, entity))
            for note, entity in entities_of(notes)
            if entity["label"] == label
        ]
        for split, notes in splits.items()
    }
    known = {name for _, name in found.pop("train")}
    later = [pair for pairs in found.values() for pair in pairs]
    names = {name for _, name in later}
    return {
        "share_of_names": round(len(names - known) / len(names), DECIMALS),
        "share_of_all_names": round(len(names - known) / len(known | names), DECIMALS),
        "share_of_mentions": round(
            sum(written not in known for written, _ in later) / len(later), DECIMALS
        ),
    }


def _meant(note: Note, entity: Mapping[str, Any]) -> str:
    written = note["text"][entity["start"] : entity["end"]]
    return _name_of(entity.get("attributes", {}).get("meant", written))


def _name_of(text: str) -> str:
    """Return a mention as a name: case folded, blanks and line ends squeezed.

    Examples
    --------
    >>> _name_of("Chest\\npain")
    'chest pain'
    """
    return " ".join(text.casefold().split())
