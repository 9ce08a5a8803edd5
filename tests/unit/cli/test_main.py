"""Whatever a command fails on: one sentence, an exit code, and no text of a note."""

import json
import os
import subprocess
import sys
import warnings

import pytest

import clinnlp.study.inspection as inspection
from clinnlp.cli import COMMANDS, main

SECRET = "Canary Zebrowski"


class Panic(BaseException):
    """As code in Rust raises it."""


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text(json.dumps({"id": "n1", "text": f"{SECRET} has a cough."}) + "\n")
    return path


@pytest.fixture
def breaking(monkeypatch, notes):
    """Give a function: a command that meets an exception deep in the library, run."""

    def run(error, *words):
        def fail(*_, **__):
            raise error

        monkeypatch.setattr(inspection, "inspect_notes", fail)
        return main([*words, "inspect", str(notes)])

    return run


FOREIGN = [
    ValueError(f"could not convert {SECRET}"),
    KeyError(SECRET),
    RecursionError(SECRET),
    UnicodeEncodeError("ascii", SECRET, 0, 1, "no"),
    AssertionError(SECRET),
    OSError(SECRET),  # as zipfile raises it, without number and words of the system
    Panic(SECRET),
]


@pytest.mark.parametrize("error", FOREIGN, ids=lambda e: type(e).__name__)
def test_an_unexpected_exception_is_one_sentence_with_its_type_and_no_text(breaking, capsys, error):
    assert breaking(error) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("clinnlp: ")
    assert err.count("\n") == 1
    assert type(error).__name__ in err
    assert "unexpected" in err
    assert "report" in err
    assert "--debug" in err
    assert "Traceback" not in err
    assert SECRET not in err


def test_too_little_memory_is_said(breaking, capsys):
    assert breaking(MemoryError(SECRET)) == 1
    err = capsys.readouterr().err
    assert "memory" in err
    assert SECRET not in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [("--debug",), ()])
def test_debug_shows_the_traceback(breaking, capsys, monkeypatch, words):
    if not words:
        monkeypatch.setenv("CLINNLP_DEBUG", "1")
    assert breaking(ValueError(f"{SECRET}\x1b[2J"), *words) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert SECRET in err
    assert "\x1b" not in err
    assert err.splitlines()[-1].startswith("clinnlp: ")


@pytest.mark.parametrize("value", ["", "0"])
def test_an_empty_variable_does_not_ask_for_the_traceback(breaking, capsys, monkeypatch, value):
    monkeypatch.setenv("CLINNLP_DEBUG", value)
    assert breaking(ValueError(SECRET)) == 1
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("--debug", "inspect", "{}"),
        ("inspect", "--debug", "{}"),
        ("inspect", "{}", "--debug"),
        ("--debug", "risk", "apply", "{}", "{}", "--out", "{}"),
        ("fine-tune", "--debug", "ner", "{}", "--out", "{}"),
        ("fine-tune", "ner", "{}", "--out", "{}", "--debug"),
    ],
    ids=" ".join,
)
def test_debug_stands_anywhere(tmp_path, capsys, words):
    assert main([word.format(tmp_path / "none") for word in words]) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "no such file" in err.splitlines()[-1] or "none" in err.splitlines()[-1]


