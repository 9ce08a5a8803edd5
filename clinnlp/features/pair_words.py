"""Pairs of mentions as counts of the words around them, and two classifiers on those.

Words before the first end, between both and behind the second are counted apart, single ones and
neighbours, each hashed to a column; so are the labels of the ends. What trained relations are
compared with: naive Bayes, and a linear SVM for each class against the others, with classes of
equal weight. Their smoothing and strength were chosen on fold 1 of DDI-2013.

References
----------
Weinberger et al., Feature Hashing, ICML 2009; Bunescu and Mooney, Subsequence Kernels for Relation
Extraction, NIPS 2005 (words before, between and after).
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from sklearn.feature_extraction import FeatureHasher
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import LinearSVC

from clinnlp.core.arrays import Bools, Ints
from clinnlp.core.notes import Note
from clinnlp.core.spans import Span

__all__ = ["PairWords", "predicted_kinds", "words_around"]

_WORD = re.compile(r"\w+|[^\w\s]")
_NEAR = 6  # words before and behind
_COLUMNS = 2**18
_SMOOTHING, _STRENGTH = 0.1, 0.1  # alpha of naive Bayes, C of the SVM


class PairWords(NamedTuple):
    """The words around a pair, in small letters, and the labels of its ends."""

    before: list[str]
    between: list[str]
    behind: list[str]
    labels: tuple[str, str]


def words_around(
    note: Note, first: Span, second: Span, region: Span, labels: tuple[str, str]
) -> PairWords:
    """Return the words around two mentions of a note, inside a region of it.

    Examples
    --------
    >>> note = Note(id="n", text="A rash after aspirin, again.")
    >>> words_around(note, Span(2, 6), Span(13, 20), Span(0, 28), ("Effect", "Drug"))[:3]
    (['a'], ['after'], [',', 'again', '.'])
    """
    low, high = sorted((first, second))
    end = max(low.end, high.end)
    parts = ((region.start, low.start), (low.end, high.start), (end, region.end))
    before, between, behind = (_words(note.text[a : max(a, b)]) for a, b in parts)
    return PairWords(before[-_NEAR:], between, behind[:_NEAR], labels)


def predicted_kinds(
    train: Sequence[PairWords],
    kinds: Ints,
    asked: Sequence[PairWords],
    possible: Bools,
) -> dict[str, Ints]:
    """Return the kind that each classifier gives to the pairs that are asked about.

    Parameters
    ----------
    train : sequence of PairWords
    kinds : array of int64, shape (n_train,)
        Kind of each, 0 for none.
    asked : sequence of PairWords
    possible : array of bool, shape (n_asked, 1 + n_kinds)
        Which kinds a pair can be.

    Returns
    -------
    dict
        By name of the classifier (``"naive_bayes"``, ``"linear_svm"``) an array, shape (n_asked,).

    Examples
    --------
    >>> pairs = [PairWords([], [word], [], ("Drug", "Drug")) for word in ("raises", "and")]
    >>> found = predicted_kinds(pairs * 5, np.array([1, 0] * 5), pairs, np.ones((2, 2), bool))
    >>> {name: each.tolist() for name, each in found.items()}
    {'naive_bayes': [1, 0], 'linear_svm': [1, 0]}
    """
    n_kinds = possible.shape[1]
    if len(np.unique(kinds)) < 2 or not len(asked):
        only = np.full(len(asked), kinds[0] if len(kinds) else 0, np.int64)
        return {"naive_bayes": only, "linear_svm": only.copy()}
    hasher = FeatureHasher(_COLUMNS, input_type="string", alternate_sign=False)
    x, theirs = (hasher.transform(list(map(_named, each))) for each in (train, asked))
    x.data[:], theirs.data[:] = 1, 1
    out = {}
    for name, model in (
        ("naive_bayes", MultinomialNB(alpha=_SMOOTHING)),
        ("linear_svm", _svm()),
    ):
        model.fit(x, kinds)
        scores = np.full((len(asked), n_kinds), -np.inf)
        scores[:, model.classes_] = _scores(model, theirs)
        out[name] = np.where(possible, scores, -np.inf).argmax(axis=1)
    return out


def _svm() -> LinearSVC:
    return LinearSVC(C=_STRENGTH, class_weight="balanced", tol=1e-3, max_iter=5000, random_state=0)


def _scores(model: Any, x: Any) -> Any:
    """Return a score of each class, shape (n_pairs, n_classes)."""
    if isinstance(model, MultinomialNB):
        return model.predict_joint_log_proba(x)
    found = model.decision_function(x)
    return np.stack([-found, found], axis=1) if found.ndim == 1 else found


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _named(pair: PairWords) -> list[str]:
    return list(_features(pair))


def _features(pair: PairWords) -> Iterator[str]:
    """Yield the name of each column that a pair has."""
    for place, words in (("a", pair.before), ("b", pair.between), ("c", pair.behind)):
        yield from (f"{place} {word}" for word in words)
        yield from (f"{place} {one} {other}" for one, other in pairwise(words))
    yield f"labels {pair.labels[0]} {pair.labels[1]}"
    yield f"gap {min(len(pair.between), 20) // 3}"
