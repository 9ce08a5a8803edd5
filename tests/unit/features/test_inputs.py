"""What tables of hospitals hold: refused or told in one sentence, and sound columns pass."""

from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.features.columns import ColumnFeatures, Columns
from clinnlp.features.inputs import (
    check_ids,
    factor_between,
    plain_table,
    stand_in,
    text_that_is,
    unit_factor,
)

RNG, OWN = np.random.default_rng(0), np.random.default_rng(1)


def plain(column):
    table = Columns(patients=np.arange(len(column)).astype(str), values={"x": column})
    return plain_table(table).values["x"]


@pytest.mark.parametrize("number", [np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float64, np.float32, object])
def test_infinity_is_refused_by_name(number, kind):
    with pytest.raises(ArgumentError, match="column 'x' must hold finite numbers, got infinity in"):
        plain(np.array([1.0, number, 2.0]).astype(kind))


def test_the_largest_number_of_a_computer_is_no_measurement():
    """Some programs write it where nothing was measured."""
    with pytest.raises(ArgumentError, match="got one beyond 1e\\+100 in 1 rows"):
        plain(np.array([1.0, -np.finfo(np.float64).max]))


def cells(*values):
    column = np.empty(len(values), object)
    column[:] = values
    return column


@pytest.mark.parametrize(
    ("column", "got"),
    [
        (cells([1, 2], None), "each cell, got a list"),
        (cells("a", {"b": 1}), "each cell, got a dict"),
        (cells({1}, {2}), "each cell, got a set"),
        (cells((1, 2), (3, 4)), "each cell, got a tuple"),
        (cells(np.arange(2), 1.0), "each cell, got a ndarray"),
        (cells(1j, None), "got complex numbers"),
        (np.array([1j, 2.0]), "got complex numbers"),
        (np.zeros((2, 3)), "one number per row, got 3"),
    ],
)
def test_cells_of_several_values_and_complex_numbers_are_refused_by_name(column, got):
    with pytest.raises(ArgumentError, match=f"column 'x' must hold .*{got}"):
        plain(column)
    if column.ndim == 1:
        with pytest.raises(ArgumentError, match=f"column 'x' must hold .*{got}"):
            ColumnFeatures().fit(pd.DataFrame({"age": [1.0, 2.0], "x": column}))


def test_lists_of_different_lengths_are_refused_by_name():
    with pytest.raises(ArgumentError, match="column 'x' must hold one number or category in each"):
        plain([[1], [1, 2]])


def test_several_categories_per_row_stand_as_an_array():
    column = np.array([["a", "b"], ["b", None]], object)
    assert plain(column).tolist() == column.tolist()


@pytest.mark.parametrize(
    "column",
    [
        cells(*pd.period_range("2024-01", periods=2, freq="M")),
        np.array(["2024-01-01", "NaT"], "M8[ns]"),
        np.array([3, 4], "m8[D]"),
        np.array([datetime(2024, 1, 1), None], object),
        np.array([None, date(2024, 1, 1)], object),
        pd.Series(pd.to_datetime(["2024-01-01", None])).astype(object).to_numpy(),
    ],
)
def test_times_are_refused_by_name(column):
    with pytest.raises(
        ArgumentError, match="column 'x' must hold numbers or categories, got times"
    ):
        plain(column)


@pytest.mark.parametrize(
    "column",
    [
        np.array([1, None, 2.5], object),
        np.array([Decimal(1), np.nan, Decimal("2.5")], object),
        pd.array([1, pd.NA, 2.5], dtype="Float64").to_numpy(object),
        np.array([np.int64(1), pd.NaT, np.float32(2.5)], object),
    ],
)
def test_objects_that_are_numbers_are_numbers(column):
    np.testing.assert_array_equal(plain(column), [1.0, np.nan, 2.5])


def test_categories_stay_and_their_missing_ones_are_none():
    assert plain(np.array(["a", pd.NA, None], object)).tolist() == ["a", None, None]
    assert plain(np.array([True, False, None], object)).tolist() == [True, False, None]
    assert plain(np.array([["a", "b"], ["c", None]], object)).shape == (2, 2)
    assert plain(np.array(["a", "b"])).tolist() == ["a", "b"]


@pytest.mark.parametrize("who", [["a", None], ["a", ""], ["a", " "], [1.0, np.nan], ["a", pd.NA]])
def test_a_row_without_a_patient_is_refused(who):
    with pytest.raises(ArgumentError, match=r"rows must have a patient, got 1 without .*row 1"):
        check_ids(np.array(who, dtype=object if isinstance(who[0], str) else float), "rows")


def test_ids_that_came_as_numbers_are_whole():
    assert check_ids(np.array([7.0, 8.0]), "rows").tolist() == ["7", "8"]
    assert check_ids(np.array([7, 8]), "rows").tolist() == ["7", "8"]
    assert check_ids(np.array(["7", "b"], object), "rows").tolist() == ["7", "b"]


