"""The table of formats: what is imported when, and how a file is known."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import read_notes, write_notes
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


def test_a_project_of_xmi_in_folders_of_folders_is_read_beside_its_type_system(tmp_path):
    note_text = "No 💊 cough."
    for document, user in (("note1.txt", "ann"), ("note2.txt", "bob")):
        folder = tmp_path / "annotation" / document
        folder.mkdir(parents=True)
        (folder / "TypeSystem.xml").write_text("<typeSystemDescription/>")
        write_notes([Note(id=user, text=note_text)], folder / f"{user}.xmi")
    read = list(read_notes(tmp_path))
    assert [n.id for n in read] == ["annotation/note1.txt/ann", "annotation/note2.txt/bob"]
    assert {n.text for n in read} == {note_text}


def test_folders_alone_are_named_as_such(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.conll").write_text("No O\n\n")
    with pytest.raises(DataError, match="got folders alone; give one of them"):
        read_notes(tmp_path)
    assert len(list(read_notes(tmp_path / "a"))) == 1


@pytest.mark.parametrize("content", ["[]", "", "{}", '[{"id": 1, "annot'])
def test_a_known_suffix_is_not_blamed_for_what_is_in_the_file(tmp_path, content):
    path = tmp_path / "export.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"what a \.json begins with must be of a known format"):
        read_notes(path)
    with pytest.raises(DataError, match=r"the suffix must be one of a known format, got \.docx"):
        path.rename(tmp_path / "export.docx")
        read_notes(tmp_path / "export.docx")
