"""Interactions that a sentence states: groups, neighbours, signs, denials, whose label it is."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.interactions import StatedInteractions


def note(marked, **more):
    """Return a note whose drugs stand between < and >."""
    text, entities = "", []
    for k, part in enumerate(marked.replace(">", "<").split("<")):
        if k % 2:
            place = Span(len(text), len(text) + len(part))
            entities.append(Entity(id=part, span=place, label="Drug"))
        text += part
    return Note(id="n", text=text, entities=tuple(entities), **more)


def said(marked, *, subject=False, **more):
    found = StatedInteractions(subject=subject)(note(marked, **more)).relations
    return {
        (r.roles["drug"][0], r.roles["other"][0], bool(r.attributes.get("negated"))) for r in found
    }


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("<A1> may increase the effect of <B1>.", {("A1", "B1", False)}),
        ("Avoid <A1> with <B1>.", {("A1", "B1", False)}),
        ("<A1> and <B1> raise levels of <C1>.", {("A1", "C1", False), ("B1", "C1", False)}),
        ("<A1>, <B1> and <C1> are tablets.", set()),
        ("<A1> is a tablet. Avoid <B1>.", set()),
        ("<A1> increases pressure. <B1> is a tablet.", set()),
        ("The combination of <A1> and <B1> is toxic.", {("A1", "B1", False)}),
        ("<A1> and <B1> increase pressure.", set()),
        ("<A1> had no effect on the exposure to <B1>.", {("A1", "B1", True)}),
        ("Do not give strong inhibitors (e.g., <A1>, <B1>) with <C1>.",
         {("A1", "C1", False), ("B1", "C1", False)}),
        ("<A1> is metabolised like <B1>.", set()),
        ("Avoid <A1> with <a1>.", set()),
    ],
)  # fmt: skip
def test_pairs(text, pairs):
    assert said(text) == pairs


def test_the_drug_of_the_label_stands_for_itself():
    text = "Concomitant use with <A1> or <B1> can increase toxicity."
    assert said(text) == set()
    assert said(text, subject=True, labels=("Xdrug",)) == {
        ("Xdrug", "A1", False), ("Xdrug", "B1", False),
    }  # fmt: skip
    assert said("Avoid <A1> with Xdrug.", subject=True, labels=("xdrug",)) == set()


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("Evitar <A1> con <B1> o <C1>.", {("A1", "B1", False), ("A1", "C1", False)}),
        ("<A1> no altera la exposición a <B1>.", {("A1", "B1", True)}),
        ("<A1> y <B1> son comprimidos.", set()),
    ],
)
def test_pairs_in_spanish(text, pairs):
    found = StatedInteractions(language="es")(note(text)).relations
    ends = {(r.roles["drug"][0], r.roles["other"][0]) for r in found}
    assert ends == {pair[:2] for pair in pairs}
    assert {bool(r.attributes.get("negated")) for r in found} == {pair[2] for pair in pairs}


def test_cues_lie_in_the_sentence_and_a_second_run_adds_nothing():
    pipe, made = StatedInteractions(), note("Stop. Avoid <A1> with <B1>.")
    once = pipe(made)
    (found,) = once.relations
    cue = once.text[found.attributes["cue_start"] : found.attributes["cue_end"]]
    assert cue == "Avoid"
    assert pipe(once) == once


def test_another_class_is_refused_with_its_line(tmp_path):
    (tmp_path / "t.tsv").write_text("words\tclass\navoid\tsign\nx\tother\n")
    with pytest.raises(DataError, match=r"t\.tsv:3"):
        StatedInteractions(table=tmp_path / "t.tsv")
