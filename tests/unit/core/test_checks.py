"""Checks: each refuses what it should in one sentence."""

import pytest

from clinnlp.core import checks
from clinnlp.core.errors import ArgumentError, DataError, LeakageError
from clinnlp.core.notes import Note


def test_ranges_and_choices():
    checks.check_at_least(1, 1, name="n")
    checks.check_fraction(0.5, name="f")
    checks.check_one_of("a", ("a", "b"), name="c")
    with pytest.raises(ArgumentError, match="n must be at least 1, got 0"):
        checks.check_at_least(0, 1, name="n")
    with pytest.raises(ArgumentError, match="n must be at least 1, got nan"):
        checks.check_at_least(float("nan"), 1, name="n")
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        checks.check_fraction(1.5, name="f")
    with pytest.raises(ArgumentError, match="c must be one of a, b, got 'd'"):
        checks.check_one_of("d", ("b", "a"), name="c")


def test_files(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        checks.check_file(tmp_path / "x")
    with pytest.raises(DataError, match="got a folder"):
        checks.check_file(tmp_path)


def test_a_one_shot_iterator_is_refused_for_training():
    checks.check_reiterable([], name="train")
    with pytest.raises(ArgumentError, match="train must be re-iterable"):
        checks.check_reiterable(iter([]), name="train")


@pytest.mark.parametrize("other", [Note(id="a", text="z"), Note(id="z", text="same words")])
def test_a_note_in_both_sets_is_leakage(other):
    train = [Note(id="a", text="same words"), Note(id="b", text="b")]
    checks.check_disjoint(train, [Note(id="c", text="c")], name="dev")
    with pytest.raises(LeakageError, match="no note of dev may stand in train") as caught:
        checks.check_disjoint(train, [other], name="dev")
    assert "same words" not in str(caught.value)


def test_one_note_or_text_is_not_several():
    for one in ("text", b"text", Note(id="a", text="text")):
        with pytest.raises(ArgumentError, match=r"notes must be several, got one .*into a list"):
            checks.check_several(one, name="notes")
    checks.check_several([Note(id="a", text="text")], name="notes")
