from datetime import datetime
from pathlib import Path

import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.tables.cells import time_of


def test_a_time_with_a_zone_becomes_utc():
    cells = ("2024-03-01T08:00:00-05:00", "2024-03-01 13:00Z", "2024-03-01T13:00", None)
    read = [time_of(cell, "start", Path("t.csv"), 2) for cell in cells]
    assert read == [datetime(2024, 3, 1, 13)] * 3 + [None]


@pytest.mark.parametrize("cell", ["soon", "0001-01-01T00:00:00+01:00", "9999-12-31T23:00:00-05:00"])
def test_what_is_no_time_is_refused_by_its_line(cell):
    with pytest.raises(DataError, match=r"t\.csv:2: start must be a time in ISO 8601") as caught:
        time_of(cell, "start", Path("t.csv"), 2)
    assert cell not in str(caught.value)
