"""Words and what they may be; eponyms by what stands behind them."""

import pytest

from clinnlp.text.identifier_lexicon import Kind, is_eponym, lexicon, words_of

KINDS = lexicon("en").kinds


def test_words_with_where_they_stand_and_which_have_a_capital():
    text = "Dr. O'Brien saw 2 x"
    words = words_of(text, KINDS)
    assert words.words == ["Dr", "O", "Brien", "saw", "2", "x"]
    assert [text[a : words.end(i)] for i, a in enumerate(words.starts)] == words.words
    assert words.capitals == [0, 1, 2]
    assert words.gap(text, 0) == ". "
    assert words.kinds[0] & Kind.TITLE


@pytest.mark.parametrize(
    ("word", "kind"),
    [("mary", Kind.GIVEN), ("smith", Kind.FAMILY), ("patient", Kind.WORD),
     ("lisinopril", Kind.WORD), ("foley", Kind.EPONYM), ("syndrome", Kind.HEAD),
     ("chicago", Kind.CITY), ("texas", Kind.REGION)],
)  # fmt: skip
def test_what_a_word_may_be(word, kind):
    assert KINDS[word] & kind


def test_a_name_of_other_countries_is_one_where_it_is_no_word_of_the_language():
    assert KINDS["zuzana"] == Kind.GIVEN | Kind.ABROAD
    assert KINDS["mary"] & Kind.ABROAD == 0
    assert KINDS["oral"] & (Kind.GIVEN | Kind.ABROAD) == 0  # a Turkish one


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Bell's palsy", True), ("Foley catheter", True), ("Bell came", False), ("Bell", False),
     ("Smith lateral fracture", True), ("Bell's", False), ("Emery-Dreifuss dystrophy", True),
     ("Emery-Dreifuss came", False), ("Li-treated rats", True), ("Jean-luc", False)],
)  # fmt: skip
def test_an_eponym_by_what_stands_behind_it(text, expected):
    assert is_eponym(text, words_of(text, KINDS), 0) is expected
