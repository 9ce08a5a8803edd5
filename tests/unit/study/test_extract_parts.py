"""Relations beside mentions in a folder: the same notes in both, also after a kill in between."""

import pytest

from clinnlp.core.notes import Note
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.io.tables.parts import PartWriter
from clinnlp.io.tables.relations import read_relation_table
from clinnlp.study.extract import extract, fingerprint
from clinnlp.study.pipeline import pipeline
from clinnlp.study.settings import ExtractSettings

WORDS = [
    {"code": "d", "name": "aspirin", "label": "Drug"},
    {"code": "f", "name": "fever", "label": "Effect"},
]
NOTES = [
    Note(id=f"n{k}", text="Fever from aspirin." if k % 3 else "No drug is named here.")
    for k in range(20)
]
RELATED = [f"n{k}" for k in range(20) if k % 3]
FEW = ExtractSettings(part_size=4, batch_size=2)


class Killed(BaseException):
    """Stands for a signal: no handler of ours may swallow it."""


@pytest.fixture(scope="module")
def nlp():
    return pipeline("none", vocabulary=WORDS, relations="stated")


def run(notes, nlp, out, **made_by):
    return extract(notes, nlp, out, settings=FEW, made_by=made_by, progress=False)


def test_a_folder_holds_mentions_and_relations(tmp_path, nlp):
    summary = run(NOTES, nlp, tmp_path)
    links = read_relation_table(tmp_path / "relations")
    assert links["note"].tolist() == RELATED
    assert set(links["label"]) == {"causes"}
    assert set(links["rule"]) != {None}
    assert len(read_entity_table(tmp_path)) == 2 * len(links) == 2 * summary.n_relations


def test_without_a_pipe_of_relations_there_is_no_table_of_them(tmp_path):
    run(NOTES, pipeline("none", vocabulary=WORDS), tmp_path)
    assert not (tmp_path / "relations").exists()


@pytest.mark.parametrize("kind", ["EntityTable", "RelationTable"])
@pytest.mark.parametrize("n_written", [0, 1, 3])
def test_a_kill_between_both_doubles_and_loses_nothing(tmp_path, nlp, monkeypatch, kind, n_written):
    left, flush = [n_written], PartWriter.flush

    def deadly(writer):
        if writer.kind.__name__ == kind and writer._held.ids:
            if not left[0]:
                raise Killed
            left[0] -= 1
        flush(writer)

    monkeypatch.setattr(PartWriter, "flush", deadly)
    with pytest.raises(Killed):
        run(NOTES, nlp, tmp_path)
    monkeypatch.undo()
    run(NOTES, nlp, tmp_path)
    assert sorted(read_relation_table(tmp_path / "relations")["note"]) == sorted(RELATED)
    assert sorted(read_entity_table(tmp_path)["note"]) == sorted(RELATED * 2)


def test_a_note_that_has_changed_or_gone_leaves_both(tmp_path, nlp):
    made_by = fingerprint(None, None, notes=tmp_path / "notes")
    run(NOTES, nlp, tmp_path / "o", **made_by)
    changed = [Note(id="n1", text="Fever, no more."), *NOTES[2:19]]
    summary = run(changed, nlp, tmp_path / "o", **made_by)
    assert (summary.n_changed, summary.n_gone, summary.n_resumed) == (1, 2, 17)
    assert sorted(read_relation_table(tmp_path / "o" / "relations")["note"]) == sorted(
        set(RELATED) - {"n1", "n19"}
    )
    assert "n19" not in read_entity_table(tmp_path / "o")["note"]


def test_a_folder_of_mentions_alone_gets_their_relations(tmp_path, nlp):
    run(NOTES, pipeline("none", vocabulary=WORDS), tmp_path)
    summary = run(NOTES, nlp, tmp_path)
    assert summary.n_changed == 0
    assert read_relation_table(tmp_path / "relations")["note"].tolist() == RELATED
    assert len(read_entity_table(tmp_path)) == 2 * len(RELATED)


def test_a_folder_of_no_relation_can_be_read(tmp_path, nlp):
    run([Note(id="n", text="nothing")], nlp, tmp_path)
    assert len(read_relation_table(tmp_path / "relations")) == 0
