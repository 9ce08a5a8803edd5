"""Results of laboratories as they are written."""

import pytest

from clinnlp.io.record.results import Result, result_of


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("5.2", Result(5.2)),
        (" 5 ", Result(5.0)),
        (".5", Result(0.5)),
        ("1e3", Result(1000.0)),
        ("-2", Result(-2.0)),
        ("=5", Result(5.0)),
        ("<5", Result(5.0, "<")),
        ("< 5.0", Result(5.0, "<")),
        (">1000", Result(1000.0, ">")),
        ("<=5", Result(5.0, "<=")),
        ("\u22655", Result(5.0, ">=")),
        ("LESS THAN 0.5", Result(0.5, "<")),
        ("Greater than 600", Result(600.0, ">")),
        ("NEG", Result(word="neg")),
        ("1+", Result(word="1+")),
        ("Yellow  Clear", Result(word="yellow clear")),
        ("TOLD DR JANE DOE", Result()),  # a remark is nobody's feature
        ("5-10", Result(word="5-10")),
        ("___", Result()),
        ("", Result()),
        ("CANCELLED: PATIENT REFUSED; SPOKE WITH NURSE", Result()),
    ],
)
def test_a_result(text, result):
    assert result_of(text) == result
