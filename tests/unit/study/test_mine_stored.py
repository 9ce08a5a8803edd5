"""`clinnlp mine --engine disk` gives the tables of the same baskets in memory."""

import tracemalloc
from functools import partial

import numpy as np
import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.io.tables.basket_blocks import basket_blocks
from clinnlp.mine.signals import crude, ranked
from clinnlp.mine.signals.interactions import Signals, mine_interactions
from clinnlp.study import mined_tables, outputs, signals_file
from clinnlp.study.mine_flow import mine_flow
from clinnlp.study.mine_stored import stored_baskets
from clinnlp.study.settings import MineSettings
from clinnlp.study.signals_file import WrittenSignals, write_judged
from clinnlp.study.verdicts import Verdicts

NAMES = ("rules", "drug_events", "signals")


@pytest.fixture
def source(tmp_path):
    """Write rows of 400 patients in Parquet."""
    draw = np.random.default_rng(5)
    rows = [
        (f"p{k}", f"{kind[0]}{draw.integers(6)}", kind)
        for k in range(400)
        for kind in ("drug", "drug", "drug", "outcome", "condition")
    ]
    path = tmp_path / "events.parquet"
    pd.DataFrame(rows, columns=["patient", "code", "kind"]).to_parquet(path)
    return path


def tables(folder):
    return [(folder / f"{name}.csv").read_text() for name in NAMES]


def test_tables_are_those_of_baskets_in_memory(source, tmp_path, capsys):
    said = ["--min-count", "4", "--min-margin", "10"]
    for engine in ("disk", "memory"):
        adjust = ["--no-adjust"] if engine == "memory" else ["--engine", "disk"]
        assert main(["mine", str(source), "--out", str(tmp_path / engine), *said, *adjust]) == 0
    assert tables(tmp_path / "disk") == tables(tmp_path / "memory")
    assert "BasketCounts(400 x 18 items, unit='patient')" in capsys.readouterr().out
    page = (tmp_path / "disk" / "report.md").read_text()
    assert "were not read into memory" in page


@pytest.fixture
def written(tmp_path):
    """Write reports whose terms are spelled in several ways, of a kind that is none too."""
    draw = np.random.default_rng(8)
    drugs = ("Coumadin", "warfarin", "WARFARIN ", "Aspirin", "aspirin", "Ibuprofen")
    events = ("Rash", "rash", "RASH", "Bleeding", "bleeding ", "None")
    kinds = (("drug", drugs), ("drug", drugs), ("outcome", events), ("visit", events))
    rows = [(f"r{k}", names[draw.integers(6)], kind) for k in range(500) for kind, names in kinds]
    frame = pd.DataFrame(rows, columns=["report", "code", "kind"])
    frame.to_parquet(tmp_path / "rep.parquet")
    frame.to_csv(tmp_path / "rep.csv", index=False)
    return tmp_path


@pytest.mark.parametrize(
    ("engine", "how"),
    [
        ("disk", {}),
        ("disk", {"generic": False}),
        ("disk", {"fold_terms": False, "generic": False}),
        pytest.param("spark", {}, marks=pytest.mark.slow),
    ],
)
def test_items_are_called_alike_by_every_engine(engine, how, written, request):
    if engine == "spark":
        request.getfixturevalue("spark")
    said = {"columns": ("patient=report",), "min_count": 2, "min_margin": 5, "alpha": 0.9, **how}
    made = {}
    for name, suffix, adjust in (
        ("memory", "parquet", False), (engine, "parquet", None), (engine, "csv", None)
    ):  # fmt: skip
        out = written / f"{name} {suffix}"
        settings = MineSettings(engine=name, adjust=adjust, **said)
        result = mine_flow(written / f"rep.{suffix}", out=out, settings=settings)
        told = [line for line in result.lines() if line.startswith(("left out", "spelled alike"))]
        made[out] = (tables(out), told)
    first, *others = made.values()
    assert len(first[0][0].splitlines()) > 10
    assert others == [first] * len(others)
    assert first[1][0].startswith("left out: no_code ")
    assert ("Coumadin" in first[0][1]) == bool(how)


def test_a_table_of_text_has_the_columns_of_events(written):
    settings = MineSettings(engine="disk", unit="note", columns=("patient=report",))
    with pytest.raises(ArgumentError, match="unit of events must be"):
        mine_flow(written / "rep.csv", out=written / "out", settings=settings)
    (written / "none.csv").write_text("")
    with pytest.raises(DataError, match=r"none\.csv: a table to mine must have rows"):
        mine_flow(written / "none.csv", out=written / "out", settings=MineSettings(engine="disk"))


@pytest.fixture
def few_in_csv(monkeypatch):
    """Let tables of more than 40 rows be large, and be handed on in small parts."""
    for module in (outputs, signals_file):
        monkeypatch.setattr(module, "N_IN_CSV", 40)
    monkeypatch.setattr(ranked, "_AT_ONCE", 30)


