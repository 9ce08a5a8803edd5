"""Hidden characters are written out, words of every language stay."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.visible import visible

EVERY = [chr(code) for code in range(sys.maxunicode + 1)]
MISLEADING = "\u034f\u115f\u1160\u3164\uffa0\u17b4\u17b5"  # of other categories, without a form


def test_every_control_and_format_character_is_written_out():
    kinds = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    joiners = "\u200c\u200d"
    signs = {c for c in EVERY if 0x600 <= ord(c) <= 0x8E2 and c != "\u061c"}  # drawn, over numbers
    drawn = signs | {c for c in EVERY if 0x110BD <= ord(c) <= 0x1D17A}  # the like of other scripts
    for sign in (*EVERY, *MISLEADING):
        hidden = sign in MISLEADING or (unicodedata.category(sign) in kinds and sign not in drawn)
        if hidden or sign in joiners:
            assert visible(sign).isascii(), ascii(sign)
            assert visible(sign).isprintable(), ascii(sign)
        elif unicodedata.category(sign)[0] in "LNPSZ":
            assert visible(sign) == sign, ascii(sign)


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",
        "क्\u200dष",
        "👩\u200d⚕️",
        "e\u0301té",
        "٣٤",
        "שלום",
        "C:\\notes",
        "日本",
        "❤\ufe0f",
        "1\ufe0f\u20e3",
        "葛\U000e0100",
        "",
    ],
)
def test_words_of_every_language_stay(text):
    assert visible(text) == text


@pytest.mark.parametrize(
    "text", ["as\u200dpirin", "\u200cDrug", "Drug\u200d", "\u200d", "as\ufe0fpirin", "a\U000e0101"]
)
def test_what_joins_or_varies_nothing_is_written_out(text):
    assert visible(text).isascii()


ODD = st.text(st.sampled_from("aé日❤\u200c\u200d\ufe0f\u202e\u20e3\U000e0101\ud800\n"))


@given(st.text() | ODD)
def test_what_is_shown_has_nothing_left_to_write_out(text):
    shown = visible(text)
    assert visible(shown) == shown
    shown.encode("utf-8")


def test_what_is_kept_stays():
    assert visible("a\tb\r\n\x1b", keep="\t\n") == "a\tb\\r\n\\x1b"
