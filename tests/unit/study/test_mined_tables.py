"""Rules, signals and itemsets into files and back: every number and every name."""

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from clinnlp import (
    mine_interactions,
    mine_itemsets,
    mine_rules,
    mine_signals,
    read_itemsets,
    read_rules,
    read_signals,
    write_mined,
)
from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.permute import westfall_young
from clinnlp.mine.replicate import replicate
from clinnlp.study.report_sections import rules_section

NAMES = ("iron; folic acid", 'the "pill"', "=1+1", "'-x", "a,b", "two\nlines", " led", "zoé", "r\r")
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
SUFFIXES = ("csv", "parquet")


def baskets_of(names, seed=0, n=200):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.random((n, len(names))) < 0.3, columns=list(names)).astype(int)
    frame[names[1]] = (frame[names[0]] | (rng.random(n) < 0.1)).astype(int)
    kinds = {name: "outcome" if k % 3 == 1 else "drug" for k, name in enumerate(names)}
    return frame_baskets(frame, kinds=kinds)


def same(one, two):
    pd.testing.assert_frame_equal(one.to_pandas(), two.to_pandas(), check_exact=True)
    assert (one.m, one.alpha, len(one.baskets)) == (two.m, two.alpha, len(two.baskets))
    assert repr(one) == repr(two)


@pytest.fixture(scope="module")
def baskets():
    return baskets_of(NAMES)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rules_come_back_exactly(baskets, tmp_path, suffix):
    rules = mine_rules(baskets, max_len=3, alpha=0.1, level=0.9)
    assert len(rules) > 50
    write_mined(rules, tmp_path / f"r.{suffix}")
    again = read_rules(tmp_path / f"r.{suffix}")
    same(rules, again)
    assert (again.level, again.max_len) == (0.9, 3)
    assert again.significant.tolist() == rules.significant.tolist()
    assert rules_section(again).title == rules_section(rules).title


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("mine", [mine_signals, mine_interactions])
def test_signals_come_back_exactly(baskets, tmp_path, suffix, mine):
    signals = mine(baskets, min_margin=2)
    assert len(signals) > 5
    write_mined(signals, tmp_path / f"s.{suffix}")
    again = read_signals(tmp_path / f"s.{suffix}")
    same(signals, again)
    assert again.keys == signals.keys
    # CSV has no place for it
    assert again.prior == (signals.prior if suffix == "parquet" else None)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_itemsets_come_back_exactly(baskets, tmp_path, suffix):
    sets = mine_itemsets(baskets, min_count=10)
    write_mined(sets, tmp_path / f"i.{suffix}")
    again = read_itemsets(tmp_path / f"i.{suffix}")
    assert list(again) == list(sets)
    assert again.support_fraction.tolist() == sets.support_fraction.tolist()
    assert (again.min_count, len(again.baskets)) == (10, 200)


