"""Ancestors from the files of a terminology, on the way through mine, risk and risk apply."""

import csv

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.study.roll_up import read_roll_up
from clinnlp.study.settings import MineSettings, RiskSettings

ATC = (
    "ATC code,ATC level name\nC10AA,HMG CoA reductase inhibitors\nC10AA01,simvastatin\n"
    "C10AA05,atorvastatin\nN02BA01,acetylsalicylic acid\n"
)
RXNCONSO = "".join(
    f"{code}|ENG||||||A{code}|||{code}|RXNORM|{kind}|{code}|{name}||N||\n"
    for code, kind, name in (
        ("10", "IN", "atorvastatin"), ("11", "IN", "amlodipine"), ("12", "BN", "Lipitor"),
        ("13", "PIN", "atorvastatin calcium"), ("14", "BN", "Caduet"),
        ("15", "SCD", "atorvastatin 20 MG Oral Tablet"), ("16", "SCDC", "atorvastatin 20 MG"),
    )
)  # fmt: skip
RXNREL = "".join(
    f"{above}||CUI|RO|{code}||CUI|{relation}|||RXNORM||||||\n"
    for above, relation, code in (
        ("10", "tradename_of", "12"), ("10", "form_of", "13"), ("10", "tradename_of", "14"),
        ("11", "tradename_of", "14"), ("16", "consists_of", "15"), ("10", "has_ingredient", "16"),
    )
)  # fmt: skip
TABLE = "code,name,parents\nx,X,up\ny,Y,up | other\n"


@pytest.fixture
def folder(tmp_path):
    """Write 80 patients: a statin, one of two, for every other; the outcome follows it."""
    (tmp_path / "atc.csv").write_text(ATC)
    events = ["patient,encounter,start,known,code,kind"]
    outcomes = ["patient,index_time,outcome"]
    for k in range(80):
        drug = ("C10AA01", "N02BA01", "C10AA05", "N02BA01")[k % 4]
        ill = k % 2 == 0 if k % 10 else k % 4 == 1
        events.append(f"p{k},e{k},2024-01-01,2024-01-01,{drug},drug")
        events += [f"p{k},e{k},2024-01-02,2024-01-02,bleed,outcome"] * ill
        outcomes.append(f"p{k},2024-02-01,{int(ill)}")
    (tmp_path / "events.csv").write_text("\n".join(events) + "\n")
    (tmp_path / "outcome.csv").write_text("\n".join(outcomes) + "\n")
    return tmp_path


def _rules(path):
    with path.open(encoding="utf-8") as handle:
        return {(row["antecedents"], row["consequents"]): row for row in csv.DictReader(handle)}


def test_mine_rolls_up(folder, capsys):
    out = folder / "out"
    asked = ["mine", str(folder / "events.csv"), "--out", str(out)]
    rolled = ["--ancestors", str(folder / "atc.csv"), "--roll-up", "C10AA"]
    assert main([*asked, *rolled]) == 0
    assert int(_rules(out / "rules.csv")[("C10AA", "bleed")]["n_antecedent"]) == 40
    assert "rolled up: counted as an ancestor 40" in capsys.readouterr().out
    assert main(asked) == 0
    assert int(_rules(out / "rules.csv")[("C10AA01", "bleed")]["n_antecedent"]) == 20