@pytest.mark.parametrize("judged", [False, True])
def test_many_interactions_are_those_in_memory_written_as_they_come(
    judged, source, tmp_path, few_in_csv
):
    said = {"min_count": 2, "min_margin": 5, "alpha": 0.9}
    if judged:
        head = "antecedents,consequents,verdict,item\n"
        rows = "d0; d1,o0,known,\nd1; d2,o1,artefact,\no3,d4,artefact,d4\n"
        (tmp_path / "verdicts.csv").write_text(head + rows)
        said["verdicts"] = str(tmp_path / "verdicts.csv")
    made = {
        engine: mine_flow(source, out=tmp_path / engine,
                          settings=MineSettings(engine=engine, adjust=adjust, **said))
        for engine, adjust in (("disk", None), ("memory", False))
    }  # fmt: skip
    ours, theirs = (pd.read_parquet(tmp_path / engine / "signals.parquet") for engine in made)
    assert len(theirs) > 40
    pd.testing.assert_frame_equal(ours, theirs)
    assert ("verdict" in ours) is judged
    assert tables(tmp_path / "disk") == tables(tmp_path / "memory")
    written = made["disk"].signals["signals"]
    assert isinstance(written, WrittenSignals)
    assert (len(written), len(written.first)) == (len(theirs), 40)
    lines = [[line for line in one.lines() if "signals.csv holds" in line or "judged:" in line]
             for one in made.values()]  # fmt: skip
    assert lines[0] == lines[1]
    assert len(lines[0]) == 1 + judged
    page = (tmp_path / "disk" / "report.md").read_text()
    assert f"The pictures show the first 40 of {len(theirs):,} rows" in page


def test_few_rows_that_artefacts_leave_stand_in_the_csv_alone(source, tmp_path, few_in_csv):
    (tmp_path / "v.csv").write_text("antecedents,consequents,verdict,item\nd0,o0,artefact,o0\n"
                                    "d0,o1,artefact,o1\nd0,o2,artefact,o2\n"
                                    "d0,o3,artefact,o3\n")  # fmt: skip
    said = {"min_count": 2, "min_margin": 5, "verdicts": str(tmp_path / "v.csv")}
    for engine, adjust in (("disk", None), ("memory", False)):
        settings = MineSettings(engine=engine, adjust=adjust, **said)
        found = mine_flow(source, out=tmp_path / engine, settings=settings).signals["signals"]
        assert isinstance(found, Signals)
        assert 0 < len(found) <= 40
    assert tables(tmp_path / "disk") == tables(tmp_path / "memory")
    assert not (tmp_path / "disk" / "signals.parquet").exists()


def test_memory_does_not_grow_with_the_interactions(tmp_path, few_in_csv, monkeypatch):
    for module, name in ((ranked, "_AT_ONCE"), (crude, "_AT_ONCE"), (mined_tables, "_PART")):
        monkeypatch.setattr(module, name, 500)
    draw = np.random.default_rng(2)
    rows = [
        (k, f"{kind[0]}{item}", kind)
        for k, items in enumerate(draw.integers(40, size=(3_000, 12)).tolist())
        for kind, item in zip(["drug"] * 6 + ["outcome"] * 6, items, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["patient", "code", "kind"])
    frame.to_parquet(tmp_path / "rows.parquet")
    limits = {"min_count": 1, "min_margin": 5, "alpha": 0.05}
    kinds_of = {"drug_kind": "drug", "outcome_kind": "outcome"}
    bytes_of = {}
    with basket_blocks(tmp_path / "rows.parquet") as sets:
        for name, mine in (
            ("disk", partial(write_judged, sets, tmp_path, Verdicts.of(()), **kinds_of, **limits)),
            ("memory", partial(mine_interactions, sets, adjust=False, **limits)),
        ):
            tracemalloc.start()
            found = mine()
            bytes_of[name] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    assert len(found) > 20_000
    assert bytes_of["disk"] < 200 * len(found) < bytes_of["memory"], bytes_of


def test_what_needs_baskets_in_memory_is_refused_by_name(source, tmp_path):
    for said, name in (
        ({"min_cell": 5}, "min_cell"), ({"strict": True}, "strict"), ({"adjust": True}, "adjust"),
        ({"strata": ("sex",)}, "strata"), ({"unit": "exposure"}, "unit exposure"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=f"as it is written, got {name}"):
            mine_flow(source, out=tmp_path / "out", settings=MineSettings(engine="disk", **said))
    settings = MineSettings(engine="disk", columns=("start=day",))
    with pytest.raises(ArgumentError, match="columns must be among"):
        mine_flow(source, out=tmp_path / "out", settings=settings)
    with pytest.raises(DataError, match="must be there"):
        mine_flow(tmp_path / "no.parquet", out=tmp_path / "out",
                  settings=MineSettings(engine="disk"))  # fmt: skip
    with pytest.raises(ArgumentError, match="engine"):
        MineSettings(engine="cloud")


def test_columns_may_have_other_names(source, tmp_path):
    frame = pd.read_parquet(source).rename(columns={"patient": "case", "code": "term"})
    frame.to_parquet(tmp_path / "named.parquet")
    settings = MineSettings(engine="disk", columns=("patient=case", "code=term"))
    with stored_baskets(str(tmp_path / "named.parquet"), settings) as sets:
        assert (len(sets), len(sets.items)) == (400, 18)
