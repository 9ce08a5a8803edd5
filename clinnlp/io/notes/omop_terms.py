"""What NOTE_NLP says of a mention, in the words that systems write there, as axes of an assertion.

=================== ========================================================================
term_exists         ``Y``, ``yes``, ``true``, ``t``, ``1``: not negated; ``N``, ``no``, ``false``,
                    ``f``, ``0``: negated, unless a modifier says why else the term does not count
                    (another's, conditional, uncertain), for the model means all of these
term_temporal       ``past``, ``history``: historical; ``present``: not; ``future``: hypothetical
term_modifiers      ``name=value`` between commas or semicolons, or a name alone for true:
                    the axes by name, ``negation``, ``conditional``, ``rule_out``, ``history``,
                    ``subject`` (``patient``, or a word of kin)
=================== ========================================================================

A modifier decides before the two columns. Words of another kind say nothing of an axis: a modifier
then stays what it was, an attribute.

References
----------
https://ohdsi.github.io/CommonDataModel/cdm54.html#note_nlp
"""

import re
from collections.abc import Mapping
from typing import Any

from clinnlp.core.notes import AXES, Assertion

__all__ = ["assertion_of", "axis_of", "modifiers_of", "words_of"]

_TRUTH = dict.fromkeys(("y", "yes", "t", "true", "1", "1.0"), True) | dict.fromkeys(
    ("n", "no", "f", "false", "0", "0.0"), False
)
_OWN = {
    True: "other another family family_member relative mother father sister brother son daughter "
    "child parent sibling grandmother grandfather aunt uncle cousin spouse wife husband donor",
    False: "patient self",
}
_SUBJECTS = {word: truth for truth, words in _OWN.items() for word in words.split()}
_NAMES = {axis: axis for axis in AXES} | {
    "negation": "negated",
    "conditional": "hypothetical",
    "rule_out": "uncertain",
    "history": "historical",
    "subject": "experiencer",
}
_TEMPORAL = {
    "past": ("historical", True),
    "history": ("historical", True),
    "historical": ("historical", True),
    "present": ("historical", False),
    "current": ("historical", False),
    "future": ("hypothetical", True),
}
_WHY_ELSE = ("experiencer", "hypothetical", "uncertain")
_BETWEEN = re.compile(r",|;(?=[^,;=]+=)")

Row = Mapping[str, str | None]


def modifiers_of(cell: str | None) -> dict[str, str]:
    """Return the modifiers of a term by name; of a name alone the value is empty.

    Examples
    --------
    >>> modifiers_of("label=Sign; negation=false, severe")
    {'label': 'Sign', 'negation': 'false', 'severe': ''}
    """
    pairs = [part.partition("=") for part in _BETWEEN.split(cell or "") if part.strip()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def axis_of(name: str, value: str) -> tuple[str, bool] | None:
    """Return the axis that a modifier is about and what it says, or None where it is another.

    Examples
    --------
    >>> axis_of("Subject", "Mother"), axis_of("negated", ""), axis_of("dose", "1")
    (('experiencer', True), ('negated', True), None)
    """
    axis = _NAMES.get(name.casefold().replace(" ", "_"))
    if axis is None:
        return None
    word = value.casefold().replace(" ", "_")
    truth = _TRUTH.get(word, True if not word and axis != "experiencer" else None)
    if truth is None and axis == "experiencer":
        truth = _SUBJECTS.get(word)
    return None if truth is None else (axis, truth)


def assertion_of(row: Row, modifiers: dict[str, str]) -> Assertion:
    """Return the assertion of a row, and take what it is made of out of the modifiers."""
    axes: dict[str, Any] = {}
    for name, value in list(modifiers.items()):
        said = axis_of(name, value)
        if said is not None:
            axes[said[0]] = said[1]
            del modifiers[name]
    timed = _TEMPORAL.get((row["term_temporal"] or "").strip().casefold())
    if timed is not None:
        axes.setdefault(*timed)
    exists = _TRUTH.get((row["term_exists"] or "").strip().casefold())
    explained = exists is False and any(axes.get(axis) for axis in _WHY_ELSE)
    if exists is not None and not explained:
        axes.setdefault("negated", not exists)
    return Assertion(**axes)


def words_of(assertion: Assertion) -> dict[str, str]:
    """Return the cells of the columns of their own that say the same."""
    exists = {None: "", False: "Y", True: "N"}[assertion.negated]
    temporal = {None: "", False: "present", True: "past"}[assertion.historical]
    return {"term_exists": exists, "term_temporal": temporal}
