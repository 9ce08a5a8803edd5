"""Invented lists of medicines: a name that no annotated note holds is met once while training.

A few hundred notes name some 750 medicines; a hospital's name thousands. So the names of
``drug_names.txt`` stand in lists and sentences as notes have them, with doses, in three ways of
writing. They teach beside the notes and are in no score; since a mention gives way to another of
its label while training (`clinnlp.bert.swaps`), they come into the annotated notes too.
"""

import random
from pathlib import Path

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span

__all__ = ["NAMES", "named_notes", "read_drug_names"]

NAMES = Path(__file__).parent / "drug_names.txt"
_SEED = 20261129
_ROUNDS = 2  # how often each name stands somewhere
_A_NOTE = range(8, 25)  # names of a note
_BEHIND = (
    ["", "", " 10 mg daily", " 20 mg p.o. daily", " 25 mg b.i.d.", " 500 mg p.o. t.i.d.", " p.r.n.",
     " 40 mg at bedtime", " one tablet daily", " 5 mg every other day", " 100 mg q.12h",
     " as needed",
     " IV", " 1 g IV q.8h", " 2 puffs q.4h p.r.n."],
    ["", "", " 10 qd", " 20mg bid", " 40", " 5 mg qhs", " prn", " 1 tab po qd", " 500 tid", " x7d",
     " iv", " gtt", " 0.5 bid", " 1g q8", " held", " @ 5", " patch", " 2 puffs prn"],
)  # fmt: skip
_LISTS = (
    ("MEDICATIONS:,  ", "%d.  ", ",", 0), ("CURRENT MEDICATIONS:  ", "", ", ", 0),
    ("DISCHARGE MEDICATIONS:,", "%d.  ", ".,", 0), ("Medications include ", "", ", ", 0),
    ("The patient is currently on ", "", ", ", 0), ("ALLERGIES:  ", "", ", ", 0),
    ("meds: ", "", ", ", 1), ("Meds\n", "- ", "\n", 1), ("home meds ", "", "; ", 1),
    ("rx: ", "", " / ", 1), ("MEDS: ", "", ", ", 1), ("on ", "", ", ", 1), ("all: ", "", ", ", 1),
)  # fmt: skip
_SENTENCES = (
    "He was started on {}{}.  {} was discontinued.  ", "She was given {}{} and {}.  ",
    "We will continue {}{} and add {}.  ", "She has been taking {}{} along with {}.  ",
    "d/c {}{}, start {}. ", "cont {}{}, hold {}. ", "{}{} -> {}. ", "s/p {}{}, {} given in ed. ",
)  # fmt: skip


def read_drug_names(path: Path = NAMES) -> list[str]:
    """Return the names, each once, in the order of the file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    names = [name.strip() for line in lines if line[:1] != "#" for name in line.split(",")]
    return list(dict.fromkeys(name for name in names if name))


def named_notes(names: list[str]) -> list[Note]:
    """Return invented notes in which each name stands `_ROUNDS` times, marked as a Drug."""
    rng = random.Random(_SEED)  # noqa: S311 - the same notes for anyone
    left = [name for _ in range(_ROUNDS) for name in rng.sample(names, len(names))]
    notes = list[Note]()
    while left:
        n = rng.choice(_A_NOTE)
        some, left = left[:n], left[n:]
        pieces = _listed(some, rng) if rng.random() < 0.7 else _told(some, rng)
        notes.append(_note(f"named-{len(notes)}", pieces))
    return notes


def _listed(names: list[str], rng: random.Random) -> list[tuple[str, bool]]:
    """Return the pieces of a list, and of each whether it is a name."""
    head, number, between, typed = rng.choice(_LISTS)
    pieces = [(head, False)]
    for k, name in enumerate(names, 1):
        pieces.append((number % k if "%" in number else number, False))
        pieces += [(_written(name, typed, rng), True), (rng.choice(_BEHIND[typed]), False)]
        pieces.append((between if k < len(names) else ".", False))
    return pieces


def _told(names: list[str], rng: random.Random) -> list[tuple[str, bool]]:
    """Return the pieces of sentences of two names each, and of the last name where it is alone."""
    pieces = list[tuple[str, bool]]()
    if len(names) % 2:
        pieces += [("Takes ", False), (names[-1], True), (".  ", False)]
    for first, second in zip(names[::2], names[1::2], strict=False):
        k = rng.randrange(len(_SENTENCES))
        typed = int(k >= len(_SENTENCES) // 2)
        before, _, rest = _SENTENCES[k].partition("{}")
        behind, end = rest[len("{}") :].split("{}")
        pieces += [(before, False), (_written(first, typed, rng), True)]
        pieces += [(rng.choice(_BEHIND[typed]) + behind, False)]
        pieces += [(_written(second, typed, rng), True), (end, False)]
    return pieces


def _written(name: str, typed: int, rng: random.Random) -> str:
    """Return a name as it stands in its list, or all in small or in capital letters."""
    u = rng.random()
    small, capital = (0.6, 0.7) if typed else (0.1, 0.2)
    return name.lower() if u < small else name.upper() if u < capital else name


def _note(key: str, pieces: list[tuple[str, bool]]) -> Note:
    text, entities = "", list[Entity]()
    for piece, is_name in pieces:
        if is_name:
            span = Span(len(text), len(text) + len(piece))
            entities.append(Entity(id=f"T{len(entities) + 1}", span=span, label="Drug"))
        text += piece
    return Note(id=key, text=text, entities=tuple(entities))