MISSING = [
    ("extract", "{none}", "{out}"), ("watch", "{none}", "--out", "{out}"),
    ("convert", "{none}", "{out}.jsonl"), ("inspect", "{none}"), ("diff", "{none}", "{note}"),
    ("score", "{note}", "{none}"), ("drift", "{none}", "--reference-to", "2024"),
    ("mine", "{none}", "--out", "{out}"), ("mine", "{none}", "--out", "{out}", "--engine", "disk"),
    ("mine genes", "{none}", "--out", "{out}"), ("mine labels", "{none}", "--out", "{out}.csv"),
    ("deidentify", "{none}", "{out}", "--key", "{note}"), ("review check", "{none}"),
    *(
        ("extract", "{note}", "{out}", *words)
        for words in (
            ("--vocabulary", "{none}"), ("--vocabulary", "{none}.csv"), ("--model", "{none}"),
            ("--vocabulary", "{note}", "--chronic", "{none}"), ("--settings", "{none}"),
            ("--vocabulary", "{note}", "--relations", "{none}"),
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize("words", MISSING, ids=" ".join)
def test_a_file_that_is_missing_is_bad_input_on_every_command(words, tmp_path, capsys):
    note = tmp_path / "note.txt"
    note.write_text("aspirin")
    paths = {"none": tmp_path / "none", "out": tmp_path / "out", "note": note}
    assert main([word.format(**paths) for word in words]) == 2
    assert "none" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["diff", "score"])
def test_without_draws_there_is_no_interval(command, tmp_path, capsys):
    path = tmp_path / "note.jsonl"
    entity = {"id": "e1", "start": 0, "end": 7, "label": "Drug"}
    note = {"id": "n1", "text": "aspirin given", "entities": [entity]}
    path.write_text(json.dumps(note) + "\n")
    for draws in (0, 10):
        assert main([command, str(path), str(path), "--n-boot", str(draws)]) == 0
        told = capsys.readouterr().out
        assert "nan" not in told
        assert told.count("1.000 [1.000, 1.000]") == (3 if draws else 0)
        assert "F1 1.000" in told


def test_a_file_may_be_called_like_the_option(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", "--", "--debug"]) == 2
    assert capsys.readouterr().err == "clinnlp: --debug: no such file\n"


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "fine-tune"])
def test_every_command_names_debug_in_its_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "--debug" in out
    assert "private text" in out


def test_a_warning_is_said_as_all_else(breaking, notes, monkeypatch, capsys):
    def warned(*_, **__):
        warnings.warn("no locks\x1b[2J here", UserWarning, stacklevel=1)
        raise ValueError

    monkeypatch.setattr(inspection, "inspect_notes", warned)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        main(["inspect", str(notes)])
    assert capsys.readouterr().err.startswith("clinnlp: warning: no locks\\x1b[2J here\n")


def test_errors_of_usage_show_hidden_characters(capsys):
    for words in (
        ["inspect", "a", "b\x1b[2J\u202e\nc"],
        ["b\x1b\u202e"],
        ["diff", "--n-boot", "\x1b"],
    ):
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 2
        assert not set("\x1b\u202e") & set(capsys.readouterr().err)


# --- the process -------------------------------------------------------------------------------


def shell(line, notes, **environment):
    """Run a line of the shell in which $CLI is the command line."""
    python = f"{sys.executable} -m clinnlp.cli"
    env = {**os.environ, "CLI": python, "NOTES": str(notes), **environment}
    done = subprocess.run(["bash", "-c", line], env=env, capture_output=True, timeout=120)
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.fixture
def labelled(tmp_path):
    """Give notes whose labels need more than ASCII, many enough to fill a pipe."""
    path = tmp_path / "labelled.jsonl"
    rows = (
        {
            "id": f"n{k}",
            "text": "cough",
            "entities": [{"id": "T1", "start": 0, "end": 5, "label": f"Husten é日 {k:090d}"}],
        }
        for k in range(3000)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_reader_that_leaves_is_no_failure(labelled):
    code, out, err = shell("set -o pipefail; $CLI inspect $NOTES | head -n 1", labelled)
    assert (code, err) == (141, "")
    assert out.startswith(b"3000 notes")


def test_a_full_output_is_a_failure(labelled):
    code, _, err = shell("$CLI inspect $NOTES > /dev/full", labelled)
    assert code == 1
    assert err.startswith("clinnlp: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(tmp_path, notes, closed):
    out = tmp_path / "out.jsonl"
    code, _, err = shell(f"$CLI convert $NOTES {out} {closed}", notes)
    assert (code, err) == (0, "")
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == ["n1"]


def test_what_is_said_of_a_failure_never_goes_to_standard_output(notes):
    code, out, err = shell("$CLI inspect $NOTES.none 2>&-", notes)
    assert (code, out, err) == (2, b"", "")


def test_an_exit_code_does_not_hang_on_who_hears_why(notes):
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "clinnlp.cli", "inspect", f"{notes}.none"]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=writing, timeout=120)
    os.close(writing)
    assert (done.returncode, done.stdout) == (2, b"")


def test_a_terminal_without_signs_gets_their_numbers(labelled):
    code, out, err = shell(
        "$CLI inspect $NOTES",
        labelled,
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
        PYTHONIOENCODING="",
    )
    assert (code, err) == (0, "")
    assert b"Husten \\xe9\\u65e5" in out


@pytest.mark.parametrize(
    "command", [["mine", "a.csv"], ["risk", "a.csv"], ["risk", "apply", "m", "a.csv"], ["demo"]]
)
def test_a_folder_of_outputs_is_not_standard_output(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main([*command, "--out", "-"])
    assert caught.value.code == 2
    assert "must be a folder, got -" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("more", [[], ["c.txt"], ["c.txt", "out.csv"]])
def test_several_files_of_a_pattern_are_refused_in_one_sentence(tmp_path, capsys, more):
    paths = [tmp_path / name for name in ("a.txt", "b.txt", *more)]
    for path in paths:
        path.write_text("fine")
    words = [*map(str, paths), "--vocabulary", "words.csv"]
    assert main(["extract", *words]) == 2
    err = capsys.readouterr().err
    assert err.startswith("clinnlp: notes must be one file or one folder")
    assert f"got {len(paths)} paths" in err


def test_an_empty_folder_is_told_that_text_files_are_notes(tmp_path, capsys):
    (tmp_path / "words.txt").write_text("htn")
    (tmp_path / "notes").mkdir()
    words = [str(tmp_path / "notes"), str(tmp_path / "out.csv")]
    assert main(["extract", *words, "--vocabulary", str(tmp_path / "words.txt")]) == 2
    assert "or .txt files of one note each, got none" in capsys.readouterr().err
