"""Results of laboratories as they are written: a number, a limit, a word, or a remark.

``<5`` and ``GREATER THAN 600`` are limits: the number with its comparator. ``NEG`` is a word, and
the fact ``code=neg``. Long text is a remark, and no value.
"""

import re
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from clinnlp.core.vocab import fold
from clinnlp.io.record.record_folder import by_value
from clinnlp.io.tables.numbers import COMPARATORS

__all__ = ["Result", "coded_words", "result_columns", "result_of"]

_LONGEST, _MOST_WORDS = 30, 3  # characters and words of a result; what is longer is a remark
_SIGNS = COMPARATORS | {"less than": "<", "greater than": ">", "more than": ">"}
_NUMBER = re.compile(
    r"(<=|>=|=<|=>|[<>≤≥=]|less than|greater than|more than|)\s*"
    r"([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?)"
)
_NOTHING = re.compile(r"[\W_]*")  # such as ``___``, where something was taken out


class Result(NamedTuple):
    """A number, which with a comparator is a limit; or a word; or neither."""

    value: float | None = None
    comparator: str | None = None
    word: str | None = None


def result_of(text: str) -> Result:
    """Return what a result says.

    Examples
    --------
    >>> result_of("<0.5"), result_of("Less than 5"), result_of(" NEG ")
    (Result(value=0.5, comparator='<', word=None), Result(value=5.0, comparator='<', word=None), \
Result(value=None, comparator=None, word='neg'))
    >>> result_of("___"), result_of("HEMOLYZED, SEE THE COMMENT BELOW THIS LINE")
    (Result(value=None, comparator=None, word=None), Result(value=None, comparator=None, word=None))
    """
    said = fold(text)
    found = _NUMBER.fullmatch(said)
    if found:
        return Result(float(found[2]), _SIGNS.get(found[1]))
    if _NOTHING.fullmatch(said) or len(said) > _LONGEST or said.count(" ") >= _MOST_WORDS:
        return Result()
    return Result(word=said)


def result_columns(text: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return numbers, comparators and words of a column of results."""
    return (
        by_value(text, lambda cell: result_of(cell).value, pa.float64()),
        by_value(text, lambda cell: result_of(cell).comparator, pa.string()),
        by_value(text, lambda cell: result_of(cell).word, pa.string()),
    )


def coded_words(code: pa.Array, words: pa.Array, values: pa.Array) -> pa.Array:
    """Return the code, or ``code=word`` where a result has a word and no number."""
    worded = pc.binary_join_element_wise(code, words, "=")
    return pc.if_else(pc.and_(pc.is_null(values), pc.is_valid(words)), worded, code)
