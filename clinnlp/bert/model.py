"""Labels as tag ids, gold mentions as tags of words, and back by constrained decoding.

A *head* answers for some labels at once, of which a word can carry one: its outputs are ``O``,
then ``B`` = 2k + 1 and ``I`` = 2k + 2 of its label k. The heads of a network stand side by side
in its outputs. Mentions of different heads may overlap, and a corpus teaches only those heads
whose labels it annotates.

Decoding finds the tag sequence of highest summed log probability among those in which ``I-x``
follows only ``B-x`` or ``I-x`` (Viterbi with 0 / -inf transitions). Because every other tag may
follow anything, one step costs O(tags). And where at some word each ``B-x`` is at least as likely
as its ``I-x``, an ``I`` there can be exchanged for its ``B`` without loss: the words before and
after decode apart, exactly. Such words are frequent, so a note of any length falls into short
runs that step together.

References
----------
Ramshaw and Marcus 1995 (IOB); Forney, The Viterbi algorithm, Proc. IEEE 1973.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from transformers import AutoModelForTokenClassification

from clinnlp.bert.encoders import load_model
from clinnlp.bert.windows import TokenisedText
from clinnlp.core.arrays import Floats32, Ints, Ints32
from clinnlp.core.notes import Entity
from clinnlp.core.spans import Span, keep_longest

__all__ = [
    "IGNORED",
    "GoldTags",
    "build_classifier",
    "build_tagger",
    "decode_words",
    "gold_tags",
    "gold_tags_per_head",
    "heads_of",
    "log_softmax",
    "mention_ranges",
    "n_outputs",
    "tag_names",
]

IGNORED = -100  # torch's ignore_index of the cross entropy

Heads = Sequence[Sequence[str]]  # the labels of each head


class GoldTags(NamedTuple):
    """Tags of a text's words, and what the tag sequences could not hold.

    `tags` has shape (n_words,) for one sequence, (n_words, n_heads) for several.
    """

    tags: Ints
    n_kept: int
    n_dropped: int
    n_inexact: int


def tag_names(heads: Heads) -> tuple[str, ...]:
    """Return tag names in the order of their ids.

    Examples
    --------
    >>> tag_names([["Drug", "Dose"]])
    ('O', 'B-Drug', 'I-Drug', 'B-Dose', 'I-Dose')
    >>> tag_names([["Drug"], ["Dose"]])
    ('O-Drug', 'B-Drug', 'I-Drug', 'O-Dose', 'B-Dose', 'I-Dose')
    """
    names = []
    for head in heads:
        names.append("O" if len(heads) == 1 else f"O-{head[0]}")
        names += _inside(head)
    return tuple(names)


def heads_of(names: Sequence[Any]) -> tuple[tuple[str, ...], ...]:
    """Return the labels of each head of a network with these tag names; () where it has none.

    Examples
    --------
    >>> heads_of(["O-a", "B-a", "I-a", "B-b", "I-b", "O-c", "B-c", "I-c"])
    (('a', 'b'), ('c',))
    """
    starts = [i for i, name in enumerate(names) if name == "O" or str(name).startswith("O-")]
    if starts[:1] != [0]:
        return ()
    parts = [list(names[a + 1 : b]) for a, b in pairwise([*starts, len(names)])]
    heads = [tuple(str(name).removeprefix("B-") for name in part[::2]) for part in parts]
    return tuple(heads) if parts == [_inside(head) for head in heads] else ()


def n_outputs(head: Sequence[str]) -> int:
    """Return how many outputs a head of these labels has."""
    return 2 * len(head) + 1


def build_tagger(source: str, heads: Heads) -> Any:
    """Return the encoder with new heads on every token, drawn at random."""
    return load_model(source, kind=AutoModelForTokenClassification, **_names(tag_names(heads)))


def build_classifier(source: str, labels: Sequence[str]) -> Any:
    """Return the encoder with a new head on every token, whose mean answers for the note."""
    return load_model(source, kind=AutoModelForTokenClassification, **_names(labels))


def gold_tags(text: TokenisedText, entities: Iterable[Entity], labels: Sequence[str]) -> GoldTags:
    """Return one tag per word for the entities whose label is in `labels`.

    Of mentions that share a word the longest is kept; discontinuous mentions and those without
    any word are dropped. Words that only dropped mentions cover are `IGNORED`, so that the model
    is not told they are ``O``. `n_inexact` counts kept mentions that begin or end inside a word.
    """
    wanted = [e for e in entities if e.label in labels]
    tags = np.zeros(text.n_words, np.int64)
    ranges = [text.words_of(piece) for e in wanted for piece in e.pieces]
    for a, b in ranges:
        tags[a:b] = IGNORED
    flat = [(e, *text.words_of(e.span)) for e in wanted if not e.parts]
    flat = [(e, a, b) for e, a, b in flat if a < b]
    kept = keep_longest([Span(a, b) for _, a, b in flat])
    n_inexact = 0
    for entity, a, b in (flat[i] for i in kept):
        k = labels.index(entity.label)
        tags[a] = 2 * k + 1
        tags[a + 1 : b] = 2 * k + 2
        n_inexact += (text.starts[a], text.ends[b - 1]) != (entity.span.start, entity.span.end)
    return GoldTags(tags, len(kept), len(wanted) - len(kept), int(n_inexact))


def gold_tags_per_head(
    text: TokenisedText, entities: Sequence[Entity], heads: Heads, annotated: Sequence[str]
) -> GoldTags:
    """Return one tag per word and head; all `IGNORED` for heads whose labels are not `annotated`.

    The labels of a head are annotated together or not at all.
    """
    each = [
        gold_tags(text, entities, head)
        if set(head) <= set(annotated)
        else GoldTags(np.full(text.n_words, IGNORED), 0, 0, 0)
        for head in heads
    ]
    tags = np.stack([gold.tags for gold in each], axis=1)  # (n_words, n_heads)
    return GoldTags(tags, *(sum(column) for column in list(zip(*each, strict=True))[1:]))


def decode_words(log_p: Floats32, lengths: Sequence[int] | Ints) -> Ints:
    """Return the best valid tag of each word, for several texts at once.

    Parameters
    ----------
    log_p : array of float32, shape (n_words, n_tags)
        Log probabilities of the words of all texts, one text after another.
    lengths : sequence of int
        Words of each text; they sum to n_words.

    Examples
    --------
    An ``I`` that nothing begins becomes whatever is likeliest as a whole:

    >>> p = np.array([[0.5, 0.4, 0.1], [0.1, 0.1, 0.8]], np.float32)
    >>> decode_words(np.log(p), [2]).tolist()
    [1, 2]
    """
    n_words, n_tags = log_p.shape
    begins = _run_starts(log_p, np.asarray(lengths, np.int64))
    sizes = np.diff(begins, append=n_words)
    order = np.argsort(-sizes, kind="stable")
    sizes, offsets = sizes[order], begins[order]
    came_from = np.zeros((n_words, n_tags), np.int32)
    inner = np.arange(2, n_tags, 2)
    n_steps = int(sizes[0]) if len(sizes) else 0
    active = np.searchsorted(-sizes, -np.arange(n_steps), side="left")  # texts longer than t
    total = np.empty((len(sizes), n_tags), np.float64)  # best score of a path ending in each tag
    for t in range(n_steps):
        n = int(active[t])
        now = log_p[offsets[:n] + t].astype(np.float64)  # (n, n_tags)
        if t == 0:
            now[:, inner] = -np.inf
            total[:n] = now
            continue
        before = total[:n]
        back = np.repeat(before.argmax(1)[:, None], n_tags, axis=1)
        back[:, inner] = np.where(before[:, inner] >= before[:, inner - 1], inner, inner - 1)
        came_from[offsets[:n] + t] = back
        total[:n] = now + np.take_along_axis(before, back, axis=1)
    return _trace(came_from, total.argmax(1), offsets, sizes)


def mention_ranges(tags: Ints) -> tuple[Ints, Ints, Ints]:
    """Return first word, word past the end, and label index of each mention in valid `tags`.

    The texts stand one after another: a valid text never begins with an ``I``, so none leaks.
    """
    begins = np.flatnonzero(tags % 2 == 1)
    outside = np.append(np.flatnonzero((tags == 0) | (tags % 2 == 1)), len(tags))
    ends = outside[np.searchsorted(outside, begins, side="right")]
    return begins, ends, tags[begins] // 2


def log_softmax(logits: Floats32) -> Floats32:
    """Return log probabilities over the last axis."""
    shifted = logits - logits.max(-1, keepdims=True)
    out: Floats32 = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return out


def _run_starts(log_p: Floats32, lengths: Ints) -> Ints:
    """Return the words at which a text begins or the best sequence surely has no ``I``."""
    begins = np.asarray((log_p[:, 1::2] >= log_p[:, 2::2]).all(axis=1), np.bool_)
    firsts = (np.cumsum(lengths) - lengths)[lengths > 0]
    begins[firsts] = True
    return np.flatnonzero(begins)


def _trace(came_from: Ints32, last: Ints, offsets: Ints, sizes: Ints) -> Ints:
    tags = np.zeros(len(came_from), np.int64)
    state = last.copy()
    for t in range(int(sizes[0]) - 1 if len(sizes) else -1, -1, -1):
        n = int(np.searchsorted(-sizes, -t, side="left"))
        rows = offsets[:n] + t
        tags[rows] = state[:n]
        state[:n] = came_from[rows, state[:n]]
    return tags


def _inside(head: Sequence[str]) -> list[str]:
    return [f"{prefix}-{label}" for label in head for prefix in "BI"]


def _names(names: Sequence[str]) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {name: i for i, name in enumerate(names)},
    }
