"""What is said to Spark by the command line, before and where it works."""

import argparse
import sys

import pytest

from clinnlp.cli import main
from clinnlp.cli.notes import add_extract
from clinnlp.cli.spark import _for_workers, _made_there
from clinnlp.core.notes import Note

SPARK = ("--engine", "spark")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["extract", "notes.txt", "out", *SPARK], "must be in Parquet or JSON Lines"),
        (["extract", "notes", "out", "--format", "brat", *SPARK], "got brat"),
        (["extract", "n.jsonl", "out", "--workers", "2", *SPARK], "workers are of this machine"),
        (["extract", "n.jsonl", "out", "--repair", *SPARK], "as they are, got repair"),
        (
            ["extract", "n.jsonl", "out", "--encoding", "cp1252", *SPARK],
            "as they are, got encoding",
        ),
        (["watch", ".", "--out", "out", *SPARK], "watched by this machine"),
    ],
)
def test_what_cannot_be_is_said_before_spark_is_started(words, said, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    assert main(words) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.strip().splitlines()) == 1


def test_a_worker_makes_the_pipeline_that_was_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parser = argparse.ArgumentParser()
    add_extract(parser)
    (tmp_path / "words.csv").write_text("name,label\nAspirin,Drug\nRash,Problem\n")
    (tmp_path / "stated").mkdir()  # is no model, whatever is called so
    args = parser.parse_args(["n.jsonl", "out", "--vocabulary", "words.csv",
                              "--relations", "stated"])  # fmt: skip
    given = _for_workers(args)
    assert given["vocabulary"] == str(tmp_path / "words.csv")
    monkeypatch.chdir("/")
    note = _made_there(given)(Note(id="n1", text="Rash due to aspirin."))
    assert [note.mention(entity) for entity in note.entities] == ["Rash", "aspirin"]
    assert len(note.relations) == 1
