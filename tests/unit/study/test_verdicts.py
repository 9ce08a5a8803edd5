"""What people think of rules stands beside them in every table, and artefacts in none."""

from types import SimpleNamespace

import pandas as pd
import pytest

from clinnlp.core.errors import DataError
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.study.mine_flow import mine_flow
from clinnlp.study.mined_tables import read_rules, read_signals, write_mined
from clinnlp.study.settings import MineSettings
from clinnlp.study.verdicts import Verdicts, read_verdicts, without_artefacts

ROWS = {"iron": [1] * 6 + [0] * 6, "rash": [1] * 6 + [0] * 6, "cold": [0, 1] * 6}
HEAD = "antecedents,consequents,verdict,item\n"


@pytest.fixture
def rules():
    return mine_rules(frame_baskets(pd.DataFrame(ROWS)), min_count=1, alpha=1.0)


def judged(*rows):
    names = ("sides", "verdict", "item")
    return Verdicts.of(SimpleNamespace(**dict(zip(names, row, strict=True))) for row in rows)


IRON_RASH = (("iron",), ("rash",))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_verdict_stands_beside_its_rule(rules, tmp_path, suffix):
    known = judged((IRON_RASH, "known", None))
    path = tmp_path / f"rules.{suffix}"
    write_mined(rules, path, beside=known.beside)
    table = pd.read_csv(path) if suffix == "csv" else pd.read_parquet(path)
    said = {
        ("".join(a), "".join(c)): verdict if isinstance(verdict, str) else ""
        for a, c, verdict in zip(
            table["antecedents"], table["consequents"], table["verdict"], strict=True
        )
    }
    assert said.pop(("iron", "rash")) == "known"
    assert said
    assert not any(said.values())
    assert len(read_rules(path)) == len(rules)


def test_without_verdicts_there_is_no_column(rules, tmp_path):
    write_mined(rules, tmp_path / "rules.csv", beside=judged().beside)
    assert "verdict" not in pd.read_csv(tmp_path / "rules.csv")


def test_a_verdict_stands_beside_a_signal(tmp_path):
    kinds = {"iron": "drug", "rash": "outcome", "cold": "outcome"}
    signals = mine_signals(frame_baskets(pd.DataFrame(ROWS), kinds=kinds), min_count=1)
    beside = judged((IRON_RASH, "confounded", None)).beside
    write_mined(signals, tmp_path / "drug_events.csv", beside=beside)
    again = read_signals(tmp_path / "drug_events.csv")
    told = dict(zip(again["outcome"].tolist(), again["verdict"].tolist(), strict=True))
    assert told == {"rash": "confounded", "cold": ""}


def test_an_artefact_of_an_item_takes_all_its_rules(rules):
    kept, n_left = without_artefacts(rules, judged((IRON_RASH, "artefact", "iron")))
    assert n_left > 0
    assert not any("iron" in a | c for a, c in zip(kept.antecedents, kept.consequents, strict=True))
    one, n_one = without_artefacts(rules, judged((IRON_RASH, "artefact", None)))
    assert (n_one, len(one)) == (1, len(rules) - 1)


def test_mine_marks_what_was_judged(tmp_path):
    pd.DataFrame(ROWS).to_csv(tmp_path / "wide.csv", index=False)
    (tmp_path / "v.csv").write_text(f"{HEAD}iron,rash,needs study,\nrash,iron,artefact,\n")
    settings = MineSettings(verdicts=str(tmp_path / "v.csv"), items=(*ROWS,), min_count=1)
    mine_flow(tmp_path / "wide.csv", out=tmp_path / "out", settings=settings)
    table = pd.read_csv(tmp_path / "out" / "rules.csv")
    there = dict(zip(table["antecedents"] + table["consequents"], table["verdict"], strict=True))
    assert there["ironrash"] == "needs study"
    assert "rashiron" not in there


def test_a_verdict_that_is_none_is_refused_by_its_line(tmp_path):
    (tmp_path / "v.csv").write_text(f"{HEAD}iron,rash,known,\niron,cold,hm,\n")
    with pytest.raises(DataError, match=r"v\.csv:3.*must be one of") as caught:
        read_verdicts(tmp_path / "v.csv")
    assert "hm" not in str(caught.value)
