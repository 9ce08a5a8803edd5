"""Offsets that count otherwise are named, and moved only on request."""

from collections import Counter
from pathlib import Path

import pytest

from clinnlp.core.errors import OffsetError
from clinnlp.core.spans import Span
from clinnlp.io.files.source import Document
from clinnlp.io.notes.offsets import is_offset, place

HERE = Document(Path("a.txt"), 3, None)


@pytest.mark.parametrize(
    ("rule", "text", "bounds"),
    [
        ("bytes", "né fever x", (4, 9)),
        ("UTF-16", "💊 fever x", (3, 8)),
        ("CRLF as one", "a\r\nb fever", (4, 9)),
        ("CRLF for LF", "a\nb fever x", (5, 10)),
        ("end included", "no fever", (3, 7)),
        ("one too late", "no fever x", (4, 9)),
        ("one too early", "no fever", (2, 7)),
    ],
)
def test_each_rule(rule, text, bounds):
    with pytest.raises(OffsetError, match=rf"a.txt:3: .*by the rule '{rule}': read with repair"):
        place(HERE, text, [bounds], "fever")
    repairs = Counter()
    (span,) = place(HERE._replace(repairs=repairs), text, [bounds], "fever")
    assert text[span.start : span.end] == "fever"
    assert repairs == {rule: 1}


def test_pieces_in_any_order_joined_in_any_way():
    text = "mu- or kappa-agonists"
    for mention in ("mu- agonists", "mu-agonists"):
        assert place(HERE, text, [(0, 3), (13, 21)], mention) == (Span(0, 3), Span(13, 21))
    assert place(HERE, text, [(13, 21), (0, 3)], "agonists mu-") == (Span(0, 3), Span(13, 21))


def test_one_piece_of_two_may_be_wrong():
    repairs = Counter()
    found = place(HERE._replace(repairs=repairs), "ab cd ef", [(0, 2), (5, 7)], "ab ef")
    assert found == (Span(0, 2), Span(6, 8))
    assert repairs == {"one too early": 1}


def test_nothing_is_searched_for():
    here = HERE._replace(repairs=Counter())
    with pytest.raises(OffsetError, match=r"must be the text at 0-5, got another text$"):
        place(here, "there is fever", [(0, 5)], "fever")
    with pytest.raises(OffsetError, match=r"must lie inside the text of 5 characters, got 3-9$"):
        place(here, "fever", [(3, 9)], None)
    assert not here.repairs


def test_white_space_does_not_matter_and_no_text_is_not_checked():
    assert place(HERE, "chest\r\n pain", [(0, 12)], "chest pain") == (Span(0, 12),)
    assert place(HERE, "chest pain", [(1, 3)], None) == (Span(1, 3),)


@pytest.mark.parametrize(
    ("rule", "text", "bounds", "mention"),
    [
        ("CRLF as one", "a\r\nfever\r\nx", (2, 7), "fever"),
        ("CRLF for LF", "a\nfever\nb", (3, 9), "fever\r"),
    ],
)
def test_a_mention_may_end_at_a_line_break(rule, text, bounds, mention):
    repairs = Counter()
    (span,) = place(HERE._replace(repairs=repairs), text, [bounds], mention)
    assert text[span.start : span.end].rstrip("\n") == "fever"
    assert repairs == {rule: 1}


def test_repaired_pieces_stand_in_the_order_of_the_text():
    here = HERE._replace(repairs=Counter())
    found = place(here, "ab cd ef", [(7, 9), (1, 3)], "efab")
    assert found == (Span(0, 2), Span(6, 8))


@pytest.mark.parametrize("bounds", [(2, 2), (4, 3)])
def test_a_piece_holds_at_least_one_character(bounds):
    with pytest.raises(OffsetError, match=r"a.txt:3: offsets must lie inside the text"):
        place(HERE, "fever", [bounds], None)


def test_an_offset_has_at_most_eighteen_digits():
    assert is_offset("9" * 18)
    assert not is_offset("9" * 19)
