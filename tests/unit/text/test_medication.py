"""Medications: the written cases, and what no line of them shows."""

from pprint import pformat

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.medication import Medications
from tests.bench import ROOT
from tests.bench.medications import WRITTEN, compare, written_cases

PIPES = {language: Medications(language=language) for language in ("en", "es")}
DEFAULT = PIPES["en"]


def _attributes(text, *drugs, label="Drug"):
    entities = tuple(
        Entity(id=f"T{i}", span=Span(text.index(d), text.index(d) + len(d)), label=label)
        for i, d in enumerate(drugs)
    )
    note = DEFAULT(Note(id="n", text=text, entities=entities))
    return [dict(e.attributes) for e in note.entities]


def test_the_card_counts_the_cases():
    card = (ROOT / "corpora" / "medication-cases" / "CARD.md").read_text(encoding="utf-8")
    for name in WRITTEN:
        n_cases = len(list(written_cases(name)))
        assert n_cases >= 100
        assert f"| `{name}.txt` | {n_cases} |" in card


@pytest.mark.parametrize("part", WRITTEN)
def test_cases(part):
    wrong = compare(written_cases(part), PIPES[WRITTEN[part]])[1]
    assert not wrong, pformat(wrong)


def test_a_case_that_is_answered_otherwise_is_told_by_its_line():
    ((note, wanted), *_) = written_cases("cases")
    (drug, *_) = wanted
    drug["dose"] = "none of it"
    [(where, _, field, _, said, *_)] = compare([(note, wanted)], DEFAULT)[1]
    assert (where, field, said) == (note.id, "dose", "none of it")


def test_a_range_keeps_both_ends_and_a_schedule_all_steps():
    (found,) = _attributes("prednisone 5-10 mg daily", "prednisone")
    assert (found["dose_mg_low"], found["dose_mg_high"]) == (5.0, 10.0)
    assert (found["daily_mg_low"], found["daily_mg_high"]) == (5.0, 10.0)
    assert "dose_mg" not in found
    (found,) = _attributes("Lasix 40 mg daily for 3 days, then 20 mg daily", "Lasix")
    assert found["schedule"] == "40 mg daily for 3 days, then 20 mg daily"
    assert not {"daily_mg", "duration", "doses_per_day"} & found.keys()


def test_sentences_end_what_is_said_of_a_drug():
    assert _attributes("aspirin. Then 10 mg of another daily.", "aspirin") == [{}]
    (found,) = _attributes("aspirin 81 mg\r\n  Take one tablet daily", "aspirin")
    assert (found["dose"], found["strength"], found["daily_mg"]) == ("one tablet", "81 mg", 81.0)


def test_other_labels_are_left_alone():
    assert _attributes("fever 10 mg daily", "fever", label="Problem") == [{}]


def test_what_a_mention_already_has_is_kept():
    entity = Entity(id="T", span=Span(0, 5), label="Drug", attributes={"dose": "gold"})
    note = DEFAULT(Note(id="n", text="Lasix 40 mg daily", entities=(entity,)))
    assert note.entities[0].attributes["dose"] == "gold"
    assert note.entities[0].attributes["frequency"] == "daily"


def test_drugs_may_overlap():
    found = _attributes("Tylenol PM 2 tablets daily", "Tylenol PM", "Tylenol")
    assert [f.get("frequency") for f in found].count("daily") == 1


def test_a_table_of_another_language(tmp_path):
    table = tmp_path / "de.tsv"
    rows = ["mg\tunit\t1", "bis\tto", "<n>x täglich\tfrequency\t<n>", "bei Bedarf\tprn"]
    table.write_text("\n".join(["term\tfield\tvalue", *rows]), encoding="utf-8")
    entity = Entity(id="T", span=Span(0, 9), label="Drug")
    text = "Ibuprofen 400 bis 600 mg 3x täglich bei Bedarf"
    (drug,) = Medications(table)(Note(id="n", text=text, entities=(entity,))).entities
    assert drug.attributes == {
        "dose": "400 bis 600 mg",
        "dose_mg_low": 400.0,
        "dose_mg_high": 600.0,
        "frequency": "3x täglich",
        "doses_per_day": 3.0,
        "prn": True,
    }


@pytest.mark.parametrize(
    "row", ["mg\tunits\t1", "mg\tunit\tone", "daily\tfrequency\t1/", "a\tnumber"]
)
def test_a_wrong_row_is_refused_with_its_line(tmp_path, row):
    table = tmp_path / "m.tsv"
    table.write_text("term\tfield\tvalue\n" + row + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"m\.tsv:2: "):
        Medications(table)
