import csv

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinnlp.study.reading import TableReading
from clinnlp.study.zones import zone_cautions

ZONED, PLAIN, DAY = "2024-03-01T10:00+02:00", "2024-03-01 09:00", "2024-03-01"


def write(path, head, *rows):
    with open(path, "w", newline="") as handle:
        csv.writer(handle).writerows([head, *rows])
    return path


def told(folder, index, known, **how):
    outcome = write(folder / "o.csv", ["patient", "index_time"], *[["p", cell] for cell in index])
    events = write(folder / "e.csv", ["patient", "known"], *[["p", cell] for cell in known])
    return zone_cautions(outcome, events, TableReading(**how))


@pytest.mark.parametrize(
    ("index", "known"),
    [
        ([ZONED], [ZONED, "2024-03-01 07:00:00 UTC"]),
        ([PLAIN], [PLAIN, ""]),
        ([DAY], [ZONED]),  # a day needs no zone
        ([ZONED], [DAY, "", "nonsense"]),
        ([], []),
    ],
)
def test_one_clock_is_not_told(tmp_path, index, known):
    assert told(tmp_path, index, known) == ()


@pytest.mark.parametrize(
    ("index", "known", "said"),
    [
        ([ZONED], [PLAIN], "times of index_time have a zone and those of known of events have"),
        ([PLAIN], [DAY, ZONED], "times of known of events have a zone and those of index_time"),
        ([ZONED, PLAIN], [], "times of index_time have a zone and those of index_time have none"),
    ],
)
def test_two_clocks_are_told_by_the_names_of_columns(tmp_path, index, known, said):
    [one] = told(tmp_path, index, known)
    assert one.startswith(said)


def test_columns_by_another_name_and_parquet(tmp_path):
    events = tmp_path / "e.parquet"
    times = pa.array([1_700_000_000], pa.timestamp("s", tz="Europe/Paris"))
    pq.write_table(pa.table({"patient": ["p"], "known": times}), events)
    outcome = write(tmp_path / "o.csv", ["who", "asked"], ["p", PLAIN])
    reading = TableReading(outcome_columns={"patient": "who", "index_time": "asked"})
    assert len(zone_cautions(outcome, events, reading)) == 1
    assert zone_cautions(outcome, None, reading) == ()


def test_what_cannot_be_read_is_left_to_its_reader(tmp_path):
    (tmp_path / "o.csv").write_bytes(b"patient,index_time\n\xff\xfe,x\n")
    assert zone_cautions(tmp_path / "o.csv", tmp_path / "none.csv", TableReading()) == ()
    assert zone_cautions(tmp_path, None, TableReading()) == ()
