"""Two annotations of the same notes, mention by mention, and how far they agree beyond chance.

Mentions are paired in four rounds, each one-to-one within a note: same pieces and label; same
pieces; same label and sharing a character, the longest shared first; sharing a character. What is
left stands in one of the two only. Kappa is Cohen's over tokens, each with the label of the
longest mention that it lies in, or none; F1 treats the first as gold, and is symmetric.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from clinnlp.core.counts import Estimate
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span, n_shared
from clinnlp.core.tokens import tokenize
from clinnlp.metrics.agreement import cohen_kappa
from clinnlp.metrics.spans import SpanScores, pair_entities, score_spans

__all__ = ["Comparison", "Difference", "compare_notes"]

Kind = Literal["only in A", "only in B", "label", "span", "span and label", "content"]
Fit = Callable[[Entity, Entity], int]
_CONTENT = ("concepts", "assertion", "attributes")
_NONE = "O"


class Difference(NamedTuple):
    """A mention that two annotations have differently; `first` or `second` may be absent."""

    note: str
    kind: Kind
    first: Entity | None
    second: Entity | None
    fields: tuple[str, ...] = ()  # what differs, where place and label are the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Differences of two annotations and their agreement."""

    n_notes: int
    n_same: int
    differences: tuple[Difference, ...]
    relations: tuple[int, int, int]  # in both, only in A, only in B; ends by place and label
    strict: SpanScores
    relaxed: SpanScores
    kappa: Estimate | None  # None: no token

    @property
    def counts(self) -> dict[str, int]:
        """Differences by kind."""
        return dict(Counter(difference.kind for difference in self.differences))


def compare_notes(
    first: Iterable[Note], second: Iterable[Note], *, n_boot: int = 1000
) -> Comparison:
    """Return the differences of two annotations of the same notes.

    Parameters
    ----------
    first, second : iterable of Note
        The same ids and texts.
    n_boot : int
        Bootstrap draws of notes for the intervals; 0 gives none.

    Raises
    ------
    DataError
        A note without partner, or with another text.

    Examples
    --------
    >>> def note(*spans):
    ...     made = (Entity(id=str(k), span=Span(*s), label="D") for k, s in enumerate(spans))
    ...     return Note(id="n", text="chronic cough and fever", entities=tuple(made))
    >>> found = compare_notes([note((0, 13), (18, 23))], [note((8, 13), (18, 23))], n_boot=0)
    >>> found.n_same, found.counts
    (1, {'span': 1})
    """
    ours, theirs = list(first), list(second)
    pairs = pair_entities(ours, theirs)
    by_id = {note.id: note for note in theirs}
    differences: list[Difference] = []
    n_same = 0
    rows: tuple[list[str], list[str], list[str]] = ([], [], [])
    links = [0, 0, 0]
    for note, mine, others in pairs:
        for pair in _paired(note.id, mine, others):
            if pair.kind == "content" and not pair.fields:
                n_same += 1
            else:
                differences.append(pair)
        for k, n in enumerate(_links(note, by_id[note.id])):
            links[k] += n
        _add_tokens(note, mine, others, rows)
    kappa = cohen_kappa(rows[0], rows[1], groups=rows[2], n_boot=n_boot) if rows[0] else None
    return Comparison(
        n_notes=len(pairs),
        n_same=n_same,
        differences=tuple(differences),
        relations=(links[0], links[1], links[2]),
        strict=score_spans(ours, theirs, match="strict", n_boot=n_boot),
        relaxed=score_spans(ours, theirs, match="relaxed", n_boot=n_boot),
        kappa=kappa,
    )


def _paired(
    note: str, mine: tuple[Entity, ...], others: tuple[Entity, ...]
) -> Iterator[Difference]:
    left, right = list(mine), list(others)
    for kind, fit in _ROUNDS:
        matches = _matches(left, right, fit)
        for i, j in matches.items():
            a, b = left[i], right[j]
            yield Difference(note, kind, a, b, _fields(a, b) if kind == "content" else ())
        left = [a for i, a in enumerate(left) if i not in matches]
        used = set(matches.values())
        right = [b for j, b in enumerate(right) if j not in used]
    yield from (Difference(note, "only in A", a, None) for a in left)
    yield from (Difference(note, "only in B", None, b) for b in right)


def _matches(left: Sequence[Entity], right: Sequence[Entity], fit: Fit) -> dict[int, int]:
    """Return which of the right each of the left goes with, one-to-one, the best fit first."""
    scored = sorted(
        ((fit(a, b), -i, -j) for i, a in enumerate(left) for j, b in enumerate(right)),
        reverse=True,
    )
    matches: dict[int, int] = {}
    used: set[int] = set()
    for score, i, j in scored:
        if score and -i not in matches and -j not in used:
            matches[-i] = -j
            used.add(-j)
    return matches


def _overlap(a: Entity, b: Entity) -> int:
    return sum(n_shared(p, q) for p in a.pieces for q in b.pieces)


_ROUNDS: tuple[tuple[Kind, Fit], ...] = (
    ("content", lambda a, b: int((a.label, a.pieces) == (b.label, b.pieces))),
    ("label", lambda a, b: int(a.pieces == b.pieces)),
    ("span", lambda a, b: _overlap(a, b) if a.label == b.label else 0),
    ("span and label", _overlap),
)


def _fields(a: Entity, b: Entity) -> tuple[str, ...]:
    return tuple(name for name in _CONTENT if getattr(a, name) != getattr(b, name))


def _links(first: Note, second: Note) -> tuple[int, int, int]:
    ours, theirs = _link_counts(first), _link_counts(second)
    both = (ours & theirs).total()
    return both, ours.total() - both, theirs.total() - both


def _link_counts(note: Note) -> "Counter[tuple[object, ...]]":
    place = {e.id: (e.label, e.pieces) for e in note.entities}
    return Counter(
        (
            relation.label,
            tuple(
                (role, tuple(sorted(map(str, (place.get(end, end) for end in ends)))))
                for role, ends in sorted(relation.roles.items())
            ),
        )
        for relation in note.relations
    )


def _add_tokens(
    note: Note,
    mine: tuple[Entity, ...],
    others: tuple[Entity, ...],
    rows: tuple[list[str], list[str], list[str]],
) -> None:
    tokens = tokenize(note.text)
    rows[0].extend(_labels(tokens, mine))
    rows[1].extend(_labels(tokens, others))
    rows[2].extend([note.id] * len(tokens))


def _labels(tokens: tuple[Span, ...], entities: tuple[Entity, ...]) -> list[str]:
    """Return the label of each token; of mentions that overlap, the longest one's."""
    labels = [_NONE] * len(tokens)
    starts = {token.start: k for k, token in enumerate(tokens)}
    for entity in sorted(entities, key=lambda e: (sum(p.length for p in e.pieces), e.label)):
        for piece in entity.pieces:
            for at in range(piece.start, piece.end):
                if at in starts:
                    labels[starts[at]] = entity.label
    return labels
