"""Suggestions that are wrong on purpose, so that it can be counted who accepts them unread.

Which ones, and how, follows from the seed, the task's note and the mention alone: another label,
or an end that stands a word too far or too near. The store keeps what each would be, were it
right; no page is told.

References
----------
Fort and Sagot, Influence of pre-annotation on POS-tagged corpus development, LAW 2010; Lingren et
al., JAMIA 2014 (both measure what suggestions do to those who judge them).
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from clinnlp.core.notes import Entity
from clinnlp.core.spans import Span
from clinnlp.review.forms import Json, entity_from, entity_to

__all__ = ["chance", "with_wrong"]

_WORD = re.compile(r"\w+")


def chance(*words: object) -> float:
    """Return a number in [0, 1) that follows from words alone.

    Examples
    --------
    >>> chance(1, "n1") == chance(1, "n1"), 0 <= chance(2, "n1") < 1
    (True, True)
    """
    digest = hashlib.sha256("\0".join(map(repr, words)).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7]) / 256**7


def with_wrong(
    given: Mapping[str, Any],
    text: str,
    labels: Sequence[str],
    *,
    share: float,
    seed: Sequence[object],
) -> tuple[Json, Json]:
    """Return suggestions of which a share is wrong, and what those would be, were they right.

    Parameters
    ----------
    given : mapping
        ``mentions``, ``relations``, ``labels``.
    text : str
        Of the note.
    labels : sequence of str
        Of the project.
    share : float
        0 to 1.
    seed : sequence
        Of words that tell this task from others.

    Returns
    -------
    given, planted : dict
        Planted: the id of a mention to the mention as it was.
    """
    mentions, planted = [], {}
    for made in given.get("mentions", ()):
        wrong = None
        if chance(*seed, "wrong", made["id"]) < share:
            wrong = next(_wrongs(entity_from(made), text, labels, (*seed, made["id"])), None)
        if wrong is not None:
            planted[made["id"]] = made
        mentions.append(made if wrong is None else entity_to(wrong))
    return {**given, "mentions": mentions}, planted


def _wrongs(
    entity: Entity, text: str, labels: Sequence[str], seed: Sequence[object]
) -> Iterator[Entity]:
    """Yield wrong forms of a mention, the one to take first."""
    others = [label for label in labels if label != entity.label]
    spans = list(_moved(entity.span, text)) if not entity.parts else []
    by_label = [replace(entity, label=label) for label in _turned(others, chance(*seed, "label"))]
    by_span = [replace(entity, span=span) for span in _turned(spans, chance(*seed, "span"))]
    first, second = (by_label, by_span) if chance(*seed, "kind") < 0.5 else (by_span, by_label)
    yield from first
    yield from second


def _turned(values: list[Any], at: float) -> list[Any]:
    k = int(at * len(values))
    return values[k:] + values[:k]


def _moved(span: Span, text: str) -> Iterator[Span]:
    """Yield the spans whose end or start stands one word further out or in."""
    if (after := _WORD.search(text, span.end)) and after.start() - span.end <= 1:
        yield Span(span.start, after.end())
    words = [match.span() for match in _WORD.finditer(text, span.start, span.end)]
    if len(words) > 1:
        yield Span(words[1][0], span.end)
        yield Span(span.start, words[-2][1])
