"""The form of an answer is the one that the caller wants most, or none."""

import pytest

from clinnlp.service.accept import form_of

JSON, FHIR = "application/json", "application/fhir+json"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json, text/plain, */*", JSON),  # axios
        ("application/json, application/*+json", JSON),  # Spring
        ("text/html, image/gif, */*; q=0.2", JSON),  # HttpURLConnection
        (FHIR, FHIR),
        ("Application/FHIR+JSON; charset=utf-8", FHIR),
        ("application/fhir+json; fhirVersion=4.0, */*", FHIR),
        ("application/fhir+xml;q=1.0, application/fhir+json;q=1.0, application/xml;q=0.9", FHIR),
        (f"{JSON};q=0.5, {FHIR};q=0.7", FHIR),
        (f"{JSON};q=0.7, {FHIR};q=0.5", JSON),
        (f"{JSON}, {FHIR}", JSON),
        (f"{FHIR};q=0, */*", JSON),
        (f"{FHIR};q=soon", FHIR),
        ("application/fhir+xml", None),
        ("text/html", None),
        (f"{FHIR};q=0", None),
        (";;,,;q=", None),
    ],
)
def test_a_header_names_a_form(header, wanted):
    assert form_of(header, (JSON, FHIR)) == wanted
