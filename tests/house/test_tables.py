"""Columns of every table: docstrings describe what a user gets, and the guide says the same."""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clinnlp
from clinnlp.study.apply import AppliedRisk

DOCS = Path(__file__).parents[2] / "docs"
KINDS = {"text", "int", "float", "time", "flag", "bool", "set of text", "float and int"}


def drugs():
    frame = pd.DataFrame({"a": [1, 1, 0, 0] * 100, "b": [1, 0, 1, 0] * 100})
    frame["bleeding"] = frame["a"] * frame["b"]
    kinds = {"a": "drug", "b": "drug", "bleeding": "outcome"}
    return clinnlp.frame_baskets(frame, kinds=kinds)


def study():
    y = np.arange(60) > 30
    rows = clinnlp.rows_of_table(
        {"age": np.arange(60.0)}, outcome=y, groups=np.array([f"p{k}" for k in range(60)])
    )
    light = clinnlp.RiskStudySettings(models=("naive_bayes",), n_boot=0, n_top=0)
    return clinnlp.risk_study(rows, light).to_pandas()


def replicated():
    one, two = clinnlp.halves(drugs())
    return clinnlp.replicate(clinnlp.mine_rules(one), two).to_pandas()


def applied():
    cases = type("Of", (), {"patients": np.array(["p"]), "index": np.array(["2024"], "M8[s]")})
    done = AppliedRisk(cases=cases, p=np.ones(1), reasons=[], mentions=None, n_excluded={})
    return done.to_pandas()


def reasoned():
    cases = type("Of", (), {"patients": np.array(["p"]), "index": np.array(["2024"], "M8[s]")})
    done = AppliedRisk(cases=cases, p=np.ones(1), reasons=[None], mentions=None, n_excluded={})
    return done.reasons_to_pandas()


def validated():
    nothing = {"calibration": None, "intercept": 0.0, "line": (0.0, 1.0), "notes": ()}
    counts = {"n": 0, "n_positive": 0, "n_left_out": {}}
    return clinnlp.ExternalValidation(versions={}, **counts, **nothing).to_pandas()


def survived():
    nothing = {"folds": [], "risks": {}, "scores": {}, "calibration": None, "curves": {}}
    nothing |= {"ratios": (), "concordance_folds": (), "penalties": (), "horizon_days": 1.0}
    left = {"follow_up": None, "n_excluded": {}, "flow": (), "cautions": (), "provenance": {}}
    return clinnlp.SurvivalStudy(**nothing, **left).to_pandas()


TABLES = {  # what describes the columns, and how such a table is made
    "EntityTable": (clinnlp.EntityTable, lambda: clinnlp.EntityTable({}).to_pandas()),
    "RelationTable": (
        clinnlp.RelationTable,
        lambda: clinnlp.RelationTable({}).to_pandas(),
    ),
    "EventTable": (clinnlp.EventTable, lambda: clinnlp.EventTable({}).to_pandas()),
    "Itemsets": (
        clinnlp.Itemsets,
        lambda: clinnlp.mine_itemsets(drugs(), min_count=1).to_pandas(),
    ),
    "Rules": (clinnlp.Rules, lambda: clinnlp.mine_rules(drugs()).to_pandas()),
    "Replication": (clinnlp.Replication, replicated),
    "Signals of mine_interactions": (
        clinnlp.Signals,
        lambda: clinnlp.mine_interactions(drugs()).to_pandas(),
    ),
    "Signals of mine_signals": (
        clinnlp.mine_signals,
        lambda: clinnlp.mine_signals(drugs()).to_pandas(),
    ),
    "RiskStudy": (clinnlp.RiskStudy, study),
    "AppliedRisk": (AppliedRisk, applied),
    "Reasons of AppliedRisk": (AppliedRisk.reasons_to_pandas, reasoned),
    "ExternalValidation": (clinnlp.ExternalValidation, validated),
    "SurvivalStudy": (clinnlp.SurvivalStudy, survived),
}


def described(value):
    """Return names, kind and meaning of the columns that a docstring describes, in order."""
    section = re.search(r"Columns\n *-+\n(.*?)(?:\n\n|\Z)", value.__doc__, re.DOTALL).group(1)
    found = []
    for line in section.rstrip().splitlines():
        words = line.strip()
        if " : " in words and line.startswith(section[: len(section) - len(section.lstrip())]):
            names, _, kind = words.rpartition(" : ")
            if not line.startswith(section[: len(section) - len(section.lstrip())] + " "):
                found.append([names.split(", "), kind, ""])
                continue
        found[-1][2] = f"{found[-1][2]} {words}".strip()
    return found


def page():
    """Return the page of all tables."""
    lines = ["# Columns of every table", ""]
    lines += [
        "Made from the docstrings, which say the same; `tests/house/test_tables.py` compares."
    ]
    lines += [
        "Missing is an empty cell (`None`, `nan`, `NaT`), in a flag -1; a flag is 0 or 1 else."
    ]
    lines += ["Times are UTC to the second. Tables become pandas by `to_pandas()` and pyarrow by"]
    lines += ["`to_arrow()`, which polars and DuckDB take."]
    for name, (value, _) in TABLES.items():
        lines += ["", f"## {name}", "", "| column | kind | meaning |", "|---|---|---|"]
        for names, kind, meaning in described(value):
            columns = ", ".join(f"`{one}`" for one in names)
            lines.append(f"| {columns} | {kind} | {meaning.replace('``', '`')} |")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", TABLES)
def test_each_column_is_described_and_no_other(name):
    value, make = TABLES[name]
    columns = [column for names, _, _ in described(value) for column in names]
    assert len(set(columns)) == len(columns)
    assert set(columns) == set(make().columns)
    assert {kind for _, kind, _ in described(value)} <= KINDS
    assert all(meaning for _, _, meaning in described(value))


def test_the_guide_says_what_the_docstrings_say():
    assert (DOCS / "tables.md").read_text(encoding="utf-8") == page(), (
        "python -m tests.house.test_tables > docs/tables.md"
    )


if __name__ == "__main__":
    sys.stdout.write(page())