def test_risk_rolls_up_and_a_kept_model_needs_the_same_terminology(folder, capsys):
    files = ["--events", str(folder / "events.csv")]
    atc = ["--ancestors", str(folder / "atc.csv")]
    out = folder / "out"
    few = ["--models", "logistic", "--n-boot", "0", "--n-folds", "2", "--keep", "logistic"]
    asked = ["risk", str(folder / "outcome.csv"), *files, "--out", str(out), *few, *atc]
    assert main([*asked, "--roll-up", "C10AA"]) == 0
    assert "facts rolled up: counted as an ancestor 40" in (out / "report.md").read_text()
    applied = ["risk", "apply", str(out / "model"), str(folder / "outcome.csv"), *files]
    applied += ["--out", str(folder / "applied")]
    capsys.readouterr()
    assert main(applied) == 2
    assert "counts codes as ancestors" in capsys.readouterr().err
    assert main([*applied, *atc]) == 0
    with (folder / "applied" / "reasons.csv").open(encoding="utf-8") as handle:
        reasons = [row for row in csv.DictReader(handle) if row["concept"] == "drug:C10AA"]
    rows = (folder / "events.csv").read_text().splitlines()[1:]
    assert {rows[int(float(row["event"]))].split(",")[0] for row in reasons} == {
        row["patient"] for row in reasons
    }
    (folder / "atc.csv").write_text(ATC + "C10AA07,rosuvastatin\n")
    assert main([*applied, *atc]) == 2
    assert "of the training, which had another one" in capsys.readouterr().err


def test_all_ancestors_beside_the_codes_in_risk(folder):
    out = folder / "out"
    asked = ["risk", str(folder / "outcome.csv"), "--events", str(folder / "events.csv")]
    few = ["--models", "logistic", "--n-boot", "0", "--n-folds", "2"]
    assert main([*asked, "--out", str(out), *few, "--ancestors", str(folder / "atc.csv")]) == 0
    assert "drug:C10AA" in (out / "report.md").read_text()


def test_a_table_may_say_parents(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE)
    assert read_roll_up(tmp_path / "a.csv", ["up"])("y") == ("up",)
    assert read_roll_up(tmp_path / "a.csv", None)("y") == ("y", "up", "other")
    assert read_roll_up(None, None) is None
    with pytest.raises(ArgumentError, match="roll_up must name codes of"):
        read_roll_up(tmp_path / "a.csv", ["down"])
    (tmp_path / "b.csv").write_text("code,name\nx,X\n")
    with pytest.raises(DataError, match="got no such relation"):
        read_roll_up(tmp_path / "b.csv", None)


def test_brands_salts_and_products_count_as_their_ingredients(tmp_path):
    folder = tmp_path / "rxnorm"
    folder.mkdir()
    (folder / "RXNCONSO.RRF").write_text(RXNCONSO)
    (folder / "RXNREL.RRF").write_text(RXNREL)
    as_statin = read_roll_up(folder, ["10"])
    assert [as_statin(code) for code in ("10", "12", "13", "15")] == [("10",)] * 4
    assert as_statin("11") == ("11",)
    assert set(read_roll_up(folder, ["10", "11"])("14")) == {"10", "11"}
    assert read_roll_up(folder, None)("15") == ("15", "16", "10")


@pytest.mark.parametrize(
    ("settings", "options", "message"),
    [
        (MineSettings, {"roll_up": ("x",)}, "roll_up needs a terminology"),
        (RiskSettings, {"roll_up": ("x",)}, "roll_up needs a terminology"),
        (MineSettings, {"ancestors": "a.csv"}, "need the codes to roll up to"),
    ],
)
def test_half_of_a_roll_up_is_refused(settings, options, message):
    with pytest.raises(ArgumentError, match=message):
        settings(**options)


def test_exposures_and_wide_tables_are_not_rolled_up(folder, capsys):
    rolled = ["--ancestors", str(folder / "atc.csv"), "--roll-up", "C10AA", "--out"]
    rolled.append(str(folder / "out"))
    events = str(folder / "events.csv")
    assert main(["mine", events, "--unit", "exposure", *rolled]) == 2
    assert "got unit exposure" in capsys.readouterr().err
    assert main(["mine", events, "--items", "code", *rolled]) == 2
    assert "got a wide table" in capsys.readouterr().err


