"""Rows that were ranked on the disk: order, q and every number are those of rows in memory."""

import numpy as np
import pytest

from clinnlp.mine.screen import q_values
from clinnlp.mine.signals import ranked
from clinnlp.mine.signals.ranked import ranked_rows


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(ranked, "_AT_ONCE", 7)


def rows(n):
    draw = np.random.default_rng(n)
    p = np.where(draw.random(n) < 0.3, 1.0, (draw.random(n) ** 4).round(3))
    limit = draw.integers(0, 4, n).astype(float)  # many are equal, so that the order is of rows too
    limit[::11] = np.nan
    return {"p": p, "limit": limit, "n": draw.integers(0, 2**40, n), "at": np.arange(n)}


def in_memory(held, m):
    q = q_values(held["p"], m)
    order = np.lexsort((-held["limit"], q))
    columns = {**held, "q_bh": q, "q_by": q_values(held["p"], m, method="by"), "signal": q < 0.4}
    return {name: column[order] for name, column in columns.items()}


def on_disk(parts, folder, m):
    return ranked_rows(parts, folder, m=m, alpha=0.4, p="p", limit="limit")


@pytest.mark.parametrize("size", [1, 10, 60, 200])
def test_rows_are_those_in_memory(size, tmp_path):
    held = rows(120)
    parts = [{k: c[low : low + size] for k, c in held.items()} for low in range(0, 120, size)]
    found = on_disk(parts, tmp_path, 150)
    got = list(found.parts)
    expected = in_memory(held, 150)
    assert [len(part["p"]) for part in got] == [7] * 17 + [1]
    assert (found.n, found.n_called) == (120, int(expected["signal"].sum()))
    assert 0 < found.n_called < 120
    for name, column in expected.items():
        ours = np.concatenate([part[name] for part in got])
        assert ours.dtype == column.dtype, name
        np.testing.assert_array_equal(ours, column, err_msg=name)
    assert list(tmp_path.iterdir()) == []


def test_without_rows_there_is_one_part_with_the_columns(tmp_path):
    found = on_disk([rows(0)], tmp_path, 12)
    (part,) = found.parts
    assert (found.n, found.n_called) == (0, 0)
    assert {name: len(column) for name, column in part.items()} == dict.fromkeys(
        ("p", "limit", "n", "at", "q_bh", "q_by", "signal"), 0
    )
