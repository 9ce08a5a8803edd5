"""The working form of annotated notes: what it names, and what it refuses."""

import pytest

from clinnlp.core.errors import DataError
from corpora.annotated.form import Mention, parse_form

TEXT = "No back pain. Pain since May, pain at night; BP120/80. Aspirin for the pain."


def form(*lines):
    return parse_form(["\t".join(line) for line in lines], TEXT)


def words(mentions):
    return [TEXT[m.start : m.end] for m in mentions]


def test_the_second_place_of_a_surface_counts_those_inside_longer_mentions():
    found = form(("Problem", "back pain", "1", "n"), ("Problem", "pain", "2"))
    assert words(found) == ["back pain", "pain"]
    assert found[1].start == TEXT.index("pain at")


def test_a_star_takes_what_no_other_line_takes():
    found = form(("Problem", "pain", "*"), ("Problem", "back pain", "1", "n"))
    starts = [TEXT.index("back pain"), TEXT.index("pain at"), TEXT.rindex("pain")]
    assert [m.start for m in found] == starts


def test_several_places_on_one_line():
    assert [m.start for m in form(("Problem", "pain", "2,3"))] == [30, len(TEXT) - 5]


def test_words_around_a_mention_find_its_place():
    (found,) = form(("Problem", "for the [pain]", "1"))
    assert (found.start, found.end) == (len(TEXT) - 5, len(TEXT) - 1)


def test_a_tilde_finds_what_is_typed_without_a_blank():
    with pytest.raises(DataError, match="stand 1 times"):
        form(("Test", "BP", "1"))
    assert words(form(("Test", "BP", "~1"))) == ["BP"]


def test_axes_are_kept_in_one_order_and_remarks_and_blank_lines_skipped():
    found = parse_form(["# read twice", "", "Problem\tback pain\t1\tpn\r\n"], TEXT)
    assert found == [Mention(3, 12, "Problem", "np")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("Disease", "pain", "1"), "label must be one of"),
        (("Problem", "fever", "1"), "stand 1 times in the note, got 0"),
        (("Problem", "pain", "4"), "stand 4 times in the note, got 3"),
        (("Problem", "fever", "*"), "outside other mentions, got 0"),
        (("Problem", "pain.", "1"), "begin and end in"),
        (("Problem", "the pain", "1"), "determiner"),
        (("Problem", "the [the pain]", "1"), "determiner"),
        (("Problem", "[back] [pain]", "1"), "one pair of brackets"),
        (("Problem", "pain", "0"), "which must be"),
        (("Problem", "pain", ""), "which must be"),
        (("Problem", "pain", "1", "x"), "axes must be"),
        (("Problem", "pain", "1", "nn"), "axes must be"),
        (("Problem", "pain", "1", "n", "sure"), "at most 4 cells"),
        (("Anatomy", "back", "1", "n"), "Anatomy must have no axes"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number_and_without_its_words(line, said):
    with pytest.raises(DataError, match=said) as caught:
        parse_form(["", "\t".join(line)], TEXT, path="mt7.tsv")
    assert caught.value.line == 2
    assert "pain" not in str(caught.value).replace("mt7.tsv", "")


def test_overlaps_are_refused_and_touching_is_not():
    with pytest.raises(DataError, match="overlap"):
        form(("Problem", "back pain", "1"), ("Anatomy", "back", "1"))
    with pytest.raises(DataError, match="overlap"):
        form(("Problem", "pain", "1"), ("Drug", "pain", "1"))
    assert len(parse_form(["Test\tBP\t~1", "Drug\t120\t~1"], TEXT)) == 2
