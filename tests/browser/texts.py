"""Texts that are hard to count in: letters of two units, letters of many parts, all line ends."""

import random

PIECES = (
    "a", "fever ", "β-blocker", "😀", "👩‍⚕️", "🏳️‍🌈", "e\u0301", "n\u0303o ", "\r\n", "\n", "\r",
    "\t", "  ", "\u00a0", "\u200b", "ß", "İ", "ﬁ", "𝛼𝛽", "日本", "שלום", "क्षि", "\u2028",
    "<b>&amp;</b>", "\ufeff", "1.5 mg, ", "\x00", "x" * 90,
)  # fmt: skip


def hard_text(seed, n):
    """Return a text of `n` pieces."""
    drawn = random.Random(seed)
    return "".join(drawn.choice(PIECES) for _ in range(n))


def some_spans(text, seed, n):
    """Return `n` spans of a text, some of which overlap."""
    drawn = random.Random(seed)
    ends = (sorted(drawn.sample(range(len(text) + 1), 2)) for _ in range(n))
    return [[start, min(end, start + 40)] for start, end in ends]
