"""Which drug is stopped or held: of the drug, not of something else, and under no condition."""

import re

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.medication import Medications
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences

PIPES = (Sections(), Sentences(), Medications())
_DRUG = re.compile(r"\{([^{}]*)\}")


def said(marked):
    """What is said of each drug in braces, "-" where nothing is."""
    pieces = _DRUG.split(marked)
    spans, text = [], ""
    for k, piece in enumerate(pieces):
        spans += [Span(len(text), len(text) + len(piece))] if k % 2 else []
        text += piece
    drugs = tuple(Entity(id=f"T{k}", span=s, label="Drug") for k, s in enumerate(spans))
    note = Note(id="n", text=text, entities=drugs)
    for pipe in PIPES:
        note = pipe(note)
    return [str(drug.attributes.get("change", "-")) for drug in note.entities]


def check(cases):
    wrong = {text: said(text) for text, wanted in cases.items() if said(text) != wanted.split()}
    assert wrong == {}


def test_what_another_clause_says_of_another_subject_is_not_said_of_the_drug():
    check({
        "{Warfarin} continued, bleeding stopped.": "continue",
        "{Warfarin} 5 mg daily; the bleeding stopped.": "-",
        "{Warfarin} given, seizures stopped.": "-",
        "{Warfarin}, which she took for AF, was stopped.": "stop",
        "{Vancomycin} x 3 days, then stopped": "stop",
        "{Ativan} 1 mg, he has used it before, but most recently stopped taking it": "stop",
    })  # fmt: skip


def test_a_stopped_drug_in_many_words():
    check({
        "d/c'd {lisinopril}": "stop",
        "d/c’d {lisinopril}": "stop",
        "{lisinopril} d/c": "stop",
        "{Lisinopril} d/c'd on admission": "stop",
        "{lisinopril} was discontinued": "stop",
        "{Lisinopril} 10 mg daily was discontinued due to cough.": "stop",
        "{Lisinopril} caused cough and was stopped.": "stop",
        "{Lisinopril} (Discontinued)": "stop",
        "{Lisinopril} – stopped 6/3": "stop",
        "{lisinopril} | 10 mg | discontinued": "stop",
        "[STOPPED] {lisinopril} 10 mg": "stop",
        "off {lisinopril}": "stop",
        "He has been off his {lisinopril} since May.": "stop",
        "PCP took her off {lisinopril}": "stop",
        "Weaned off {prednisone}": "stop",
        "He no longer takes {lisinopril}": "stop",
        "told to stop taking {lisinopril}": "stop",
        "Patient stopped {lisinopril} on her own.": "stop",
        "She was started on {lisinopril} 10 mg daily but stopped it due to cough.": "stop",
        "{Lisinopril} started 6/3, d/c'd 6/10": "stop",
        "Cough resolved with discontinuation of the {lisinopril}.": "stop",
        "He was on {Coumadin} until it was stopped in May.": "stop",
        "Did well off {Lasix}": "stop",
        "Stop {clopidogrel} ({Plavix})": "stop stop",
        "{clopidogrel} ({Plavix}) was stopped": "stop stop",
    })  # fmt: skip


def test_a_held_drug_and_one_taken_up_again():
    check({
        "hold {metformin}": "hold",
        "{metformin} held on admission": "hold",
        "{Metformin} on hold given AKI": "hold",
        "{Warfarin} held for procedure": "hold",
        "{metformin} (hold x48h)": "hold",
        "{ASA}/{Plavix} held for biopsy": "hold hold",
        "{Aspirin} has been on hold since 6/3; {Plavix} continued.": "hold continue",
        "{Coumadin} held x 2 days for INR 5.2, resumed at 2.5 mg daily.": "start",
        "HOLD {warfarin} x 3 days, resume 5 mg daily": "hold",
        "{Warfarin} was held and will be resumed tomorrow": "hold",
        "{Metoprolol} was resumed after being held": "start",
        "{Metoprolol} was held on admission and resumed at discharge": "start",
        "{Metoprolol} was held but is now back on.": "start",
        "Restart {metformin}, held on admission": "start",
    })  # fmt: skip


def test_one_drug_in_place_of_another():
    check({
        "discontinued {lisinopril} and started {losartan}": "stop start",
        "{lisinopril} was stopped; {losartan} continued": "stop continue",
        "Stopped {lisinopril}, {metformin} continued": "stop continue",
        "{lisinopril} stopped in favor of {losartan}": "stop -",
        "switched from {enalapril} to {losartan} 50 mg daily": "stop start",
        "switched her from {enalapril} 5 mg daily to {losartan} 50 mg daily": "stop start",
        "{Enalapril} was changed to {losartan} 50 mg daily": "stop start",
        "{Heparin} was replaced by {argatroban}.": "stop start",
        "Switch {lisinopril} to {losartan} 50 mg": "stop start",
        "Change {lisinopril} 10 mg daily to {losartan} 50 mg daily": "stop start",
        "Replace {lisinopril} with {losartan}": "stop start",
        "Continue {aspirin}; {lisinopril} was switched to {losartan}": "continue stop start",
        "He takes {aspirin} and was switched to {losartan}": "- start",
    })  # fmt: skip


