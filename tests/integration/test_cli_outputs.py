"""Where a command's output goes: pipes, devices, its own input, and a machine that lacks things."""

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clinnlp.cli import main
from clinnlp.io.tables.mentions import read_entity_table

ROOT = Path(__file__).parents[2]
MINI = ROOT / "corpora" / "discharge-mini"
NOTES = MINI / "test.jsonl"
WORDS = ("--vocabulary", str(MINI / "vocabulary.csv"))
CLINNLP = f"{sys.executable} -m clinnlp.cli"

slow = pytest.mark.slow  # several processes: each reads all of the library anew
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell")


@pytest.fixture
def shell(tmp_path):
    """Give a function that runs a line of bash, in which ``clinnlp`` is ours."""
    shutil.copy(NOTES, tmp_path / "notes.jsonl")

    def call(line, **environment):
        line = f'clinnlp() {{ {CLINNLP} "$@"; }}\nset -o pipefail\n{line}'
        env = {
            k: v
            for k, v in {**os.environ, "PYTHONPATH": str(ROOT), **environment}.items()
            if v is not None
        }
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        return done

    return call


def last(done):
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Give what the commands write into files."""
    folder = tmp_path_factory.mktemp("whole")
    assert main(["convert", str(NOTES), str(folder / "c.jsonl")]) == 0
    assert main(["extract", str(NOTES), str(folder / "e.jsonl"), *WORDS]) == 0
    assert main(["extract", str(NOTES), str(folder / "e.csv"), *WORDS]) == 0
    return folder


@pytest.mark.parametrize("out", ["-", "/dev/stdout"])
def test_standard_output_gets_notes_alone(shell, whole, out):
    done = shell(f"clinnlp convert notes.jsonl {out}")
    assert done.stdout == (whole / "c.jsonl").read_text(encoding="utf-8")
    assert done.stderr == f"30 notes: {out}\n"
    assert done.returncode == 0


def test_extract_goes_through_a_pipe_and_a_format_may_be_named(shell, whole):
    line = f"clinnlp extract notes.jsonl - {' '.join(WORDS)}"
    assert shell(line).stdout == (whole / "e.jsonl").read_text(encoding="utf-8")
    assert shell("clinnlp convert notes.jsonl - --to bioc-json").stdout.startswith("{")


def test_what_the_shell_opened_is_not_replaced(shell, tmp_path, whole):
    made = (whole / "c.jsonl").read_bytes()
    shell("echo before > log; clinnlp convert notes.jsonl /dev/stdout >> log; echo after >> log")
    assert (tmp_path / "log").read_bytes() == b"before\n" + made + b"after\n"
    done = shell("clinnlp convert notes.jsonl >(gzip > made.gz); sleep 0.1; wait; echo $?")
    assert done.returncode == 0
    for _ in range(100):  # bash does not wait for what stands in >( )
        if (tmp_path / "made.gz").stat().st_size:
            break
        shell("sleep 0.1")
    assert gzip.decompress((tmp_path / "made.gz").read_bytes()) == made


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk_behind_standard_output_is_told_and_ends_with_1(shell):
    for command, said in (
        ("convert notes.jsonl -", "writing /dev/stdout failed: the disk is full"),
        ("inspect notes.jsonl", "No space left on device"),
        ("diff notes.jsonl notes.jsonl --n-boot 1", "No space left on device"),
    ):
        done = shell(f"clinnlp {command} > /dev/full")
        assert done.returncode == 1
        assert said in last(done)


def test_a_reader_that_has_gone_is_no_failure_to_tell(shell):
    for command in ("convert notes.jsonl -", "inspect notes.jsonl"):
        done = shell(f"clinnlp {command} | true; exit ${{PIPESTATUS[0]}}")
        assert done.returncode == 141
        assert done.stderr == ""


@pytest.mark.parametrize(
    "closed", [*(pytest.param(c, marks=slow) for c in ("<&-", ">&-", "2>&-")), "<&- >&- 2>&-"]
)
def test_what_is_closed_is_not_needed(shell, tmp_path, whole, closed):
    done = shell(f"clinnlp extract notes.jsonl e.csv {' '.join(WORDS)} {closed}")
    assert done.returncode == 0
    assert (tmp_path / "e.csv").read_bytes() == (whole / "e.csv").read_bytes()


def test_a_closed_standard_output_cannot_be_written_to(shell):
    done = shell("clinnlp convert notes.jsonl - >&-")
    assert done.returncode == 2
    assert "standard output must be open" in last(done)


LACKS = {
    "no HOME": {"HOME": None},
    "no such HOME": {"HOME": "/nonexistent"},
    "no such TMPDIR": {"TMPDIR": "/nonexistent", "TEMP": None, "TMP": None},
    "C": {"LC_ALL": "C", "LANG": None},
}
ALL = {"HOME": None, "USER": None, "TMPDIR": None, "LC_ALL": "C", "LANG": None}


@pytest.mark.parametrize("lacks", [*(pytest.param(name, marks=slow) for name in LACKS), "all"])
def test_a_bare_environment_changes_nothing(shell, tmp_path, whole, lacks):
    lines = (
        f"clinnlp extract notes.jsonl e.csv {' '.join(WORDS)}",
        "clinnlp convert notes.jsonl n.conll --on-loss sidecar",
        "clinnlp convert n.conll back.jsonl --to jsonl",
    )
    done = shell(" && ".join(lines), **LACKS.get(lacks, ALL))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "e.csv").read_bytes() == (whole / "e.csv").read_bytes()
    assert (tmp_path / "back.jsonl").read_bytes() == (whole / "c.jsonl").read_bytes()


@slow
def test_mining_needs_neither_a_home_nor_a_locale(shell, tmp_path, whole):
    shutil.copy(whole / "e.csv", tmp_path / "e.csv")
    done = shell("clinnlp mine e.csv --out o", HOME=None, LC_ALL="C", TMPDIR="/nonexistent")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o" / "report.html").is_file()


# --- its own input -------------------------------------------------------------------------


def test_a_file_may_be_converted_in_its_place_and_is_whole_where_that_fails(tmp_path, whole):
    path = tmp_path / "notes.jsonl"
    shutil.copy(NOTES, path)
    assert main(["convert", str(path), str(path)]) == 0
    assert path.read_bytes() == (whole / "c.jsonl").read_bytes()
    with open(path, "ab") as handle:
        handle.write(b"{broken\n")
    before = path.read_bytes()
    assert main(["convert", str(path), str(path)]) == 2
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["notes.jsonl"]


def test_notes_are_not_extracted_over_themselves(shell, tmp_path, capsys):
    (tmp_path / "link.jsonl").symlink_to("notes.jsonl")
    shutil.copy(NOTES, tmp_path / "notes.jsonl")
    for out in ("notes.jsonl", "link.jsonl"):
        assert main(["extract", str(tmp_path / "notes.jsonl"), str(tmp_path / out), *WORDS]) == 2
        assert "another file than the notes" in capsys.readouterr().err
    for command in ("convert notes.jsonl -", f"extract notes.jsonl - {' '.join(WORDS)}"):
        done = shell(f"clinnlp {command} >> notes.jsonl")
        assert done.returncode == 2
        assert "another file than the notes" in last(done)
    assert (tmp_path / "notes.jsonl").read_bytes() == NOTES.read_bytes()


def test_nothing_that_is_read_is_taken_away_by_what_is_written(tmp_path, capsys):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "clinnlp.json").write_text("{}")
    shutil.copy(NOTES, tmp_path / "model" / "report.html")  # a file of a name that is written
    path, model = tmp_path / "model" / "report.html", tmp_path / "model"
    (tmp_path / "link").symlink_to("model")
    before = path.read_bytes()
    for command in (
        ["fine-tune", "ner", path, "--out", tmp_path / "link"],
        ["pretrain", path, "--out", model],
        ["export", tmp_path / "link", model, "--onnx"],
        ["next", path, path, "--model", model],
        ["score", NOTES, path, "--report", model],
        ["mine", path, "--out", model],
        ["risk", path, "--events", path, "--out", model],
    ):
        assert main(list(map(str, command))) == 2, command
        assert "must be another file or folder than what is read" in capsys.readouterr().err
    for name in ("risks.csv", "reasons.csv"):
        shutil.copy(NOTES, model / name)
        assert main(["risk", "apply", str(model), str(model / name), "--out", str(model)]) == 2
        assert "than what is read" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_folder_of_other_things_is_not_replaced_by_a_report(tmp_path, capsys):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years")
    call = ["score", str(NOTES), str(NOTES), "--n-boot", "1", "--report"]
    assert main([*call, str(tmp_path / "home")]) == 2
    assert "must be new, empty, or hold report.html" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "home").iterdir()] == ["thesis.txt"]
    for _ in range(2):
        assert main([*call, str(tmp_path / "report")]) == 0


def test_a_report_goes_to_standard_output_alone(shell):
    done = shell("clinnlp score notes.jsonl notes.jsonl --n-boot 1 --report -")
    assert done.stdout.startswith("# ")
    assert "F1 1.000" in done.stderr
    assert "F1 1.000" not in done.stdout.splitlines()[0]


# --- who may read --------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="needs modes of files")
@pytest.mark.parametrize(("option", "file", "folder"), [
    ((), 0o600, 0o700), (("--group-readable",), 0o640, 0o750)
])  # fmt: skip
def test_what_a_command_writes_is_for_the_user_alone(tmp_path, option, file, folder):
    before = os.umask(0o022)
    try:
        for command in (
            ["convert", NOTES, tmp_path / "a.conll", "--on-loss", "sidecar"],
            ["convert", NOTES, tmp_path / "b" / "deep", "--to", "brat", "--on-loss", "sidecar"],
            ["extract", NOTES, tmp_path / "c", *WORDS],
            ["extract", NOTES, tmp_path / "d.jsonl.gz", *WORDS],
            ["score", NOTES, NOTES, "--n-boot", "1", "--report", tmp_path / "e"],
            ["mine", tmp_path / "c", "--out", tmp_path / "f"],
        ):
            assert main([*map(str, command), *option]) == 0
    finally:
        os.umask(before)
    paths = list(tmp_path.rglob("*"))
    assert {oct(p.stat().st_mode & 0o777) for p in paths if p.is_file()} == {oct(file)}
    assert {oct(p.stat().st_mode & 0o777) for p in paths if p.is_dir()} == {oct(folder)}
    assert len(read_entity_table(tmp_path / "c")) > 0
