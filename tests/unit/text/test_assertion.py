"""Assertion: what an answer names, and how tables, lists and odd notes are taken.

What the shipped tables say of clinical sentences stands in corpora/assertion-cases.
"""

import re

import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import AXES, Assertion, Entity, Note, Section
from clinnlp.core.spans import Span
from clinnlp.text.assertion import Assertions
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from clinnlp.text.tables import data_path

DEFAULT = Assertions()
SECTIONS, SENTENCES = Sections(), Sentences()
MENTION = re.compile(r"\[([^\]|]+)(?:\|([a-z ]+))?\]")


def _parse(case):
    text, entities, expected, last = "", [], [], 0
    for match in MENTION.finditer(case):
        text += case[last : match.start()]
        span = Span(len(text), len(text) + len(match[1]))
        entities.append(Entity(id=f"T{len(entities)}", span=span, label="Problem"))
        expected.append(frozenset((match[2] or "").split()))
        text, last = text + match[1], match.end()
    return Note(id="n", text=text + case[last:], entities=tuple(entities)), expected


def _true_axes(assertion):
    assert None not in assertion.axes
    return frozenset(name for name in AXES if getattr(assertion, name))


def test_the_cue_that_decided_is_named():
    note, _ = _parse("FAMILY HISTORY: Denies any [gout].")
    note = DEFAULT(SECTIONS(note))
    cues = note.entities[0].assertion.cues
    assert {axis: note[span] for axis, span in cues.items()} == {
        "negated": "Denies any",
        "experiencer": "FAMILY HISTORY:",
    }


def test_an_answer_names_the_row_of_its_table():
    note, _ = _parse("FAMILY HISTORY: Denies any [gout].")
    reasons = DEFAULT.explain(SECTIONS(note))
    assert [(why.entity, why.axis, why.row.table) for why in reasons] == [
        ("T0", "negated", "assertion_en.tsv"),
        ("T0", "experiencer", "section_priors.tsv"),
    ]
    for why in reasons:
        line = data_path(why.row.table).read_text("utf-8").splitlines()[why.row.line - 1]
        assert line.startswith(why.row.cue + "\t")


def test_a_section_without_heading_decides_without_a_cue():
    note, _ = _parse("[Gout] in Agnes")
    note = note.with_(sections=(Section(span=Span(0, 13), kind="family_history"),))
    assertion = DEFAULT(note).entities[0].assertion
    assert assertion.experiencer is True
    assert assertion.cues == {}


def test_an_assertion_read_before_is_replaced_whoever_made_the_mention():
    entity = Entity(
        id="T1", span=Span(3, 8), label="X", source="gold", assertion=Assertion(negated=False)
    )
    note = DEFAULT(Note(id="n", text="No fever", entities=(entity,)))
    assert note.entities[0].assertion.negated is True
    assert note.entities[0].source == "gold"


def test_mentions_outside_all_sentences_are_assessed():
    note, _ = _parse("no [fever] then [cough]")
    note = note.with_(sentences=(Span(9, 13),))
    assert [_true_axes(e.assertion) for e in DEFAULT(note).entities] == [
        frozenset(),
        frozenset(),
    ]


def test_a_scope_in_words_is_kept(tmp_path):
    table = tmp_path / "cues.tsv"
    table.write_text("cue\taxis\tdirection\tkind\tscope\nno\tnegated\tforward\tcue\t2\n", "utf-8")
    note, _ = _parse("no a [fever] x [cough]")
    note = Assertions([table])(note)
    assert [e.assertion.negated for e in note.entities] == [True, False]


def test_another_language_brings_its_own_cues(tmp_path):
    table = tmp_path / "es.tsv"
    table.write_text("cue\taxis\tdirection\tkind\tscope\nsin\tnegated\t\t\t\n", encoding="utf-8")
    note, _ = _parse("Paciente sin [fiebre].")
    assert Assertions([table])(note).entities[0].assertion.negated is True
    note, _ = _parse("No [fever].")
    assert Assertions([table])(note).entities[0].assertion.negated is False


def test_entities_in_any_order_keep_their_order():
    note, _ = _parse("No [fever] but [cough].")
    turned = note.with_(entities=note.entities[::-1])
    assert [e.assertion.negated for e in DEFAULT(turned).entities] == [False, True]


def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(ArgumentError, match="language must be one of en, es, got 'xx'"):
        Assertions(language="xx")


def test_a_list_may_go_on_after_a_full_stop():
    note, _ = _parse("Denies:\n- [fever]. Also [chills].\n- [cough]\nHas [pain].")
    note = DEFAULT(SENTENCES(note))
    assert [e.assertion.negated for e in note.entities] == [True, True, True, False]


