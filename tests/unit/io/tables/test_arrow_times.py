from datetime import UTC, date, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.times import time_from_text
from clinnlp.io.tables.arrow_times import TIME, naive_times

ZONES = st.one_of(
    st.none(), st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))
)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))
FORMS = ("T", " ", "Z", "minutes", "day", "basic", "nanoseconds", "comma", "blanks")


@st.composite
def cells(draw):
    """Draw a time as text in one of the forms of ISO 8601, or nothing."""
    moment, zone, form = draw(MOMENTS), draw(ZONES), draw(st.sampled_from(FORMS))
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from([None, "", " "]))
    there = moment.replace(tzinfo=zone)
    return {
        "T": there.isoformat(),
        " ": there.isoformat(sep=" "),
        "Z": moment.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z"),
        "minutes": there.isoformat(timespec="minutes"),
        "day": moment.date().isoformat(),
        "basic": f"{moment:%Y%m%dT%H%M%S}{there:%z}",
        "nanoseconds": f"{moment:%Y-%m-%dT%H:%M:%S.%f}789{there:%z}",
        "comma": f"{moment:%Y-%m-%dT%H:%M:%S},5{there:%z}",
        "blanks": f" {there.isoformat()} ",
    }[form]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.lists(cells(), max_size=5), min_size=1, max_size=3))
def test_a_column_holds_what_its_cells_read_one_by_one_hold(chunks):
    """Whatever forms and offsets stand side by side, and however the column is cut."""
    column = pa.chunked_array(chunks, pa.string())
    wanted = [
        time_from_text(cell) if (cell or "").strip() else None for chunk in chunks for cell in chunk
    ]
    found = naive_times(column)
    assert found.type == TIME
    assert found.to_pylist() == wanted


def test_times_and_dates_become_times_in_utc():
    zoned = pa.chunked_array([pa.array([datetime(2024, 3, 1, 8, tzinfo=UTC)],
                                       pa.timestamp("ns", "America/New_York"))])  # fmt: skip
    assert naive_times(zoned).to_pylist() == [datetime(2024, 3, 1, 8)]
    days = pa.chunked_array([pa.array([date(2024, 3, 1), None])])
    assert naive_times(days).to_pylist() == [datetime(2024, 3, 1), None]
    words = pa.chunked_array([pa.array(["2024-03-01T08:00+01:00"]).dictionary_encode()])
    assert naive_times(words).to_pylist() == [datetime(2024, 3, 1, 7)]


@pytest.mark.parametrize(
    "values",
    [["soon"], ["2024-03-01", "2024-03-01 25:00"], [1.5], [20]],
)
def test_what_is_no_time_is_refused_and_not_quoted(values):
    with pytest.raises(ValueError, match="ISO 8601") as caught:
        naive_times(pa.chunked_array([values]))
    assert str(values[-1]) not in str(caught.value)


def test_what_is_finer_than_a_microsecond_is_cut_off():
    fine = pa.chunked_array([pa.array([1_709_280_000_000_001_999], pa.timestamp("ns"))])
    assert naive_times(fine).to_pylist() == [datetime(2024, 3, 1, 8, 0, 0, 1)]
