"""Mentions exchanged for others of their label while training, so that the context must tell.

A recogniser that has seen a name a dozen times learns the name and not what stands around it,
and misses the names it has not seen. In each step a share of the different mentions of a window
give way to mentions of the same label from elsewhere in the training notes, the same one to the
same one all through the window, on tokens, so that nothing is tokenised anew.

References
----------
Dai and Adel, An Analysis of Simple Data Augmentation for Named Entity Recognition, COLING 2020
("mention replacement").
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from clinnlp.bert.model import mention_ranges
from clinnlp.bert.windows import TokenisedText, Window
from clinnlp.core.arrays import Ints, Ints32

__all__ = ["Example", "Swaps"]

Kind = tuple[int, int]  # head, and tag of the first word


class Example(NamedTuple):
    """What a window teaches: its tokens, at which of them a word is asked for, and the tags."""

    ids: Ints32  # (n_tokens,)
    columns: Ints  # (n_words,)
    tags: Ints  # (n_words, n_heads)


class _Mention(NamedTuple):
    kind: Kind
    words: tuple[int, int]
    tokens: tuple[int, int]
    name: tuple[int, ...]  # ids of its tokens


class _Name(NamedTuple):
    ids: Ints32
    first: Ints  # which of them begin a word


class Swaps:
    """What windows of some texts teach, some of their mentions exchanged.

    Parameters
    ----------
    texts, tags : sequences, one of each per note
        Tags of shape (n_words, n_heads), as `clinnlp.bert.model.gold_tags_per_head` makes them.
    share : float
        Of the different mentions of a window; drawn from torch's generator. With 0 nothing is.
    longest : int
        Tokens of a window at most; one that would grow beyond stays as it is.
    """

    def __init__(
        self, texts: Sequence[TokenisedText], tags: Sequence[Ints], share: float, *, longest: int
    ) -> None:
        self._texts, self._tags, self._share, self._longest = texts, tags, share, longest
        self._mentions = [_mentions(*one) for one in zip(texts, tags, strict=True)]
        names: dict[Kind, dict[tuple[int, ...], _Name]] = {}
        for text, found in zip(texts, self._mentions, strict=True):
            for mention in found:
                a, b = mention.words
                name = _Name(text.ids[slice(*mention.tokens)], text.first[a:b] - text.first[a])
                names.setdefault(mention.kind, {}).setdefault(mention.name, name)
        self._names = {kind: list(of_kind.values()) for kind, of_kind in names.items()}

    def example(self, i: int, window: Window) -> Example:
        """Return what a window of text `i` teaches; the words that it keeps are asked for."""
        text, tags = self._texts[i], self._tags[i]
        plain = _exchange(text, tags, window, ())
        if not self._share:
            return plain
        inside = [
            m
            for m in self._mentions[i]
            if window.keep_start <= m.tokens[0] and m.tokens[1] <= window.keep_end
        ]
        chosen = self._choose(dict.fromkeys((m.kind, m.name) for m in inside))
        swapped = [(m, chosen[m.kind, m.name]) for m in inside if (m.kind, m.name) in chosen]
        made = _exchange(text, tags, window, swapped)
        return made if len(made.ids) <= self._longest else plain

    def _choose(
        self, names: dict[tuple[Kind, tuple[int, ...]], None]
    ) -> dict[tuple[Kind, tuple[int, ...]], _Name]:
        out = {}
        for (kind, name), p in zip(names, torch.rand(len(names)).tolist(), strict=True):
            if p < self._share:
                pool = self._names[kind]
                out[kind, name] = pool[int(torch.randint(len(pool), ()))]
        return out


def _mentions(text: TokenisedText, tags: Ints) -> list[_Mention]:
    """Return the mentions in text order, without those that overlap one of another head."""
    ends = np.append(text.first, len(text.ids))
    busy = (tags > 0).sum(axis=1)
    found = []
    for head in range(tags.shape[1]):
        of_head = np.maximum(tags[:, head], 0)
        for a, b, _ in zip(*mention_ranges(of_head), strict=True):
            if (busy[a:b] == 1).all():
                start, end = int(ends[a]), int(ends[b])
                kind = (head, int(of_head[a]))
                name = tuple(text.ids[start:end].tolist())
                found.append(_Mention(kind, (int(a), int(b)), (start, end), name))
    return sorted(found, key=lambda m: m.words)


def _exchange(
    text: TokenisedText, tags: Ints, window: Window, swapped: Sequence[tuple[_Mention, _Name]]
) -> Example:
    ids: list[Ints32] = []
    columns: list[Ints] = []
    answers: list[Ints] = []
    n = 0  # tokens so far
    at, word = window.start, int(np.searchsorted(text.first, window.keep_start))
    last = int(np.searchsorted(text.first, window.keep_end))

    def go_on(to: int, to_word: int) -> None:
        """Copy up to a token and a word."""
        nonlocal n, at, word
        columns.append(text.first[word:to_word].astype(np.int64) - at + n)
        answers.append(tags[word:to_word])
        ids.append(text.ids[at:to])
        n, at, word = n + to - at, to, to_word

    for mention, name in swapped:
        go_on(mention.tokens[0], mention.words[0])
        head, begins = mention.kind
        answer = np.repeat(tags[word : word + 1], len(name.first), axis=0)
        answer[1:, head] = begins + 1
        columns.append(name.first + n)
        answers.append(answer)
        ids.append(name.ids)
        n, at, word = n + len(name.ids), mention.tokens[1], mention.words[1]
    go_on(window.end, last)
    return Example(np.concatenate(ids), np.concatenate(columns), np.concatenate(answers))
