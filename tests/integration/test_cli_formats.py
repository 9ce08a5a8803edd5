"""extract, convert, inspect and diff, as a user calls them."""

import pytest

from clinnlp.cli import main
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes

FEVER = Entity(id="T1", span=Span(3, 8), label="Problem", concepts=("C1",))
NOTES = [
    Note(id="a", text="No fever, Zebraperson.", patient="p", entities=(FEVER,)),
    Note(id="b", text="No fevers."),
]


@pytest.fixture
def path(tmp_path):
    write_notes(NOTES, tmp_path / "a.jsonl")
    return str(tmp_path / "a.jsonl")


def test_extract_reads_the_cues_of_the_language(tmp_path, capsys):
    write_notes([Note(id="a", text="Paciente sin fiebre.")], tmp_path / "a.jsonl")
    (tmp_path / "words.csv").write_text("name,label\nfiebre,Problem\n")
    call = ["extract", str(tmp_path / "a.jsonl"), "--vocabulary", str(tmp_path / "words.csv")]
    negated = {}
    for language in ("en", "es"):
        out = tmp_path / f"{language}.jsonl"
        assert main([*call, str(out), "--language", language]) == 0
        (note,) = read_notes(out)
        negated[language] = note.entities[0].assertion.negated
    assert negated == {"en": False, "es": True}
    assert main([*call, str(tmp_path / "out"), "--language", "xx"]) == 2
    assert "language must be one of en, es" in capsys.readouterr().err


def test_extract_holds_back_doubtful_names_of_a_large_list_unless_they_are_kept(tmp_path, capsys):
    write_notes([Note(id="a", text="L knee, iron studies, iron 325 mg")], tmp_path / "a.jsonl")
    rows = ["L,Drug", "iron,Drug", *(f"xylofol {i},Drug" for i in range(1000))]
    (tmp_path / "words.csv").write_text("\n".join(["name,label", *rows]))
    call = ["extract", str(tmp_path / "a.jsonl"), "--vocabulary", str(tmp_path / "words.csv")]
    for kept, n in (([], 1), (["iron"], 2), (["all"], 3)):
        options = ["--keep-names", *kept] if kept else []
        assert main([*call, str(tmp_path / f"{n}.csv"), *options]) == 0
        said = capsys.readouterr().out
        assert f"mentions {n}," in said
        assert ("held back as short 1" in said) == (kept != ["all"])
    assert main([*call, str(tmp_path / "parts")]) == 0
    assert main([*call, str(tmp_path / "parts"), "--keep-names", "L"]) == 2  # another extraction


def test_convert_refuses_writes_aside_or_drops(path, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main(["convert", path, out, "--to", "brat"]) == 2
    assert "brat cannot hold patient" in capsys.readouterr().err
    assert main(["convert", path, out, "--to", "brat", "--on-loss", "sidecar"]) == 0
    assert list(read_notes(out)) == NOTES
    assert main(["convert", path, f"{out}2", "--to", "brat", "--drop", "patient"]) == 0
    assert list(read_notes(f"{out}2")) == [note.with_(patient=None) for note in NOTES]
    assert main(["convert", path, f"{out}.csv", "--drop", "entities", "patient"]) == 0
    assert [note.entities for note in read_notes(f"{out}.csv")] == [(), ()]


def test_convert_skips_and_repairs_and_says_so(tmp_path, capsys):
    source = tmp_path / "a.pubtator"
    source.write_text(
        "1|t|\xe9 fever\n1\t3\t8\tfever\tD\t-1\n\n2|t|fever\n2\t1\t9\tfever\tD\t-1\n\n1|t|again\n",
        encoding="latin-1",
    )
    options = ["--encoding", "latin-1", "--skip-bad", "--repair", "--number-repeated"]
    assert main(["convert", str(source), str(tmp_path / "b.jsonl"), *options]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("2 notes: ")
    assert "1 repaired: bytes" in said.err
    assert f"1 documents left out:\n  {source}:5: offsets must lie inside" in said.err
    assert [note.id for note in read_notes(tmp_path / "b.jsonl")] == ["1", "1#2"]


def test_inspect_shows_text_only_on_request(path, capsys):
    assert main(["inspect", path]) == 0
    said = capsys.readouterr().out
    assert "2 notes, 32 characters, 1 patients" in said
    assert "Problem: 1, 1 different" in said
    assert "no problems found" in said
    assert "Zebra" not in said
    assert main(["inspect", path, "--show-text"]) == 0
    assert "a  Problem: No [fever] , Zebraperson." in capsys.readouterr().out


def test_diff(path, tmp_path, capsys):
    other = str(tmp_path / "b.jsonl")
    moved = Entity(id="T1", span=Span(0, 8), label="Problem")
    write_notes([NOTES[0].with_(entities=(moved,)), NOTES[1]], other)
    assert main(["diff", path, other, "--n-boot", "0"]) == 0
    said = capsys.readouterr().out
    assert "a\tspan\tProblem 3-8\tProblem 0-8\n" in said
    assert "2 notes: 0 mentions the same, 1 span\n" in said
    assert "F1 0.000" in said
    assert "Zebra" not in said
    assert main(["diff", path, other, "--show-text"]) == 0
    assert "Problem 3-8 'fever'\tProblem 0-8 'No fever'" in capsys.readouterr().out
    assert main(["diff", path, path, "--summary"]) == 0
    assert "1 mentions the same, no difference" in capsys.readouterr().out


def test_convert_says_that_tables_of_omop_are_not_for_a_spreadsheet(tmp_path, capsys):
    write_notes([Note(id="1", text="- cough")], tmp_path / "a.jsonl")
    assert main(["convert", str(tmp_path / "a.jsonl"), str(tmp_path / "o"), "--to", "omop"]) == 0
    assert "not for a spreadsheet" in capsys.readouterr().err
    assert ",- cough," in (tmp_path / "o" / "NOTE.csv").read_text(), "a database gets it as it is"
