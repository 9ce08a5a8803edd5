"""Tables as hospitals of several countries export them, by flags alone."""

import random

import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.record.events import read_events
from clinnlp.io.tables.mentions import read_entity_table

N = 60
NOTES = [
    "--text-column",
    "TEXT",
    "--id-column",
    "NOTE_ID",
    "--patient-column",
    "PATNR",
    "--time-column",
    "DATUM",
]
EVENTS = [
    "--columns",
    "patient=PATNR",
    "known=ZEIT",
    "code=CODE",
    "kind=ART",
    "value=WERT",
    "unit=EINHEIT",
]
WORDS = ["--vocabulary-columns", "name=Bezeichnung", "code=Kode", "label=Klasse"]


def day(k):
    return f"{1 + k % 28:02}.{1 + k % 12:02}.2023"


def notes_of_excel():
    rows = ["sep=;", "NOTE_ID;PATNR;DATUM;TEXT;"]
    for k in range(N):
        drug = "Metformin" if k % 2 else "Aspirin"
        text = f'"Patient {k} – Fieber.\r\nGröße 1,{50 + k} m; nimmt ""{drug}"" täglich."'
        rows.append(f"N{k};P{k:03};{day(k)};{text};")
    rows += ["N3;P003;01.02.2023;Nochmal Fieber.;", ";P004;01.02.2023;Ohne Nummer.;"]
    rows += ["N900;P005;01.02.2023;;", "N901;P006;01.02.2023;nan;"]
    return "\r\n".join(rows) + "\r\n"


def events_of_a_laboratory():
    draw, rows = random.Random(3), ["PATNR;ZEIT;CODE;ART;WERT;EINHEIT"]
    for k in range(N):
        for value in draw.sample(["<5", "7,5", "12,25", "1.234,5", ">1000", "neg", "++"], 4):
            what = draw.choice(["CRP", "U-Eiweiß"])
            rows += [f"P{k:03};{day(k)} 08:30;{what};lab;{value};mg/l"]
        rows.append(f"P{k:03};{day(k)} 9:00;{draw.choice(['ASS', 'Metformin'])};drug;;")
        rows += [f"P{k:03};{day(k)} 10:00;Blutung;outcome;;"] * (k % 3 == 0)
    rows += ["P001;31.02.2023;CRP;lab;1,0;mg/l", ";01.02.2023;CRP;lab;1,0;mg/l"]
    rows += ["P001;01.02.2023;CRP;lab;viel;mg/l"]
    return "\r\n".join(rows) + "\r\n"


@pytest.fixture(params=["cp1252", "utf-16", "utf-8-sig"])
def folder(request, tmp_path):
    code = request.param
    people = "".join(f"P{k:03};{day(k)[:6]}{1930 + k};{'mw'[k % 2]}\r\n" for k in range(N))
    cases = "".join(f"P{k:03};01.06.2024;{int(k % 3 == 0)}\r\n" for k in range(N))
    words = "Fieber;F1;Problem\r\nerhöhte Temperatur;F1;Problem\r\n"
    words += "Metformin;M;Drug\r\nAspirin;A;Drug\r\n"
    for name, text in {
        "notes.csv": notes_of_excel(),
        "events.csv": events_of_a_laboratory(),
        "patients.csv": f"PATNR;GEBDAT;GESCHL\r\n{people}",
        "outcome.csv": f"PATNR;STICHTAG;ZIEL\r\n{cases};01.06.2024;1\r\n",
    }.items():
        (tmp_path / name).write_bytes(text.encode(code))
    (tmp_path / "words.csv").write_bytes(f"Bezeichnung;Kode;Klasse\r\n{words}".encode("cp1252"))
    return tmp_path


def run(*words):
    return main([str(word) for word in words])