def test_lists_in_one_line_and_over_several():
    check({
        "Stop: {aspirin}, {Plavix}, {Coumadin}": "stop stop stop",
        "Stop {aspirin} and {Plavix}.": "stop stop",
        "The following medications were discontinued: {aspirin}, {Plavix}.": "stop stop",
        "DISCONTINUED: {lisinopril} 10 mg, {metformin} 500 mg": "stop stop",
        "STOP: {lisinopril}. CONTINUE: {metformin}": "stop continue",
        "Discontinued medications: {aspirin}, {Plavix}": "stop stop",
        "Held home meds: {lisinopril}, {metformin}": "hold hold",
        "{aspirin}, {metoprolol} and {lisinopril} were stopped": "stop stop stop",
        "{aspirin}, {metoprolol}, {lisinopril} (stopped)": "- - stop",
        "He takes {aspirin}, and {metformin} was stopped": "- stop",
        "STOP taking:\n- {lisinopril}\n- {metformin} 500 mg bid\n\nContinue:\n- {aspirin}":
            "stop stop continue",
        "Discontinued medications:\r\n{lisinopril} 10 mg daily\r\n{metformin}\r\n\r\n{Aspirin}":
            "stop stop -",
        "STOP taking these medications\n\n  {lisinopril} 10 mg tablet\n  Take 1 tablet daily\n"
        "  {ibuprofen}": "stop stop",
        "Held on admission:\n1. {lisinopril}\n2. {metformin}, restarted\nHOSPITAL COURSE\n{Lasix}":
            "hold start -",
        "Home medications:\n{lisinopril}\n{metformin}": "- -",
    })  # fmt: skip


def test_a_condition_stops_nothing():
    check({
        "Hold {metoprolol} for SBP < 90.": "-",
        "Hold {metoprolol} SBP<100": "-",
        "Hold {metoprolol} 25 mg for heart rate below 60": "-",
        "{Metoprolol} 25 mg bid, hold for SBP < 90.": "-",
        "{Metoprolol} 25 mg bid (hold for HR <60)": "-",
        "{Metoprolol} was held for SBP < 90.": "hold",
        "Hold {metformin} if creatinine rises": "-",
        "Stop {Bactrim} if rash develops": "-",
        "If rash develops, stop {Bactrim}.": "-",
        "{Bactrim} 1 tab bid, stop if rash": "-",
        "Hold {aspirin} and {Plavix} if bleeding": "- -",
        "D/C {lisinopril} and call if cough persists": "stop",
        "Consider stopping {lisinopril}": "-",
    })  # fmt: skip


def test_what_is_not_said_of_the_drug():
    check({
        "Do not stop {aspirin}": "-",
        "{Plavix} should not be stopped": "-",
        "unable to stop {prednisone}": "-",
        "Never start {warfarin}": "-",
        "He takes {aspirin} and quit smoking.": "-",
        "He takes {aspirin} and his bleeding was stopped.": "-",
        "{Lasix} given and the infusion was stopped": "-",
        "{aspirin} 81 mg daily, stop furosemide": "-",
        "{Lasix} 20 mg bid and, despite discontinuation of fluids, he did well": "-",
        "Hold all meds except {aspirin}": "-",
        "he held his meds because he is getting {rituximab}": "-",
        "off label use of {Abilify}": "-",
        "{Nicotine patch} 12 hours on, 12 hours off": "-",
        "{prednisone} 40 mg daily with a plan to taper off in 6 days": "-",
    })  # fmt: skip


def test_discharge_is_not_discontinued():
    check({
        "D/c home on {lisinopril}": "-",
        "D/C meds: {lisinopril}, {aspirin}": "- -",
        "At d/c, {lisinopril} 10 mg": "-",
        "d/c'd on {Coumadin}": "-",
        "He was given {aspirin} and d/c'd to rehab": "-",
        "D/C {lisinopril}": "stop",
    })  # fmt: skip


def test_a_wrapped_line_does_not_part_a_stop_from_its_drug():
    prose = "The patient was seen in the clinic last week and was then told to stop taking\n"
    assert said(prose + "{lisinopril} because of the cough that had come with it for months.") == [
        "stop"
    ]


@pytest.mark.parametrize("value", ["", "stopped", "> stop", ">"])
def test_a_change_must_be_one_that_the_filters_know(tmp_path, value):
    table = tmp_path / "m.tsv"
    table.write_text(f"term\tfield\tvalue\nhalt\tchange\t{value}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"m\.tsv:2: value of a change must be one of start, stop"):
        Medications(table)


def test_words_of_another_language(tmp_path):
    rows = ["suspender\tchange\tstop", "y\tand", "fue\tbe", "suspendido\tchange\tstop"]
    rows += ["si\tif", "debido\talone"]
    table = tmp_path / "es.tsv"
    table.write_text("\n".join(["term\tfield\tvalue", *rows]), encoding="utf-8")
    pipe = Medications(table)
    for text, wanted in (
        ("enalapril fue suspendido debido a tos", "stop"),
        ("suspender enalapril", "stop"),
        ("suspender enalapril si hay tos", None),
    ):
        start = text.index("enalapril")
        entity = Entity(id="T", span=Span(start, start + 9), label="Drug")
        (drug,) = pipe(Note(id="n", text=text, entities=(entity,))).entities
        assert drug.attributes.get("change") == wanted
