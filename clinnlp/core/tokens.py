"""Word tokens with offsets, for scoring by token, writing CoNLL and looking up words.

Not a model's tokenizer: a fixed rule that splits at blanks and around each punctuation mark,
keeping runs of letters and runs of digits with inner decimal points together.
"""

import re

from clinnlp.core.spans import Span

__all__ = ["tokenize"]

_TOKEN = re.compile(r"\d+(?:[.,]\d+)+|\d+|[^\W\d_]+|[^\w\s]|_")


def tokenize(text: str) -> tuple[Span, ...]:
    """Return the spans of the word tokens of `text`, in order.

    Every character that is not white space belongs to exactly one token, except marks that only
    modify a letter in scripts without case, which are tokens of their own.

    Examples
    --------
    >>> [(s.start, s.end) for s in tokenize("10.5 mg/day")]
    [(0, 4), (5, 7), (7, 8), (8, 11)]
    """
    return tuple(Span(m.start(), m.end()) for m in _TOKEN.finditer(text))
