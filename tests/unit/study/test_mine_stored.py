"""`clinnlp mine --engine disk` gives the tables of the same baskets in memory."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.study.mine_flow import mine_flow
from clinnlp.study.mine_stored import stored_baskets
from clinnlp.study.settings import MineSettings

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
