"""Rules and a tagger together: what either finds, who says so, and what no tagger is."""

import re
from types import SimpleNamespace

import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Coverage, Entity, Note
from clinnlp.core.pipeline import BatchPipe
from clinnlp.core.spans import Span
from clinnlp.study.deidentify.tagged import TaggedIdentifiers, UsedModel, label_as_written
from clinnlp.text.identifiers import Identifiers, identifier_labels


class Tagger:
    """Stands for a tagger: gives what matches, with a label and a score."""

    task, names = "ner", {}

    def __init__(self, *rows, n_seen=9):
        self.rows, self.n_seen = rows, n_seen
        self.labels = tuple(dict.fromkeys(label for _, label, _ in rows))
        self.given = []

    def batch(self, notes):
        self.given += notes
        return [self.tagged(note) for note in notes]

    def tagged(self, note):
        found = [(Span(*m.span()), label, score) for pattern, label, score in self.rows
                 for m in re.finditer(pattern, note.text)]  # fmt: skip
        made = (Entity(id=f"T{k}", span=s, label=label, score=p, source="tagger")
                for k, (s, label, p) in enumerate(found))  # fmt: skip
        return note.with_(entities=tuple(made), coverage=Coverage(n_seen=self.n_seen, n_total=9))


def found(text, *rows, labels="all", entities=(), **how):
    pipe = TaggedIdentifiers(Identifiers(labels=labels), Tagger(*rows), name="m", **how)
    note = pipe(Note(id="n", text=text, entities=entities))
    return [(e.label, note.mention(e), e.attributes["finder"]) for e in note.entities]


def test_what_either_finds_counts_and_says_who_found_it():
    said = found("Mr. Ockham saw zorblat on 3/4/2021.", ("zorblat", "NAME_CLINICIAN", 0.9))
    assert [row[:2] for row in said] == [
        ("NAME", "Ockham"), ("NAME_CLINICIAN", "zorblat"), ("DATE", "3/4/2021"),
    ]  # fmt: skip
    assert [row[2].partition(":")[0] for row in said] == ["rule", "model", "rule"]
    assert said[1][2] == "model:m"


def test_rules_say_the_label_and_what_the_tagger_finds_beside_them_stays():
    text = "Tel. 410-555-0143 zorblat."
    said = found(text, (r"[\d-]+ zorblat", "ID", 0.9))
    assert [row[:2] for row in said] == [("PHONE", "410-555-0143"), ("ID", "zorblat")]
    assert found(text, (r"410-555-0143", "ID", 0.9)) == found(text, ("nothing", "ID", 0.9))


def test_what_the_tagger_is_not_sure_of_or_is_not_looked_for_is_left():
    text = "Saw zorblat."
    assert found(text, ("zorblat", "NAME", 0.4)) == []
    assert found(text, ("zorblat", "NAME", 0.4), least_score=0.4)
    assert found(text, ("zorblat", "PROFESSION", 0.9), labels="safe_harbor") == []
    assert found(text, ("zorblat", "NAME", None))


def test_ages_and_years_are_told_apart_by_their_numbers():
    rows = (("zorb [0-9]+", "AGE", 0.9), ("[0-9]{4}", "DATE", 0.9))
    assert found("zorb 45 anno 2019", *rows, labels="safe_harbor") == []
    assert found("zorb 45, zorb 94", *rows, labels="safe_harbor") == [
        ("AGE_OVER_89", "zorb 94", "model:m")
    ]
    assert label_as_written("AGE", "ninety") == "AGE"
    assert label_as_written("DATE", "9/2019") == "DATE"


def test_what_it_makes_of_notes_is_that_of_a_pipe():
    tagger = Tagger(("zorblat", "NAME", 0.8), n_seen=3)
    pipe = TaggedIdentifiers(Identifiers(), tagger)
    drug = Entity(id="T0", span=Span(0, 3), label="Drug", source="mine")
    note = Note(id="n", text="Saw zorblat.", entities=(drug,))
    once = pipe(note)
    assert isinstance(pipe, BatchPipe)
    assert pipe(once) == once
    assert once.entities[0] == drug
    assert once.entities[1].attributes["doubt"] == pytest.approx(0.6)
    assert once.coverage == Coverage(n_seen=3, n_total=9)  # the flow refuses what was not read
    assert not tagger.given[-1].entities
    assert pipe.batch([note, note]) == [once, once]


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (SimpleNamespace(task="classification", labels=()), "must be a tagger, .* got Simple"),
        (Tagger(("x", "Drug", 1.0), ("x", "NAME", 1.0)), "must be among NAME_PATIENT.* got Drug$"),
    ],
)
def test_what_is_no_tagger_of_identifiers_is_refused(model, says):
    with pytest.raises(ArgumentError, match=says):
        TaggedIdentifiers(Identifiers(), model)


def test_a_tagger_of_any_label_of_identifiers_is_taken():
    TaggedIdentifiers(Identifiers(), Tagger(*((".", label, 1.0) for label in identifier_labels())))
    with pytest.raises(ArgumentError, match="least_score must lie between 0 and 1"):
        TaggedIdentifiers(Identifiers(), Tagger((".", "NAME", 1.0)), least_score=2)


def test_names_that_a_tagger_keeps_are_told():
    assert "keeps" not in str(UsedModel(name="m", labels=("NAME",)))
    said = str(UsedModel(name="m", labels=("NAME",), n_names=1200))
    assert said.startswith("model:m looked for NAME; it keeps 1,200 names of its training notes")
