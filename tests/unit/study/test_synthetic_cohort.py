"""cohort-mini: determinism, times, and agreement of tables, notes and truth."""

import csv
import json
from datetime import datetime, timedelta

import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.study.synthetic import write_cohort_mini

SIZES = {"n_patients": 300, "n_noted": 60}
AXES = ("negated", "uncertain", "hypothetical", "historical", "experiencer")


def rows(path):
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def lines(path):
    return [json.loads(line) for line in path.open(encoding="utf-8")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_cohort_mini(tmp_path_factory.mktemp("cohort"), seed=7, **SIZES)


@pytest.fixture(scope="module")
def events(folder):
    return rows(folder / "events.csv")


def test_equal_seeds_give_equal_bytes(folder, tmp_path):
    again = write_cohort_mini(tmp_path / "again", seed=7, **SIZES)
    other = write_cohort_mini(tmp_path / "other", seed=8, **SIZES)
    for path in folder.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()
        assert path.read_bytes() != (other / path.name).read_bytes()


def test_events_lie_in_stays_that_do_not_overlap(folder, events):
    index = {row["patient"]: row["index_time"] for row in rows(folder / "patients.csv")}
    stays = {row["encounter"]: (row["patient"], row["start"], row["end"]) for row in events}
    assert len({(row["encounter"], row["start"], row["end"]) for row in events}) == len(stays)
    by_patient = {}
    for patient, start, end in stays.values():
        assert start < end
        by_patient.setdefault(patient, []).append((start, end))
    for patient, spans in by_patient.items():
        spans.sort()
        assert all(end < start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))
        before = sum(end < index[patient] for _, end in spans)
        assert 2 <= before <= 4
        assert 1 <= len(spans) - before <= 2
        assert not any(start <= index[patient] <= end for start, end in spans)


def test_events_are_known_when_they_say(events):
    late = {"drug": False, "measurement": False, "condition": True, "outcome": True}
    assert {row["kind"] for row in events} == set(late)
    for row in events:
        if row["known"]:
            assert (row["known"] > row["end"]) == late[row["kind"]]
            assert row["known"] > row["start"]
    lost = sum(not row["known"] for row in events)
    assert 0 < lost < 0.03 * len(events)
    assert len({row["source_id"] for row in events}) == len(events)
    once = {(row["encounter"], row["code"]) for row in events}
    assert len(once) == len(events)


def test_outcome_is_the_first_stay_after_index(folder, events):
    starts = {}
    for row in events:
        starts.setdefault(row["patient"], set()).add(datetime.fromisoformat(row["start"]))
    found = rows(folder / "outcome.csv")
    assert {row["outcome"] for row in found} == {"0", "1"}
    for row in found:
        index = datetime.fromisoformat(row["index_time"])
        time = datetime.fromisoformat(row["time"])
        back = min(start for start in starts[row["patient"]] if start > index)
        if row["outcome"] == "1":
            assert time == back
        else:
            assert time == index + timedelta(days=90) < back


def test_notes_are_known_before_index_and_gold_has_the_same_text(folder):
    index = {row["patient"]: row["index_time"] for row in rows(folder / "patients.csv")}
    bare, gold = lines(folder / "notes.jsonl"), lines(folder / "notes_gold.jsonl")
    assert len(bare) == SIZES["n_noted"]
    assert "entities" not in bare[0]
    for note, annotated in zip(bare, gold, strict=True):
        assert note == {key: annotated[key] for key in note}
        assert note["known"] < index[note["patient"]]
        for entity in annotated["entities"]:
            assert note["text"][entity["start"] : entity["end"]].strip()


def test_notes_tell_what_the_stay_holds(folder, events):
    stays = {}
    for row in events:
        stays.setdefault(row["encounter"], {}).setdefault(row["kind"], set()).add(row["code"])
    told = {"drug": [0, 0], "outcome": [0, 0], "condition": [0, 0]}
    for note in lines(folder / "notes_gold.jsonl"):
        stay = stays[note["encounter"]]
        named = {
            code
            for entity in note["entities"]
            if not any(entity["assertion"][axis] for axis in AXES if axis != "historical")
            for code in entity["concepts"]
        }
        current = {
            code
            for entity in note["entities"]
            if not any(entity["assertion"][axis] for axis in AXES)
            for code in entity["concepts"]
            if code.startswith("drug:")
        }
        assert current <= stay.get("drug", set())
        for kind, counts in told.items():
            codes = stay.get(kind, set())
            counts[0] += len(codes & named)
            counts[1] += len(codes)
    shares = {kind: named / total for kind, (named, total) in told.items()}
    assert shares["drug"] > 0.85
    assert shares["outcome"] == 1
    assert shares["condition"] > 0.9


@pytest.mark.parametrize("sizes", [(0, 0), (5, 6), (5, -1)])
def test_impossible_sizes_are_refused(tmp_path, sizes):
    with pytest.raises(ArgumentError, match="n_noted from 0 to n_patients"):
        write_cohort_mini(tmp_path, n_patients=sizes[0], n_noted=sizes[1])
    assert list(tmp_path.iterdir()) == []
