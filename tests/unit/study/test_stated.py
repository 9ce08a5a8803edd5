"""Mining with relations: counts in every table, places of each statement, notes read by rules."""

import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.features.entities import entity_table
from clinnlp.features.relations import relation_table
from clinnlp.io.notes.corpora import write_notes
from clinnlp.io.tables.mentions import write_entity_table
from clinnlp.io.tables.relations import write_relation_table
from clinnlp.study.mine_flow import mine_flow
from clinnlp.study.mined_tables import read_rules, read_signals
from clinnlp.study.settings import MineSettings
from clinnlp.text.relations import StatedRelations

SAYS = {  # text, and whether the rash is denied
    "stated": ("He takes iron. Rash due to aspirin.", False),
    "denied": ("He takes iron. No rash due to aspirin.", True),
    "together": ("Takes aspirin and iron; rash noted.", False),
    "neither": ("He takes iron daily.", False),
}
COUNTS = {"stated": 7, "denied": 3, "together": 2, "neither": 20}
SETTINGS = {"drug_kind": "Drug", "outcome_kind": "Problem", "min_count": 1, "min_margin": 1}


def note_of(k, text, denied):
    entities = []
    for word, label in (("aspirin", "Drug"), ("iron", "Drug"), ("rash", "Problem")):
        at = text.lower().find(word)
        if at >= 0:
            entities.append(Entity(
                id=word, span=Span(at, at + len(word)), label=label,
                assertion=Assertion(negated=denied and word == "rash"),
            ))  # fmt: skip
    return Note(id=f"n{k}", text=text, patient=f"p{k}", entities=tuple(entities))


@pytest.fixture(scope="module")
def notes():
    said = [SAYS[name] for name, n in COUNTS.items() for _ in range(n)]
    return [note_of(k, *one) for k, one in enumerate(said)]


@pytest.fixture
def entities(notes, tmp_path):
    write_entity_table(entity_table(notes), tmp_path / "entities.csv")
    return tmp_path / "entities.csv"


@pytest.mark.parametrize("form", ["table.csv", "table.parquet", "notes.jsonl"])
def test_rules_and_signals_tell_how_many_state_and_deny(notes, entities, tmp_path, form):
    path = tmp_path / form
    if path.suffix == ".jsonl":
        write_notes(notes, path)
    else:
        write_relation_table(relation_table(map(StatedRelations(), notes)), path)
    out = tmp_path / "out"
    settings = MineSettings(relations=str(path), **SETTINGS)
    result = mine_flow(entities, out=out, settings=settings)
    for found in (read_signals(out / "drug_events"), result.signals["drug_events"]):
        frame = found.to_pandas().set_index(["drug", "outcome"])
        assert frame.loc[("aspirin", "rash"), ["n_stated", "n_denied"]].tolist() == [7, 3]
        assert frame.loc[("iron", "rash"), ["n_stated", "n_denied"]].tolist() == [0, 0]
        assert frame.loc[("aspirin", "rash"), "q_stated"] <= frame["q_bh"].max()
    rules = read_rules(out / "rules").to_pandas()
    said = {
        frozenset(row.antecedents | row.consequents): (row.n_stated, row.n_denied)
        for row in rules.itertuples()
    }
    assert said[frozenset({"aspirin", "rash"})] == (7, 3)
    assert said[frozenset({"aspirin", "iron"})] == (0, 0)
    assert "7 state and 3 deny" in "\n".join(result.lines())


def test_each_statement_leads_to_its_words(notes, entities, tmp_path):
    write_notes(notes, tmp_path / "notes.jsonl")
    settings = MineSettings(relations=str(tmp_path / "notes.jsonl"), **SETTINGS)
    mine_flow(entities, out=tmp_path / "out", settings=settings)
    rows = pd.read_csv(tmp_path / "out" / "stated.csv")
    texts = {note.id: note.text for note in notes}
    assert rows["says"].value_counts().to_dict() == {"stated": 7, "denied": 3}
    for row in rows.itertuples():
        text = texts[row.note]
        assert text[row.start : row.end].lower() == "rash due to aspirin"
        assert text[row.sentence_start : row.sentence_end].strip() in (
            "Rash due to aspirin.", "No rash due to aspirin.",
        )  # fmt: skip
        assert row.rule.startswith("relations_en.tsv:")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "What notes state" in page
    assert "n0:" in page
    assert "due to" not in page


def test_a_run_without_relations_leaves_nothing_of_the_one_before(notes, entities, tmp_path):
    write_notes(notes, tmp_path / "notes.jsonl")
    for relations in (str(tmp_path / "notes.jsonl"), None):
        settings = MineSettings(relations=relations, **SETTINGS)
        result = mine_flow(entities, out=tmp_path / "out", settings=settings)
    assert not (tmp_path / "out" / "stated.csv").exists()
    assert "n_stated" not in read_rules(tmp_path / "out" / "rules").to_pandas()
    assert "n_stated" not in result.rules.to_pandas()


def test_what_cannot_be_is_refused(notes, entities, tmp_path):
    write_notes([note.with_(entities=()) for note in notes], tmp_path / "bare.jsonl")
    settings = MineSettings(relations=str(tmp_path / "bare.jsonl"), **SETTINGS)
    with pytest.raises(DataError, match=r"bare\.jsonl.*without a mention"):
        mine_flow(entities, out=tmp_path / "out", settings=settings)
    with pytest.raises(ArgumentError, match="min_cell"):
        MineSettings(relations="x", min_cell=5)
    wide = tmp_path / "wide.csv"
    wide.write_text("id,a,b\n1,1,0\n2,1,1\n")
    settings = MineSettings(relations=str(tmp_path / "bare.jsonl"), items=("a", "b"))
    with pytest.raises((ArgumentError, DataError)):
        mine_flow(wide, out=tmp_path / "out", settings=settings)


def test_the_command_takes_them(notes, entities, tmp_path, capsys):
    write_notes(notes, tmp_path / "notes.jsonl")
    words = ["mine", entities, "--relations", tmp_path / "notes.jsonl", "--drug-kind", "Drug"]
    words += ["--outcome-kind", "Problem", "--min-count", "1", "--out", tmp_path / "out"]
    assert main([str(word) for word in words]) == 0
    assert "7 state and 3 deny" in capsys.readouterr().out
