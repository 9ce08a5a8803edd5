"""Names of codes in what mining writes: tables, pages and plots; and which names are withheld."""

import csv

import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.features.baskets import baskets, event_baskets
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.sets.itemsets import mine_itemsets
from clinnlp.mine.small_cells import guarded
from clinnlp.study.mine_flow import mine_flow
from clinnlp.study.mined_tables import read_rules, write_mined
from clinnlp.study.settings import MineSettings

NAMES = {"DB14500": "Potassium", "DB14547": "Chloride ion", "DB01050": "Ibuprofen", "B": "Bleeding"}


def table_of(tmp_path, *, rare="his cousin's pills"):
    """Write 120 patients with two drugs that interact; of one patient a name of his own."""
    rows = []
    for k in range(120):
        held = ["DB14500"] * (k % 2 == 0) + ["DB14547"] * (k % 3 > 0)
        held += ["B"] * (k % 2 == 0 and k % 3 > 0) + ["DB01050"] * (k % 5 == 0)
        rows += [
            (f"p{k}", code, "outcome" if code == "B" else "drug", NAMES[code]) for code in held
        ]
    rows += [("p0", "DB77", "drug", rare)]
    rows += [(f"p{k}", "DB77", "drug", None) for k in range(1, 60)]
    frame = pd.DataFrame(rows, columns=["patient", "code", "kind", "name"])
    frame.to_csv(tmp_path / "events.csv", index=False)
    return tmp_path / "events.csv"


def rows_of(path):
    with path.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_each_table_and_page_names_the_codes(tmp_path):
    out = tmp_path / "out"
    result = mine_flow(table_of(tmp_path), out=out, settings=MineSettings())
    rules = {(row["antecedents"], row["consequents"]): row for row in rows_of(out / "rules.csv")}
    row = rules[("DB14500", "B")]
    assert (row["antecedent_names"], row["consequent_names"]) == ("Potassium", "Bleeding")
    for row in rows_of(out / "drug_events.csv"):
        assert NAMES.get(row["drug"], "his cousin's pills") == row["drug_name"]
        assert row["outcome_name"] == "Bleeding"
    signals = rows_of(out / "signals.csv")
    assert {(row["drug_1"], row["drug_1_name"]) for row in signals} <= {
        *NAMES.items(), ("DB77", "his cousin's pills"),
    }  # fmt: skip
    page, markdown = ((out / name).read_text() for name in ("report.html", "report.md"))
    for said in ("Potassium (DB14500)", "Chloride ion (DB14547)", "Bleeding (B)"):
        assert said in page
        assert said in markdown
    assert "Potassium (DB14500) → Bleeding (B)" in page  # of the volcano
    called = result.signals["signals"]
    assert bool(called["signal"].any())
    assert called["drug_1_name"].tolist() == [
        NAMES.get(c, "his cousin's pills") for c in called["drug_1"]
    ]


def test_values_in_memory_have_the_same_names(tmp_path):
    result = mine_flow(table_of(tmp_path), out=tmp_path / "out", settings=MineSettings(max_len=3))
    frame = result.rules.to_pandas()
    for items, names in zip(frame["antecedents"], frame["antecedent_names"], strict=True):
        assert names == tuple(result.baskets.names.get(item, item) for item in sorted(items))
    assert result.rules.to_arrow().column("antecedent_names").to_pylist() == [
        list(names) for names in frame["antecedent_names"]
    ]
    found = mine_itemsets(result.baskets, min_count=5, max_len=2).to_pandas()
    pairs = dict(zip(found["itemsets"], found["names"], strict=True))
    assert pairs[frozenset({"DB14547", "DB14500"})] == ("Potassium", "Chloride ion")


def test_tables_without_names_have_no_columns_of_names():
    frame = mine_rules([["a", "b"]] * 6).to_pandas()
    assert not [name for name in frame if "name" in name]


def test_a_name_that_few_patients_bear_is_withheld(tmp_path):
    source = table_of(tmp_path)
    mine_flow(source, out=tmp_path / "out", settings=MineSettings(min_cell=5))
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert b"cousin" not in written
    assert b"DB77" in written
    assert b"Potassium (DB14500)" in written


def test_a_terminology_names_what_is_withheld_and_what_has_no_name(tmp_path):
    source = table_of(tmp_path)
    (tmp_path / "list.csv").write_text("code,name\nDB77,Naproxen\n")
    for min_cell in (0, 5):
        settings = MineSettings(names=str(tmp_path / "list.csv"), min_cell=min_cell)
        result = mine_flow(source, out=tmp_path / "out", settings=settings)
        assert result.baskets.called("DB77") == "Naproxen (DB77)"
        assert result.baskets.called("DB14500") == "Potassium (DB14500)"


def test_names_of_another_terminology_are_refused(tmp_path, capsys):
    source = table_of(tmp_path)
    (tmp_path / "list.csv").write_text("code,name\n77,Naproxen\n")
    asked = ["mine", str(source), "--out", str(tmp_path / "out")]
    assert main([*asked, "--names", str(tmp_path / "list.csv")]) == 2
    assert "another name for none of" in capsys.readouterr().err
    assert main([*asked, "--names", str(tmp_path / "absent.csv")]) == 2


def test_the_terminology_is_not_written_over(tmp_path):
    source = table_of(tmp_path)
    (tmp_path / "rules.csv").write_text("code,name\nDB77,Naproxen\n")
    settings = MineSettings(names=str(tmp_path / "rules.csv"))
    with pytest.raises(ArgumentError):
        mine_flow(source, out=tmp_path, settings=settings)


def test_guarded_mentions_keep_the_names_that_enough_patients_bear():
    columns = {"patient": [f"p{k}" for k in range(20)], "concept": ["d1", "d2"] * 10}
    columns |= {"name": ["Aspirin", "a text"] * 2 + ["Aspirin", None] * 8}
    n = {"start": [0] * 20, "end": [1] * 20, "n_concepts": [1] * 20}
    made = baskets(EntityTable(columns | n))
    assert dict(made.names) == {"d1": "Aspirin", "d2": "a text"}
    assert dict(guarded(made, 3).names) == {"d1": "Aspirin"}
    assert dict(guarded(made, 0).names) == dict(made.names)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_names_are_read_back_with_the_rules(tmp_path, form):
    rows = [("p", "d1", "drug", "Iron; folic acid"), ("p", "d2", "drug", '"Zinc"')]
    rows = [(f"{who}{k}", *rest) for k in range(9) for who, *rest in rows] + [("q", *rows[0][1:])]
    columns = dict(zip(("patient", "code", "kind", "name"), zip(*rows, strict=True), strict=True))
    rules = mine_rules(event_baskets(EventTable(columns), unit="patient"), max_len=2)
    path = tmp_path / f"rules.{form}"
    write_mined(rules, path)
    again = read_rules(path)
    assert again.baskets.names == {"d1": "Iron; folic acid", "d2": '"Zinc"'}
    pd.testing.assert_frame_equal(again.to_pandas(), rules.to_pandas())
    write_mined(again, tmp_path / f"again.{form}")
    assert read_rules(tmp_path / f"again.{form}").baskets.names == again.baskets.names


def test_a_code_has_its_name_however_it_is_spelled():
    columns = {"patient": list("pqr"), "code": ["db1", "DB1", "DB1 "], "kind": ["drug"] * 3}
    sets = event_baskets(EventTable(columns | {"name": ["Aspirin", None, None]}), unit="patient")
    assert [sets.called(item) for item in sets.items] == ["Aspirin (DB1)"]
