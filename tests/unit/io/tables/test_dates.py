"""Times as tables of several countries and programs write them."""

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.times import naive_utc
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.tables.arrow_times import naive_times
from clinnlp.io.tables.dates import AmbiguousTimeError, time_fault, time_reader

MORNING = datetime(2024, 3, 1, 8, 30)
DAY = datetime(2024, 3, 1)
DIALECTS = {
    "found": Dialect(),
    "day": Dialect(day_first=True),
    "month": Dialect(day_first=False),
    "form": Dialect(time_format=("%m/%d/%Y %I:%M %p", "%d.%m.%y")),
    "excel": Dialect(time_format=("excel",)),
}


@pytest.mark.parametrize(
    ("how", "text", "time"),
    [
        ("found", "2024-03-01T08:30", MORNING),
        ("found", "20240301", DAY),
        ("found", "01.03.2024", DAY),
        ("found", "1.3.2024 8:30", MORNING),
        ("found", "01.03.2024, 08:30 ", MORNING),
        ("found", "2024/03/01 08:30:00", MORNING),
        ("found", "01MAR2024", DAY),
        ("found", "01MAR2024:08:30:00.000", MORNING),
        ("found", "01-Mar-2024 08:30", MORNING),
        ("found", "202403010830", MORNING),  # HL7
        (
            "found",
            "20240301093000+0100",
            MORNING.replace(tzinfo=timezone(timedelta(hours=1)), hour=9),
        ),
        ("found", "01.03.2024 08:30 Uhr", MORNING),
        ("day", "01/03/2024", DAY),
        ("day", "01-03-2024 08:30", MORNING),
        ("month", "03/01/2024 08:30 AM", MORNING),
        ("month", "3/1/2024 12:00 am", DAY),
        ("month", "03/01/2024 08:30:00 PM", MORNING.replace(hour=20)),
        ("month", "01.03.2024", DAY),  # points say the day first, everywhere
        ("form", "03/01/2024 08:30 AM", MORNING),
        ("form", "01.03.24", DAY),
        ("form", "2024-03-01 08:30", MORNING),  # ISO 8601 is never another form
        ("excel", "45352", DAY),
        ("excel", "45352,354166666664", MORNING),
        ("excel", "45352.354166666664", MORNING),
    ],
)
def test_one_time_and_a_column_of_them(how, text, time):
    assert time_reader(DIALECTS[how])(text) == time
    column = pa.chunked_array([[text, None, ""], [" NA ", text]], pa.string())
    wanted = naive_utc(time)
    assert naive_times(column, DIALECTS[how]).to_pylist() == [wanted, None, None, None, wanted]


@pytest.mark.parametrize(
    "text", ["03/04/2024", "25/12/2024", "3-4-2024 08:00", "01/03/2024 8:30 PM"]
)
def test_day_or_month_must_be_said(text):
    with pytest.raises(AmbiguousTimeError):
        time_reader(Dialect())(text)
    said = time_fault(AmbiguousTimeError(), "known must be a time", "ZEIT")
    assert "--day-first" in said
    assert "--time-format" in said
    assert "'ZEIT'" in said


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("found", "31.02.2024"),
        ("found", "2024"),
        ("found", "45352"),
        ("found", "01.03.24"),
        ("found", "01XYZ2024"),
        ("found", "01.03.2024 13:00 PM"),
        ("day", "12/31/2024"),
        ("month", "31/12/2024"),
        ("form", "2024"),
        ("excel", "12"),
        ("excel", "1e9"),
        ("excel", "soon"),
    ],
)
def test_what_is_no_time(how, text):
    with pytest.raises(ValueError):  # noqa: PT011  (which may quote the text)
        time_reader(DIALECTS[how])(text)
    with pytest.raises(ValueError, match="another form") as caught:
        naive_times(pa.chunked_array([[text]]), DIALECTS[how])
    assert text not in str(caught.value)


FORMS = ["%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M", "%d%b%Y:%H:%M", "%Y%m%d"]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), st.sampled_from(FORMS)),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
)
def test_a_column_of_mixed_forms_holds_what_its_cells_read_one_by_one_hold(cells, zoned):
    texts = [time.strftime(form) for time, form in cells] + ["2024-03-01T08:30:00Z"] * zoned
    read = time_reader(DIALECTS["day"])
    wanted = [naive_utc(read(text)) for text in texts]
    assert naive_times(pa.chunked_array([texts]), DIALECTS["day"]).to_pylist() == wanted


def test_a_zone_is_kept_for_who_wants_it():
    assert time_reader(Dialect())("2024-03-01T08:30:00Z") == MORNING.replace(tzinfo=UTC)
