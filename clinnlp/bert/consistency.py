"""What a note says of a name at one place tells of its other places, and of its short form.

A network reads each place of a name anew, and misses some that it finds elsewhere in the note. And
short forms it can only know from what stands around them, though the note says what they are:
"renal failure (RF)". So for each name that is found anywhere in a note, all its places are
*candidates*, and the log odds of each are a weighted sum of what is known of

- the place itself: log odds z that its words carry the tags of a mention and it goes no further;
- the other places of the name: whether there are any, how many, their mean and largest z;
- the places of its short or long form, where the note defines one: whether there are any, their
  largest z;
- whether the network alone would not have given the place;
- whether training notes mark the name with the label, and of how many patients
  (`clinnlp.bert.known_names`).

Of candidates that overlap the likelier is given. Names are compared without case, but for words
with two capitals, which would be other words ("AIDS" and "aids"). A place inside a longer mention
of the same reading says nothing of the shorter name. Nothing outside of the note is looked at.

The weights are fitted on the notes that were set aside from training, pulled towards those that
were found inside of the BC5CDR training set: a model of 350 of its notes, scored on the other 150
by five folds, had F1 0.810 by the tags alone, 0.814 with the other places of names, and 0.837 with
short and long forms too; abbreviations of 2 to 7 capitals 0.667, 0.705 and 0.839.

References
----------
Schwartz and Hearst, Pac Symp Biocomput 2003: 451-462 (short forms). Krishnan and Manning, An
effective two-stage model for exploiting non-local dependencies in named entity recognition, ACL
2006 (agreement within a document).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import log1p
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit

from clinnlp.bert.known_names import word_keys
from clinnlp.bert.windows import TokenisedText
from clinnlp.core.abbreviations import short_forms
from clinnlp.core.arrays import Bools, Floats, Floats32, Ints

__all__ = [
    "USUAL",
    "Candidates",
    "NoteWords",
    "Place",
    "Weights",
    "apart",
    "candidates",
    "fit_weights",
    "note_words",
]

Place = tuple[int, int, int]  # first word, word past the end, label
Weights = tuple[float, ...]

# constant; z; others: any, mean z, largest z, log(1 + n); short or long form: any, largest z;
# added; marked in training: whether, log(1 + patients)
USUAL: Weights = (-0.26, 0.54, 0.03, 0.05, 0.23, -0.49, 1.31, 0.63, 1.14, 0.8, 0.1)

_OWN, _OTHERS = 10.0, 6.0  # the farthest that log odds count, of the place and of others
_NEVER = 1e9
_ADDED = 8  # the column that says whether the network alone would not have given it
_TINY = 1e-7
_PULL = 25.0  # how strongly the weights are pulled towards the usual ones

_Name = tuple[str, ...]


class NoteWords(NamedTuple):
    """The words of a note as names are compared, and what it says of short and long forms."""

    keys: list[str]
    forms: dict[_Name, set[_Name]]


class Candidates(NamedTuple):
    """Places of a note that may be mentions, as columns."""

    begins: Ints  # first word
    ends: Ints  # word past the last
    labels: Ints
    added: Bools  # whether the network alone would not have given it
    evidence: Floats  # (n, 11), what the weights are of


def note_words(text: str, words: TokenisedText) -> NoteWords:
    """Return what the candidates of all heads need of a text."""
    keys = word_keys(text, words)
    return NoteWords(keys, _forms(text, words, keys))


def candidates(
    words: NoteWords,
    log_p: Floats32,
    given: Sequence[Place],
    names: Sequence[Mapping[str, int]] = (),
) -> Candidates:
    """Return all places of the names that are found in a note, with what is known of each.

    Parameters
    ----------
    words : NoteWords
        Of the note.
    log_p : array of float32, shape (n_words, n_tags)
        Log probabilities of the tags of one head.
    given : sequence of (first word, word past the last, label)
        What the network alone gives, in text order.
    names : sequence of mapping of str to int
        Of each label the names that training notes mark (`clinnlp.bert.known_names`).
    """
    if not given:
        none = np.zeros(0, np.int64)
        return Candidates(none, none, none, np.zeros(0, bool), np.zeros((0, len(USUAL))))
    places = _places(words, given)
    every = [place for each in places.values() for place in each]
    z = iter(_log_odds(log_p, every).tolist())
    of_name = {name: [next(z) for _ in each] for name, each in places.items()}
    largest = {name: max(each) for name, each in of_name.items()}
    marked = names or [{}] * (log_p.shape[1] // 2)
    rows = list[list[float]]()
    for (name, label), own in of_name.items():
        of_forms = [largest.get((other, label), -_NEVER) for other in words.forms.get(name, ())]
        n_patients = marked[label].get(" ".join(name), 0)
        rows += _evidence(own, max(of_forms, default=-_NEVER), n_patients)
    known = set(given)
    columns, evidence = np.array(every, np.int64), np.array(rows)
    evidence[:, _ADDED] = [place not in known for place in every]
    order = np.lexsort(columns.T[::-1])
    begins, ends, labels = columns[order].T
    evidence = evidence[order]
    return Candidates(begins, ends, labels, evidence[:, _ADDED] > 0, evidence)


def apart(begins: ArrayLike, ends: ArrayLike, p: ArrayLike) -> Ints:
    """Return which of some ranges to give, in order, so that none overlap: the likeliest first.

    Examples
    --------
    >>> apart([0, 1, 4], [2, 3, 5], [0.6, 0.9, 0.2]).tolist()
    [1, 2]
    """
    a, b = (np.asarray(each, np.int64).tolist() for each in (begins, ends))
    taken, kept = set[int](), list[int]()
    for i in np.argsort(-np.asarray(p, np.float64), kind="stable").tolist():
        words = range(a[i], b[i])
        if taken.isdisjoint(words):
            taken.update(words)
            kept.append(i)
    return np.array(sorted(kept), np.int64)


def fit_weights(evidence: Floats, right: Sequence[bool] | Bools) -> Weights:
    """Return the weights under which `right` is likeliest, near the usual ones.

    Parameters
    ----------
    evidence : array, shape (n, 11)
        Of `candidates`.
    right : array of bool, shape (n,)
        Whether a gold mention has the same span and label.

    Examples
    --------
    >>> fit_weights(np.zeros((0, 11)), []) == USUAL
    True
    """
    y, usual = np.asarray(right, np.float64), np.array(USUAL)

    def cost(w: Floats) -> tuple[float, Floats]:
        u, off = evidence @ w, w - usual
        value = np.logaddexp(0, u).sum() - y @ u + _PULL * (off @ off) / 2
        return float(value), evidence.T @ (expit(u) - y) + _PULL * off

    found = minimize(cost, usual, jac=True, method="L-BFGS-B")
    return tuple(found.x.tolist())


def _forms(text: str, words: TokenisedText, keys: Sequence[str]) -> dict[_Name, set[_Name]]:
    """Return the other forms of each name that the text gives a short or long one."""
    forms = defaultdict[_Name, set[_Name]](set)
    for pair in short_forms(text):
        short, long = (tuple(keys[slice(*words.words_of(span))]) for span in pair)
        if short and long:
            forms[short].add(long)
            forms[long].add(short)
    return dict(forms)


def _places(words: NoteWords, given: Sequence[Place]) -> dict[tuple[_Name, int], list[Place]]:
    """Return all places of each name and label that stands among those that are given."""
    keys = words.keys
    names = _labels(words, given)
    lengths = defaultdict[str, set[int]](set)  # of the names that begin with a word
    for name in names:
        lengths[name[0]].add(len(name))
    mention_at = {i: (a, b) for a, b, _ in given for i in range(a, b)}
    known = set(given)
    found = defaultdict[tuple[_Name, int], list[Place]](list)
    begins = [at for at, key in enumerate(keys) if key in lengths]
    for i, n in ((at, n) for at in begins for n in lengths[keys[at]]):
        name = tuple(keys[i : i + n])
        within = _is_within(mention_at, i, n)
        for label in sorted(names.get(name, ())) if len(name) == n else ():
            if not within or (i, i + n, label) in known:
                found[name, label].append((i, i + n, label))
    return dict(found)


def _labels(words: NoteWords, given: Sequence[Place]) -> dict[_Name, set[int]]:
    """Return the labels of each name that is given, and of its other forms."""
    names = defaultdict[_Name, set[int]](set)
    for a, b, label in given:
        names[tuple(words.keys[a:b])].add(label)
    for name in list(names):
        for other in words.forms.get(name, ()):
            names[other] |= names[name]
    return dict(names)


def _is_within(mention_at: Mapping[int, tuple[int, int]], start: int, n: int) -> bool:
    """Return whether `n` words lie inside a longer mention that is given."""
    a, b = mention_at.get(start, (0, 0))
    return b - a > n and start + n <= b


def _log_odds(log_p: Floats32, places: Iterable[Place]) -> Floats:
    """Return the log odds that each place carries the tags of a mention and goes no further."""
    at = np.array(list(places), np.int64).reshape(-1, 3)
    a, b, label = at.T
    total = np.concatenate([np.zeros((1, log_p.shape[1])), np.cumsum(log_p, 0, np.float64)])
    tag_in = 2 * label + 2
    inside = log_p[a, tag_in - 1] + total[b, tag_in] - total[np.minimum(a + 1, b), tag_in]
    after = np.exp(np.minimum(log_p[np.minimum(b, len(log_p) - 1), tag_in], -1e-9, dtype=float))
    stops = np.where(b < len(log_p), np.log1p(-after), 0.0)
    p = np.clip(np.exp(inside + stops), _TINY, 1 - _TINY)
    z: Floats = np.log(p / (1 - p))
    return z


def _evidence(own: Sequence[float], of_forms: float, n_patients: int) -> list[list[float]]:
    """Return what is known of each place of a name, from the log odds of all of them."""
    kept = [min(max(z, -_OTHERS), _OTHERS) for z in own]
    n, total, high = len(kept) - 1, sum(kept), sorted(kept)
    partner = [0.0, 0.0]
    if of_forms > -_NEVER:
        partner = [1.0, min(max(of_forms, -_OTHERS), _OTHERS)]
    marked = [float(n_patients > 0), log1p(n_patients)]
    rows = []
    for z, mine in zip(own, kept, strict=True):
        others = [0.0] * 4
        if n:
            most = high[-2] if mine == high[-1] else high[-1]
            others = [1.0, (total - mine) / n, most, log1p(n)]
        rows.append([1.0, min(max(z, -_OWN), _OWN), *others, *partner, 0.0, *marked])
    return rows
