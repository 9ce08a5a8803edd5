"""From attributes of a drug mention to a Dosage."""

import pytest

from clinnlp import Entity, Note, Span
from clinnlp.io.notes.fhir_dosage import dosage
from clinnlp.text.medication import Medications

MG = {"system": "http://unitsofmeasure.org", "code": "mg"}


@pytest.mark.parametrize(
    ("sig", "text", "dose", "repeat"),
    [
        (
            "10 mg p.o. daily",
            "10 mg p.o. daily",
            {"doseQuantity": {"value": 10, "unit": "mg", **MG}},
            {"frequency": 1, "period": 1, "periodUnit": "d"},
        ),
        (
            "20-40 mg every 6-8 hours for 7 days",
            "20-40 mg every 6-8 hours for 7 days",
            {
                "doseRange": {
                    "low": {"value": 20, "unit": "mg", **MG},
                    "high": {"value": 40, "unit": "mg", **MG},
                }
            },
            {
                "frequency": 3,
                "frequencyMax": 4,
                "period": 1,
                "periodUnit": "d",
                "boundsDuration": {
                    "value": 7,
                    "unit": "days",
                    "system": MG["system"],
                    "code": "d",
                },
            },
        ),
        (
            "2 tablets once a week",
            "2 tablets once a week",
            {"doseQuantity": {"value": 2, "unit": "tablets"}},
            {"frequency": 1, "period": 1, "periodUnit": "wk"},
        ),
        (
            "1,000 units every other day",
            "1,000 units every other day",
            {"doseQuantity": {"value": 1000, "unit": "units"}},
            {"frequency": 1, "period": 2, "periodUnit": "d"},
        ),
        ("two puffs", "two puffs", None, None),
        ("10/325 mg", "10/325 mg", None, None),
    ],
)
def test_what_a_note_says(sig, text, dose, repeat):
    drug = Entity(id="T1", span=Span(0, 5), label="Drug")
    found = Medications()(Note(id="n", text=f"Lasix {sig}", entities=(drug,))).entities[0]
    made = dosage(found.attributes)
    assert made["text"] == text
    assert made.get("doseAndRate", [None])[0] == dose
    assert made.get("timing", {}).get("repeat") == repeat


@pytest.mark.parametrize(
    ("attributes", "made"),
    [
        ({}, {}),
        ({"change": "stop", "dose_mg": 0.0}, {}),
        ({"prn": True}, {"text": "as needed", "asNeededBoolean": True}),
        (
            {"dose": "1-2 tablets", "form": "tablets", "prn": True, "indication": "pain"},
            {
                "text": "1-2 tablets as needed for pain",
                "asNeededCodeableConcept": {"text": "pain"},
                "doseAndRate": [
                    {
                        "doseRange": {
                            "low": {"value": 1, "unit": "tablets"},
                            "high": {"value": 2, "unit": "tablets"},
                        }
                    }
                ],
            },
        ),
        (
            {"strength": "25 mg", "dose": "5 mg", "dose_mg": True},
            {
                "text": "25 mg 5 mg",
                "doseAndRate": [{"doseQuantity": {"value": 5, "unit": "mg", **MG}}],
            },
        ),
        ({"dose": "25-100 mg"}, {"text": "25-100 mg"}),
        ({"dose": "20-12.5 mg"}, {"text": "20-12.5 mg"}),
        ({"route": "p.o."}, {"text": "p.o.", "route": {"text": "p.o."}}),
        (
            {"frequency": "so often", "doses_per_day": 0.123457},
            {"text": "so often", "timing": {"code": {"text": "so often"}}},
        ),
        ({"doses_per_day": 1e300, "duration_days": 1e308, "dose_mg": 1e9}, {}),
        ({"doses_per_day": 5e-324, "duration_days": -1}, {}),
        (
            {"schedule": "40 mg a.m., 20 mg p.m.", "dose_mg": 40.0, "doses_per_day": 1.0},
            {"text": "40 mg a.m., 20 mg p.m."},
        ),
    ],
)
def test_attributes(attributes, made):
    assert dosage(attributes) == made


@pytest.mark.parametrize(
    ("per_day", "repeat"),
    [
        (4.0, (4, 1, "d")),
        (0.5, (1, 2, "d")),
        (round(24 / 36, 6), (2, 3, "d")),
        (round(3 / 7, 6), (3, 1, "wk")),
        (round(1 / 14, 6), (1, 2, "wk")),
        (round(1 / 30, 6), (1, 30, "d")),
        (round(1 / 90, 6), (1, 90, "d")),
        (round(10 / 31, 6), (10, 31, "d")),
    ],
)
def test_how_often(per_day, repeat):
    made = dosage({"doses_per_day": per_day})["timing"]["repeat"]
    assert (made["frequency"], made["period"], made["periodUnit"]) == repeat
