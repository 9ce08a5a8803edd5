"""A table of what labels state: counted by label and sentence, taken by mine --known."""

from dataclasses import replace

import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Assertion, Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.notes.corpora import write_notes
from clinnlp.study.known import read_known_rows
from clinnlp.study.label_table import label_table, write_label_table

WORDS = {"Warfarin": "Drug", "naproxen": "Drug", "iron": "Drug", "bleeding": "Problem"}


def label(k, text, **more):
    entities = tuple(
        Entity(id=word, span=Span(text.find(word), text.find(word) + len(word)), label=kind,
               assertion=Assertion(negated="No bleeding" in text and word == "bleeding"))
        for word, kind in WORDS.items() if word in text
    )  # fmt: skip
    return Note(id=f"n{k}", text=text, entities=entities, **more)


LABELS = [
    label(0, "Warfarin should not be given with naproxen."),
    label(1, "Avoid naproxen with Warfarin."),
    label(2, "Warfarin had no effect on the exposure to iron."),
    label(3, "No bleeding due to iron."),
    label(4, "Adverse reactions: bleeding due to naproxen."),
]


def test_pairs_are_counted_in_any_order_and_denied_ones_left_out():
    table = label_table(LABELS)
    rows = table.frame()[["drug_1", "drug_2", "event", "n_labels", "n_sentences"]]
    assert rows.to_numpy().tolist() == [
        ["naproxen", "warfarin", "", 2, 2],
        ["naproxen", "", "bleeding", 1, 1],
    ]
    assert table.n_excluded == {"negated": 2}
    first = table.rows[0]
    text = LABELS[0].text
    assert text[first["start"] : first["end"]] == text[:-1]
    assert table.lines() == (
        "5 labels: 1 interactions and 1 effects; relations left out: negated 2",
    )


@pytest.mark.parametrize(
    "text",
    [
        "Do not use naproxen with Warfarin.", "Avoid naproxen with Warfarin.",
        "naproxen is contraindicated with Warfarin.",
    ],
)  # fmt: skip
def test_what_is_not_to_be_taken_together_is_an_interaction(text):
    note = label(0, text)
    denied = Assertion(negated=True)  # as `Assertions` has it of a drug that is not given
    ends = tuple(replace(mention, assertion=denied) for mention in note.entities)
    table = label_table([note.with_(entities=ends)])
    rows = table.frame()[["drug_1", "drug_2"]].to_numpy().tolist()
    assert (rows, table.n_excluded) == ([["naproxen", "warfarin"]], {})


def test_a_drug_and_its_brand_do_not_interact():
    note = label(0, "Avoid Warfarin.", labels=("Coumadin",))
    assert label_table([note], subject=True).rows == []


def test_relations_of_a_model_count_where_there_are_some():
    said = Relation(id="R", label="mechanism", roles={"a": ("Warfarin",), "b": ("iron",)})
    other = Relation(id="S", label="treats", roles={"a": ("Warfarin",), "b": ("iron",)})
    note = label(0, "Warfarin and iron.", relations=(said, other))
    rows = label_table([note]).frame()
    assert rows[["drug_1", "drug_2"]].to_numpy().tolist() == [["iron", "warfarin"]]


def test_the_command_makes_a_table_that_mining_takes(tmp_path, capsys):
    write_notes(LABELS, tmp_path / "labels.jsonl")
    words = ["mine", "labels", tmp_path / "labels.jsonl", "--out", tmp_path / "known.csv"]
    assert main([str(word) for word in words]) == 0
    assert "1 interactions" in capsys.readouterr().out
    rows = read_known_rows(tmp_path / "known.csv", {}, Dialect())
    assert rows == [("naproxen", "warfarin", ""), ("naproxen", "", "bleeding")]
    assert list(pd.read_csv(tmp_path / "known.csv")["note"]) == ["n0", "n4"]


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="got none"):
        label_table([Note(id="n", text="Avoid.")])
    with pytest.raises(ArgumentError, match=r"\.csv"):
        write_label_table(label_table(LABELS), tmp_path / "known.tsv", [])
