"""What stands of a search in its file, and what comes back of it."""

import sqlite3

import pytest

from clinnlp.core.errors import RunError, StoreError
from clinnlp.study.tune_store import STORE, Running, SearchStore, TrialRecord

pytest.importorskip("optuna")
RECORD = TrialRecord(changed={"swap": 0.5}, score=0.25, shares=[0.1, -0.1], given_up=False,
                     marks={1: (0.2, [0.0, 0.0]), 3: (0.3, [0.1, -0.1])}, n_epochs=4,
                     seconds=1.5)  # fmt: skip
IDENTITY = "notes of Jane Doe"


def store(folder, identity=IDENTITY, seed=0):
    return SearchStore(folder, identity=identity, seed=seed)


def drawn(trial):
    return trial.suggest_float("swap", 0, 1)


def finish(opened, n, **changes):
    trial, _ = opened.begin(n, None)
    value = drawn(trial)
    opened.finish(TrialRecord(**{f: getattr(RECORD, f) for f in RECORD.__slots__} | changes))
    return value


def test_what_was_written_comes_back(tmp_path):
    with store(tmp_path).opened() as opened:
        trial, running = opened.begin(0, {"swap": 0.5})
        assert (drawn(trial), running) == (0.5, Running(number=0))
        running.marks[2] = (0.2, [0.0])
        opened.keep(running, 1.5)
        opened.keep(running, 1.0)
        opened.finish(RECORD)
    with store(tmp_path).opened() as opened:
        assert opened.finished() == [RECORD]
        assert opened.seconds == 2.5
        assert opened.begin(1, None)[1] == Running(number=1)


def test_a_trial_that_was_killed_is_drawn_again_and_knows_how_far_it_was(tmp_path):
    values = []
    for killed in (False, True):
        folder = tmp_path / str(killed)
        folder.mkdir()
        for n in range(8):  # beyond the first ones, which are drawn without a look at the others
            with store(folder).opened() as opened:
                if killed:
                    trial, running = opened.begin(n, None)
                    running.marks[1] = (0.5, [0.5])
                    opened.keep(running, 3.0)
                    opened._study.set_user_attr("drawn", drawn(trial))
            with store(folder).opened() as opened:
                if killed:
                    before = opened._study.user_attrs["drawn"]
                    trial, running = opened.begin(n, None)
                    assert drawn(trial) == before
                    assert running == Running(number=n, seconds=3.0, marks={1: (0.5, [0.5])})
                    opened.finish(RECORD)
                    values.append(before)
                else:
                    values.append(finish(opened, n))
    assert values[:8] == values[8:]
    assert len(set(values)) == 8


def test_an_enqueued_start_is_drawn_once(tmp_path):
    for _ in range(3):
        with store(tmp_path).opened() as opened:
            assert drawn(opened.begin(0, {"swap": 0.5})[0]) == 0.5
    with store(tmp_path).opened() as opened:
        opened.begin(0, {"swap": 0.5})
        opened.finish(RECORD)
        assert drawn(opened.begin(1, None)[0]) != 0.5


def test_one_that_is_dropped_is_no_trial(tmp_path):
    with store(tmp_path).opened() as opened:
        first = finish(opened, 0)
        second = drawn(opened.begin(1, None)[0])
        opened.drop()
        assert len(opened.finished()) == 1
        assert drawn(opened.begin(1, None)[0]) == second != first


@pytest.mark.parametrize("changes", [{"given_up": True}, {"score": None, "marks": {}}])
def test_what_did_not_reach_its_end_is_kept_too(tmp_path, changes):
    with store(tmp_path).opened() as opened:
        finish(opened, 0)
        finish(opened, 1, **changes)
        kept = opened.finished()[1]
    assert {name: getattr(kept, name) for name in changes} == changes


def test_another_seed_draws_others(tmp_path):
    values = set()
    for seed in range(3):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with store(folder, seed=seed).opened() as opened:
            values.add(drawn(opened.begin(0, None)[0]))
    assert len(values) == 3


def test_the_file_of_another_search_is_refused_and_says_nothing_of_this_one(tmp_path):
    store(tmp_path)
    with pytest.raises(StoreError, match="got one of others") as caught:
        store(tmp_path, "other notes")
    assert "Jane" not in str(caught.value)
    assert b"Jane" not in (tmp_path / STORE).read_bytes()
    assert (tmp_path / STORE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [STORE]


def test_what_a_killed_one_left_is_removed(tmp_path):
    (tmp_path / f".{STORE}.0123abcd.part-journal").touch()
    store(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [STORE]


@pytest.mark.parametrize("how", ["empty", "text", "cut", "another", "no study"])
def test_a_damaged_file_is_one_sentence(tmp_path, how):
    store(tmp_path)
    path = tmp_path / STORE
    whole = path.read_bytes()
    path.write_bytes({"empty": b"", "text": b"no base at all " * 100, "cut": whole[:9000]}
                     .get(how, b""))  # fmt: skip
    if how == "another":
        with sqlite3.connect(path) as base:
            base.execute("create table studies (x)")
    if how == "no study":
        path.write_bytes(whole)
        with sqlite3.connect(path) as base:
            base.execute("delete from study_user_attributes")
    with pytest.raises(StoreError, match="must be whole") as caught:
        store(tmp_path)
    assert caught.value.__context__ is None


def test_optuna_says_as_much_as_before(tmp_path, capfd):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.DEBUG)
    try:
        with store(tmp_path).opened() as opened:
            finish(opened, 0)
        assert optuna.logging.get_verbosity() == optuna.logging.DEBUG
    finally:
        optuna.logging.set_verbosity(optuna.logging.INFO)
    assert capfd.readouterr() == ("", "")


def test_a_file_that_cannot_be_written_any_more_is_a_failure_of_the_machine(tmp_path):
    kept = store(tmp_path)
    other = sqlite3.connect(tmp_path / STORE)
    refused = pytest.raises(RunError, match="what was finished before is kept")
    with refused, kept.opened() as opened:
        other.execute("drop table trials")
        other.commit()
        opened.begin(0, None)
    other.close()