def test_a_messy_european_table_goes_through_by_flags_alone(folder, capsys):
    notes, events = folder / "notes.csv", folder / "events.csv"
    assert run("inspect", notes, *NOTES, "--skip-bad", "--number-repeated") == 0
    said = capsys.readouterr()
    assert f"{N + 1} notes" in said.out
    assert "1 documents left out:" in said.err
    assert "2 left out: row without text" in said.err
    assert f"notes.csv:{2 * N + 4}: each note must have an id, got an empty one" in said.err
    is_found = notes.read_bytes()[:2] not in (b"\xff\xfe", b"\xef\xbb")
    assert ("read as Windows-1252" in said.err) == is_found

    found = folder / "mentions.parquet"
    extract = ["extract", notes, found, "--vocabulary", folder / "words.csv", *WORDS, *NOTES]
    assert run(*extract, "--skip-bad", "--number-repeated") == 0
    said = capsys.readouterr().err
    assert "1 documents left out:" in said
    assert "2 left out: row without text" in said
    assert "words.csv: read as Windows-1252, found by a look; save it as UTF-8" in said
    mentions = read_entity_table(found)
    assert set(zip(mentions["name"], mentions["label"], strict=True)) == {
        ("Fieber", "Problem"),
        ("Metformin", "Drug"),
        ("Aspirin", "Drug"),
    }
    assert str(mentions["time"][0]) == "2023-01-01T00:00:00"
    assert mentions["note"].tolist()[-1] == "N3#2"

    risk = ["risk", folder / "outcome.csv", "--events", events, "--entities", found, *EVENTS]
    risk += ["--patients", folder / "patients.csv", "--out", folder / "risk", "--skip-bad"]
    risk += ["--patient-columns", "patient=PATNR", "birth_date=GEBDAT", "sex=GESCHL"]
    risk += ["--outcome-columns", "patient=PATNR", "index_time=STICHTAG", "outcome=ZIEL"]
    risk += [
        "--models",
        "naive_bayes",
        "--n-boot",
        "5",
        "--min-class",
        "5",
        "--n-top",
        "0",
        "--n-folds",
        "2",
    ]
    assert run(*risk) == 0
    said = capsys.readouterr()
    assert "3 rows left out:" in said.err
    assert "events.csv:" in said.err
    assert "AUROC" in said.out
    page = (folder / "risk" / "report.html").read_text()
    assert "rows that are wrong" in page.replace("_", " ")

    assert run("mine", events, *EVENTS, "--out", folder / "mine", "--skip-bad") == 0
    said = capsys.readouterr()
    assert "3 rows left out:" in said.err
    assert f"Baskets({N} x 3 items" in said.out
    assert "rows_that_are_wrong 3" in said.out


def test_without_leave_the_first_fault_is_named(folder, capsys):
    assert run("inspect", folder / "notes.csv", *NOTES) == 2
    assert "ids of notes must be unique, got 'N3' a second time" in capsys.readouterr().err
    assert run("mine", folder / "events.csv", *EVENTS, "--out", folder / "mine") == 2
    assert "column 'ZEIT' must hold ISO 8601 times such as" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("patient,code,known\np,c,12/31/2024 08:30 AM\n", ["--no-day-first"]),
        ("patient,code,known\np,c,31/12/2024 08:30\n", ["--day-first"]),
        ("patient,code,known\np,c,12/31/2024 08:30 AM\n",
         ["--time-format", "%d.%m.%y", "--time-format", "%m/%d/%Y %I:%M %p"]),
        ("patient;code;known\np;c;45657,354166667\n", ["--time-format", "excel"]),
        ("PATIENT|CODE|KNOWN\np|c|31DEC2024:08:30\n", []),
        ("patient^code^known\np^c^2024-12-31 08:30\n", ["--sep", "^"]),
        ("patient\tcode\tknown\np\tc\t31.12.2024 8:30\n", []),
    ],
)  # fmt: skip
def test_times_and_separators_of_other_countries(tmp_path, text, flags):
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert run("mine", path, "--min-count", "1", "--out", tmp_path / "o", *flags) == 0
    assert run("convert", path, tmp_path / "b.jsonl", "--text-column", "code", "--time-column",
               "known", *flags) == 0  # fmt: skip
    assert '"time":"2024-12-31T08:30:00"' in (tmp_path / "b.jsonl").read_text()