LISTED = (
    "code,name,label\nDB1,Cortisone,Drug\nDB2,Cortisone acetate,Drug\nDB3,Gout acetate,Problem\n"
)
STEPS = (
    "code,name,parents,level\nx,X,,ingredient\ny,Y tablet,x,\nz,Z tablet,x|w,\nw,W,,ingredient\n"
)
CONCEPTS = (
    "concept_id,concept_name,domain_id,vocabulary_id,concept_class_id,standard_concept,"
    "invalid_reason\n1,warfarin,Drug,RxNorm,Ingredient,S,\n2,warfarin 5 MG,Drug,RxNorm,"
    "Clinical Drug,S,\n"
)
ABOVE = (
    "ancestor_concept_id,descendant_concept_id,min_levels_of_separation,max_levels_of_separation\n"
    "1,2,1,1\n"
)


def write_terminology(folder, kind):
    """Write a terminology of some kind; return its path."""
    files = {
        "rxnorm": {"RXNCONSO.RRF": RXNCONSO, "RXNREL.RRF": RXNREL},
        "omop": {"CONCEPT.csv": CONCEPTS, "CONCEPT_ANCESTOR.csv": ABOVE},
        "atc": {"atc.csv": ATC + "B01AC06,Acetylsalicylic acid\n"},
        "names": {"drugs.csv": LISTED},
        "steps": {"steps.csv": STEPS},
    }[kind]
    (folder / kind).mkdir()
    for name, text in files.items():
        (folder / kind / name).write_text(text)
    return folder / kind if len(files) > 1 else folder / kind / next(iter(files))


@pytest.mark.parametrize(
    ("kind", "counted"),
    [
        ("rxnorm", {"10": "10", "12": "10", "13": "10", "15": "10", "14": "10 11", "9": "9"}),
        ("omop", {"2": "1", "1": "1"}),
        ("atc", {"B01AC06": "N02BA01", "N02BA01": "N02BA01", "C10AA": "C10AA"}),
        ("names", {"DB2": "DB1", "DB1": "DB1", "DB3": "DB3"}),
        ("steps", {"y": "x", "z": "x w"}),
    ],
)
def test_codes_count_as_their_ingredient(tmp_path, kind, counted):
    roll_up = read_roll_up(write_terminology(tmp_path, kind), level="ingredient")
    assert {code: " ".join(roll_up(code)) for code in counted} == counted


def test_a_terminology_without_ingredients_is_refused(tmp_path):
    (tmp_path / "icd.csv").write_text("code,short,long\nM10,Gout,Gout\nM109,Gout x,Gout, unspec\n")
    (tmp_path / "problems.csv").write_text("code,name,label\nx,Gout,Problem\n")
    with pytest.raises(ArgumentError, match="name the codes with roll_up"):
        read_roll_up(tmp_path / "problems.csv", level="ingredient")
    with pytest.raises(ArgumentError, match="beside a level"):
        read_roll_up(write_terminology(tmp_path, "atc"), ["C10AA"], level="ingredient")


def test_salts_are_mined_as_their_ingredient(tmp_path, capsys):
    (tmp_path / "drugs.csv").write_text(LISTED)
    rows = ["patient,code,kind"]
    for k in range(40):
        drug = ("DB1", "DB2", "DB9", "DB8")[k % 4]
        rows += [f"p{k},{drug},drug"] + [f"p{k},bleed,outcome"] * (k % 2 == 0)
        rows += [f"p{k},DB1,drug"] * (k == 1)
    (tmp_path / "events.csv").write_text("\n".join(rows) + "\n")
    asked = ["mine", str(tmp_path / "events.csv"), "--out", str(tmp_path / "out")]
    as_one = [*asked, "--level", "ingredient", "--ancestors", str(tmp_path / "drugs.csv")]
    assert main(as_one) == 0
    told = "rolled up: counted as its ingredient 10, ingredient itself 11, below none 40"
    assert told in capsys.readouterr().out
    row = _rules(tmp_path / "out" / "rules.csv")[("bleed", "DB1")]
    assert (row["n_consequent"], row["n_both"]) == ("20", "10")  # of p1 both count once
    assert row["consequent_names"] == "Cortisone"
    (tmp_path / "drugs.csv").write_text("code,name\nX1,Zinc\nX2,Zinc acetate\n")
    assert main(as_one) == 2
    assert "needs codes of" in capsys.readouterr().err
