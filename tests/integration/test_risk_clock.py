"""One clock: however an instant is written, training, applying, tables and streams read the same.

And one rule for days: what was known on a day was known at its end, an index is at its start.
"""

import csv
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinnlp.cli import main
from clinnlp.core.tables import EventTable, Outcome
from clinnlp.features.events import collect_cases
from clinnlp.features.joined import DAY_OF_INDEX
from clinnlp.features.outcomes import outcome_from_columns, read_outcome
from clinnlp.io.record.event_stream import stream_events
from clinnlp.io.record.events import read_events
from clinnlp.study.apply import RiskModel
from clinnlp.study.risk_tables import read_index_table, read_outcome_table

INSTANT = "2024-03-01T07:00:00"
SPELLINGS = (
    "2024-03-01T07:00:00Z",
    "2024-03-01 08:00:00+01:00",
    "2024-03-01T12:30:00.000+0530",
    "2024-03-01 07:00:00 UTC",
    "2024-03-01 02:00:00 -05:00",  # SQL Server
    "20240301090000+0200",  # HL7
    "01.03.2024 07:00",
    "2024-03-01T07:00",
)
AT = datetime(2024, 3, 1, 7)
OBJECTS = (
    AT,
    AT.replace(tzinfo=UTC),
    AT.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=-8))),
    pd.Timestamp("2024-03-01 08:00", tz="Europe/Paris"),
    np.datetime64("2024-03-01T07:00", "ns"),
)