def test_day_and_month_are_asked_for(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("text,time\na,03/04/2024\n")
    for words in (["inspect", tmp_path / "a.csv"], ["mine", tmp_path / "e.csv", "--out", "x"]):
        (tmp_path / "e.csv").write_text("patient,code,known\np,c,03/04/2024\n")
        assert run(*words) == 2
        said = capsys.readouterr().err
        assert "--day-first" in said
        assert "--time-format" in said


def test_decimals_are_said(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("patient;code;value\np;c;1.234\n")
    assert run("mine", path, "--min-count", "1", "--out", tmp_path / "o") == 2
    assert "column 'value' must hold numbers" in capsys.readouterr().err
    assert run("mine", path, "--min-count", "1", "--out", tmp_path / "o", "--decimal", ".") == 0


def test_new_patients_are_read_as_those_of_the_training(folder, capsys):
    risk = [
        "risk",
        folder / "outcome.csv",
        "--events",
        folder / "events.csv",
        *EVENTS,
        "--skip-bad",
    ]
    outcome = ["--outcome-columns", "patient=PATNR", "index_time=STICHTAG", "outcome=ZIEL"]
    how = [
        "--models",
        "naive_bayes",
        "--n-boot",
        "0",
        "--min-class",
        "5",
        "--n-top",
        "0",
        "--keep",
        "naive_bayes",
    ]
    assert run(*risk, *outcome, *how, "--out", folder / "risk") == 0
    capsys.readouterr()
    index = folder / "index.csv"
    index.write_text("PATNR;STICHTAG\nP001;01.06.2024\n;01.06.2024\nP002;soon\n")
    apply = ["risk", "apply", folder / "risk" / "model", index, "--out", folder / "new", *EVENTS]
    apply += ["--events", folder / "events.csv", "--outcome-columns", "patient=PATNR"]
    assert run(*apply, "index_time=STICHTAG", "--skip-bad") == 0
    said = capsys.readouterr()
    assert "index.csv:3: each row must have a patient and an index_time" in said.err
    assert "index.csv:4: index must be a time in ISO 8601" in said.err
    assert "rows_that_are_wrong 5" in said.out
    risks = pd.read_csv(folder / "new" / "risks.csv")
    assert risks["patient"].tolist() == ["P001"]


def test_the_report_says_how_tables_were_read(tmp_path):
    (tmp_path / "a.csv").write_text("ID;CODE\np;c\n")
    words = ["mine", tmp_path / "a.csv", "--columns", "patient=ID", "code=CODE", "--min-count", "1"]
    assert run(*words, "--sep", ";", "--out", tmp_path / "o") == 0
    page = (tmp_path / "o" / "report.html").read_text()
    assert "sep" in page


def test_a_pair_of_columns_is_name_and_column(tmp_path, capsys):
    (tmp_path / "o.csv").write_text("patient,index_time,outcome\n")
    words = ["risk", tmp_path / "o.csv", "--events", tmp_path / "o.csv", "--out", tmp_path / "x"]
    assert run(*words, "--outcome-columns", "PATNR") == 2
    assert "--outcome-columns must be name=column pairs, got 'PATNR'" in capsys.readouterr().err
    assert run(*words, "--outcome-columns", "person=PATNR") == 2
    assert "columns of outcomes are patient, index_time, outcome, time" in capsys.readouterr().err
    assert run(*words, "--patients", tmp_path / "o.csv", "--patient-columns", "person=x") == 2
    assert "columns of patients are patient, birth_date" in capsys.readouterr().err


def test_all_rows_are_read_or_counted(folder):
    skipped = []
    how = dict(pair.split("=") for pair in EVENTS[1:])
    path = folder / "events.csv"
    table = read_events(path, dialect=Dialect(encoding=None), skipped=skipped, **how)
    n_lines = events_of_a_laboratory().count("\r\n") - 1
    assert len(table) + len(skipped) == n_lines


@pytest.mark.parametrize("pair", ["dialect=Kode", "label_column=Kode", "path=Kode"])
def test_columns_of_a_word_list_are_its_own(folder, capsys, pair):
    extract = ["extract", folder / "notes.csv", folder / "out.csv", *NOTES]
    assert run(*extract, "--vocabulary", folder / "words.csv", *WORDS, pair) == 2
    assert "columns of a vocabulary are code, system, name" in capsys.readouterr().err


def test_columns_that_are_taken_by_their_usual_names_are_told_once(tmp_path, capsys):
    notes, out = tmp_path / "notes.csv", tmp_path / "out.jsonl"
    notes.write_text("note_id,patient_id,text\nA1,p1,No fever.\nA2,p1,\n")
    assert main(["convert", str(notes), str(out)]) == 0
    said = capsys.readouterr()
    assert said.err.count("id from column 'note_id', patient from column 'patient_id'") == 1
    assert "--id-column names another" in said.err
    assert "1 left out: row without text" in said.err
    assert '"id":"A1"' in out.read_text().replace(" ", "")
    assert main(["convert", str(notes), str(out), "--id-column", "note_id"]) == 0
    assert "from column 'note_id'" not in capsys.readouterr().err


def test_label_is_short_for_labels_where_notes_are_extracted(tmp_path, capsys):
    notes, words = tmp_path / "notes.csv", tmp_path / "words.txt"
    notes.write_text("id,text\nA1,No fever.\n")
    words.write_text("fever\n")
    how = ["extract", str(notes), str(tmp_path / "out.csv"), "--vocabulary", str(words)]
    assert main([*how, "--label", "Problem"]) == 2
    assert "labels are of a model that finds mentions" in capsys.readouterr().err
