"""In which case a short name of a word list must stand in a text to be one.

"htn" is HTN, but "pe", "or" and "hit" are words or parts of words, and not PE, OR and HIT. Of a
list of up to 1,000 names a name of two or three characters is found

=====================  ===========================================================================
in its own case        where it is a common word of the language
in that or in capitals where its small letters are a word (rows ``short`` and ``large`` of the table
                       of common words) that the list does not mean, as it writes the name
                       otherwise; and where two concepts differ by it alone ("PD", "Pd")
in any case            else, and where the list itself has the word in small letters ("flu")
=====================  ===========================================================================

One character, and what is short in a larger list, is found in its own case alone.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from clinnlp.core.vocab import fold
from clinnlp.text.large_lists import N_LARGE, common_words

__all__ = ["N_CASED", "Cases", "cases_of"]

N_CASED = 3  # characters; longer names match in any case


class Cases(NamedTuple):
    """What `TermMatcher` is told of the case of names, and how many short ones are bound to it."""

    n_cased: int  # characters up to which all names match in their own case alone
    own: frozenset[str]  # folded names that do
    capitals: frozenset[str]  # folded names that match in capitals as well, and not otherwise
    n_bound: int


def cases_of(terms: Sequence[tuple[str, str]], *, language: str = "en") -> Cases:
    """Return the cases in which the names of a list, each with its code, are found.

    Examples
    --------
    >>> names = ["HTN", "PE", "Ca", "K", "flu", "headache"]
    >>> sorted(cases_of([(name, name) for name in names]).capitals)
    ['ca', 'pe']
    """
    common = frozenset(common_words(language))
    meant = {(name.strip(), code) for name, code in terms if 0 < len(name.strip()) <= N_CASED}
    short = {name for name, _ in meant}
    if len(terms) > N_LARGE:
        return Cases(N_CASED, common, frozenset(), len(short))
    own = {fold(name) for name in short if len(name) == 1}
    n_meant = Counter(folded for folded, _ in {(fold(name), code) for name, code in meant})
    n_written = Counter(map(fold, short))
    shared = {folded for folded, n in n_meant.items() if min(n, n_written[folded]) > 1}
    words, others = common_words(language, kind="short"), common_words(language, kind="large")
    capitals = {
        folded
        for name in short
        if (folded := fold(name)) not in common
        and (folded in shared or folded in others or (folded in words and _is_no_word(name)))
    } - own
    n_bound = sum(fold(name) in common | own | capitals for name in short)
    return Cases(0, common | own, frozenset(capitals), n_bound)


def _is_no_word(name: str) -> bool:
    """Return whether a list means by a name no word: in capitals, or a symbol such as "Ca"."""
    return name.isupper() or (len(name) < N_CASED and not name.islower())
