"""Which files teach and which score; the command prints what is returned here."""

import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import write_notes
from clinnlp.study.training import check_refit, dev_scores, read_training

F1 = {"value": 0.5, "low": 0.4, "high": 0.6, "level": 0.95, "method": "bootstrap"}


@pytest.fixture
def files(tmp_path):
    names = {"a": "12", "b": "34", "dev": "51"}
    for name, ids in names.items():
        notes = [Note(id=f"n{i}", text=f"text {i}") for i in ids]
        write_notes(notes, tmp_path / f"{name}.jsonl")
    return {name: str(tmp_path / f"{name}.jsonl") for name in names}


def ids(notes):
    return [note.id for note in notes]


def test_one_file_is_notes_and_several_are_corpora(files):
    one = read_training("classifier", [files["a"]], [])
    assert (ids(one.train), one.dev) == (["n1", "n2"], None)
    several = read_training("ner", [files["a"], files["b"]], [files["dev"]])
    assert {path: ids(notes) for path, notes in several.train.items()} == {
        files["a"]: ["n1", "n2"],
        files["b"]: ["n3", "n4"],
    }
    assert {path: ids(notes) for path, notes in several.dev.items()} == {files["a"]: ["n5", "n1"]}
    assert read_training("ner", [files["a"], files["b"]], []).dev is None


def test_what_dev_holds_is_dropped_from_every_file(files):
    notes = read_training("ner", [files["a"], files["b"]], [files["dev"]], drop=True)
    assert [ids(each) for each in notes.train.values()] == [["n2"], ["n3", "n4"]]
    assert ids(read_training("ner", [files["a"]], [files["dev"]], drop=True).train) == ["n2"]


def test_wrong_numbers_of_files_are_refused():
    with pytest.raises(ArgumentError, match="classifier needs one training file"):
        read_training("classifier", ["a", "b"], [])
    with pytest.raises(ArgumentError, match=r"at most one file per training file \(1\), got 2"):
        read_training("ner", ["a"], ["b", "c"])


def test_scores_come_by_corpus_or_as_dev():
    plain = dev_scores({"dev": {"n_notes": 3, "f1": F1}}, by_corpus=False)
    assert [(corpus, name, str(score)) for corpus, name, score in plain] == [
        ("dev", "f1", "0.500 [0.400, 0.600]")
    ]
    by_corpus = dev_scores({"dev": {"a": {"f1": F1}, "b": {"f1": F1}}}, by_corpus=True)
    assert [corpus for corpus, _, _ in by_corpus] == ["a", "b"]
    assert dev_scores({}, by_corpus=False) == dev_scores({}, by_corpus=True) == []


def test_only_a_tagger_at_its_own_settings_is_refit():
    from clinnlp.bert.settings import ClassifierSettings, TaggerSettings

    for task, settings in (("ner", TaggerSettings(epochs=2)), ("classifier", ClassifierSettings())):
        with pytest.raises(ArgumentError, match="refit is for ner"):
            check_refit(task, "no/such/folder", settings)
