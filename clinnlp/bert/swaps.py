"""Mentions exchanged for others of their label while training, so that the context must tell.

A recogniser that has seen a name a dozen times learns the name and not what stands around it,
and misses the names it has not seen. In each step a share of the different mentions of a window
give way to mentions of the same label from elsewhere in the training notes, the same one to the
same one all through the window, on tokens, so that nothing is tokenised anew.

A short form goes with its long form: where "renal failure (RF)" gives way to another disease, its
"RF" gives way to the short form of that. And a share of the names of several words that come in
are abbreviated: given with their initials in brackets at first, and as initials from then on.

References
----------
Dai and Adel, An Analysis of Simple Data Augmentation for Named Entity Recognition, COLING 2020
("mention replacement").
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from clinnlp.bert.model import mention_ranges
from clinnlp.bert.short_names import Name, bracketed, defined, initials, one_word
from clinnlp.bert.windows import TokenisedText, Window
from clinnlp.core.arrays import Ints, Ints32

__all__ = ["Abbreviated", "Example", "Swaps"]

Kind = tuple[int, int]  # head, and tag of the first word
Known = tuple[Kind, tuple[int, ...]]  # kind and ids of a name

_NOTHING = np.empty(0, np.int32)


class Abbreviated(NamedTuple):
    """How the names of some texts are abbreviated.

    Parameters
    ----------
    share : float
        Of the names that come in and have initials, 0 to 1. With 0 short forms are names as all
        others.
    texts : sequence of str
    tokenise : callable
        Texts → tokens and words of each.
    """

    share: float
    texts: Sequence[str]
    tokenise: Callable[[Sequence[str]], Sequence[TokenisedText]]


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
    abbreviated : Abbreviated, optional
    """

    def __init__(
        self,
        texts: Sequence[TokenisedText],
        tags: Sequence[Ints],
        share: float,
        *,
        longest: int,
        abbreviated: Abbreviated | None = None,
    ) -> None:
        self._texts, self._tags, self._share, self._longest = texts, tags, share, longest
        self._mentions = [_mentions(*one) for one in zip(texts, tags, strict=True)]
        self._abbreviated = abbreviated
        names = _names_of(texts, self._mentions)
        self._names = {kind: list(of_kind.values()) for kind, of_kind in names.items()}
        self._long: list[dict[Known, Known]] = [{} for _ in texts]  # of each short form
        self._short: dict[Known, Name] = {}  # of each long form
        self._brackets = (_NOTHING, _NOTHING)
        if abbreviated is not None and abbreviated.share and share:
            self._abbreviate(names, abbreviated)
        self._with_short = {
            kind: [name for name in of_kind if (kind, _ids(name)) in self._short]
            for kind, of_kind in self._names.items()
        }

    def _abbreviate(self, names: dict[Kind, dict[tuple[int, ...], Name]], by: Abbreviated) -> None:
        """Find the short forms that the texts define, and make those of all other names."""
        spelled: dict[Known, str] = {}
        for i, (text, raw, found) in enumerate(
            zip(self._texts, by.texts, self._mentions, strict=True)
        ):
            self._long[i] = _long_forms(raw, text, found)
            for kind, short in self._long[i]:
                self._short.setdefault(self._long[i][kind, short], names[kind][short])
            for m in found:
                words = [raw[text.starts[k] : text.ends[k]] for k in range(*m.words)]
                spelled.setdefault((m.kind, m.name), initials(words))
        made = by.tokenise([*spelled.values(), "(", ")"])
        self._brackets = (made[-2].ids, made[-1].ids)
        for known, text in zip(spelled, made, strict=False):
            if text.n_words == 1:
                self._short.setdefault(known, one_word(text.ids))

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
        made = _exchange(text, tags, window, self._swapped(i, inside))
        return made if len(made.ids) <= self._longest else plain

    def _swapped(self, i: int, inside: Sequence[_Mention]) -> list[tuple[_Mention, Name]]:
        """Return the mentions that give way, and to what."""
        chosen = self._chosen(self._long[i], dict.fromkeys((m.kind, m.name) for m in inside))
        swapped, n_seen = [], dict.fromkeys(chosen, 0)
        for mention in inside:
            known = (mention.kind, mention.name)
            if known in chosen:
                names = chosen[known]
                swapped.append((mention, names[min(n_seen[known], len(names) - 1)]))
                n_seen[known] += 1
        return swapped

    def _chosen(
        self, long: dict[Known, Known], there: dict[Known, None]
    ) -> dict[Known, list[Name]]:
        """Return what stands for a name at each of its places, the last one from then on."""
        short_of = {long[known]: known for known in there if long.get(known) in there}
        alone = [known for known in there if long.get(known) not in there]
        chosen: dict[Known, list[Name]] = {}
        for known, p in zip(alone, torch.rand(len(alone)).tolist(), strict=True):
            short, kind = short_of.get(known), known[0]
            pool = (self._names if short is None else self._with_short)[kind]
            if p >= self._share or not pool:
                continue
            name = pool[int(torch.randint(len(pool), ()))]
            if short is None:
                chosen[known] = self._places(kind, name)
            else:
                chosen |= {known: [name], short: [self._short[kind, _ids(name)]]}
        return chosen

    def _places(self, kind: Kind, name: Name) -> list[Name]:
        """Return what stands for a name that comes in, at its first place and at the others."""
        short, by = self._short.get((kind, _ids(name))), self._abbreviated
        if by is None or short is None or float(torch.rand(())) >= by.share:
            return [name]
        return [bracketed(name, self._brackets, short), short]


def _long_forms(raw: str, text: TokenisedText, found: Sequence[_Mention]) -> dict[Known, Known]:
    """Return the long form of each mention that a text gives as a short form of another."""
    at = {m.words: m for m in found}
    pairs = [(at.get(pair.short), at.get(pair.long)) for pair in defined(raw, text)]
    return {
        (short.kind, short.name): (long.kind, long.name)
        for short, long in pairs
        if short is not None and long is not None and short.kind == long.kind
    }


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


def _names_of(
    texts: Sequence[TokenisedText], mentions: Sequence[Sequence[_Mention]]
) -> dict[Kind, dict[tuple[int, ...], Name]]:
    """Return the different names of each kind, by their ids."""
    names: dict[Kind, dict[tuple[int, ...], Name]] = {}
    for text, found in zip(texts, mentions, strict=True):
        for mention in found:
            names.setdefault(mention.kind, {}).setdefault(mention.name, _name(text, mention))
    return names


def _name(text: TokenisedText, mention: _Mention) -> Name:
    a, b = mention.words
    tags = np.full(b - a, 2, np.int64)
    tags[0] = 1
    return Name(text.ids[slice(*mention.tokens)], text.first[a:b] - text.first[a], tags)


def _ids(name: Name) -> tuple[int, ...]:
    return tuple(name.ids.tolist())


def _exchange(
    text: TokenisedText, tags: Ints, window: Window, swapped: Sequence[tuple[_Mention, Name]]
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
        answer[:, head] = np.where(name.tags > 0, begins - 1 + name.tags, 0)
        columns.append(name.first + n)
        answers.append(answer)
        ids.append(name.ids)
        n, at, word = n + len(name.ids), mention.tokens[1], mention.words[1]
    go_on(window.end, last)
    return Example(np.concatenate(ids), np.concatenate(columns), np.concatenate(answers))
