"""Stated relations: every line of corpora/relation-cases, and laws of what is marked."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import AXES, Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.assertion import Assertions
from clinnlp.text.relations import RELATION_LABELS, StatedRelations
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from clinnlp.text.tables import data_path

CASES = Path(__file__).parents[3] / "corpora" / "relation-cases"
MENTION = re.compile(r"\[([^\]]+)\]|<([^>]+)>")
RULES = StatedRelations()
PIPES = {
    language: (Sections(language=language), Sentences(language=language),
               Assertions(language=language), StatedRelations(language=language))
    for language in ("en", "es")
}  # fmt: skip


def lines(name):
    found = (CASES / name).read_text("utf-8").splitlines()
    return [line for line in found if line and not line.startswith("#")]


def parsed(case):
    """Return a note with the mentions that are marked, problems in brackets, drugs in angles."""
    text, found, last = "", [], 0
    for match in MENTION.finditer(case):
        text += case[last : match.start()]
        words, label = (match[1], "Problem") if match[1] else (match[2], "Drug")
        span = Span(len(text), len(text) + len(words))
        found.append(Entity(id=f"T{len(found) + 1}", span=span, label=label))
        text, last = text + words, match.end()
    return Note(id="n", text=text + case[last:], entities=tuple(found))


def said(note):
    return [
        ":".join((r.label, *(axis for axis in AXES if r.attributes.get(axis))))
        for r in note.relations
    ]


@pytest.mark.parametrize("name", ["en.txt", "es.txt"])
def test_cases(name):
    wrong = {}
    for line in lines(name):
        case, _, right = line.partition("=>")
        note = parsed(case.strip().replace("¶", "\n"))
        for pipe in PIPES[name[:2]]:
            note = pipe(note)
        if said(note) != right.split():
            wrong[line] = said(note)
    assert wrong == {}


def test_the_card_counts_the_cases():
    card = tomllib.loads((CASES / "CARD.md").read_text("utf-8").split("+++\n")[1])
    assert card["n_cases"] == len(lines("en.txt")) + len(lines("es.txt"))


def test_a_relation_names_its_ends_its_row_and_where_its_words_stand():
    note = RULES(parsed("[Rash] due to <amoxicillin>."))
    (found,) = note.relations
    assert found.roles == {"drug": ("T2",), "effect": ("T1",)}
    table, _, line = found.attributes["rule"].partition(":")
    row = data_path(table).read_text("utf-8").splitlines()[int(line) - 1]
    assert "PROBLEM {due} DRUG" in row
    assert note.text[found.attributes["cue_start"] : found.attributes["cue_end"]] == " due to "
    assert found.source == "stated-relations"
    assert RULES(note) == note


@pytest.mark.parametrize(
    "case", ["[Rash] due to <amoxicillin>.", "<Lisinopril> for [gout].", "Held <lasix> for [AKI]."]
)
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("end", [0, 1])
def test_what_is_true_of_an_end_is_true_of_the_relation(case, axis, end):
    note = parsed(case)
    ends = list(note.entities)
    ends[end] = replace(ends[end], assertion=Assertion(**{axis: True}))
    (found,) = RULES(note.with_(entities=tuple(ends))).relations
    assert found.attributes.get(axis) is True
    assert not any(found.attributes.get(other) for other in AXES if other != axis)


def test_the_word_that_stops_a_drug_denies_no_stop():
    note = parsed("Held <lasix> for [AKI].")
    cue = Assertion(negated=True, cues={"negated": Span(0, 4)})
    other = Assertion(negated=True, cues={"negated": Span(5, 7)})
    for assertion, right in ((cue, ["stopped_for"]), (other, ["stopped_for:negated"])):
        ends = tuple(replace(e, assertion=assertion) for e in note.entities)
        assert said(RULES(note.with_(entities=ends))) == right


def test_mentions_in_a_row_share_what_is_said_and_neighbours_alone_are_related():
    note = RULES(parsed("[Rash], [hives] and [fever] from <amoxicillin> or <sulfa>; <aspirin>."))
    pairs = [(*r.roles["drug"], *r.roles["effect"]) for r in note.relations]
    assert pairs == [(d, p) for d in ("T4", "T5") for p in ("T1", "T2", "T3")]
    assert RULES(parsed("[Rash] and <aspirin>, from <amoxicillin>.")).relations == ()


def test_a_stop_goes_before_a_reason_and_one_pair_has_one_relation():
    note = RULES(parsed("Stopped <lisinopril> for [cough]."))
    assert said(note) == ["stopped_for"]


def test_labels_of_mentions_are_asked_for():
    note = parsed("[Rash] due to <amoxicillin>.")
    other = [replace(e, label={"Problem": "X", "Drug": "Y"}[e.label]) for e in note.entities]
    changed = note.with_(entities=tuple(other))
    assert RULES(changed).relations == ()
    own = StatedRelations(drug_labels=["Y"], problem_labels=["X"])
    assert said(own(changed)) == ["causes"]
    with pytest.raises(ArgumentError, match="language must be one of"):
        StatedRelations(language="xx")


def test_typed_text_is_read_as_plain_text():
    assert said(RULES(parsed("[Rash] due\N{NO-BREAK SPACE}to <amoxicillin>."))) == ["causes"]
    assert said(RULES(parsed("[Rash] due\r\nto <amoxicillin>."))) == ["causes"]
    assert said(RULES(parsed("<Steroid>\N{NON-BREAKING HYPHEN}induced [gout]"))) == ["causes"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("PROBLEM due to\tcauses", "DRUG and PROBLEM, each once"),
        ("PROBLEM x DRUG y DRUG\tcauses", "DRUG and PROBLEM, each once"),
        ("PROBLEM {xx} DRUG\tcauses", "a class of a form must be one of"),
        ("PROBLEM x DRUG\tbecomes", "a row needs forms and one of"),
        ("x\tword\tother", "a row needs forms and one of"),
    ],
)
def test_a_wrong_row_is_refused_by_its_line(row, message, tmp_path):
    path = tmp_path / "rules.tsv"
    path.write_text(f"form\tsays\tsection\n{row}\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"rules\.tsv:2.*{message}"):
        StatedRelations(table=path)


def test_a_table_of_ones_own_is_used(tmp_path):
    path = tmp_path / "rules.tsv"
    path.write_text("form\tsays\nPROBLEM begat DRUG\tcauses\n", encoding="utf-8")
    own = StatedRelations(table=path)
    assert said(own(parsed("[Rash] begat <amoxicillin>."))) == ["causes"]
    assert said(own(parsed("[Rash] due to <amoxicillin>."))) == []


WORDS = "[rash] <drug> due to from , and no not stopped because of ( ) : for - . after likely"
words = st.sampled_from(WORDS.split())


@settings(max_examples=60)
@given(st.lists(words, max_size=14))
def test_any_row_of_words_gives_relations_of_one_drug_and_one_problem(row):
    note = RULES(parsed(" ".join(row)))
    of = {e.id: e.label for e in note.entities}
    pairs = set()
    for found in note.relations:
        (drug,), (problem,) = (found.roles[role] for role in RELATION_LABELS[found.label])
        assert (of[drug], of[problem]) == ("Drug", "Problem")
        pairs.add((drug, problem))
    assert len(pairs) == len(note.relations)


@pytest.mark.parametrize("unit", ["due to ", "the ", "not ", "a ", ", ", "10 mg ", "("])
def test_a_long_gap_is_read_in_time(unit):
    note = parsed("[Rash] " + unit * 2000 + "<amoxicillin> " + unit * 2000 + "[fever]")
    assert RULES(note).relations == ()


@pytest.mark.parametrize(
    "unit", ["-", "=", ".", "- ", "1-", "; ", "severe ", "reaction ", "unknown, ", "( ", "|", "*\n"]
)
@pytest.mark.parametrize(
    "frame",
    [
        "ALLERGIES:\n<Sulfa>{}x [rash]",
        "<Sulfa> allergy {}x [rash]",
        "ALLERGIES:\n<Sulfa>\n{}x\n[rash]",
        "ALLERGIES:\n<Sulfa>\n- [rash]{}x [hives]",
    ],
)
@pytest.mark.parametrize("times", [20, 40, 4000])
def test_a_long_row_of_marks_in_a_list_is_read_in_time(unit, frame, times):
    note = parsed(frame.format(unit * times))
    for pipe in PIPES["en"]:
        note = pipe(note)
    assert len(note.relations) <= 2


@pytest.mark.parametrize("before", ["The pa\xadtient. ", "Cafe\u0301 owner. ", "\u200bSeen. "])
def test_where_the_words_stand_is_told_in_the_text_itself(before):
    note = parsed("[Rash] due to <amoxicillin>.")
    by = len(before)
    moved = tuple(replace(e, span=Span(e.span.start + by, e.span.end + by)) for e in note.entities)
    (found,) = RULES(Note(id="n", text=before + note.text, entities=moved)).relations
    told = found.attributes
    assert (before + note.text)[told["cue_start"] : told["cue_end"]] == " due to "
