"""Cards of the synthetic corpora: a TOML head of counts between ``+++`` lines, then prose.

The head is written from the same records as the files; a test reads the files and recounts it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clinnlp.study.synthetic.scenario import conditions, drug_codes, outcome_bases
from clinnlp.study.synthetic.writer import AXIS_OF_LETTER

__all__ = [
    "LABELS",
    "VERSION",
    "Note",
    "by_axis",
    "by_label",
    "card",
    "cohort_card",
    "entities_of",
    "toml",
]

VERSION = "1.0.0"
LABELS = ("Drug", "Problem")

Note = Mapping[str, Any]  # a JSON-ready note

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
        "entities": {"notes": by_label(notes)},
        "relations": {
            "notes": {"AdverseReaction": sum(len(note.get("relations", ())) for note in notes)}
        },
        "assertion": {"notes": by_axis(notes)},
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
    """Return nested mappings of strings and numbers as TOML, plain values first.

    Examples
    --------
    >>> print(toml({"name": "x", "n": {"train": 2}}), end="")
    name = "x"
    <BLANKLINE>
    [n]
    train = 2
    """
    plain = {key: value for key, value in head.items() if not isinstance(value, Mapping)}
    lines = [
        f'{key} = "{value}"\n' if isinstance(value, str) else f"{key} = {value}\n"
        for key, value in plain.items()
    ]
    if path and plain:
        lines.insert(0, f"\n[{'.'.join(path)}]\n")
    tables = [
        toml(value, (*path, key)) for key, value in head.items() if isinstance(value, Mapping)
    ]
    return "".join(lines + tables)


def entities_of(notes: Iterable[Note]) -> Iterable[tuple[Note, Mapping[str, Any]]]:
    """Return every entity beside its note."""
    return ((note, entity) for note in notes for entity in note["entities"])


def by_label(notes: Iterable[Note]) -> dict[str, int]:
    """Return the number of entities of each label."""
    counts = Counter(entity["label"] for _, entity in entities_of(notes))
    return {label: counts[label] for label in LABELS}


def by_axis(notes: Sequence[Note]) -> dict[str, int]:
    """Return the number of entities of which each assertion axis is true."""
    return {
        axis: sum(entity["assertion"][axis] is True for _, entity in entities_of(notes))
        for axis in AXIS_OF_LETTER.values()
    }
