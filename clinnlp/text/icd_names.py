"""How a title of ICD-10-CM is written in notes: without what only a classification needs.

========================================  ======================================================
title                                     other names
========================================  ======================================================
Pneumonia, unspecified organism           Pneumonia
Unspecified abdominal pain                abdominal pain
Essential (primary) hypertension          Essential hypertension, Essential primary hypertension
Muscle weakness (generalized)             Muscle weakness, generalized Muscle weakness
Unspecified mood [affective] disorder     mood disorder, affective disorder
Ganglion, right wrist                     right wrist Ganglion, Ganglion of the right wrist
Pain in right knee                        right knee pain, pain in the right knee
========================================  ======================================================

A name that is a title of another code stays that code's; of several codes that would share one, the
code with the shortest title has it. Injuries, poisonings, external causes and encounters (S to Z)
have no other names. What no title says ("high blood pressure", "COPD") stands in a table.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from clinnlp.core.vocab import Concept, fold
from clinnlp.text.tables import data_path, read_table

__all__ = ["names_in_notes"]

SYSTEM = "ICD10CM"
_CHAPTERS = "ABCDEFGHIJKLMNOPQR"  # whose titles are conditions and symptoms alone
_LEAST = 4  # characters of a name
_GENERIC = frozenset(
    ("pain", "disease", "infectious disease", "infectious diseases", "disorder", "illness")
)
_HABIT = " use"  # "alcohol use" is no condition
_WHERE = "site|organism|cause|type|stage|side|trimester|level|part|severity|degree|eye|ear"
_NOTHING_MORE = re.compile(
    r",? (?:not elsewhere classified|uncomplicated|without complications?)\Z"
    rf"|, unspecified(?: (?:{_WHERE}))?\Z|, (?:{_WHERE}) (?:unspecified|not specified)\Z"
    r"|, not specified as [\w ]+\Z|\AUnspecified (?=\w)"
)
_PLURAL = re.compile(r"\((?:s|es)\)")
_ROUND = re.compile(r"(?:(?<=\s)|\A)\(([^()]*)\)(?=[\s,]|\Z)")
_SQUARE = re.compile(r"(?<=\s)\[([^\[\]]*)\](?=[\s,]|\Z)")
_SIDED = re.compile(r"(?P<what>[^,]+), (?P<where>(?:right|left|bilateral)(?: \w+){1,3})")
_PAIN = re.compile(r"Pain in (?P<where>(?:right |left )?\w+)", re.IGNORECASE)


def names_in_notes(concepts: Iterable[Concept]) -> list[tuple[str, str]]:
    """Return other names of the concepts of ICD-10-CM among some, each with its code.

    Examples
    --------
    >>> title = "Muscle weakness (generalized)"
    >>> names_in_notes([Concept(code="M62.81", name=title, system="ICD10CM")])
    [('Muscle weakness', 'M62.81'), ('generalized Muscle weakness', 'M62.81')]
    """
    own = [concept for concept in concepts if concept.system == SYSTEM]
    taken = {fold(name) for concept in own for name in concept.names}
    best: dict[str, tuple[int, str, str]] = {}
    for length, name, code in (*_every_day(own), *_told_otherwise(own)):
        folded = fold(name)
        is_free = taken.isdisjoint((folded, f"{folded}s"))
        if is_free and (folded not in best or length < best[folded][0]):
            best[folded] = length, name, code
    return [(name, code) for _, name, code in best.values()]


def _every_day(own: Sequence[Concept]) -> Iterator[tuple[int, str, str]]:
    """Yield the names of the table with the codes as the list writes them, before all others."""
    codes = {concept.code.replace(".", ""): concept.code for concept in own}
    rows = read_table(data_path("icd10cm_names.tsv"), ("name", "code")) if own else ()
    yield from ((0, name, codes[code]) for _, (name, code) in rows if code in codes)


def _told_otherwise(own: Sequence[Concept]) -> Iterator[tuple[int, str, str]]:
    """Yield other looks of titles, each with the length of its title and its code."""
    for concept in own:
        for name in _others(concept.code, concept.name):
            yield len(concept.name), name, concept.code


def _others(code: str, title: str) -> Iterator[str]:
    if code[:1] not in _CHAPTERS or title.startswith("Other "):
        return
    for plain in _plain(_PLURAL.sub("", title)):
        for name in (plain, *_turned(plain)):
            folded = fold(name)
            if len(name) >= _LEAST and folded not in _GENERIC and not folded.endswith(_HABIT):
                yield name


def _plain(title: str) -> Iterator[str]:
    """Yield a title without brackets and tails, and with the words in brackets in their place."""
    yield _cut(_joined(_SQUARE.sub("", _ROUND.sub("", title))))
    for brackets in (_ROUND, _SQUARE):
        [*found] = brackets.finditer(title)
        if len(found) != 1 or not found[0][1].isalnum():
            continue
        word, before, behind = found[0][1], title[: found[0].start()], title[found[0].end() :]
        if brackets is _ROUND:
            is_last = not behind.strip()
            yield _cut(_joined(f"{word} {before}" if is_last else f"{before}{word}{behind}"))
        elif behind.strip() and " of " not in before and not behind.startswith(","):
            yield _cut(_joined(f"{word}{behind}"))


def _joined(words: str) -> str:
    return " ".join(words.split()).replace(" ,", ",")


def _cut(title: str) -> str:
    """Return a title without what says that nothing more is known."""
    while True:
        cut = _NOTHING_MORE.sub("", title)
        if cut == title:
            return "" if "unspecified" in cut.lower() else cut
        title = cut


def _turned(title: str) -> Iterator[str]:
    """Yield a title with its site before it: "right wrist ganglion", "right knee pain"."""
    sided, pain = _SIDED.fullmatch(title), _PAIN.fullmatch(title)
    if sided:
        yield f"{sided['where']} {sided['what']}"
        yield f"{sided['what']} of {sided['where']}"
        yield f"{sided['what']} of the {sided['where']}"
    elif pain:
        yield f"{pain['where']} pain"
        yield f"pain in the {pain['where']}"