def text(values):
    return np.array(list(values), dtype=object)


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        ([f"{k / 7:.2f}" for k in range(50)], "numbers"),
        ([f"{k / 7:.2f}".replace(".", ",") for k in range(50)], "numbers"),
        ([f"1 {k:03d}" for k in range(50)], "numbers"),
        ([*map(str, range(50)), "<5", "> 100", "n/a", None, "?"], "numbers"),
        ([f"{k} %" for k in range(50)], "numbers"),
        ([f"2024-01-{k:02d}" for k in range(1, 31)], "dates"),
        ([f"{k:02d}.03.2024 08:00" for k in range(1, 31)], "dates"),
        ([f"{k:02d}/03/2024" for k in range(1, 31)], "dates"),
        ([f"{k}-Mar-2024" for k in range(1, 31)], "dates"),
        ([str(k % 7) for k in range(500)], ""),  # codes of admissions
        ([*(f"{k}.{k % 9}" for k in range(100)), *(f"V{k}" for k in range(9))], ""),  # ICD-9
        ([f"E{k}.1" for k in range(50)], ""),
        ([f"ward {k}" for k in range(50)], ""),
        ([], ""),
    ],
)
def test_text_that_is_numbers_or_dates(cells, what):
    assert text_that_is(text(cells)) == what


def test_numbers_are_no_text():
    assert text_that_is(np.arange(50.0)) == ""


@pytest.mark.parametrize("number", [-999, -99, -9999, 9999, 999])
def test_a_number_that_stands_for_missing_is_found(number):
    ages = RNG.uniform(0, 90, 300)
    assert stand_in(np.append(ages, [number] * 4)) == (number, 4)


@pytest.mark.parametrize(
    "others",
    [
        OWN.normal(75, 12, 300).round(),  # blood pressure
        OWN.normal(32, 7, 300).clip(18).round(1),  # body mass index
        OWN.lognormal(0, 0.3, 100).round(2),  # creatinine
    ],
)
def test_zeros_far_below_all_other_values_stand_for_missing(others):
    assert stand_in(np.append(others, [0.0] * 30)) == (0.0, 30)
    assert stand_in(np.append(others, [0.0] * 2)) is None
    assert stand_in(np.append(others, [0.0] * 400)) is None  # more often than not


@pytest.mark.parametrize(
    "values",
    [
        OWN.poisson(4, 500) * 1.0,
        OWN.integers(0, 40, 300) * 0.5,
        np.append(OWN.lognormal(0, 1, 200), [0.0] * 20),  # a value below the limit
        RNG.normal(size=300) * 100,
        RNG.integers(0, 100, 500) * 1.0,  # ages up to 99
        RNG.lognormal(3, 1.5, 500),
        np.append(RNG.uniform(0, 5, 100), 99.0),  # once
        np.array([-1.0, 0.0, 1.0] * 100),
        np.append(RNG.uniform(-150, 100, 300), [-99.0] * 3),
        np.full(50, -999.0),
        np.array([]),
        np.full(30, np.nan),
    ],
)
def test_values_among_others_stand_for_themselves(values):
    assert stand_in(values) is None


CREATININE, GLUCOSE = RNG.lognormal(0, 0.35, 300), RNG.normal(5.5, 0.8, 300)


@pytest.mark.parametrize(
    ("values", "factor"),
    [
        (np.append(CREATININE, CREATININE[:100] * 88.4), 88.4),
        (np.append(GLUCOSE, GLUCOSE[:40] * 18.02), 18.02),
        (np.append(RNG.normal(14, 1.5, 200), RNG.normal(140, 15, 200)), 10),
        (np.append(RNG.normal(1.7, 0.1, 200), RNG.normal(170, 10, 200)), 100),
        (np.append(RNG.normal(37, 0.5, 200), RNG.normal(98.6, 0.9, 200)), 2.66),  # °C, °F
    ],
)
def test_two_units_in_one_column_are_two_heaps(values, factor):
    assert unit_factor(RNG.permutation(values)) == factor


@pytest.mark.parametrize(
    "values",
    [
        CREATININE,
        RNG.lognormal(1, 2, 2000),  # CRP
        RNG.exponential(5, 500),
        np.append(RNG.normal(5, 1, 300), RNG.normal(400, 20, 5)),  # few patients
        RNG.integers(0, 30, 500) * 1.0,
        np.append(RNG.normal(20, 2, 300), RNG.normal(30, 2, 300)),
        np.append(RNG.normal(0, 1, 300), RNG.normal(100, 1, 300)),
        np.array([1.0, 100.0] * 200),
        np.array([]),
    ],
)
def test_one_unit_is_one(values):
    assert unit_factor(values) is None


def test_the_factor_between_two_middles():
    assert factor_between(5.5, 99.0) == factor_between(99.0, 5.5) == 18.02
    assert factor_between(1.0, 1.5) is factor_between(1.0, 0.0) is factor_between(-1.0, 2.0) is None
