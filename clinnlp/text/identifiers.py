"""Identifiers of persons: what must not leave with a note, found by rules and lists.

All 18 kinds of the Safe Harbor of HIPAA and the kinds of the corpus MEDDOCAN, by the tables of a
language (``text/data/identifier_*``). What finders say is united: where finds overlap, the longest
is kept and what is left of the others beside it, so that no character that one of them found is
lost. Each entity says in its attribute ``finder`` which rule or list found it.

References
----------
45 CFR 164.514(b)(2); Marimon et al., MEDDOCAN, IberLEF 2019.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Attribute, Entity, Note, fresh_ids
from clinnlp.core.spans import Span
from clinnlp.text.identifier_known import KnownFinder, KnownPatient
from clinnlp.text.identifier_lexicon import lexicon, words_of
from clinnlp.text.identifier_names import find_names
from clinnlp.text.identifier_places import before_regions, find_places, in_brackets
from clinnlp.text.identifier_rules import Find, Rules
from clinnlp.text.identifier_senders import find_senders
from clinnlp.text.plain import reads_plain
from clinnlp.text.tables import data_path, read_table

__all__ = [
    "DOUBTED",
    "SOURCE",
    "IdentifierLabel",
    "Identifiers",
    "KnownPatient",
    "identifier_labels",
    "united",
    "with_finds",
    "zip3",
]

SOURCE = "identifiers"
N_LEFT = 2  # characters of a find beside a longer one that are not worth keeping
DOUBTED = 0.5  # finds of this doubt give way to shorter ones
SPARSE_ZIPS = frozenset(  # of 20,000 people or fewer
    ["036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878",
     "879", "884", "890", "893"]
)  # fmt: skip
Known = KnownPatient | Mapping[str, KnownPatient] | Callable[[Note], KnownPatient | None] | None


class IdentifierLabel(NamedTuple):
    """A label, what it is in HIPAA's list (a letter, or empty) and in MEDDOCAN, and its meaning."""

    label: str
    hipaa: str
    meddocan: str
    meaning: str


@lru_cache(maxsize=1)
def identifier_labels() -> Mapping[str, IdentifierLabel]:
    """Return the labels that identifiers may have.

    Examples
    --------
    >>> identifier_labels()["MRN"].hipaa, identifier_labels()["COUNTRY"].hipaa
    ('H', '')
    """
    columns = ("label", "hipaa", "meddocan", "meaning")
    rows = read_table(data_path("identifier_labels.tsv"), columns)
    return {values[0]: IdentifierLabel(*values) for _, values in rows}


def zip3(code: str) -> str:
    """Return what may stay of a postal code of the United States: its first three digits.

    Those of an area with 20,000 people or fewer become ``000``.

    Parameters
    ----------
    code : str
        Five digits, or nine.

    Examples
    --------
    >>> zip3("60614-1234"), zip3("03601")
    ('606', '000')
    """
    first = code.strip()[:3]
    if not (len(first) == 3 and first.isascii() and first.isdigit()):
        raise ArgumentError("a postal code must begin with three digits")
    return "000" if first in SPARSE_ZIPS else first


class Identifiers:
    """Pipe that adds an entity for each identifier in the text.

    Parameters
    ----------
    language : str
        Whose tables: ``"en"`` or ``"es"``.
    known : KnownPatient, mapping of str to KnownPatient, or callable, optional
        What the structured record says: for all notes, by patient, or from a note. It is searched
        in other spellings too.
    labels : {"safe_harbor", "all"} or collection of str
        What to find: what the Safe Harbor names, all labels, or these.
    unknown : bool
        Whether a word with a capital that stands in no list counts as a name too: more is found,
        and of clinical text about one word in 250 is taken beside it.

    Examples
    --------
    >>> note = Note(id="n", text="Mr. Ockham, MRN 0123456, seen on 3/4/2021 for Parkinson disease.")
    >>> [(e.label, note.mention(e)) for e in Identifiers()(note).entities]
    [('NAME', 'Ockham'), ('MRN', '0123456'), ('DATE', '3/4/2021')]
    """

    def __init__(
        self,
        *,
        language: str = "en",
        known: Known = None,
        labels: str | Collection[str] = "safe_harbor",
        unknown: bool = False,
    ) -> None:
        self._language = language
        self._labels = _labels(labels)
        self._lexicon = lexicon(language)
        self._rules = _rules(language)
        self._known = known
        self._unknown = unknown

    def __reduce__(self) -> tuple[Callable[..., "Identifiers"], tuple[Any, ...]]:
        # Tables and patterns are made anew on arrival
        return _made, (self._language, self._known, self._labels, self._unknown)

    @reads_plain
    def __call__(self, note: Note, /) -> Note:
        """Return the note with the finds of an earlier run replaced by those of this one."""
        note = note.without_source(SOURCE)
        found = trimmed(note.text, united(self.finds(note)))
        return with_finds(note, [each for each in found if each.label in self._labels])

    @property
    def labels(self) -> frozenset[str]:
        """What is looked for."""
        return self._labels

    def finds(self, note: Note) -> list[Find]:
        """Return what all finders find, overlapping."""
        words = words_of(note.text, self._lexicon.kinds)
        found, leads = self._rules(note.text, words)
        found += find_names(note.text, words, leads, self._lexicon, unknown=self._unknown)
        found += find_places(note.text, words, self._lexicon, leads)
        found += before_regions(note.text, found) + in_brackets(note.text, found)
        found = without_towns(note.text, found)
        found += find_senders(note.text, words, self._lexicon, found)
        known = self._known_of(note)
        if known is not None:
            found += KnownFinder.of(known, self._language)(note.text, words)
        return found

    def _known_of(self, note: Note) -> KnownPatient | None:
        known = self._known
        if known is None or isinstance(known, KnownPatient):
            return known
        if isinstance(known, Mapping):
            return known.get(note.patient) if note.patient is not None else None
        return known(note)


