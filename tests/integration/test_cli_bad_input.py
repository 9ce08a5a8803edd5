"""What a user does wrong gets one clear sentence, exit 2, and leaves nothing half-written."""

import errno
import json
from pathlib import Path

import pytest

from clinnlp.cli import main

ROOT = Path(__file__).parents[2]
MINI = ROOT / "corpora" / "discharge-mini"
WORDS = str(MINI / "vocabulary.csv")
SECRET = "Canary Zebrowski"


@pytest.fixture
def run(capsys):
    def call(*argv):
        capsys.readouterr()
        try:
            code = main([str(a) for a in argv])
        except SystemExit as stop:
            code = stop.code
        out, err = capsys.readouterr()
        assert SECRET not in err
        assert "Traceback" not in err
        return code, out, err.strip()

    return call


def refused(result, *parts):
    code, _, err = result
    assert code == 2
    last = err.splitlines()[-1]
    for part in parts:
        assert str(part) in last, last


def test_an_empty_file_is_valid_and_has_no_notes(run, tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    assert run("extract", empty, tmp_path / "out.csv", "--vocabulary", WORDS)[0] == 0
    assert (tmp_path / "out.csv").read_text().startswith('"note",')


def test_training_on_no_notes_is_refused(run, tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    refused(run("fine-tune", "ner", empty, "--out", tmp_path / "m"), "train")
    assert not (tmp_path / "m").exists()


def test_offsets_past_the_text_name_file_and_line(run, tmp_path):
    bad = tmp_path / "bad.PubTator.txt"
    bad.write_text(f"1|t|{SECRET}\n1|a|\n1\t0\t99\t{SECRET}\tDisease\tD1\n\n")
    result = run("convert", bad, tmp_path / "out.jsonl")
    refused(result, f"{bad}:3")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.PubTator.txt"]


def test_invalid_utf8_names_file_and_line(run, tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(b'{"id":"a","text":"fine"}\n{"id":"b","text":"' + SECRET.encode() + b'\xff"}\n')
    refused(run("convert", bad, tmp_path / "out.jsonl"), f"{bad}:2", "UTF-8")


def test_a_missing_model_folder_and_one_without_its_json(run, tmp_path):
    notes = MINI / "test.jsonl"
    refused(run("extract", notes, tmp_path / "o", "--model", tmp_path / "none"), tmp_path / "none")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "config.json").write_text("{}")
    refused(
        run("extract", notes, tmp_path / "o", "--model", tmp_path / "half"),
        tmp_path / "half",
        "clinnlp.json",
    )
    assert not (tmp_path / "o").exists()


def test_neither_model_nor_vocabulary_in_a_language_that_the_box_does_not_read(run, tmp_path):
    result = run("extract", MINI / "test.jsonl", tmp_path / "o", "--language", "es")
    refused(result, "model", "vocabulary")


def test_an_unknown_label_is_named(run, tmp_path):
    result = run("fine-tune", "ner", MINI / "train.jsonl", "--out", tmp_path / "m",
                 "--labels", "Spaceship")  # fmt: skip
    refused(result, "Spaceship")


def test_a_csv_without_the_named_column(run, tmp_path):
    table = tmp_path / "notes.csv"
    table.write_text(f"id,body\n1,{SECRET}\n")
    result = run("extract", table, tmp_path / "o", "--vocabulary", WORDS, "--text-column", "text")
    refused(result, table, "text", "body")


def test_a_missing_file_an_unknown_suffix_and_unknown_settings(run, tmp_path):
    refused(run("convert", tmp_path / "x.jsonl", tmp_path / "y.jsonl"), "no such file")
    (tmp_path / "a.doc").write_text("")
    refused(run("convert", tmp_path / "a.doc", tmp_path / "y.jsonl"), "suffix")
    (tmp_path / "s.toml").write_text("epoch = 3\n")
    result = run("fine-tune", "ner", MINI / "train.jsonl", "--out", tmp_path / "m",
                 "--settings", tmp_path / "s.toml")  # fmt: skip
    refused(result, "got epoch", "epochs")
    assert run("no-such-command")[0] == 2
    assert run("extract", "a", "b", "--batch-size", "many")[0] == 2


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.parquet", "parts"])
def test_a_full_disk_is_exit_1_and_leaves_nothing(run, tmp_path, monkeypatch, name):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    code, _, err = run("extract", MINI / "test.jsonl", tmp_path / name, "--vocabulary", WORDS)
    assert code == 1
    assert "disk is full" in err.splitlines()[-1]
    assert [p for p in tmp_path.rglob("*") if ".part" in p.name or p.suffix == ".tmp"] == []


def test_a_note_of_one_megabyte_is_processed(run, tmp_path):
    text = "Denies chest pain. Started lisinopril 10 mg daily.\n" * 20_000
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps({"id": "long", "text": text}) + "\n")
    assert run("extract", path, tmp_path / "out.parquet", "--vocabulary", WORDS)[0] == 0


def test_labels_that_never_meet_are_told_beside_the_scores(run, tmp_path):
    gold = MINI / "test.jsonl"
    other = tmp_path / "other.jsonl"
    text = gold.read_text(encoding="utf-8").replace('"Drug"', '"Rx"').replace('"Problem"', '"Dx"')
    other.write_text(text, encoding="utf-8")
    code, out, err = run("score", gold, other, "--n-boot", "0")
    assert (code, out.splitlines()[-1][:13]) == (0, "micro, strict")
    assert "no label stands on both sides: gold has Drug, Problem" in err
    assert run("score", gold, gold, "--n-boot", "0")[2] == ""


def test_a_table_without_header_or_of_another_form_is_not_quoted(run, tmp_path):
    table = tmp_path / "notes.csv"
    table.write_text(f"1,{SECRET}\n")
    refused(run("extract", table, tmp_path / "o", "--vocabulary", WORDS), table, "header")
    notes = tmp_path / "notes.jsonl"
    notes.write_text(json.dumps({"id": "n0", "text": SECRET}) + "\n")
    refused(run("convert", notes, tmp_path / "o.jsonl", "--format", "csv"), notes, "header")
