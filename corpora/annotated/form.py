"""The plain form in which a reader writes the mentions of a note, and what is refused in it.

One file a note, one line for each mention, four cells parted by tabs; blank lines and those that
begin with ``#`` are skipped::

    label   surface         which   axes
    Problem chest pain      1       n
    Drug    aspirin         1,3

- ``label``: Problem, Drug, Test, Procedure or Anatomy;
- ``surface``: the words exactly as they stand, in the same case;
- ``which``: 1 is the first place where they stand as whole words, 2 the second, ``2,3`` both, and
  ``*`` every place that no other line takes; places inside longer mentions are counted as well.
  ``~2`` counts places inside words too, for what is typed without a blank ("BP191/89");
- a surface such as ``his [pain] and`` is what stands in the brackets, where those words around it
  stand: there is nothing to count;
- ``axes``: letters of what is true, none where all five are false, and none for Anatomy.

Offsets are looked up, so that none is written by hand. A surface that does not stand there, spans
that overlap, and a surface that begins with a determiner or ends in a stop are refused.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from clinnlp.core.errors import DataError

__all__ = ["AXIS_LETTERS", "LABELS", "Mention", "parse_form"]

LABELS = ("Problem", "Drug", "Test", "Procedure", "Anatomy")
AXIS_LETTERS = {
    "n": "negated",
    "u": "uncertain",
    "h": "hypothetical",
    "p": "historical",
    "f": "experiencer",
}
DETERMINERS = frozenset(
    ["a", "an", "the", "this", "that", "these", "those", "his", "her", "its", "their", "no", "any"]
)
_CONTEXT = re.compile(r"([^\[\]]*)\[([^\[\]]+)\]([^\[\]]*)")  # words around, the mention
_TRIMMED = re.compile(r"[\w(+].*[\w)%+']|\w", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """One mention of a note.

    Parameters
    ----------
    start, end : int
        Half-open, in code points.
    label : str
    axes : str
        Letters of `AXIS_LETTERS`, in their order.
    """

    start: int
    end: int
    label: str
    axes: str = ""


def parse_form(lines: Iterable[str], text: str, *, path: str | Path | None = None) -> list[Mention]:
    """Return the mentions that a form names, in text order.

    Parameters
    ----------
    lines : iterable of str
        The form.
    text : str
        Of the note.
    path : str or Path, optional
        Named in errors.

    Raises
    ------
    DataError
        With the line at fault; its message holds no words of the note.

    Examples
    --------
    >>> form = ["Problem\\tfever\\t1\\tn", "Problem\\tchills\\t1\\tn", "Drug\\taspirin\\t*"]
    >>> for mention in parse_form(form, "No fever or chills. Aspirin stopped; aspirin failed."):
    ...     print(mention)
    Mention(start=3, end=8, label='Problem', axes='n')
    Mention(start=12, end=18, label='Problem', axes='n')
    Mention(start=37, end=44, label='Drug', axes='')
    """
    taken: dict[Mention, int] = {}  # mention → line
    open_ended: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines, start=1):
        cells = [cell.strip() for cell in line.rstrip("\r\n").split("\t")]
        if not any(cells) or cells[0].startswith("#"):
            continue
        _check_cells(cells, path, number)
        if cells[2] == "*":
            open_ended.append((number, cells))
        else:
            taken |= dict.fromkeys(_named(cells, text, path, number), number)
    for number, cells in open_ended:
        taken |= dict.fromkeys(_remaining(cells, text, taken, path, number), number)
    mentions = sorted(taken)
    for one, two in zip(mentions, mentions[1:], strict=False):
        if two.start < one.end:
            raise DataError(
                f"mentions must not overlap, got one that overlaps that of line {taken[one]}",
                path=path,
                line=taken[two],
            )
    return mentions


def _check_cells(cells: list[str], path: str | Path | None, number: int) -> None:
    cells += [""] * (4 - len(cells))
    label, surface, which, axes = cells[:4]
    wrong = None
    if len(cells) > 4:
        wrong = f"a line must hold at most 4 cells, got {len(cells)}"
    elif label not in LABELS:
        wrong = f"the label must be one of {', '.join(LABELS)}"
    elif _CONTEXT.fullmatch(surface) is None and "[" in surface:
        wrong = "the surface must hold one pair of brackets"
    elif not _TRIMMED.fullmatch(words := _words(surface)):
        wrong = "the surface must begin and end in a letter or digit, or in a bracket"
    elif words.lower().split()[0] in DETERMINERS and len(words.split()) > 1:
        wrong = "the surface must not begin with a determiner"
    elif not re.fullmatch(r"\*|~?[1-9]\d*(,[1-9]\d*)*", which):
        wrong = "which must be numbers parted by commas, or *, or begin with ~"
    elif set(axes) - set(AXIS_LETTERS) or len(set(axes)) < len(axes):
        wrong = f"axes must be different letters of {''.join(AXIS_LETTERS)}"
    elif axes and label == "Anatomy":
        wrong = "Anatomy must have no axes"
    if wrong:
        raise DataError(wrong, path=path, line=number)


def _named(cells: list[str], text: str, path: str | Path | None, number: int) -> list[Mention]:
    """Return the mentions at the numbered places of a surface."""
    places = _places(cells[1], text, inside=cells[2].startswith("~"))
    numbers = [int(k) for k in cells[2].removeprefix("~").split(",")]
    if max(numbers) > len(places):
        message = f"the surface must stand {max(numbers)} times in the note, got {len(places)}"
        raise DataError(message, path=path, line=number)
    return [_mention(*places[k - 1], cells) for k in numbers]


def _remaining(
    cells: list[str], text: str, taken: Iterable[Mention], path: str | Path | None, number: int
) -> list[Mention]:
    """Return a mention at each place of a surface that no other mention touches."""
    places = _places(cells[1], text)
    free = [p for p in places if not any(m.start < p[1] and p[0] < m.end for m in taken)]
    if not free:
        message = (
            f"the surface must stand in the note outside other mentions, got {len(places)} places"
        )
        raise DataError(message, path=path, line=number)
    return [_mention(*place, cells) for place in free]


def _words(surface: str) -> str:
    """Return the words of the mention, without those around it."""
    found = _CONTEXT.fullmatch(surface)
    return found[2] if found else surface


def _places(surface: str, text: str, *, inside: bool = False) -> list[tuple[int, int]]:
    """Return where a surface stands as whole words, or `inside` of words too."""
    around = _CONTEXT.fullmatch(surface)
    before, words, behind = map(re.escape, around.groups() if around else ("", surface, ""))
    edge, end = ("", "") if inside else (r"(?<!\w)", r"(?!\w)")
    pattern = f"{before}{edge}(?P<mention>{words}){end}{behind}"
    return [found.span("mention") for found in re.finditer(pattern, text)]


def _mention(start: int, end: int, cells: list[str]) -> Mention:
    axes = "".join(letter for letter in AXIS_LETTERS if letter in cells[3])
    return Mention(start, end, cells[0], axes)
