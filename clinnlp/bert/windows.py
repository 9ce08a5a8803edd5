"""Notes as token windows: nothing is cut off, and each token is read where it has most context.

A note of n tokens is covered by the fewest windows of at most `size` tokens in which neighbours
share at least `stride` tokens, all equally long and evenly placed, so that the last one is no
stump. In the overlap each token belongs to the window in whose middle it stands nearer: windows
*keep* disjoint ranges that together are the whole note.

    note      ────────────────────────────────
    window 1  ━━━━━━━━━━━━━━┄┄┄
    window 2           ┄┄┄┄━━━━━━━━━┄┄┄             ━ kept   ┄ context only
    window 3                     ┄┄┄┄━━━━━━━━━

A *word* is a run of tokens that the tokenizer's pre-tokenizer holds together (for BERT: split at
white space and around each punctuation mark). Words carry the code-point offsets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from clinnlp.core.arrays import Ints32
from clinnlp.core.errors import ArgumentError, StoreError, instead_of
from clinnlp.core.spans import Span

__all__ = ["TokenisedText", "Window", "split_windows", "tokenise"]


class Window(NamedTuple):
    """Tokens ``[start, end)`` are read, those of ``[keep_start, keep_end)`` are answered for."""

    start: int
    end: int
    keep_start: int
    keep_end: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenisedText:
    """Tokens and words of one text.

    Parameters
    ----------
    ids : array of int32, shape (n_tokens,)
        Vocabulary ids, without special tokens.
    first : array of int32, shape (n_words,)
        Index of the first token of each word.
    starts, ends : arrays of int32, shape (n_words,)
        Half-open code-point offsets of each word.
    """

    ids: Ints32
    first: Ints32
    starts: Ints32
    ends: Ints32

    @property
    def n_words(self) -> int:
        """Number of words."""
        return len(self.first)

    def words_of(self, span: Span) -> tuple[int, int]:
        """Return the words ``[a, b)`` that share a code point with a span."""
        a = int(np.searchsorted(self.ends, span.start, side="right"))
        b = int(np.searchsorted(self.starts, span.end, side="left"))
        return a, max(a, b)

    def __repr__(self) -> str:
        return f"TokenisedText({len(self.ids)} tokens, {self.n_words} words)"


def tokenise(tokenizer: Any, texts: Sequence[str]) -> list[TokenisedText]:
    """Return tokens and words of each text; nothing is cut.

    Parameters
    ----------
    tokenizer : fast tokenizer
        From `clinnlp.bert.encoders.load_tokenizer`.

    Raises
    ------
    StoreError
        The tokenizer has no token for what it does not know.
    """
    words = [_utf8(text) for text in texts]
    refusal = StoreError("the tokenizer of a model must have a token for any text, got none")
    with instead_of(Exception, refusal):  # tokenizers has no kind of its own
        encodings = tokenizer.backend_tokenizer.encode_batch(words, add_special_tokens=False)
    return [_words(e.ids, e.offsets, e.word_ids) for e in encodings]


def split_windows(n_tokens: int, *, size: int, stride: int) -> list[Window]:
    """Return the windows over a text of `n_tokens`; one empty window where there are none.

    Parameters
    ----------
    n_tokens : int
        Tokens of the text, ≥ 0.
    size : int
        Most tokens of a window, special ones not counted.
    stride : int
        Fewest tokens that neighbours share, < `size`.

    Raises
    ------
    ArgumentError
        Not ``0 <= stride < size``.

    Examples
    --------
    >>> split_windows(10, size=6, stride=2)
    [Window(start=0, end=6, keep_start=0, keep_end=5), \
Window(start=4, end=10, keep_start=5, keep_end=10)]
    """
    if not 0 <= stride < size:
        raise ArgumentError(
            f"stride must be at least 0 and below the window size {size}, got {stride}"
        )
    if n_tokens <= size:
        return [Window(0, n_tokens, 0, n_tokens)]
    n_windows = -(-(n_tokens - stride) // (size - stride))
    length = -(-(n_tokens + (n_windows - 1) * stride) // n_windows)
    starts = [i * (n_tokens - length) // (n_windows - 1) for i in range(n_windows)]
    middles = [(a + length + b + 1) // 2 for a, b in zip(starts, starts[1:], strict=False)]
    cuts = [0, *middles, n_tokens]
    return [Window(start, start + length, cuts[i], cuts[i + 1]) for i, start in enumerate(starts)]


def _words(
    ids: list[int], offsets: list[tuple[int, int]], word_ids: list[int | None]
) -> TokenisedText:
    if not ids:
        none = np.empty(0, np.int32)
        return TokenisedText(ids=none, first=none, starts=none, ends=none)
    word = np.array([-1 if w is None else w for w in word_ids], np.int32)
    begins = np.ones(len(ids), bool)
    begins[1:] = (word[1:] != word[:-1]) | (word[1:] < 0)
    first = np.flatnonzero(begins).astype(np.int32)
    span = np.array(offsets, np.int32)  # (n_tokens, 2)
    return TokenisedText(
        ids=np.array(ids, np.int32),
        first=first,
        starts=span[first, 0],
        ends=np.maximum.reduceat(span[:, 1], first),
    )


def _utf8(text: str) -> str:
    """Return `text` with lone surrogates, which no tokenizer takes, as ``?``; offsets stay."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text
