"""Every command on data whose names attack whoever looks at what the command says and writes."""

import csv
import json
import random

import pytest

from clinnlp.cli import COMMANDS, main
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.features.entities import entity_table
from clinnlp.io.notes.corpora import write_notes
from clinnlp.io.notes.formats import FORMATS
from clinnlp.io.tables.mentions import write_entity_table
from tests.common.hostile import FILE, FORMULA_NAME, NAME, check_files, check_terminal

TEXT = f"{NAME}\nHome medications\n{FORMULA_NAME} and fever. - cough"
NAMES = (NAME, FORMULA_NAME, "@SUM(1)", "\t=1", "'=1", "plain")


@pytest.fixture
def run(capsys):
    """Give a function that runs a command and checks what it says."""

    def call(*words, code=0):
        capsys.readouterr()
        try:
            got = main([str(word) for word in words])
        except SystemExit as stop:
            got = stop.code
        printed = capsys.readouterr()
        check_terminal(printed)
        assert "Traceback" not in printed.err
        assert got == code, printed.err
        return printed

    return call


def note(number, name, label):
    start = TEXT.index("fever")
    entities = (
        Entity(id=f"T{name}", span=Span(start, start + 5), label=label, concepts=(name,)),
        Entity(id="T2", span=Span(0, 9), label=name, attributes={name: name}, source=name),
    )
    relations = (Relation(id=f"R{name}", label=name, roles={name: ("T2",)}),)
    return Note(
        id=f"{name}{number}", text=TEXT, patient=f"{name}p", encounter=f"{name}e", kind=name,
        entities=entities, relations=relations, labels=(name,),
    )  # fmt: skip


@pytest.fixture
def notes(tmp_path):
    """Write the same notes twice, with other labels, in files of hostile names."""
    folder = tmp_path / FILE
    folder.mkdir()
    paths = [folder / f"{k}{FILE}.jsonl" for k in "ab"]
    for path, label in zip(paths, (NAME, f"{NAME}other"), strict=True):
        write_notes([note(k, name, label) for k, name in enumerate(NAMES)], path)
    return paths


def test_inspect_and_diff(run, notes):
    first, second = notes
    for more in ([], ["--show-text"]):
        said = run("inspect", first, *more).out
        assert "FORGED" in said, "names are shown, not left out"
        said = run("diff", first, second, "--n-boot", "20", *more).out
        assert "FORGED" in said
        rows = [line for line in said.splitlines() if "\t" in line]
        assert rows
        assert {line.count("\t") for line in rows} == {3}, "a name opens no column"


def test_score_and_its_reports(run, notes, tmp_path):
    first, second = notes
    out = tmp_path / "out"
    for report in ("r.html", "r.md", "folder"):
        words = ["score", first, second, "--against", first, "--train", first, "--n-boot", "20"]
        assert "FORGED" in run(*words, "--report", out / report).out
    n = check_files(out)
    assert n[".html"] == n[".md"] == 2
    assert n[".csv"] >= 2


@pytest.mark.parametrize("name", [n for n, entry in FORMATS.items() if entry.write is not None])
def test_convert(run, notes, tmp_path, name):
    out = tmp_path / "out"
    plain = tmp_path / "plain.jsonl"
    kept = [
        Note(id=str(k), text=text, patient=text or None)
        for k, text in enumerate((FORMULA_NAME, "- cough", "@x", "plain"))
    ]
    write_notes(kept, plain)
    run("convert", plain, out / f"plain-{name}", "--to", name, "--on-loss", "sidecar")
    for more in (["--on-loss", "sidecar"], []):  # some cannot hold these names, and say so
        words = [str(w) for w in ("convert", notes[0], out / f"{name}{len(more)}", "--to", name)]
        try:
            run(*words, *more)
        except AssertionError as error:
            if "clinnlp:" not in str(error) or "assert 2 == 0" not in str(error):
                raise
    check_files(out)


def test_convert_with_bad_and_repaired_documents(run, tmp_path):
    bad = tmp_path / f"{FILE}.jsonl"
    lines = [
        {"id": NAME, "text": TEXT},
        {"id": NAME, "text": TEXT},
        {"id": "b", "text": "x", NAME: 1},
        {"id": "c", "text": "x", "entities": [{"id": NAME, "start": 0, "end": 9, "label": NAME}]},
    ]
    bad.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "FORGED" in run("convert", bad, tmp_path / "out.csv", "--skip-bad").err
    for command in (["convert", bad, tmp_path / "o.csv"], ["inspect", bad], ["diff", bad, bad]):
        assert "FORGED" in run(*command, code=2).err


@pytest.mark.parametrize(
    "out", ["o.csv", "o.tsv", "o.csv.gz", "o.jsonl", "o.parquet", f"parts{FILE}"]
)
def test_extract(run, notes, tmp_path, out):
    words = tmp_path / f"{FILE}.csv"
    with open(words, "w", newline="") as handle:
        names = ["name", "fever", FORMULA_NAME, "cough", NAME]
        csv.writer(handle).writerows([[name, name.replace("name", "label")] for name in names])
    run("extract", notes[0], tmp_path / "out" / out, "--vocabulary", words)
    check_files(tmp_path / "out")


