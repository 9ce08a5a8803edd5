"""Words around pairs, and what two classifiers make of them."""

import numpy as np

from clinnlp.core.notes import Note
from clinnlp.core.spans import Span
from clinnlp.features.pair_words import PairWords, predicted_kinds, words_around


def test_words_are_those_before_between_and_behind():
    note = Note(id="n", text="one two three four five six seven A b, C B last")
    region = Span(4, len(note.text))
    found = words_around(note, Span(41, 42), Span(34, 35), region, ("x", "y"))
    assert found.before == ["two", "three", "four", "five", "six", "seven"]
    assert found.between == ["b", ",", "c"]
    assert found.behind == ["last"]
    nested = words_around(note, Span(34, 43), Span(36, 37), region, ("x", "y"))
    assert nested.between == []


def test_what_labels_cannot_be_is_not_given():
    pairs = [PairWords([], [word], [], ("Drug", "Drug")) for word in ("raises", "and", "lowers")]
    kinds = np.array([1, 0, 2] * 5)
    possible = np.array([[True, False, True]] * 3)
    for given in predicted_kinds(pairs * 5, kinds, pairs, possible).values():
        assert given[1:].tolist() == [0, 2]
        assert given[0] != 1


def test_one_class_alone_is_given_to_all():
    pair = PairWords([], [], [], ("a", "b"))
    for given in predicted_kinds([pair], np.array([0]), [pair] * 2, np.ones((2, 2), bool)).values():
        assert given.tolist() == [0, 0]
    assert predicted_kinds([], np.array([], int), [], np.ones((0, 2), bool))[
        "linear_svm"
    ].shape == (0,)
