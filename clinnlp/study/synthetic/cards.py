"""Cards of the corpora: a TOML head of counts between ``+++`` lines, then prose.

The head is written from the same records as the files; a test reads the files and recounts it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clinnlp.study.synthetic.scenario import conditions, drug_codes, outcome_bases
from clinnlp.study.synthetic.writer import AXIS_OF_LETTER

__all__ = ["VERSION", "Note", "card", "cohort_card", "discharge_card", "name_of", "toml"]

VERSION = "1.0.0"
LABELS = ("Drug", "Problem")
DECIMALS = 4  # of shares

Note = Mapping[str, Any]  # a JSON-ready note

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

COHORT_PROSE = """
# cohort-mini

Synthetic patients with planted truth, to check that risk models and interaction signals find what
is there and leave alone what is not. No real patient. Made at run time; the counts above are those
of the default seed.

## What is in it

Each patient has an index time, two to four stays before it and one or two after. `events.csv` holds
drugs, conditions, measurements and adverse outcomes per stay; drugs and measurements are known four
hours into a stay, conditions and outcomes two hours after discharge, and one event in a hundred has
no `known`. Stays after index are there to be left out by whoever predicts.

`notes.jsonl` has the discharge note of the last stay before index for a part of the patients;
`notes_gold.jsonl` the same with annotations (see discharge-mini for what is annotated).

## Risk

`outcome.csv`: readmission within 90 days of index, from a logistic model of conditions, age, last
creatinine, a drug, the number of stays, and five facts that **only notes tell** (frailty,
medication nonadherence, tobacco use, malnutrition, homelessness). Notes also deny these facts, or
tell them of the past or of relatives. Coefficients and the oracle's AUC are in `truth.json`.

## Interactions

The unit of analysis is the encounter (a basket of drugs, conditions and outcomes), about 22,500 of
them, since 5,000 patients would carry too few joint exposures. The chance of an outcome is additive
in its causes. Three kinds of plants (`truth.json`):

- `interaction`: two drugs together add to what each does alone; to be signalled, with the power
  given (300 redrawn outcomes for the exposures at hand, error of the expected count included, at
  the p that Benjamini-Hochberg asks of the fifth smallest among all pairs and outcomes);
- `single_guilty`: one drug does it, the other is often taken with it; not to be signalled;
- `confounded`: the condition for which both drugs are taken does it; not to be signalled.

A drug taken for the same condition as half of an interacting pair stands for it a little: such an
echo is beyond the additive null as counted, though no cause. Over 20 seeds this test, without any
adjustment, called every interaction with power of at least 0.9 each time, no single guilty and no
confounded pair, and one unplanted pair, an echo. Stays of one patient share conditions and drugs,
so they are not quite independent.
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
        "made_by": "corpora/generate.py",
        "n_vocabulary": n_vocabulary,
        "documents": {split: len(notes) for split, notes in splits.items()},
        "words": {
            split: sum(len(note["text"].split()) for note in notes)
            for split, notes in splits.items()
        },
        "entities": {split: _by_label(notes) for split, notes in splits.items()},
        "relations": {
            split: {"AdverseReaction": sum(len(note.get("relations", ())) for note in notes)}
            for split, notes in splits.items()
        },
        "assertion": {split: _by_axis(notes) for split, notes in splits.items()},
        "misspelled": {
            split: sum("meant" in e.get("attributes", {}) for _, e in _entities(notes))
            for split, notes in splits.items()
        },
        "unseen": {label: _unseen(splits, label) for label in LABELS},
    }
    return card(head, DISCHARGE_PROSE)


def cohort_card(
    truth: Mapping[str, Any],
    notes: Sequence[Note],
    events: Mapping[str, int],
    *,
    n_stays: int,
    n_lost: int,
) -> str:
    """Return the card of ``cohort-mini``.

    Parameters
    ----------
    truth : mapping
        Content of `truth.json`.
    notes : sequence of mappings
        Gold notes.
    events : mapping
        Rows of `events.csv` by kind.
    n_stays : int
        Encounters.
    n_lost : int
        Events without `known`.
    """
    plants = truth["interactions"]["plants"]
    head: dict[str, Any] = {
        "name": "cohort-mini",
        "licence": "CC0-1.0",
        "version": VERSION,
        "seed": truth["seed"],
        "language": "en",
        "made_by": "clinnlp.study.synthetic.write_cohort_mini",
        "n_patients": truth["risk"]["n_patients"],
        "n_encounters": n_stays,
        "n_readmitted": truth["risk"]["n_readmitted"],
        "n_events_without_known": n_lost,
        "n_words": sum(len(note["text"].split()) for note in notes),
        "documents": {"notes": len(notes)},
        "events": events,
        "codes": {
            "drug": len(drug_codes()),
            "condition": len(conditions()),
            "outcome": len(outcome_bases()),
        },
        "entities": {"notes": _by_label(notes)},
        "relations": {
            "notes": {"AdverseReaction": sum(len(note.get("relations", ())) for note in notes)}
        },
        "assertion": {"notes": _by_axis(notes)},
        "plants": {
            "interaction": sum(plant["kind"] == "interaction" for plant in plants),
            "interaction_power_90": sum(plant["must_signal"] for plant in plants),
            "single_guilty": sum(plant["kind"] == "single_guilty" for plant in plants),
            "confounded": sum(plant["kind"] == "confounded" for plant in plants),
        },
    }
    return card(head, COHORT_PROSE)


def card(head: Mapping[str, Any], prose: str) -> str:
    """Return a card: `head` as TOML between ``+++`` lines, then `prose`."""
    return f"+++\n{toml(head)}+++\n{prose}"


def toml(head: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """Return nested mappings of strings, numbers and flat lists as TOML, plain values first.

    Examples
    --------
    >>> print(toml({"name": "x", "n": {"train": 2}}), end="")
    name = "x"
    <BLANKLINE>
    [n]
    train = 2
    """
    plain = {key: value for key, value in head.items() if not isinstance(value, Mapping)}
    lines = [f"{key} = {_value(value)}\n" for key, value in plain.items()]
    if path and plain:
        lines.insert(0, f"\n[{'.'.join(path)}]\n")
    tables = [
        toml(value, (*path, key)) for key, value in head.items() if isinstance(value, Mapping)
    ]
    return "".join(lines + tables)


def name_of(text: str) -> str:
    """Return a mention as a name: case folded, blanks and line ends squeezed.

    Examples
    --------
    >>> name_of("Chest\\npain")
    'chest pain'
    """
    return " ".join(text.casefold().split())


def _value(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _entities(notes: Iterable[Note]) -> Iterable[tuple[Note, Mapping[str, Any]]]:
    return ((note, entity) for note in notes for entity in note["entities"])


def _by_label(notes: Iterable[Note]) -> dict[str, int]:
    counts = Counter(entity["label"] for _, entity in _entities(notes))
    return {label: counts[label] for label in LABELS}


def _by_axis(notes: Sequence[Note]) -> dict[str, int]:
    return {
        axis: sum(entity["assertion"][axis] is True for _, entity in _entities(notes))
        for axis in AXIS_OF_LETTER.values()
    }


def _unseen(splits: Mapping[str, Sequence[Note]], label: str) -> dict[str, float]:
    """Return what of dev and test a list of the names of train does not know.

    Names are compared as rightly spelled, mentions as written.
    """
    found = {
        split: [
            (name_of(note["text"][entity["start"] : entity["end"]]), _meant(note, entity))
            for note, entity in _entities(notes)
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
    return name_of(entity.get("attributes", {}).get("meant", written))