@pytest.fixture
def cohort(tmp_path):
    """Write 160 patients of hostile names, whose outcome follows one of several hostile drugs."""
    rng = random.Random(3)
    events, outcomes, people = [], [], []
    for i in range(160):
        name, drug = f"{NAMES[i % 6]}{i}", rng.random() < 0.5
        bad = rng.random() < (0.7 if drug else 0.2)
        people.append([name, "1950-01-01", NAMES[i % 2], NAMES[i % 3], NAMES[i % 2]])
        outcomes.append([name, "2020-01-01", int(bad)])
        codes = [NAME] * drug + [FORMULA_NAME] * (rng.random() < 0.5) + ["@SUM(1)"]
        events += [[name, f"e{i}", "2019-06-01", "2019-06-02", c, "drug", NAME] for c in codes]
        events += [[name, f"e{i}", "2020-02-01", "2020-02-01", f"{NAME}2", "outcome", ""]] * bad
    tables = {
        "events": ("patient encounter start known code kind unit", events),
        "outcome": ("patient index_time outcome", outcomes),
        "patients": ("patient birth_date sex ethnicity site", people),
    }
    for name, (head, rows) in tables.items():
        with open(tmp_path / f"{name}{FILE}.csv", "w", newline="") as handle:
            csv.writer(handle).writerows([head.split(), *rows])
    return {name: tmp_path / f"{name}{FILE}.csv" for name in tables}


def test_mine(run, cohort, tmp_path):
    out = tmp_path / "out"
    words = ["mine", cohort["events"], "--out", out / FILE, "--min-count", "2"]
    assert "FORGED" in run(*words, "--min-cell", "0").out
    people = [f"{name}{k}" for k, name in enumerate(NAMES * 5)]
    found = [note(k, name, "Drug").with_(patient=name) for k, name in enumerate(people)]
    write_entity_table(entity_table(found), tmp_path / "entities.csv")
    run("mine", tmp_path / "entities.csv", "--out", out / "mentions", "--min-count", "2")
    n = check_files(out)
    assert n[".html"] == n[".md"] == 2
    assert n[".csv"] >= 2


def test_risk_and_risk_apply(run, cohort, tmp_path):
    out = tmp_path / "out"
    given = ["--events", cohort["events"], "--patients", cohort["patients"]]
    risk = ["risk", cohort["outcome"], *given, "--out", out / FILE, "--n-boot", "10"]
    run(*risk, "--models", "naive_bayes", "--keep", "naive_bayes")
    model = out / FILE / "model"
    run("risk", "apply", model, cohort["outcome"], *given, "--out", out / "new")
    n = check_files(out)
    assert n[".html"] >= 1
    assert n[".csv"] >= 3


HOSTILE = [FILE, f"{FILE}.jsonl", f"{FILE}.csv", f"{FILE}.toml"]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "demo"])
def test_files_that_are_not_there(run, command, name, tmp_path):
    path = tmp_path / name
    words = {
        "fine-tune": ["fine-tune", "ner", path, "--out", tmp_path / "o"],
        "next": ["next", path, tmp_path / "o.jsonl", "--model", path],
        "pretrain": ["pretrain", path, "--out", tmp_path / "o"],
        "export": ["export", path, tmp_path / "o", "--onnx"],
        "extract": ["extract", path, tmp_path / "o", "--vocabulary", path],
        "risk": ["risk", path, "--out", tmp_path / "o", "--events", path],
        "risk apply": ["risk", "apply", path, path, "--out", tmp_path / "o"],
        "risk survival": ["risk", "survival", path, "--out", tmp_path / "o", "--events", path],
        "mine": ["mine", path, "--out", tmp_path / "o"],
        "mine genes": ["mine", "genes", path, "--out", tmp_path / "o"],
        "mine labels": ["mine", "labels", path, "--out", tmp_path / "o.csv"],
        "convert": ["convert", path, tmp_path / "o.jsonl"],
        "inspect": ["inspect", path],
        "drift": ["drift", path, "--reference-to", "2024-06"],
        "watch": ["watch", path, "--out", tmp_path / "o", "--once"],
        "deidentify": ["deidentify", path, tmp_path / "o", "--key", path],
    }.get(command, [command, path, path])
    assert "FORGED" in run(*words, code=2).err


@pytest.mark.parametrize("command", COMMANDS)
def test_words_of_no_command(run, command):
    words = [*command.split(), *(["ner"] if command == "fine-tune" else [])]
    run(*words, f"--{NAME}", NAME, code=2)
    run(*words, "--n-boot", NAME, code=2)
    run(NAME, *words, code=2)


def test_settings_and_columns(run, cohort, notes, tmp_path):
    settings = tmp_path / f"{FILE}.toml"
    for text in (
        f"{json.dumps(NAME)} = 1\n",
        "batch_size = 1\u202e\n",
        f"on_error = {json.dumps(NAME)}\n",
    ):
        settings.write_text(text)
        run("extract", notes[0], tmp_path / "o", "--vocabulary", cohort["events"],
            "--settings", settings, code=2)  # fmt: skip
    table = tmp_path / f"{FILE}.csv"
    with open(table, "w", newline="") as handle:
        csv.writer(handle).writerows([[NAME, FORMULA_NAME, "a\u202eb"], ["1", "2", "3"]])
    for words in (
        ["inspect", table],
        ["inspect", table, "--text-column", NAME + "x"],
        ["mine", table, "--out", tmp_path / "o"],
        ["mine", table, "--out", tmp_path / "o", "--items", f"{NAME}:x"],
        ["mine", table, "--out", tmp_path / "o", "--columns", NAME],
        ["extract", notes[0], tmp_path / "o", "--vocabulary", table],
        ["inspect", notes[0], "--encoding", NAME],
        ["inspect", notes[0], "--format", NAME],
        ["convert", notes[0], tmp_path / f"x.{FILE}"],
    ):
        run(*words, code=2)
    run(
        "mine", table, "--out", tmp_path / "wide", "--items", NAME, FORMULA_NAME, "--min-count", "1"
    )
    check_files(tmp_path / "wide")
