from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.errors import DataError
from clinnlp.core.times import naive_utc, time_from_text, to_second

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29))


@settings(deadline=None)
@given(moment=MOMENTS, zone=OFFSETS)
def test_an_instant_is_the_same_time_in_whatever_offset_it_is_written(moment, zone):
    there = moment.replace(tzinfo=UTC).astimezone(zone)
    assert naive_utc(there) == moment
    assert time_from_text(there.isoformat()) == moment
    assert time_from_text(f" {there.isoformat(sep=' ')}\n") == moment
    assert to_second(there.isoformat()) == to_second(moment) == to_second(there)


@settings(deadline=None)
@given(moment=MOMENTS)
def test_a_time_without_zone_stays_as_it_is(moment):
    assert naive_utc(moment) == time_from_text(moment.isoformat()) == moment


def test_every_form_of_a_time_is_read():
    wanted = np.datetime64("2024-03-01T00:00:00", "s")
    forms = ("2024-03-01", "2024-03-01T00:00Z", "20240301", 20240301, date(2024, 3, 1),
             datetime(2024, 3, 1), pd.Timestamp("2024-03-01T01:00:00.5+01:00"),
             np.datetime64("2024-03-01", "ns"), "2024-02-29T23:00:00.123456789-01:00")  # fmt: skip
    assert {to_second(form) for form in forms} == {wanted}
    assert naive_utc(None) is None


@pytest.mark.parametrize("text", ["", "soon", "2024-13-01", "1709280000", "2024-03-01T08:00+25:00"])
def test_what_is_no_time_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011
        time_from_text(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:30:00-01:00"])
def test_a_time_that_has_no_year_in_utc_is_refused_in_one_sentence(text):
    with pytest.raises(DataError, match="years 1 to 9999 in UTC"):
        time_from_text(text)
