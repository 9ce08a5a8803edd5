"""From notes to rules and risks: a chronic condition under past history counts, and is told."""

import csv
import json
import shutil

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Note
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.report.blocks import Examples
from clinnlp.report.highlight import mention_table
from clinnlp.study.apply import RiskModel
from clinnlp.study.extract import fingerprint
from clinnlp.study.pipeline import pipeline
from clinnlp.study.settings import MineSettings
from clinnlp.study.sources import read_baskets

N = 60
TOLD = "historical mentions counted because the condition is chronic"
SICK = "PAST MEDICAL HISTORY: Hypertension, pneumonia. FAMILY HISTORY: Gout."
WELL = "HISTORY: Cough. No asthma. PAST MEDICAL HISTORY: childhood asthma."
NAMES = ("Hypertension", "pneumonia", "gout", "cough", "asthma")


def write(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(rows)
    return path


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Write notes of which every second has a chronic condition in the past, and outcomes."""
    folder = tmp_path_factory.mktemp("work")
    sick = [k % 2 == 0 for k in range(N)]
    write(folder / "words.csv", [["name", "label"], *([name, "Problem"] for name in NAMES)])
    write(folder / "notes.csv", [["id", "patient", "text", "known"],
                                 *([f"n{k}", f"p{k}", SICK if s else WELL, "2024-01-01"]
                                   for k, s in enumerate(sick))])  # fmt: skip
    write(folder / "outcome.csv", [["patient", "index_time", "outcome"],
                                   *([f"p{k}", "2024-02-01", int(s)]
                                     for k, s in enumerate(sick))])  # fmt: skip
    assert extract(folder, "found.parquet") == 0
    return folder


def extract(folder, out, *more):
    columns = [f"--{name}-column={name}" for name in ("id", "patient", "text", "known")]
    return main(["extract", str(folder / "notes.csv"), str(folder / out), "--vocabulary",
                 str(folder / "words.csv"), *columns, *more])  # fmt: skip


def mine(work, out, *more):
    call = ["mine", str(work / "found.parquet"), "--out", str(out), "--min-count", "1"]
    return main([*call, *more])


def risk(work, out, *more):
    return main(["risk", str(work / "outcome.csv"), "--entities", str(work / "found.parquet"),
                 "--out", str(out), "--models", "naive_bayes", "--n-boot", "0", "--n-folds", "2",
                 *more])  # fmt: skip


def test_the_pipeline_gives_each_mention_its_course_and_a_second_run_adds_nothing():
    nlp = pipeline(vocabulary=Vocabulary([Concept(code=n, name=n, label="Problem") for n in NAMES]))
    note = nlp(Note(id="n", text=SICK))
    courses = [entity.attributes["course"] for entity in note.entities]
    assert courses == ["chronic", "unknown", "chronic"]
    assert nlp(note) == note
    assert next(iter(nlp.stream([Note(id="n", text=SICK)], batch_size=2))) == note


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "parts"])
def test_course_is_a_column_of_every_table(work, tmp_path, name):
    assert extract(work, tmp_path / name) == 0
    table = read_entity_table(tmp_path / name)
    said = dict(zip(zip(table["note"], table["text"], strict=True), table["course"], strict=True))
    assert said["n0", "Hypertension"] == "chronic"
    assert said["n0", "pneumonia"] == "unknown"
    assert table["course"][table["note"] == "n1"].tolist() == ["unknown", "chronic", "ended"]


def test_course_stands_in_whole_notes_and_in_the_table_of_a_report(work, tmp_path):
    assert extract(work, tmp_path / "a.jsonl") == 0
    first = next(iter(read_notes(tmp_path / "a.jsonl")))
    assert [e.attributes["course"] for e in first.entities] == ["chronic", "unknown", "chronic"]
    write_notes([first], tmp_path / "b.jsonl")
    assert next(iter(read_notes(tmp_path / "b.jsonl"))) == first
    columns, rows = mention_table(Examples(notes=(first,), labels=("Problem",)))
    assert "course" in [column.key for column in columns]
    assert [row["course"] for row in rows] == ["chronic", None, "chronic"]


def test_ones_own_list_decides_and_another_list_cannot_go_on(work, tmp_path):
    own = tmp_path / "own.tsv"
    own.write_text("name\tcode\npneumonia\t\n", encoding="utf-8")
    assert extract(work, tmp_path / "out", "--chronic", str(own)) == 0
    table = read_entity_table(tmp_path / "out")
    assert table["course"][table["note"] == "n0"].tolist() == ["unknown", "chronic", "unknown"]
    assert extract(work, tmp_path / "out") == 2
    assert fingerprint(None, None) != fingerprint(None, None, chronic=own)
    with pytest.raises(DataError, match="in the tab-separated column of that name"):
        pipeline(vocabulary=work / "words.csv", chronic=work / "words.csv")


def test_rules_count_what_is_chronic_and_say_so(work, tmp_path, capsys):
    assert mine(work, tmp_path / "with") == 0
    assert f"{N // 2} {TOLD}" in capsys.readouterr().out
    report = (tmp_path / "with" / "report.md").read_text()
    assert report.count(TOLD) == 2  # in the summary, and beside the other filters
    assert TOLD in (tmp_path / "with" / "report.html").read_text()
    assert mine(work, tmp_path / "without", "--no-chronic-counts") == 0
    assert TOLD not in capsys.readouterr().out
    assert TOLD not in (tmp_path / "without" / "report.md").read_text()


def test_the_items_of_baskets_with_and_without(work):
    path = work / "found.parquet"
    assert read_baskets(path, MineSettings()).items == ("cough", "hypertension")
    assert read_baskets(path, MineSettings(chronic_counts=False)).items == ("cough",)


def test_a_guarded_report_rounds_the_number(work, tmp_path, capsys):
    assert mine(work, tmp_path / "out", "--min-cell", "7") == 0
    assert f"35 {TOLD}" in capsys.readouterr().out
    assert "chronic_counts, roles" in (tmp_path / "out" / "report.html").read_text()


def test_events_have_no_course_to_choose_by(tmp_path):
    path = write(tmp_path / "e.csv", [["patient", "code", "kind"], ["p", "x", "drug"]])
    with pytest.raises(ArgumentError, match="chronic_counts, with_stopped, label and strict"):
        read_baskets(path, MineSettings(chronic_counts=False))


def test_risks_count_what_is_chronic_and_say_so(work, tmp_path, capsys):
    assert risk(work, tmp_path / "with", "--keep", "naive_bayes") == 0
    assert f"{N // 2} {TOLD}" in capsys.readouterr().out
    assert TOLD in (tmp_path / "with" / "report.md").read_text()
    card = json.loads((tmp_path / "with" / "model" / "card.json").read_text())
    assert card["cohort"][TOLD] == N // 2
    assert card["rows"]["chronic_counts"] is True
    assert RiskModel.load(tmp_path / "with" / "model").options["chronic_counts"] is True
    call = ["risk", "apply", str(tmp_path / "with" / "model"), str(work / "outcome.csv"),
            "--entities", str(work / "found.parquet"), "--out", str(tmp_path / "new")]  # fmt: skip
    assert main(call) == 0
    assert f"{N // 2} {TOLD}" in capsys.readouterr().out
    assert risk(work, tmp_path / "without", "--no-chronic-counts") == 0
    assert TOLD not in capsys.readouterr().out


def test_a_model_of_before_counts_as_it_was_trained(work, tmp_path):
    assert risk(work, tmp_path / "out", "--keep", "naive_bayes") == 0
    folder = shutil.copytree(tmp_path / "out" / "model", tmp_path / "old")
    card = json.loads((folder / "card.json").read_text())
    del card["rows"]["chronic_counts"]
    (folder / "card.json").write_text(json.dumps(card))
    model = RiskModel.load(folder)
    assert model.options["chronic_counts"] is False
    index = {"patient": ["p0"], "index_time": ["2024-02-01"]}
    applied = model.apply(index=index, notes=read_entity_table(work / "found.parquet"))
    assert applied.cases.n_chronic == 0
    assert applied.cases.n_excluded["entities_historical"] == N + N // 2
