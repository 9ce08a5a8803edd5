"""Counts of reports as they arrive: signals equal a run over all, and looks spend one level."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.tables import EventTable
from clinnlp.features.baskets import event_baskets
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import mine_interactions
from clinnlp.mine.signals.running import RunningCounts, level_at


def rows(n=900, seed=3):
    draw = np.random.default_rng(seed)
    report = np.repeat(np.arange(n), draw.integers(1, 6, n))
    drug = draw.random(len(report)) < 0.6
    code = draw.geometric(0.3, len(report))
    names = [f"{'d' if d else 'e'}{k}" for d, k in zip(drug, code, strict=True)]
    names = np.where(code == 5, "both", names)
    kind = np.where(drug, "drug", "outcome")
    return pd.DataFrame({"patient": [f"r{k:04d}" for k in report], "code": names, "kind": kind})


def baskets(frame):
    return event_baskets(EventTable.from_pandas(frame), unit="patient", fold_terms=False)


def parts(frame, n=4):
    number = frame["patient"].str[1:].astype(int) % n
    return [frame[number == k] for k in range(n)]


def equal(ours, theirs):
    assert (ours.m, len(ours)) == (theirs.m, len(theirs))
    for name, column in theirs.columns.items():
        if column.dtype == object:
            assert ours.columns[name].tolist() == column.tolist(), name
        else:
            np.testing.assert_array_equal(ours.columns[name], column, err_msg=name)


def counted(frames, counts=None):
    counts = counts or RunningCounts()
    for k, frame in enumerate(frames):
        counts = counts.plus(baskets(frame), batch=f"b{k}")
    return counts


def test_signals_after_any_batch_are_those_of_one_run_over_all():
    frames, counts = parts(rows()), RunningCounts()
    for k, frame in enumerate(frames):
        counts = counts.plus(baskets(frame), batch=f"b{k}")
        whole = baskets(pd.concat(frames[: k + 1]))
        assert (counts.items, counts.kinds, len(counts)) == (whole.items, whole.kinds, len(whole))
        equal(mine_signals(counts), mine_signals(whole))
    assert len(mine_signals(counts)) > 10
    assert "both (drug)" in counts.items


def test_a_batch_counts_once_and_one_that_changed_is_replaced():
    frames = parts(rows())
    counts = counted(frames)
    assert counts.plus(baskets(frames[1]), batch="b1") is counts
    changed = rows(200, seed=9).replace({"d1": "d2"})
    changed["patient"] = "x" + changed["patient"]
    after = counts.minus(baskets(frames[1]), batch="b1").plus(baskets(changed), batch="b1")
    whole = baskets(pd.concat([frames[0], frames[2], frames[3], changed]))
    equal(mine_signals(after), mine_signals(whole))
    with pytest.raises(ArgumentError, match="must have been counted"):
        counts.minus(baskets(frames[1]), batch="b9")
    with pytest.raises(ArgumentError, match="with the baskets that were counted"):
        counts.minus(baskets(rows(2_000, seed=1)), batch="b1")
    with pytest.raises(ArgumentError, match="got others"):  # fewer: none of its counts is missing
        counts.minus(baskets(frames[1].iloc[: len(frames[1]) // 2]), batch="b1")


def test_what_is_saved_goes_on_as_if_nothing_had_happened(tmp_path):
    frames = parts(rows())
    counted(frames[:2]).save(tmp_path / "counts.json")
    loaded = RunningCounts.load(tmp_path / "counts.json")
    equal(mine_signals(counted(frames, loaded)), mine_signals(counted(frames)))
    (tmp_path / "other.json").write_text('{"form": "another"}')
    for name, said in (
        ("other", r"must be a file of RunningCounts\.save"),
        ("none", "no such file"),
    ):
        path = tmp_path / f"{name}.json"
        with pytest.raises(DataError, match=said):
            RunningCounts.load(path)


def test_a_look_tells_what_no_look_has_called_before():
    draw = np.random.default_rng(0)

    def month(n, share):
        d, e = draw.random(n) < 0.3, draw.random(n) < 0.2
        e |= d & (draw.random(n) < share)
        table = [(f"{k}", *x) for k in range(n) for x in
                 ([("d", "drug")] * int(d[k]) + [("x", "drug")] + [("e", "outcome")] * int(e[k])
                  + [("y", "outcome")])]  # fmt: skip
        return baskets(pd.DataFrame(table, columns=["patient", "code", "kind"]))

    counts = RunningCounts().plus(month(400, 0.0), batch="1")
    new, counts = counts.look(mine_signals(counts))
    assert (len(new), counts.n_looks) == (0, 1)
    counts = counts.plus(month(400, 0.7), batch="2")
    new, counts = counts.look(mine_signals(counts))
    assert list(zip(new["drug"], new["outcome"], strict=True)) == [("d", "e")]
    counts = counts.plus(month(400, 0.7), batch="3")
    new, counts = counts.look(mine_signals(counts))
    assert (len(new), counts.n_looks) == (0, 3)


def test_levels_of_all_looks_sum_to_one_level():
    assert sum(level_at(k, 0.1) for k in range(1, 100_000)) == pytest.approx(0.1, rel=1e-4)
    with pytest.raises(ArgumentError, match="look"):
        level_at(0)


def test_false_calls_at_many_looks_are_as_rare_as_stated():
    """Of reports in which nothing belongs together, few series of looks ever call anything."""
    draw, n_wrong = np.random.default_rng(5), 0
    for _ in range(20):
        counts, wrong = RunningCounts(), False
        for look in range(5):
            held = draw.random((60, 2)) < 0.4
            frame = pd.DataFrame({"patient": [f"{k}" for k in range(60)], "code": "z",
                                  "kind": "outcome"})  # fmt: skip
            more = [(f"{k}", name, kind) for k in range(60)
                    for name, kind, has in (("d", "drug", held[k, 0]), ("e", "outcome", held[k, 1]))
                    if has]  # fmt: skip
            table = pd.concat([frame, pd.DataFrame(more, columns=frame.columns)])
            counts = counts.plus(baskets(table), batch=str(look))
            new, counts = counts.look(mine_signals(counts, min_count=1, min_margin=1), alpha=0.2)
            wrong |= len(new) > 0
        n_wrong += wrong
    assert n_wrong <= 8  # 4 expected at most; 9 or more has p = 0.01


def test_what_needs_reports_is_refused():
    counts = counted(parts(rows())[:1])
    with pytest.raises(ArgumentError, match="need the reports"):
        mine_interactions(counts, adjust=False)
    with pytest.raises(ArgumentError, match="that were counted must be mined without adjust"):
        mine_signals(counts, adjust=True)
