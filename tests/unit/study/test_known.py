"""Tables of what is known: columns by name, both orders, names or codes; what was not called."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.io.files.dialect import Dialect
from clinnlp.study.known import read_known_rows
from clinnlp.study.mine_flow import mine_flow
from clinnlp.study.mined_tables import read_signals
from clinnlp.study.settings import MineSettings

HOW = Dialect()
CODES = {"warfarin": "C1", "ibuprofen": "C2", "digoxin": "C3", "bleeding": "E1", "rash": "E2"}


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """Write events by names, and by codes with names beside them."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("events")
    n = 3000
    held = {name: rng.random(n) < 0.25 for name in ("warfarin", "ibuprofen", "digoxin")}
    held["bleeding"] = rng.random(n) < 0.02 + 0.3 * (held["warfarin"] & held["ibuprofen"])
    held["rash"] = rng.random(n) < 0.05
    rows = [
        {"patient": f"p{k}", "encounter": f"e{k}", "start": "2020-01-01", "known": "2020-01-01",
         "code": name, "kind": "drug" if name in list(CODES)[:3] else "outcome", "name": name}
        for name, mask in held.items() for k in np.flatnonzero(mask)
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.drop(columns="name").to_csv(folder / "names.csv", index=False)
    frame["code"] = frame["code"].map(CODES)
    frame.to_csv(folder / "codes.csv", index=False)
    return folder


def mined(source, out, **settings):
    mine_flow(source, out=out, settings=MineSettings(unit="encounter", **settings))
    table = read_signals(out / "signals").to_pandas()
    pairs = [frozenset(row) for row in zip(table["drug_1"], table["drug_2"], strict=True)]
    return dict(zip(zip(pairs, table["outcome"], strict=True), table["known"], strict=True))


@pytest.mark.parametrize("which", ["names", "codes"])
@pytest.mark.parametrize(
    "text",
    [
        "drug_1,drug_2,event\nIbuprofen,Coumadin,BLEEDING\n",
        (
            "DRUG_1_CONCEPT_NAME,DRUG_2_CONCEPT_NAME,EVENT_CONCEPT_NAME,X\n"
            "warfarin,ibuprofen,bleeding,1\n"
        ),
    ],
)
def test_pairs_are_known_in_any_order_by_names_or_codes(events, tmp_path, which, text):
    (tmp_path / "known.csv").write_text(text)
    known = (str(tmp_path / "known.csv"),)
    found = mined(events / f"{which}.csv", tmp_path / "out", known=known)
    word = dict.fromkeys(CODES) if which == "names" else CODES
    word = {name: code or name for name, code in word.items()}
    pair = frozenset((word["warfarin"], word["ibuprofen"]))
    assert found[pair, word["bleeding"]] == "known"
    assert {status for row, status in found.items() if row != (pair, word["bleeding"])} == {"new"}


def test_codes_of_a_table_meet_names_through_a_terminology(events, tmp_path):
    (tmp_path / "ddinter.csv").write_text(
        "DDInterID_A,Drug_A,DDInterID_B,Drug_B,Level\nD1,DB9,D2,DB8,Major\n"
    )
    (tmp_path / "words.csv").write_text("code,name\nDB8,warfarin\nDB9,ibuprofen\n")
    found = mined(
        events / "names.csv", tmp_path / "out", known=(str(tmp_path / "ddinter.csv"),),
        known_names=str(tmp_path / "words.csv"),
    )  # fmt: skip
    pair = frozenset(("warfarin", "ibuprofen"))
    assert {status for row, status in found.items() if row[0] == pair} == {"labelled"}
    assert {status for row, status in found.items() if row[0] != pair} == {"new"}


def test_effects_of_single_drugs_and_what_was_not_called(events, tmp_path, capsys):
    (tmp_path / "labels.tsv").write_text("drug\tevent\nDigoxin\trash\n")
    (tmp_path / "pairs.csv").write_text("a;b;what\nwarfarin;digoxin;rash\nwarfarin;warfarin;rash\n")
    words = ["mine", events / "names.csv", "--unit", "encounter", "--out", tmp_path / "out",
             "--known", tmp_path / "labels.tsv"]  # fmt: skip
    assert main([str(word) for word in words]) == 0
    assert "called drug events: known 0" in capsys.readouterr().out
    single = read_signals(tmp_path / "out" / "drug_events").to_pandas()
    known = single.set_index(["drug", "outcome"])["known"]
    assert known["digoxin", "rash"] == "known"
    assert known["warfarin", "rash"] == "new"
    settings = {
        "known": (str(tmp_path / "pairs.csv"),),
        "known_columns": ("drug_1=a", "drug_2=b", "event=what"),
    }
    found = mined(events / "names.csv", tmp_path / "out", **settings)
    assert found[frozenset(("warfarin", "digoxin")), "rash"] == "known"
    missed = pd.read_csv(tmp_path / "out" / "disagreements.csv")
    assert missed[["drug_1", "drug_2", "outcome"]].to_numpy().tolist() == [
        ["digoxin", "warfarin", "rash"]
    ]
    assert "1 left out that name one drug twice" in (tmp_path / "out" / "report.md").read_text()


PAIR = [("Warfarin", "Aspirin", "Bleeding")]


@pytest.mark.parametrize(
    ("head", "event"),
    [
        ("Drug A,Drug B,Event", True), ("drug1,drug2,Effect", True), ("DRUG_A,DRUG_B,Level", False),
        ("Drug 1 name,Drug 2 name,Adverse event", True), ("Medication1,Medication2,Reaction", True),
        ("drug,interacting_drug,severity", False), ("Drug,Interacts with,Side effect name", True),
        ("first drug,second drug,outcome", True), ("object_drug,precipitant_drug,adr", True),
        ("drugName1,drugName2,management", False), ("fármaco 1,fármaco 2,efecto", True),
        ("atc_1,atc_2,event", True), ("RXCUI1,RXCUI2,level", False),
        ("drug_1_concept_name,drug_2_concept_name,condition_concept_name", True),
    ],
)  # fmt: skip
def test_drugs_and_events_are_known_by_the_words_of_their_heads(tmp_path, head, event):
    (tmp_path / "t.csv").write_text(f"{head}\nWarfarin,Aspirin,Bleeding\n", encoding="utf-8")
    right = PAIR if event else [("Warfarin", "Aspirin", "")]
    assert read_known_rows(tmp_path / "t.csv", {}, HOW) == right


def test_names_go_before_codes_and_a_table_of_excel_is_read(tmp_path):
    text = "Drug 1 ID;Drug 1;Drug 2 ID;Drug 2;Event\r\n7;Warfarin;8;Aspirin;Bleeding\r\n"
    (tmp_path / "t.csv").write_text(text, encoding="utf-8-sig", newline="")
    assert read_known_rows(tmp_path / "t.csv", {}, HOW) == PAIR


@pytest.mark.parametrize(
    "head",
    [
        "drug,drug_target,event_date",
        "drug 1,drug 1 name,drug 2",
        "drug,description",
        "drug 1,dose 2",
    ],
)
def test_heads_that_may_mean_something_else_are_refused(tmp_path, head):
    (tmp_path / "t.csv").write_text(f"{head}\n{','.join('x' * len(head.split(',')))}\n")
    with pytest.raises(DataError, match="must have the columns drug_1"):
        read_known_rows(tmp_path / "t.csv", {}, HOW)


def test_three_tables_empty_rows_and_names_that_are_no_items(events, tmp_path, capsys):
    (tmp_path / "a.csv").write_text("Drug A;Drug B;Event\n;DIGOXIN;RASH\n;;\n")
    (tmp_path / "b.csv").write_text("x,y\nibuprofen,warfarin\n")
    (tmp_path / "c.csv").write_text("rxcui1,rxcui2\n1,2\n")
    tables = [tmp_path / f"{name}.csv" for name in "abc"]
    words = ["mine", events / "names.csv", "--unit", "encounter", "--out", tmp_path / "out"]
    more = ["--known", *tables, "--known-columns", "drug_1=x", "drug_2=y"]
    assert main([str(word) for word in [*words, *more]]) == 0
    said = capsys.readouterr().out
    assert "known: 3 rows, 1 left out that are empty; of 2 all names are items" in said
    single = read_signals(tmp_path / "out" / "drug_events").to_pandas()
    assert single.set_index(["drug", "outcome"])["known"]["digoxin", "rash"] == "known"
    pairs = read_signals(tmp_path / "out" / "signals").to_pandas()
    labelled = pairs[pairs["known"] == "labelled"]
    assert {"ibuprofen", "warfarin"} in [
        {*row} for row in labelled[["drug_1", "drug_2"]].to_numpy()
    ]
    assert main([str(word) for word in [*words, "--known", tables[2]]]) == 0
    assert "codes and other names meet items through a terminology" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "named", "error", "said"),
    [
        ("a,b\nx,y\n", {}, DataError, "must have the columns drug_1"),
        ("drug_1,drug_2\nx,\n", {}, DataError, r":2: .*empty cell"),
        ("drug,event\nx,\n", {}, DataError, r":2: .*empty cell"),
        ("drug_1,drug_2\nx,y\n", {"nurse": "x"}, ArgumentError, "got nurse"),
        ("drug_1,drug_2\nx,y\n", {"drug_1": "x"}, DataError, "must have the columns"),
    ],
)
def test_other_tables_are_refused_with_their_line(tmp_path, text, named, error, said):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(error, match=said):
        read_known_rows(tmp_path / "t.csv", named, HOW)


def test_crescenddi_is_read_as_it_is(data_dir):
    path = data_dir("crescenddi") / "data_record_1_positive_controls.csv"
    rows = read_known_rows(path, {}, HOW)
    assert len(rows) == 6221
    assert all(one and other and event for one, other, event in rows)


def test_options_without_a_table_are_refused():
    with pytest.raises(ArgumentError, match="must go with known"):
        MineSettings(known_names="x")