def with_finds(note: Note, finds: Sequence[Find]) -> Note:
    """Return a note with an entity for each find."""
    if not finds:
        return note
    ids = fresh_ids(note, "ID", len(finds))
    made = [_entity(name, each) for name, each in zip(ids, finds, strict=True)]
    return note.with_(entities=(*note.entities, *made))


def united(finds: Sequence[Find]) -> list[Find]:
    """Return disjoint finds in the order of the text: the longest, and what others add beside them.

    Examples
    --------
    >>> finds = [Find(0, 10, "A", "a"), Find(8, 14, "B", "b"), Find(2, 4, "C", "c")]
    >>> [(find.start, find.end, find.label) for find in united(finds)]
    [(0, 10, 'A'), (10, 14, 'B')]
    """
    from bisect import bisect_left, insort

    taken: list[tuple[int, int]] = []  # disjoint, sorted
    kept: list[Find] = []
    order = sorted(finds, key=_rank)
    for find in order:
        start = find.start
        while start < find.end:
            at = bisect_left(taken, (start + 1, 0))
            if at and taken[at - 1][1] > start:
                start = taken[at - 1][1]
                continue
            end = min(find.end, taken[at][0]) if at < len(taken) else find.end
            if end - start > N_LEFT or (start, end) == (find.start, find.end):
                kept.append(find._replace(start=start, end=end))
                insort(taken, (start, end))
            start = end
    return sorted(kept)


def without_towns(text: str, finds: Sequence[Find]) -> list[Find]:
    """Return finds with hospitals that end before the town they stand in ("San Juan Madrid")."""
    towns = {find.end: find for find in finds if find.finder == "list:cities"}
    out = []
    for find in finds:
        town = towns.get(find.end) if find.label in ("HOSPITAL", "ORGANISATION") else None
        if town is not None and find.start < town.start and find.finder.startswith("rule:h"):
            before = text[find.start : town.start].rsplit(None, 1)
            if len(before) > 1 and not before[-1].islower():
                find = find._replace(end=find.start + len(text[find.start : town.start].rstrip()))
        out.append(find)
    return out


def _rank(find: Find) -> tuple[bool, bool, int, float, int]:
    """Order finds: of the record first, doubted ones last, the longest in between."""
    is_known = find.finder.startswith("known:")
    return not is_known, find.doubt >= DOUBTED, find.start - find.end, find.doubt, find.start


def trimmed(text: str, finds: Sequence[Find]) -> list[Find]:
    """Return finds without blanks and signs at their ends; those of one letter left over go."""
    out = []
    for find in finds:
        start, end = find.start, find.end
        while start < end and (text[start] in _EDGES or _is_open(text, start, end)):
            start += 1
        while end > start and (text[end - 1] in _EDGES or _is_shut(text, start, end)):
            end -= 1
        if any(map(str.isalnum, text[start:end])):
            out.append(find._replace(start=start, end=end))
    return out


_EDGES = frozenset(" \t\r\n,;:-/")


def _is_open(text: str, start: int, end: int) -> bool:
    """Return whether a bracket opens here that is not shut inside."""
    return text[start] == "(" and ")" not in text[start : end - 1]


def _is_shut(text: str, start: int, end: int) -> bool:
    return text[end - 1] == ")" and "(" not in text[start:end]


def _entity(name: str, find: Find) -> Entity:
    said: dict[str, Attribute] = {"finder": find.finder}
    if find.doubt:
        said["doubt"] = find.doubt
    return Entity(
        id=name,
        span=Span(find.start, find.end),
        label=find.label,
        attributes=said,
        source=SOURCE,
    )


def _made(language: str, known: Known, labels: Collection[str], unknown: bool) -> Identifiers:  # noqa: FBT001
    return Identifiers(language=language, known=known, labels=labels, unknown=unknown)


def _labels(labels: str | Collection[str]) -> frozenset[str]:
    of = identifier_labels()
    if labels == "safe_harbor":
        return frozenset(label for label, row in of.items() if row.hipaa)
    if labels == "all":
        return frozenset(of)
    unknown = sorted(set(labels) - of.keys()) if not isinstance(labels, str) else [labels]
    if unknown:
        raise ArgumentError(
            f"labels must be 'safe_harbor', 'all' or among {', '.join(of)}, "
            f"got {', '.join(unknown)}"
        )
    return frozenset(labels)


@lru_cache(maxsize=8)
def _rules(language: str) -> Rules:
    return Rules(language, lexicon(language))
