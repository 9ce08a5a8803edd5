"""A tagger beside the rules, from files to files: its finds, its report, its run that goes on."""

import json
import pickle
from dataclasses import replace

import pytest

from clinnlp.bert.train import fine_tune_ner
from clinnlp.cli import main
from clinnlp.core.errors import RunError
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.study.deidentify.flow import work_folder
from clinnlp.study.deidentify.tagged import with_tagger
from clinnlp.text.identifiers import Identifiers
from tests.unit.bert.conftest import OVERFIT, make_encoder, note_of

WORDS = ("zorblat", "quimpeth", "vexilor", "drumbek")
TRAIN = [note_of(k, f"saw {word} today", (word, "NAME")) for k, word in enumerate(WORDS)]
BY_RULES = "Mr. Ockham came."


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Give a folder with taggers: of names, the same with names kept, and of drugs."""
    folder = tmp_path_factory.mktemp("models")
    encoder = make_encoder(folder / "encoder")
    tagger = fine_tune_ner([*TRAIN, note_of(9, BY_RULES)], encoder=encoder, out=folder / "names",
                           known_names=0, **OVERFIT)  # fmt: skip
    names = {"NAME": dict.fromkeys(WORDS, 5)}
    replace(tagger, names=names).save(folder / "kept")
    drugs = [note_of(0, "gave aspirin", ("aspirin", "Drug"))]
    fine_tune_ner(drugs, encoder=encoder, out=folder / "drugs", **{**OVERFIT, "epochs": 1})
    return folder


@pytest.fixture
def given(tmp_path):
    notes = [
        Note(id=f"n{k}", patient="p", text=f"saw {word} today") for k, word in enumerate(WORDS)
    ]
    write_notes([*notes, Note(id="m", patient="p", text=BY_RULES)], tmp_path / "in.jsonl")
    return tmp_path


def command(given, *more):
    words = ["deidentify", given / "in.jsonl", given / "out.jsonl", "--key", given / "key",
             "--new-key", "--replace", "mask", *more]  # fmt: skip
    return main([str(word) for word in words])


def told(given):
    path = work_folder(given / "out.jsonl") / "summary.json"
    return {
        (row["finder"], row["label"]): row["n"] for row in json.loads(path.read_text())["found"]
    }


def test_what_the_tagger_alone_finds_is_replaced_and_counted(given, models, capsys):
    assert command(given) == 0
    assert [note.text for note in read_notes(given / "out.jsonl")][:4] == [n.text for n in TRAIN]
    assert command(given, "--model", models / "names") == 0
    texts = [note.text for note in read_notes(given / "out.jsonl")]
    assert texts == ["saw [NAME] today"] * 4 + ["Mr. [NAME] came."]
    assert told(given)["model:names", "NAME"] == 4
    said = capsys.readouterr().out
    assert "model:names looked for NAME\n" in said
    page = (work_folder(given / "out.jsonl") / "report.md").read_text()
    assert "model:names looked for NAME." in page
    assert "| model | 4 |" in page
    assert "| rule | 1 |" in page


def test_how_sure_it_must_be_is_a_setting(given, models):
    assert command(given, "--model", models / "names", "--least-score", "1") == 0
    assert ("model:names", "NAME") not in told(given)


def test_names_that_it_keeps_are_told(given, models, capsys):
    assert command(given, "--model", models / "kept") == 0
    assert "it keeps 4 names of its training notes" in capsys.readouterr().out
    report = (work_folder(given / "out.jsonl") / "report.html").read_text()
    assert "it keeps 4 names" in report
    assert not [word for word in WORDS if word in report]


def test_a_model_of_something_else_is_refused_before_anything_is_made(given, models, capsys):
    assert command(given, "--model", models / "drugs") == 2
    assert "labels of a tagger of identifiers must be among" in capsys.readouterr().err
    assert command(given, "--model", models / "names", "--labels", "DATE") == 2
    assert "must have a label that is looked for" in capsys.readouterr().err
    assert not (given / "key").exists()
    assert not (given / "out.jsonl").exists()


def test_a_run_is_gone_on_with_by_the_same_model_alone(given, models, capsys, monkeypatch):
    def stopped(self):
        raise RunError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr("clinnlp.study.deidentify.flow._Run.gather", stopped)
        assert command(given, "--model", models / "names") == 1
    capsys.readouterr()
    for other in (("--model", models / "kept"), (), ("--model", models / "names",
                  "--least-score", "0.9")):  # fmt: skip
        assert command(given, *other) == 2
        said = capsys.readouterr().err
        assert "must be gone on with as it was begun" in said
    assert command(given, "--model", models / "names") == 0
    assert "found before 5" in capsys.readouterr().out


def test_it_can_be_sent_and_reads_notes_as_word_processors_write_them(models):
    pipe, used = with_tagger(Identifiers(), models / "names", 0.5)
    assert (used.name, used.labels, used.n_names) == ("names", ("NAME",), 0)
    notes = [note.with_(entities=()) for note in TRAIN]
    notes.append(
        Note(id="odd", text="Mr.\u00a0Ockham\u00ad came, tel.\u00a0410\u2011555\u20110143")
    )
    found = pipe.batch(notes)
    assert pickle.loads(pickle.dumps(pipe)).batch(notes) == found
    assert [pipe(note) for note in notes] == found
    said = [found[-1].mention(e) for e in found[-1].entities]
    assert said[-1] == "410\u2011555\u20110143"
    assert said[0].startswith("Ockham")