def write(path, rows):
    with open(path, "w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    return path


@pytest.mark.parametrize("cell", SPELLINGS)
def test_tables_and_streams_read_one_instant_whatever_its_spelling(tmp_path, cell):
    path = write(
        tmp_path / "t.csv", [["patient", "code", "start", "known"], ["p", "c", cell, cell]]
    )
    columns = pa.table({"patient": ["p"], "code": ["c"], "start": [cell], "known": [cell]})
    pq.write_table(columns, tmp_path / "t.parquet")
    frame = pd.DataFrame({"patient": ["p"], "code": ["c"], "start": [cell], "known": [cell]})
    for table in (
        *(read_events(tmp_path / name) for name in ("t.csv", "t.parquet")),
        *(part for name in ("t.csv", "t.parquet") for part in stream_events(tmp_path / name)),
        EventTable(columns.to_pydict()),
        EventTable.from_pandas(frame),
        EventTable.from_pandas(columns),
    ):
        for name in ("start", "known"):
            assert table[name].astype(str).tolist() == [INSTANT], name
    write(path, [["patient", "index_time", "outcome"], ["p", cell, 1]])
    assert read_outcome_table(path).outcome.index.astype(str).tolist() == [INSTANT]
    assert read_index_table(path).index.astype(str).tolist() == [INSTANT]
    assert str(read_outcome(path, index="index_time").outcome.index[0]) == INSTANT


@pytest.mark.parametrize("value", OBJECTS, ids=str)
def test_values_of_programs_are_read_as_their_instant_too(value):
    assert str(outcome_from_columns(["p"], [value], [1]).outcome.index[0]) == INSTANT
    table = EventTable({"patient": ["p"], "code": ["c"], "known": [value]})
    assert str(table["known"][0]) == INSTANT


def cohort(folder, cells, later=()):
    """Write 80 patients, whose warfarin tells the outcome, and an index written in turn as `cells`.

    `later` are cells 2.5 hours after it, at which those without it got warfarin.
    """
    events = [["patient", "known", "code", "kind"]]
    outcome = [["patient", "index_time", "outcome"]]
    for k in range(80):
        sick = k % 2
        outcome.append([f"p{k}", cells[k % len(cells)], sick])
        events.append([f"p{k}", "2024-01-05T10:00", "warfarin" if sick else "aspirin", "drug"])
        if later and not sick:
            events.append([f"p{k}", later[k // 2 % len(later)], "warfarin", "drug"])
    write(folder / "events.csv", events)
    write(folder / "outcome.csv", outcome)


def scored(folder):
    """Train, apply, and return what was written; both on the command line."""
    tables = ["--events", str(folder / "events.csv")]
    outcome = str(folder / "outcome.csv")
    how = ["--models", "naive_bayes", "--n-boot", "0", "--n-folds", "2", "--keep", "naive_bayes"]
    assert main(["risk", outcome, *tables, "--out", str(folder / "r"), *how]) == 0
    model = str(folder / "r" / "model")
    assert main(["risk", "apply", model, outcome, *tables, "--out", str(folder / "a")]) == 0
    texts = [folder / "r" / "predictions.csv", folder / "a" / "risks.csv"]
    return [path.read_text() for path in texts]


def test_all_spellings_in_one_study_are_one_study(tmp_path):
    plain, mixed = tmp_path / "plain", tmp_path / "mixed"
    plain.mkdir()
    mixed.mkdir()
    cohort(plain, [INSTANT])
    cohort(
        mixed,
        SPELLINGS,
        later=["2024-03-01T09:30:00Z", "2024-03-01T01:30-0800", "01.03.2024 09:30"],
    )
    assert scored(plain) == scored(mixed)
    model = RiskModel.load(plain / "r" / "model")
    events = read_events(mixed / "events.csv")
    who = np.array([f"p{k}" for k in range(8)], dtype=object)
    risks = [
        model.apply(index={"patient": who, "index_time": list(times)}, events=events).p.tolist()
        for times in (SPELLINGS, [INSTANT] * 8, [AT.replace(tzinfo=UTC)] * 8)
    ]
    assert risks[0] == risks[1] == risks[2]


DAYS = ("2024-03-01", "20240301", "01.03.2024", "01MAR2024", "2024/03/01")


def known_of(tmp_path, cell):
    """Return when a fact was known that a file or a value gives as a day."""
    if isinstance(cell, str):
        path = write(tmp_path / "e.csv", [["patient", "code", "known"], ["p", "c", cell]])
        tables = [read_events(path), *stream_events(path)]
        path.write_text(path.read_text() + "q,c,2024-01-01 25:00\n")  # which is read row by row
        tables.append(read_events(path, skipped=[]))
        column = pa.array([cell])
    else:
        tables = [EventTable({"patient": ["p"], "code": ["c"], "known": [cell]})]
        column = pa.array([cell], pa.date32())
    table = pa.table({"patient": ["p"], "code": ["c"], "known": column})
    pq.write_table(table, tmp_path / "e.parquet")
    tables += [read_events(tmp_path / "e.parquet"), EventTable.from_pandas(table)]
    tables += [EventTable.from_pandas(table.to_pandas())]
    return {str(table["known"][0]) for table in tables}


@pytest.mark.parametrize("cell", [*DAYS, date(2024, 3, 1)], ids=str)
def test_what_was_known_on_a_day_was_known_at_its_end(tmp_path, cell):
    assert known_of(tmp_path, cell) == {"2024-03-01T23:59:59"}
    days = EventTable({"patient": ["p"], "code": ["c"], "known": np.array(["2024-03-01"], "M8[D]")})
    assert str(days["known"][0]) == "2024-03-01T23:59:59"
    assert str(days.replaced({"start": ["2024-03-01"]})["start"][0]) == "2024-03-01T00:00:00"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_facts_of_the_index_day_are_left_out_and_those_of_the_day_before_are_not(tmp_path, suffix):
    known = [date(2024, 2, 29), date(2024, 3, 1)]
    columns = {"patient": ["p", "p"], "code": ["before", "on"], "known": known}
    pd.DataFrame(columns).to_csv(tmp_path / "e.csv", index=False)
    pq.write_table(pa.table(columns), tmp_path / "e.parquet")
    for index in ("2024-03-01", "2024-03-01T10:00", "2024-03-01T23:00"):
        outcome = outcome_from_columns(["p"], [index], [1]).outcome
        cases = collect_cases(outcome, events=read_events(tmp_path / f"e.{suffix}"))
        assert cases.codes == ("event:before",), index
        assert cases.n_excluded["events_known_at_or_after_index"] == 1


def test_days_that_a_program_wrote_as_midnights_are_days(tmp_path):
    """A column of dates leaves pandas as times at midnight: no file says that they are days."""
    known = pd.to_datetime(["2024-02-29", "2024-03-01", "2024-02-01"])
    frame = pd.DataFrame({"patient": ["p", "p", "q"], "code": ["a", "b", "c"], "known": known})
    frame.to_parquet(tmp_path / "e.parquet")
    index = np.array(["2024-03-01T10:00"] * 2, "M8[s]")
    outcome = Outcome(patients=np.array(["p", "q"], object), index=index, values=np.array([0, 1]))
    cases = collect_cases(outcome, events=stream_events(tmp_path / "e.parquet", n_rows=1))
    assert cases.codes == ("event:a", "event:c")
    assert cases.n_excluded[f"events{DAY_OF_INDEX}"] == 1
    frame["known"] = [*known[:2], pd.Timestamp("2024-02-01 08:15")]  # now they are hours
    frame.to_parquet(tmp_path / "e.parquet")
    cases = collect_cases(outcome, events=stream_events(tmp_path / "e.parquet", n_rows=1))
    assert cases.codes == ("event:a", "event:b", "event:c")
    assert f"events{DAY_OF_INDEX}" not in cases.n_excluded
