"""The commands of annotated notes: what they print, and their exit codes."""

import lzma

import pytest

import corpora.annotated.__main__ as commands

TEXT = "No fever; cough."


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    place = tmp_path / "mtsamples"
    place.mkdir()
    with lzma.open(place / "mtsamples.csv.xz", "wt", encoding="utf-8", newline="") as handle:
        handle.write("medical_specialty,transcription\r\n" + f'Letters,"{TEXT}"\r\n')
    monkeypatch.setattr(commands, "DATA", tmp_path)

    def call(what, *lines):
        path = tmp_path / "mt0.tsv"
        path.write_text("\n".join(lines), encoding="utf-8")
        return commands.main([what, str(path)]), capsys.readouterr().out

    return call


def test_each_wrong_line_is_told_and_the_right_ones_are_counted(run):
    code, said = run("check", "Problem\tfever\t1\tn", "Problem\tchills\t1", "Thing\tcough\t1")
    assert code == 2
    assert [line.split(" ")[0].rsplit(":", 2)[-2] for line in said.splitlines()[:2]] == ["2", "3"]
    assert said.splitlines()[-1] == "mt0.tsv: 1 mentions"


def test_right_forms_are_shown_in_their_note(run):
    code, said = run("marked", "Problem\tfever\t1\tn", "Problem\tcough\t1")
    assert code == 0
    assert "No [fever|Prob n]; [cough|Prob]." in said


def test_overlaps_are_told(run):
    code, said = run("check", "Problem\tfever; cough\t1", "Problem\tcough\t1")
    assert code == 2
    assert "overlap" in said
