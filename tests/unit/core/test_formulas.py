"""No text is run by a spreadsheet, and every text comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.formulas import guarded, guarded_cells, unguarded

HOSTILE = st.text(alphabet="'=+-@＝－ \t\r\n\x00\xa0\u200b\ufeffa1;\"", max_size=8)


@pytest.mark.parametrize("sign", "=+-@＝＋－＠")
@pytest.mark.parametrize("before", ["", " ", "\xa0", "\t ", "\u3000", "\ufeff", "\u200b", "\x00"])
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(before, sign):
    text = f"{before}{sign}1+1"
    assert guarded(text) == f"'{text}"
    assert guarded(f"a{text}") == f"a{text}"


@pytest.mark.parametrize("text", ["\ta", "\ra", "\na", "'\ta"])
def test_what_a_program_may_drop_in_front_is_guarded(text):
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "'", "'tis", "a=b", "5 mg", " a", "−5", "'' ''=", "\xa0"])
def test_other_text_stays(text):
    assert guarded(text) == text
    assert unguarded(text) == text


@given(st.text(max_size=8) | HOSTILE)
def test_every_text_comes_back(text):
    kept = guarded(text)
    assert unguarded(kept) == text
    assert kept.lstrip()[:1] not in set("=+-@＝＋－＠")
    if not text.startswith("'"):
        assert unguarded(text) == text


@given(HOSTILE, HOSTILE)
def test_two_texts_stay_two(a, b):
    assert (guarded(a) == guarded(b)) == (a == b)


def test_only_text_is_looked_at():
    cells = [-1, -0.5, None, True, ("=",), "pain"]
    assert guarded_cells(cells) is cells
    assert guarded_cells([*cells, "=1"]) == [*cells, "'=1"]
