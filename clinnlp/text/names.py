"""Keys under which two spellings of one name fall together; all take folded names.

=============  ===================================================================================
key            alike are
=============  ===================================================================================
`loosened`     hyphens, blanks, commas, apostrophes, brackets, a plural s, Greek letters by name
`respelled`    also British and American, old and international spellings: ae and e, oe and e,
               ph and f, th and t, y and i, k and c, with an e at the end and without
`reordered`    also the order of the words, "of" and "the" left out
`unqualified`  without "unspecified" or "NOS" at an end, and without words in brackets
=============  ===================================================================================
"""

import re
from functools import cache, lru_cache

from clinnlp.text.tables import language_path, read_table

__all__ = ["loosened", "name_words", "reordered", "respelled", "singular", "unqualified"]

_N_PLURAL = 5  # letters; in shorter names an s at the end may be of the name
_LOOSE = re.compile(r"[\s\-–,'’()\[\]]+")
_GREEK = str.maketrans(
    dict(zip("αβγδεζηθικλμνξπρστυφχψω",
             ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota",
              "kappa", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi",
              "chi", "psi", "omega"), strict=True))
)  # fmt: skip
_SPELLINGS = (("ae", "e"), ("oe", "e"), ("ph", "f"), ("th", "t"))
_LETTERS = str.maketrans("yk", "ic")
_QUALIFIED = re.compile(
    r"^unspecified (?=\S)|,? unspecified(?: (?:organism|site|type|cause))?$|,? nos$"
    r"|(?<=\w) \((?!without\b)[^()]*\)"
)


def loosened(folded: str) -> str:
    """Return a folded name without what only separates, its Greek letters by name.

    Examples
    --------
    >>> loosened("β-blockers"), loosened("abscess")
    ('betablocker', 'abscess')
    """
    text = folded if folded.isascii() else folded.translate(_GREEK)
    return singular(_LOOSE.sub("", text))


def singular(word: str, *, least: int = _N_PLURAL + 1) -> str:
    """Return a folded word without a plural s, where it has at least so many letters.

    The s of "abscess", "virus" and "arthritis" is none.

    Examples
    --------
    >>> singular("ulcers"), singular("virus")
    ('ulcer', 'virus')
    """
    plural = len(word) >= least and word[-1] == "s" and word[-2] not in "sui"
    return word[:-1] if plural else word


def respelled(loose: str) -> str:
    """Return a loosened name in one spelling of those that languages and times give it.

    Examples
    --------
    >>> respelled("sulphasalazine") == respelled("sulfasalazine")
    True
    >>> respelled("cyclosporine") == respelled("ciclosporin")
    True
    """
    for one, other in _SPELLINGS:
        loose = loose.replace(one, other)
    if len(loose) > _N_PLURAL and loose[-1] == "e":
        loose = loose[:-1]
    return loose.translate(_LETTERS)


def reordered(folded: str, *, language: str = "en") -> str:
    """Return the words of a folded name in one order; "" where there is one, or order says more.

    Examples
    --------
    >>> reordered("carcinoma of the breast") == reordered("breast carcinoma")
    True
    >>> reordered("anemia due to blood loss"), reordered("asthma")
    ('', '')
    """
    if " " not in folded:
        return ""
    words = folded.replace(", ", " ").split()
    if not name_words("directed", language).isdisjoint(words):
        return ""
    small = name_words("small", language)
    kept = sorted(_word_key(word) for word in words if word not in small)
    return " ".join(kept) if len(kept) > 1 else ""


@cache
def name_words(kind: str, language: str = "en") -> frozenset[str]:
    """Return the words of a kind in the table of a language."""
    rows = read_table(language_path("name_words", language), ("word", "kind"))
    return frozenset(word for _, (word, said) in rows if said == kind)


@lru_cache(1 << 16)
def _word_key(word: str) -> str:
    return respelled(loosened(word))


def unqualified(folded: str) -> str:
    """Return a folded name without what says that nothing more is known.

    Examples
    --------
    >>> unqualified("essential (primary) hypertension"), unqualified("cholera, unspecified")
    ('essential hypertension', 'cholera')
    """
    if "unspecified" not in folded and " (" not in folded and not folded.endswith(" nos"):
        return folded
    return _QUALIFIED.sub("", folded)