def without_rows():
    """Yield what was mined without a row, and its reader."""
    sets = frame_baskets(
        pd.DataFrame({"a": [1, 0] * 30, "b": [0, 1] * 30}), kinds={"a": "drug", "b": "outcome"}
    )
    rules = mine_rules(sets, min_count=7, alpha=0.01, level=0.9, max_len=3)
    return (
        (rules, read_rules, ("m", "alpha", "level", "max_len")),
        (mine_itemsets(sets, min_count=31), read_itemsets, ("min_count",)),
        (mine_signals(sets, alpha=0.01), read_signals, ("m", "alpha", "keys")),
        (mine_rules(baskets_of(["x", "y"], seed=1, n=60)).take(slice(0)), read_rules, ("m",)),
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("k", range(4))
def test_tables_without_rows_come_back(tmp_path, suffix, k):
    found, read, said = without_rows()[k]
    write_mined(found, tmp_path / f"t.{suffix}")
    for name in (f"t.{suffix}", "t"):
        again = read(tmp_path / name)
        assert len(again) == 0
        assert {name: getattr(again, name) for name in said} == {
            name: getattr(found, name) for name in said
        }
        assert (len(again.baskets), again.baskets.unit) == (60, "row")


def test_what_stands_beside_a_table_without_rows_goes_with_them(baskets, tmp_path):
    rules = mine_rules(baskets)
    write_mined(rules.take(slice(0)), tmp_path / "rules.csv")
    assert read_rules(tmp_path / "rules.csv").m == rules.m > 0
    write_mined(rules, tmp_path / "rules.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["rules.csv"]
    assert len(read_rules(tmp_path / "rules")) == len(rules)


@pytest.mark.parametrize("ours", [True, False])
def test_another_file_of_that_name_stays(baskets, tmp_path, ours):
    rules, path = mine_rules(baskets), tmp_path / "rules.parquet"
    write_mined(rules, path) if ours else path.write_bytes(b"no Parquet")
    before = path.read_bytes()
    for some in (rules.take(slice(0)), rules):
        write_mined(some, tmp_path / "rules.csv")
        assert path.read_bytes() == before
        assert read_rules(tmp_path / "rules.csv").m == (rules.m if ours or len(some) else 0)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(TEXT, min_size=3, max_size=5, unique=True), st.integers(0, 99))
def test_any_names_come_back(tmp_path_factory, names, seed):
    assume(names[1].strip())  # a name of blanks is no item, and this one is the outcome
    folder = tmp_path_factory.mktemp("mined")
    sets = baskets_of(names, seed=seed, n=60)
    rules = mine_rules(sets, min_count=3, max_len=3)
    for suffix in SUFFIXES:
        write_mined(rules, folder / f"r.{suffix}")
        same(rules, read_rules(folder / f"r.{suffix}"))
        found = mine_signals(sets, min_count=1, min_margin=1)
        write_mined(found, folder / f"s.{suffix}")
        same(found, read_signals(folder / f"s.{suffix}"))


def test_a_path_without_suffix_is_the_whole_table(baskets, tmp_path):
    rules = mine_rules(baskets)
    write_mined(rules.take(slice(3)), tmp_path / "rules.csv")
    assert len(read_rules(tmp_path / "rules")) == 3
    write_mined(rules, tmp_path / "rules.parquet")
    assert len(read_rules(tmp_path / "rules")) == len(rules)
    assert len(read_rules(tmp_path / "rules.csv")) == 3


def test_what_needs_the_reports_says_so(baskets, tmp_path):
    write_mined(mine_rules(baskets), tmp_path / "r.csv")
    rules = read_rules(tmp_path / "r.csv")
    assert isinstance(rules.baskets, BasketCounts)
    for ask in (
        lambda: rules.evidence(0),
        lambda: rules.simpson([0] * 200),
        lambda: westfall_young(rules, n_permutations=9),
        lambda: replicate(rules, baskets),
    ):
        with pytest.raises(ArgumentError, match="needs the baskets that were mined"):
            ask()


def test_other_suffixes_are_refused(baskets, tmp_path):
    with pytest.raises(ArgumentError, match=r"must be written to \.csv or \.parquet"):
        write_mined(mine_rules(baskets), tmp_path / "r.tsv")


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("n_both", "x9", "'n_both' must hold whole numbers from 0"),
        ("n_both", "-1", "'n_both' must hold whole numbers from 0"),
        ("n_both", "2.5", "'n_both' must hold whole numbers from 0"),
        ("n_both", "1_0", "'n_both' must hold whole numbers from 0"),
        ("n_both", "9999", "a count of both must be at most the count of each"),
        ("n", "1", "a count of one must be at most n"),
        ("p_fisher", "1.5", "'p_fisher' must hold numbers from 0 to 1"),
        ("antecedents", '"ajar', "'antecedents' must hold sets of names"),
        ("m", "1", "'m' must hold one value in all rows"),
    ],
)
def test_a_cell_that_is_wrong_is_named_by_its_line(baskets, tmp_path, column, cell, said):
    path = tmp_path / "r.csv"
    write_mined(mine_rules(baskets), path)
    with open(path, newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    rows[1][column] = cell
    lines = [sum(text.count("\n") + 1 for text in [r["antecedents"] + r["consequents"]])
             for r in rows]  # fmt: skip
    with open(path, "w", newline="", encoding="utf-8") as handle:
        out = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    with pytest.raises(DataError, match=said) as caught:
        read_rules(path)
    assert caught.value.line == 2 + lines[0]
    assert "ajar" not in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_column_that_is_missing_is_named(tmp_path, suffix):
    frame = pd.DataFrame({"antecedents": ["a"], "n_both": [1]})
    if suffix == "csv":
        frame.to_csv(tmp_path / "r.csv", index=False)
    else:
        frame.to_parquet(tmp_path / "r.parquet")
    with pytest.raises(DataError, match="one column must be named 'consequents'"):
        read_rules(tmp_path / f"r.{suffix}")
    with pytest.raises(DataError, match="one column must be named 'drug'"):
        read_signals(tmp_path / f"r.{suffix}")


def test_a_large_table_is_written_in_parts(baskets, tmp_path, monkeypatch):
    monkeypatch.setattr("clinnlp.study.mined_tables._PART", 7)
    rules = mine_rules(baskets, max_len=3)
    assert len(rules) > 14
    write_mined(rules, tmp_path / "r.parquet")
    same(rules, read_rules(tmp_path / "r.parquet"))


def test_some_rows_are_those_rows(baskets):
    rules, signals = mine_rules(baskets), mine_signals(baskets)
    for found in (rules, signals):
        places = np.array([3, 0])
        part, wanted = found.take(places), found.to_pandas().iloc[places]
        pd.testing.assert_frame_equal(part.to_pandas(), wanted.reset_index(drop=True))
        assert (part.m, len(part)) == (found.m, 2)
    assert len(rules.take(rules.significant)) == rules.significant.sum()


def test_a_file_that_another_program_rewrote_is_read(baskets, tmp_path):
    """pandas drops what Parquet says beside the rows, and a spreadsheet writes TRUE."""
    rules, signals = mine_rules(baskets), mine_signals(baskets)
    write_mined(rules, tmp_path / "r.parquet")
    pd.read_parquet(tmp_path / "r.parquet").to_parquet(tmp_path / "again.parquet")
    same(rules, read_rules(tmp_path / "again.parquet"))
    write_mined(signals, tmp_path / "s.csv")
    text = (tmp_path / "s.csv").read_bytes().replace(b"True", b"TRUE").replace(b"False", b"FALSE")
    (tmp_path / "s.csv").write_bytes(text)
    same(signals, read_signals(tmp_path / "s.csv"))
