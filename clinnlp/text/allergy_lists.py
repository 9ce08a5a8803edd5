"""Lists of allergies one a line: a drug's line read together with its reaction's below it.

A line goes with the drug's above it, in a section of allergies, where it says so:

- it begins with a field of the reaction ("Reaction: hives"), or is all fields ("Severity: high");
- it is bulleted and the drug's line is not, or it stands deeper;
- the drug's line, or the field of a reaction, ends with a colon or dots.

A plain next line does not, for it may be of another list; nor does anything behind an empty line or
in a line with a drug of its own.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from clinnlp.core.spans import Span
from clinnlp.text.relation_rules import RelationRules

__all__ = ["kind_at", "lists_joined"]

_UNKNOWN = "other"  # the kind of a section under a field in capitals ("REACTION: hives")
_LINE_END = re.compile(r"\r\n?|\n")
_BULLET = re.compile(r"[-*+>#\u2013\u2022\u00b7\u2610]")


def kind_at(sections: Sequence[tuple[int, str]], at: int) -> str:
    """Return the kind of the section around a place, by the starts and kinds of all in order."""
    k = bisect_right(sections, (at, "\uffff")) - 1
    return sections[k][1] if k >= 0 else ""


def lists_joined(
    sentences: Sequence[Span],
    drugs: Sequence[int],
    sections: Sequence[tuple[int, str]],
    text: str,
    rules: RelationRules,
) -> Sequence[Span]:
    """Return sentences, those of a drug and of its reaction as one.

    Parameters
    ----------
    sentences : sequence of Span
        In order.
    drugs : sequence of int
        Where mentions of drugs begin, in order.
    sections : sequence of (int, str)
        Where each section begins, and its kind, in order.
    text : str
        Folded, of the same length as the note's.
    rules : RelationRules
        Which kinds of sections are such lists, and the words of their fields.
    """
    if rules.kinds.isdisjoint(kind for _, kind in sections):
        return sentences
    found: list[Span] = []
    of: Span | None = None  # the sentence of the drug that the next one may go with
    for k, sentence in enumerate(sentences):
        kind = kind_at(sections, sentence.start)
        has_drug = bisect_left(drugs, sentence.start) < bisect_left(drugs, sentence.end)
        if has_drug:
            of = sentence if kind in rules.kinds else None
        elif of is not None and _goes_on(of, sentences[k - 1], sentence, kind, text, rules):
            found[-1] = Span(found[-1].start, sentence.end)
            continue
        else:
            of = None
        found.append(sentence)
    return found


def _goes_on(
    of: Span, above: Span, sentence: Span, kind: str, text: str, rules: RelationRules
) -> bool:
    """Return whether a sentence tells of the drug of another one, `above` being the one before."""
    n_ends = len(_LINE_END.findall(text, above.end, sentence.start))
    if n_ends > 1 or kind not in (*rules.kinds, _UNKNOWN):
        return False
    if rules.reaction.match(text, sentence.start, sentence.end):
        return True
    if rules.listed.fullmatch(text, sentence.start, sentence.end):
        return True
    if text.endswith((":", ".."), above.start, above.end):
        return above == of or rules.reaction.match(text, above.start, above.end) is not None
    return n_ends == 1 and kind in rules.kinds and _is_below(of, sentence, text)


def _is_below(of: Span, sentence: Span, text: str) -> bool:
    """Return whether a line is set off below a drug's: deeper, or with a bullet of its own."""
    depth, line = _depth(text, sentence.start), _line_start(text, of.start)
    if depth > _depth(text, of.start):
        return True
    if not _BULLET.match(text, sentence.start) or _BULLET.match(text, of.start):
        return False
    heading = text[line : of.start]
    return not heading.strip() or depth > len(heading) - len(heading.lstrip())


def _line_start(text: str, at: int) -> int:
    return 1 + max(text.rfind("\n", 0, at), text.rfind("\r", 0, at))


def _depth(text: str, at: int) -> int:
    """Return in which column of its line a place stands."""
    return len(text[_line_start(text, at) : at].expandtabs())
