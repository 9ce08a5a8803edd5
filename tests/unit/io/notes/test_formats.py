"""The table of formats: what is imported when, and how a file is known."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError
from clinnlp.io.notes.documents import Format
from clinnlp.io.notes.formats import FORMATS, by_suffix, find_format, writer_of

HEAVY = ("datasets", "pandas", "pyarrow", "scipy", "sklearn", "spacy", "torch", "transformers")
READ = """
import json, sys
import clinnlp
notes = list(clinnlp.read_notes(sys.argv[1]))
clinnlp.write_notes(notes, sys.argv[1] + ".jsonl")
print(json.dumps([len(notes), sorted(sys.modules)]))
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.jsonl", '{"id": "n1", "text": "No cough."}\n'),
        ("x.txt", "1|t|No cough.\n"),
        ("x.csv", "id,text\nn1,No cough.\n"),
        ("x.bioc.json", '{"documents": [{"id": "n1", "passages": []}]}'),
    ],
)
def test_reading_loads_no_heavy_library(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    n_notes, modules = json.loads(done.stdout)
    assert n_notes == 1
    assert [heavy for heavy in HEAVY if heavy in modules] == []


def test_every_line_of_the_table_leads_to_a_format():
    assert all(isinstance(entry, Format) for entry in FORMATS.values())
    assert len(set(map(id, FORMATS.values()))) == len(FORMATS)


def test_no_suffix_stands_for_two_formats():
    suffixes = [suffix for entry in FORMATS.values() for suffix in entry.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    for name, entry in FORMATS.items():
        for suffix in entry.suffixes:
            assert by_suffix(Path(f"a{suffix}")) == by_suffix(Path(f"A{suffix}.GZ")) == name


def test_a_longer_suffix_is_not_looked_at(tmp_path):
    path = tmp_path / "a.fhir.json"
    path.write_text('{"documents": []}')
    assert find_format(path) == "fhir"
    path = tmp_path / "a.json"
    path.write_text('{"documents": []}')
    assert find_format(path) == "bioc-json"


def test_a_format_that_is_only_read_is_refused_for_writing(tmp_path):
    with pytest.raises(ArgumentError, match=r"format to write must be one of .* got 'mimic'"):
        writer_of(tmp_path / "a", "mimic")


@pytest.mark.parametrize("command", ["convert", "inspect", "diff", "extract"])
def test_the_command_line_lists_what_is_there(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    listed = "".join(capsys.readouterr().out.split())  # wrapped, at hyphens too
    assert ",".join(FORMATS) in listed
