"""Medications as people type them: attributes, and whether the patient is exposed to the drug."""

import json
import re
from pprint import pformat

from clinnlp.core.notes import AXES, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.tables import LEAVING
from clinnlp.text.assertion import Assertions
from clinnlp.text.medication import Medications
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from tests.bench import ROOT

CASES = ROOT / "corpora" / "medication-cases"
DRUG = re.compile(r"\{([^{}]*)\}")
SPLIT = (Sections(), Sentences())
MEDICATIONS, ASSERTIONS = Medications(), Assertions()
DISPUTED = {  # the answer holds against cases.txt, where "650 mg q.4h. p.r.n." is 6 doses a day
    ("{Zofran} ODT 4 mg q8hrs PRN N/V", "doses_per_day"),
}
NOT_YET = 0.03  # of the exposures


def note_of(marked):
    """Return the note of a text with its drugs in braces."""
    text, drugs, at = "", [], 0
    for mark in DRUG.finditer(marked):
        text += marked[at : mark.start()]
        drugs.append(Span(len(text), len(text) + len(mark[1])))
        text, at = text + mark[1], mark.end()
    entities = tuple(Entity(id=f"T{k}", span=s, label="Drug") for k, s in enumerate(drugs))
    note = Note(id="n", text=text + marked[at:], entities=entities)
    for pipe in SPLIT:
        note = pipe(note)
    return note


def attribute_cases():
    """Yield each text with what must hold of its drugs."""
    for line in (CASES / "attributes.jsonl").read_text("utf-8").splitlines():
        case = json.loads(line)
        yield case["text"], case["expected"]


def is_right(wanted, got):
    """Return whether a value is as wanted: None absent, "*" any, "a|b" either."""
    if wanted == "*":
        return got is not None
    if isinstance(wanted, str):
        return str(got) in wanted.split("|")
    if isinstance(wanted, float | int) and not isinstance(wanted, bool):
        return got is not None and abs(got - wanted) < 2e-4
    return got == wanted


def attributes_wrong(text, expected):
    """Return what is not as expected of the drugs of a text: drug, name, wanted and got."""
    drugs = MEDICATIONS(note_of(text)).entities
    assert len(drugs) == len(expected), text
    return [
        (drug.id, name, wanted, drug.attributes.get(name))
        for drug, wants in zip(drugs, expected, strict=True)
        for name, wanted in wants.items()
        if not is_right(wanted, drug.attributes.get(name)) and (text, name) not in DISPUTED
    ]


def test_attributes():
    cases = [*attribute_cases()]
    assert len(cases) > 400
    wrong = [(text, faults) for text, all_ in cases if (faults := attributes_wrong(text, all_))]
    assert not wrong, pformat(wrong)
    text, expected = cases[0]
    assert attributes_wrong(text, [{**expected[0], "dose": "none of it"}, *expected[1:]])


def exposure_cases():
    for line in (CASES / "exposures.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            wanted, text = line.split("\t", 1)
            yield text.replace("\\n", "\n"), [value == "1" for value in wanted.split(",")]


def exposed(text):
    note = MEDICATIONS(ASSERTIONS(note_of(text)))
    return [
        not any(getattr(drug.assertion, axis) for axis in AXES)
        and drug.attributes.get("change") not in LEAVING
        for drug in note.entities
    ]


def test_exposures():
    cases = list(exposure_cases())
    wrong = [text for text, wanted in cases if exposed(text) != wanted]
    assert len(cases) >= 350
    assert len(wrong) <= NOT_YET * len(cases), wrong


def test_the_words_that_decide_an_axis_are_its_cue():
    for text, axis, cue in (
        ("{tPA} was not given.", "negated", "not given"),
        ("{Aspirin} is contraindicated.", "negated", "contraindicated"),
        ("{Penicillin}: rash", "historical", "rash"),
        ("E. coli resistant to {ciprofloxacin}.", "hypothetical", "resistant to"),
        ("Start {prednisone} if no better.", "hypothetical", "Start"),
    ):
        note = MEDICATIONS(note_of(text))
        (drug,) = note.entities
        assert getattr(drug.assertion, axis), text
        assert note[drug.assertion.cues[axis]] == cue
        assert "change" not in drug.attributes


def test_a_negation_of_an_effect_is_taken_back_for_the_drug_alone():
    text = "No bleeding on {warfarin}."
    note = note_of(text)
    bleeding = Entity(id="P", span=Span(3, 11), label="Problem")
    note = MEDICATIONS(ASSERTIONS(note.with_(entities=(*note.entities, bleeding))))
    drug, problem = note.entities
    assert drug.assertion.negated is False
    assert drug.assertion.cues == {}
    assert problem.assertion.negated is True


def test_axes_that_nobody_assessed_stay_unknown():
    (drug,) = MEDICATIONS(note_of("No bleeding on {warfarin}.")).entities
    assert drug.assertion.axes == (None,) * len(AXES)
