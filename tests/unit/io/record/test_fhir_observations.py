"""Values of Observations of every kind: kept as they are, or counted; never the word "None"."""

import json
import re
from math import isnan

import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.record.fhir import read_fhir
from tests.unit.io.record.fhir_files import LOINC, coded, observed, write_lines, write_xml

UNIT = {"unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
NUMBERS = [
    ({"valueQuantity": {"value": 4.1, **UNIT}}, 4.1, "mmol/L"),
    ({"valueQuantity": {"value": 4.10, "code": "mmol/L"}}, 4.1, "mmol/L"),
    ({"valueQuantity": {"value": 0}}, 0.0, None),
    ({"valueInteger": 3}, 3.0, None),
]
SAID = [
    ({"valueRange": {"low": {"value": 3, **UNIT}, "high": {"value": 5, **UNIT}}}, "3-5 mmol/L"),
    ({"valueRange": {"low": {"value": 3, "unit": "g"}, "high": {"value": 1, "unit": "kg"}}},
     "3 g-1 kg"),
    ({"valueRange": {"low": {"value": 3, **UNIT}}}, ">=3 mmol/L"),
    ({"valueRange": {"high": {"value": 5}}}, "<=5"),
    ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, "1:128"),
    ({"valueRatio": {"numerator": {"value": 1, "comparator": "<"}, "denominator": {"value": 8}}},
     "<1:8"),
    ({"valuePeriod": {"start": "2024-03-01", "end": "2024-03-04"}}, "2024-03-01/2024-03-04"),
    ({"valuePeriod": {"start": "2024-03-01"}}, "2024-03-01/"),
    ({"valueString": " red "}, "red"),
    ({"valueBoolean": True}, "true"),
    ({"valueBoolean": False}, "false"),
    ({"valueDateTime": "2024-03"}, "2024-03"),
    ({"valueTime": "08:30:00"}, "08:30:00"),
    ({"valueCodeableConcept": coded("260385009")}, "260385009"),
    ({"valueCodeableConcept": {"text": "1+"}}, "1+"),
    ({"valueCodeableConcept": {"coding": [{"display": "x"}, {"code": "7"}]}}, "7"),
]  # fmt: skip
LACKS = [
    ({}, "without value"),
    ({"valueQuantity": {"unit": "mg"}}, "without value"),
    ({"valueCodeableConcept": {}}, "without value"),
    ({"valueCodeableConcept": {"coding": [{}]}}, "without value"),
    ({"valueString": " "}, "without value"),
    ({"valueRange": {}}, "without value"),
    ({"valueRatio": {"numerator": {"value": 1}}}, "without value"),
    ({"valuePeriod": {}}, "without value"),
    ({"hasMember": [{"reference": "Observation/o2"}]}, "without value"),
    ({"dataAbsentReason": coded("not-performed")}, "of absent data"),
    ({"valueSampledData": {"origin": {"value": 0}, "period": 10, "dimensions": 1, "data": "1 2"}},
     "of a value that is no single one"),
    ({"valueAttachment": {"contentType": "image/png"}}, "of a value that is no single one"),
    ({"code": {}, "valueString": "red"}, "without code"),
    ({"code": None, "valueQuantity": {"value": 1}}, "without code"),
]  # fmt: skip


def both(tmp_path, resource):
    """Return the record of a resource, which is the same from JSON and from XML."""
    (tmp_path / "o.json").write_text(json.dumps(resource))
    records = [read_fhir(tmp_path / "o.json"), read_fhir(write_xml(tmp_path / "o.xml", resource))]
    rows = [[repr(row) for row in record.events.rows()] for record in records]
    assert rows[0] == rows[1]
    assert records[0].n_excluded == records[1].n_excluded
    assert not re.search("None=|=None", str(rows))
    return records[0]


@pytest.mark.parametrize(("value", "number", "unit"), NUMBERS)
def test_numbers_are_measurements(tmp_path, value, number, unit):
    (row,) = both(tmp_path, observed(**value)).events.rows()
    assert (row["kind"], row["code"], row["value"], row["unit"]) == (
        "measurement", "2823-3", number, unit
    )  # fmt: skip


@pytest.mark.parametrize("comparator", ["<", "<=", ">=", ">", None])
def test_a_bound_keeps_its_comparator(tmp_path, comparator):
    value = {"value": 4.1, **UNIT, **({"comparator": comparator} if comparator else {})}
    (row,) = both(tmp_path, observed(valueQuantity=value)).events.rows()
    assert (row["kind"], row["code"], row["value"], row["unit"], row["comparator"]) == (
        "measurement", "2823-3", 4.1, "mmol/L", comparator
    )  # fmt: skip


@pytest.mark.parametrize(("value", "said"), SAID)
def test_what_is_no_single_number_is_kept_as_it_is(tmp_path, value, said):
    (row,) = both(tmp_path, observed(**value)).events.rows()
    assert (row["kind"], row["code"]) == ("observation", f"2823-3={said}")
    assert isnan(row["value"])


@pytest.mark.parametrize(("value", "reason"), LACKS)
def test_what_says_nothing_is_counted(tmp_path, value, reason):
    record = both(tmp_path, observed(**value))
    assert (len(record.events), record.n_excluded) == (0, {f"Observation {reason}": 1})


def test_components_are_events_of_their_own(tmp_path):
    parts = [
        {"code": coded("8480-6", LOINC), "valueQuantity": {"value": 120, "unit": "mmHg"}},
        {"code": coded("8462-4", LOINC), "dataAbsentReason": coded("unknown")},
        {"code": coded("8478-0", LOINC), "valueQuantity": {"value": 60, "comparator": ">"}},
    ]
    record = both(tmp_path, observed(component=parts))
    assert [(row["code"], row["comparator"]) for row in record.events.rows()] == [
        ("8480-6", None), ("8478-0", ">")
    ]  # fmt: skip
    assert record.n_excluded == {"part of an Observation of absent data": 1}
    record = both(tmp_path, observed(component=parts[1:2]))
    assert (len(record.events), record.n_excluded) == (0, {"Observation of absent data": 1})


@pytest.mark.parametrize(
    "value",
    [{"valueQuantity": {"value": 1, "comparator": "~"}}, {"valueBoolean": "maybe"},
     {"valueString": {"a": "Zebra"}}, {"valueRange": {"low": {"value": "Zebra"}}},
     {"valueInteger": "Zebra"}],
)  # fmt: skip
def test_a_value_of_another_form_is_refused(tmp_path, value):
    with pytest.raises(DataError, match=r"o.ndjson:1: ") as caught:
        read_fhir(write_lines(tmp_path / "o.ndjson", [observed(**value)]))
    assert "Zebra" not in str(caught.value)
