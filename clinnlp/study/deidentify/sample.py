"""Which notes are reviewed: drawn at random by the key, within strata of doubt.

Half of the notes are dealt out as the strata are large, half evenly, so that notes in doubt are
seen without those that are in none being forgotten. Who reviews a note marks what identifies
somebody with the label ``LEAK``; what was replaced is marked already, under its own label.
"""

import heapq
import json
import re
from collections.abc import Sequence
from pathlib import Path

from clinnlp.core.errors import ArgumentError
from clinnlp.core.files import atomic_write
from clinnlp.core.notes import Entity, Note, fresh_ids
from clinnlp.io.notes.corpora import write_notes
from clinnlp.study.deidentify.keys import Key
from clinnlp.study.deidentify.replacing import Replaced

__all__ = ["DESIGN", "REVIEW", "STRATA", "AuditSample", "allotted", "doubt_of"]

REVIEW, DESIGN = "review.jsonl", "design.json"
STRATA = ("no doubt", "some doubt", "much doubt")
_SOURCE = "deidentify"
_MUCH = 3  # signs of doubt in a note
_UNSURE = 0.5
_SIGNS = re.compile(
    r"\d{5,}|\d{3}[-. ]\d{4}|@|www\.|\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}"
    r"|(?<=[a-zà-ÿ,] )[A-ZÀ-Ý][a-zà-ÿ]+ [A-ZÀ-Ý][a-zà-ÿ]+"
)


def doubt_of(made: Replaced) -> int:
    """Return how many signs there are that an identifier is left in a note.

    They are finds of which the finder was not sure, and what looks like a number, a date, an
    address or a name and is none that was put in.
    """
    text = list(made.note.text)
    for span, _ in made.found:
        text[span.start : span.end] = "_" * span.length
    unsure = sum(one.doubt >= _UNSURE for _, one in made.found)
    return unsure + sum(1 for _ in _SIGNS.finditer("".join(text)))


class AuditSample:
    """Draws notes for a review while they stream by; at most `n_wanted` per stratum are held.

    Parameters
    ----------
    key : Key
        The same draws the same.
    n_wanted : int
        Notes in the sample, >= 0.
    """

    def __init__(self, key: Key, n_wanted: int) -> None:
        if n_wanted < 0:
            raise ArgumentError(f"notes to review must be at least 0, got {n_wanted}")
        self.key, self.n_wanted = key, n_wanted
        self.sizes = [0] * len(STRATA)
        self._held: list[list[tuple[int, int, Replaced]]] = [[] for _ in STRATA]

    def add(self, made: Replaced, doubt: int) -> None:
        """Let a note take part in the draw."""
        if not self.n_wanted:
            return
        k = 0 if doubt == 0 else 2 if doubt >= _MUCH else 1
        self.sizes[k] += 1
        lot = self.key.draw("audit", made.note.id, made.note.text)
        heapq.heappush(self._held[k], (-lot, self.sizes[k], made))
        if len(self._held[k]) > self.n_wanted:
            heapq.heappop(self._held[k])

    def drawn(self) -> list[list[Replaced]]:
        """Return the notes of each stratum that are to be reviewed."""
        each = allotted(self.n_wanted, self.sizes)
        return [
            [made for _, _, made in sorted(held, key=lambda one: -one[0])[:n]]
            for held, n in zip(self._held, each, strict=True)
        ]

    def write(self, folder: Path, n_words: int) -> None:
        """Write the notes to review, and how they were drawn."""
        drawn = self.drawn()
        strata = [
            {"name": name, "n_notes": size, "drawn": [made.note.id for made in chosen]}
            for name, size, chosen in zip(STRATA, self.sizes, drawn, strict=True)
        ]
        # in an order that does not tell the stratum
        whole = sorted((made for part in drawn for made in part), key=lambda made: made.note.id)
        write_notes((_marked(made) for made in whole), folder / REVIEW)
        with atomic_write(folder / DESIGN) as file:
            json.dump({"n_words": n_words, "strata": strata}, file, indent=1)


def allotted(n: int, sizes: Sequence[int]) -> list[int]:
    """Return how many of `n` are drawn of each stratum: half by its size, half evenly.

    Of each at least one: of a stratum that nobody has looked at nothing can be said.

    Examples
    --------
    >>> allotted(100, [900, 90, 10]), allotted(20, [5, 0, 7])
    ([65, 25, 10], [5, 0, 7])
    """
    total = sum(sizes)
    there = [k for k, size in enumerate(sizes) if size]
    out = [min(1, size, n) for size in sizes]
    n = min(n, total)
    wanted = {k: n / 2 * sizes[k] / total + n / 2 / len(there) for k in there}
    while sum(out) < n:  # the one that is farthest from what it should have
        k = max((k for k in there if out[k] < sizes[k]), key=lambda k: (wanted[k] - out[k], -k))
        out[k] += 1
    return out


def _marked(made: Replaced) -> Note:
    ids = fresh_ids(made.note, "DEID", len(made.found))
    marks = tuple(
        Entity(id=name, span=span, label=one.label, source=_SOURCE)
        for name, (span, one) in zip(ids, made.found, strict=True)
    )
    return made.note.with_(entities=(*made.note.entities, *marks))
