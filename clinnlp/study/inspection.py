"""What annotated notes hold, and what looks wrong in them: for a first look, and before training.

One pass, in memory that does not grow with the text: counts, lengths as a histogram, hashes of
texts. Nothing here holds text but the examples, and those only where they are asked for.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span, contains, pairs_overlapping

__all__ = ["PROBLEMS", "Example", "Inspection", "inspect_notes"]

_CONTEXT = 30  # characters on either side of an example

PROBLEMS = {
    "none": "source in which no note was found",
    "empty": "notes without text",
    "repeated": "notes with the text of another",
    "duplicate": "mentions that stand there twice, with one label",
    "crossing": "pairs of mentions that cross: neither lies in the other",
    "space": "mentions that begin or end with white space",
    "word": "mentions that begin or end inside a word",
    "sentence": "mentions that lie in no one sentence",
    "dangling": "relations to an id that no mention, relation or concept of the note has",
}


class Example(NamedTuple):
    """A mention with the text around it."""

    note: str
    label: str
    before: str
    mention: str
    after: str


@dataclass(slots=True)
class Inspection:
    """Counts of a collection of notes; `problems` by their name in `PROBLEMS`."""

    n_notes: int = 0
    n_chars: int = 0
    n_patients: int = 0
    labels: Counter[str] = field(default_factory=Counter)  # entities by label
    forms: dict[str, set[int]] = field(default_factory=dict)  # hashes of mentions by label
    lengths: Counter[int] = field(default_factory=Counter)  # mentions by characters
    relations: Counter[str] = field(default_factory=Counter)
    note_labels: Counter[str] = field(default_factory=Counter)
    n_discontinuous: int = 0
    n_nested: int = 0
    n_with_concept: int = 0
    n_asserted: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    @property
    def n_entities(self) -> int:
        """Mentions in all."""
        return self.labels.total()

    def length_at(self, share: float) -> int:
        """Return the length in characters that this share of mentions does not exceed."""
        seen = 0
        for length in sorted(self.lengths):
            seen += self.lengths[length]
            if seen >= share * self.n_entities:
                return length
        return 0


def inspect_notes(notes: Iterable[Note], *, n_examples: int = 0) -> Inspection:
    """Return the counts and problems of notes.

    Parameters
    ----------
    notes : iterable of Note
    n_examples : int
        How many mentions to keep with their text, the first of each label before others.

    Examples
    --------
    >>> from clinnlp.core.spans import Span
    >>> fever = Entity(id="T1", span=Span(3, 8), label="Problem")
    >>> found = inspect_notes([Note(id="n1", text="No fever.", entities=(fever,))])
    >>> found.labels, dict(found.problems)
    (Counter({'Problem': 1}), {})
    >>> found = inspect_notes([Note(id="n1", text="No fevers.", entities=(fever,))])
    >>> dict(found.problems)
    {'word': 1}
    """
    inspection = Inspection()
    texts: set[int] = set()
    patients: set[str] = set()
    kept: dict[str, list[Example]] = {}
    for note in notes:
        inspection.n_notes += 1
        inspection.n_chars += len(note.text)
        patients |= {note.patient} if note.patient is not None else set()
        inspection.note_labels.update(note.labels)
        inspection.relations.update(relation.label for relation in note.relations)
        _count_entities(note, inspection)
        problems, n_nested = _problems(note, texts)
        inspection.problems.update(problems)
        inspection.n_nested += n_nested
        if n_examples:
            _keep(note, kept, n_examples)
    if not inspection.n_notes:
        inspection.problems["none"] = 1
    inspection.n_patients = len(patients)
    inspection.examples = _in_turn(kept, n_examples)
    return inspection


def _count_entities(note: Note, inspection: Inspection) -> None:
    for entity in note.entities:
        inspection.labels[entity.label] += 1
        mention = note.mention(entity)
        inspection.forms.setdefault(entity.label, set()).add(hash(mention.casefold()))
        inspection.lengths[len(mention)] += 1
        inspection.n_discontinuous += bool(entity.parts)
        inspection.n_with_concept += bool(entity.concepts)
        inspection.n_asserted += any(axis is not None for axis in entity.assertion.axes)


def _problems(note: Note, texts: set[int]) -> tuple[Counter[str], int]:
    """Return the problems of a note, and how many pairs of mentions are nested."""
    n_crossing, n_nested = _n_crossing_and_nested([e.span for e in note.entities])
    problems = Counter(
        empty=int(not note.text.strip()),
        repeated=int(_is_repeated(note.text, texts)),
        duplicate=len(note.entities) - len({(e.label, e.pieces) for e in note.entities}),
        crossing=n_crossing,
        space=sum(_touches_space(note.text, e) for e in note.entities),
        word=sum(_cuts_word(note.text, e) for e in note.entities),
        sentence=sum(_lies_in_no_sentence(note, e) for e in note.entities),
        dangling=_n_dangling(note),
    )
    return +problems, n_nested


def _is_repeated(text: str, texts: set[int]) -> bool:
    """Return whether `texts` has this one, which is then among them; blank ones do not count."""
    seen = hash(text) in texts
    texts.add(hash(text))
    return seen and bool(text.strip())


def _n_crossing_and_nested(spans: Sequence[Span]) -> tuple[int, int]:
    """Return how many pairs of spans cross, and in how many one lies in the other."""
    n_pairs = n_nested = 0
    for a, b in ((spans[i], spans[j]) for i, j in pairs_overlapping(spans, spans) if i < j):
        n_pairs += 1
        n_nested += contains(a, b) or contains(b, a)
    return n_pairs - n_nested, n_nested


def _touches_space(text: str, entity: Entity) -> bool:
    return any(text[p.start].isspace() or text[p.end - 1].isspace() for p in entity.pieces)


def _cuts_word(text: str, entity: Entity) -> bool:
    return any(
        0 < cut < len(text) and text[cut - 1].isalpha() and text[cut].isalpha()
        for piece in entity.pieces
        for cut in piece
    )


def _lies_in_no_sentence(note: Note, entity: Entity) -> bool:
    """Return whether no sentence holds all of a mention, in a note that has sentences."""
    sentences = note.sentences
    return sentences is not None and not any(contains(s, entity.span) for s in sentences)


def _n_dangling(note: Note) -> int:
    """Return how many relations have an end that is not in the note."""
    known = {e.id for e in note.entities} | {r.id for r in note.relations}
    known |= {concept for e in note.entities for concept in e.concepts}
    ends = ({end for role in r.roles.values() for end in role} for r in note.relations)
    return sum(not each <= known for each in ends)


def _keep(note: Note, kept: dict[str, list[Example]], n_examples: int) -> None:
    for entity in note.entities:
        examples = kept.setdefault(entity.label, [])
        if len(examples) < n_examples:
            start, end = entity.span
            before = note.text[max(0, start - _CONTEXT) : start]
            after = note.text[end : end + _CONTEXT]
            examples.append(Example(note.id, entity.label, before, note.text[start:end], after))


def _in_turn(kept: dict[str, list[Example]], n_examples: int) -> list[Example]:
    """Return the first of each label, then the second of each, and so on."""
    rounds = zip_longest(*kept.values())
    return [example for turn in rounds for example in turn if example][:n_examples]