def test_a_cue_may_begin_in_the_heading_before_its_sentence():
    note, _ = _parse("PHYSICAL EXAM:\nNeuro: denies [tingling].")
    note = DEFAULT(SENTENCES(SECTIONS(note)))
    assert note.entities[0].assertion.negated is True


def test_a_phrase_that_ends_an_axis_lets_its_words_work_on_the_others(tmp_path):
    table = tmp_path / "cues.tsv"
    rows = "no\tnegated\t\t\nold\thistorical\t\t\nbut old\tnegated\t\tterminator\n"
    table.write_text("cue\taxis\tdirection\tkind\tscope\n" + rows, encoding="utf-8")
    note, _ = _parse("no [fever] but old [stroke]")
    assert [_true_axes(e.assertion) for e in Assertions([table])(note).entities] == [
        {"negated"},
        {"historical"},
    ]


def _negated(text, sentences, mentions, sections=None, pipe=DEFAULT):
    entities = tuple(
        Entity(id=f"T{i}", span=Span(text.index(m), text.index(m) + len(m)), label="X")
        for i, m in enumerate(mentions)
    )
    note = Note(
        id="n", text=text, entities=entities, sections=sections,
        sentences=tuple(Span(text.index(s), text.index(s) + len(s)) for s in sentences),
    )  # fmt: skip
    return [_true_axes(e.assertion) for e in pipe(note).entities]


@pytest.mark.parametrize("line_end", ["\n", "\r", "\n      ", ", "])
def test_a_new_line_ends_a_list_and_so_does_the_comma_that_stands_for_one(line_end):
    text = f"Denies:\n- fever{line_end}pain."
    said = _negated(text, ["Denies:", "- fever", "pain."], ["fever", "pain"])
    assert said == [{"negated"}, frozenset()]


def test_a_section_holds_what_begins_before_or_behind_its_sentences_and_ends_where_it_ends():
    family = (Section(span=Span(0, 6), kind="family_history"),)
    assert _negated("gout in Agnes, ulcer", ["Agnes"], ["gout"], family) == [{"experiencer"}]
    family = (Section(span=Span(0, 20), kind="family_history"),)
    assert _negated("Agnes had gout, ulcer", ["Agnes"], ["ulcer"], family) == [{"experiencer"}]
    ended = (Section(span=Span(0, 6), kind="family_history"),)
    assert _negated("Agnes,gout", ["Agnes,", "gout"], ["gout"], ended) == [frozenset()]


@pytest.mark.parametrize("mention", ["No appetite", "Absent reflexes", "fever resolved"])
def test_a_cue_inside_a_mention_does_not_decide_it(mention):
    assert _negated(f"{mention}.", [f"{mention}."], [mention]) == [frozenset()]


def test_a_cue_belongs_to_the_sentence_that_it_ends_in():
    assert _negated("no fever", ["no", " fever"], ["fever"]) == [frozenset()]


def test_a_list_below_a_line_names_the_cue_of_that_line_and_not_the_heading():
    note, _ = _parse("FAMILY HISTORY:\nMother has:\n- [gout]")
    note = DEFAULT(SENTENCES(SECTIONS(note)))
    (entity,) = note.entities
    assert note[entity.assertion.cues["experiencer"]] == "Mother"


@pytest.fixture
def own(tmp_path):
    """A pipe with a table and section priors of its own."""

    def made(rows, priors=""):
        table, wheres = tmp_path / "cues.tsv", tmp_path / "priors.tsv"
        table.write_text("cue\taxis\tdirection\tkind\tscope\n" + rows, encoding="utf-8")
        wheres.write_text("kind\taxis\twhen\n" + priors, encoding="utf-8")
        return Assertions([table], priors=wheres)

    return made


def test_of_two_phrases_of_one_length_that_overlap_the_first_counts(own):
    pipe = own("aa bb\tnegated\t\t\t\nbb cc\thistorical\t\t\t\n")
    text = "aa bb cc fever"
    assert _negated(text, [text], ["fever"], pipe=pipe) == [{"negated"}]


def test_a_section_that_needs_a_cue_is_not_moved_by_a_terminator(own):
    pipe = own("but\thistorical\t\tterminator\nonce\thistorical\tbackward\t\t1\n",
               "social_history\thistorical\tcue\n")  # fmt: skip
    social = (Section(span=Span(0, 20), kind="social_history"),)
    assert _negated("beer but wine", ["beer but wine"], ["beer"], social, pipe) == [frozenset()]
    text = "beer, wine, rum once"
    assert _negated(text, [text], ["beer"], social, pipe) == [{"historical"}]


def test_a_scope_in_words_passes_long_words_but_not_endless_ones(own):
    pipe = own("no\tnegated\t\t\t2\n")
    for length, negated in ((20, True), (60, False)):
        text = f"no {'x' * length} fever"
        assert _negated(text, [text], ["fever"], pipe=pipe) == [{"negated"} if negated else set()]
