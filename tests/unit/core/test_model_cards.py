"""The pieces of a model card."""

import pytest

from clinnlp.core.model_cards import front_matter, number, score, table


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0.000"),
        (-0.5, "-0.500"),
        (0.0001, "0.0001"),
        (True, "True"),
        (12345, "12,345"),
    ],
)
def test_numbers(value, said):
    assert number(value) == said


def test_a_score_without_an_interval_is_a_number():
    assert score({"value": 0.5, "low": float("nan"), "high": float("nan")}) == "0.500"
    assert score({"value": None, "low": None, "high": None}) == "–"


def test_lines_for_machines_are_json_and_tables_may_be_empty():
    assert front_matter(a='x: "y"') == '---\na: "x: \\"y\\""\n---'
    assert table([]) == ""
