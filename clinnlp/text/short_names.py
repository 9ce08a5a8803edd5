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
from collections.abc import Sequence, Set
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
    meant = {(name, code) for name, code in terms if len(name) <= N_CASED and name.strip()}
    short = {name for name, _ in meant}
    own = common_words(language)
    if len(terms) > N_LARGE:
        return Cases(N_CASED, own, frozenset(), len(short))
    own |= {fold(name) for name in short if len(name) == 1}
    no_words = common_words(language, kind="short") & {
        fold(name) for name in short if _is_no_word(name)
    }
    others = common_words(language, kind="large") & {fold(name) for name in short}
    capitals = (no_words | others | _told_apart(meant)) - own
    n_bound = sum(fold(name) in own | capitals for name in short)
    return Cases(0, own, capitals, n_bound)


def _told_apart(meant: Set[tuple[str, str]]) -> frozenset[str]:
    """Return the folded names that several concepts have, each in its own case."""
    concepts = Counter(folded for folded, _ in {(fold(name), code) for name, code in meant})
    written = Counter(fold(name) for name in {name for name, _ in meant})
    return frozenset(name for name, n in concepts.items() if min(n, written[name]) > 1)


def _is_no_word(name: str) -> bool:
    """Return whether a list means by a name no word: in capitals, or a symbol such as "Ca"."""
    return name.isupper() or (len(name) < N_CASED and not name.islower())
