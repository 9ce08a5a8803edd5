"""Phrases with slots, written into a note that knows where everything stands.

A phrase of ``data/phrases.tsv`` is text with three kinds of marks::

    {age}              a fact of the story
    {sx1!n}            a term: pool ``sx``, first item, assertion axis n (negated) True
    {^dx1}             the same with a capital first letter (also ``{^sx1!n}``)
    {med1.dose}        an attribute of a term
    {@problem:fever=febrile!n}   a fixed term with fixed words
    [n:Denies]         a cue for an axis; every term of the phrase with that axis points to the
                       nearest cue

Axes: n negated, u uncertain, h hypothetical, p historical (past), f experiencer (family).
Terms of one phrase in the pools ``rxd`` (with ``rxe``) and ``rxr``, or ``ald`` and ``alr``,
with equal numbers become an ``AdverseReaction`` of drug and reaction.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from clinnlp.study.synthetic.dice import Dice
from clinnlp.study.synthetic.words import Term, lexicon, misspelled

__all__ = ["AXIS_OF_LETTER", "RELATION", "NoteWriter", "Story", "Style", "phrases"]

AXIS_OF_LETTER = {
    "n": "negated",
    "u": "uncertain",
    "h": "hypothetical",
    "p": "historical",
    "f": "experiencer",
}
RELATION = "AdverseReaction"
CAUSES = {"rxd": "rxr", "rxe": "rxr", "ald": "alr"}  # pool of the drug -> pool of the reaction
MARK = re.compile(r"\{(?P<slot>[^}]*)\}|\[(?P<axis>[nuhpf]):(?P<cue>[^\]]*)\]")
SLOT = re.compile(
    r"(?P<up>\^?)"
    r"(?:@(?P<code>[^=}]+)=(?P<words>[^!}]+)|(?P<pool>[a-z]+)(?P<place>\d+))"
    r"(?:\.(?P<attribute>dose|schedule))?(?:!(?P<axes>[nuhpf]+))?"
)
SLIPS = {
    "patient": "pateint",
    "admitted": "admited",
    "admission": "admision",
    "discharged": "dischaged",
    "started": "startd",
    "hospital": "hosptial",
    "received": "recieved",
    "improved": "imrpoved",
    "because": "becuase",
    "developed": "developped",
    "treated": "treaded",
    "continued": "continud",
    "complaining": "complaning",
    "associated": "asociated",
}


SLIP = re.compile("|".join(SLIPS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a note is about: pools of terms by slot name, and facts by name.

    ``|`` in a fact separates values of which one is drawn each time.
    """

    pools: Mapping[str, Sequence[Term | None]]
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a note is written; probabilities in [0, 1]."""

    p_other_name: float = 0.4  # brand, synonym or abbreviation
    p_misspelled: float = 0.03  # of a term
    p_slip: float = 0.03  # of a common word
    heading: str = "upper"  # upper, title, inline, bare
    bullet: str = "- "  # "#. " counts
    list_case: str = "lower"  # lower, title, upper
    tight_dose: bool = False  # 10mg for 10 mg
    wrap: int = 0  # line width in characters, 0 for long lines


@dataclass(slots=True)
class _Phrase:
    """Entities and cues of the phrase being written."""

    entities: dict[str, int] = field(default_factory=dict)  # slot -> index of entity
    cues: list[tuple[str, int, int]] = field(default_factory=list)  # axis letter, start, end
    axes: dict[int, str] = field(default_factory=dict)  # index of entity -> letters


class NoteWriter:
    """Builds the text of one note together with its annotations.

    Parameters
    ----------
    dice : Dice
        Source of every choice.
    story : Story
        Terms and facts.
    style : Style
        Manner of writing.

    Examples
    --------
    >>> story = Story(pools={"sx": [lexicon()["problem:fever"]]}, facts={"age": "54"})
    >>> writer = NoteWriter(Dice(1), story, Style(p_other_name=0, p_misspelled=0, p_slip=0))
    >>> writer.phrase("{age}yo [n:denies] {sx1!n}.")
    >>> writer.text
    '54yo denies fever.'
    >>> writer.entities[0]["start"], writer.entities[0]["assertion"]["negated"]
    (12, True)
    """

    def __init__(self, dice: Dice, story: Story, style: Style) -> None:
        self.dice, self.story, self.style = dice, story, style
        self.text = ""
        self.entities: list[dict[str, object]] = []
        self.relations: list[dict[str, object]] = []
        self.sections: list[dict[str, object]] = []
        self._doses: dict[tuple[str, str], str] = {}

    def add(self, text: str) -> None:
        """Append plain text."""
        self.text += text

    def claims(self, phrase: str, shift: Mapping[str, int] | None = None) -> dict[str, bool] | None:
        """Return what `phrase` says of the patient, or None where the story cannot fill it.

        Returns
        -------
        dict or None
            Code of a problem to True where the patient has it, False where not; mentions that are
            hypothetical, uncertain, past or about somebody else claim nothing.
        """
        found: dict[str, bool] = {}
        for code, pool, place, axes in _slots(phrase):
            term = lexicon()[code] if code else self._term(pool, place, shift)
            if term is None:
                return None
            if term.label == "Problem" and axes in ("", "n"):
                found[term.code] = not axes
        return found

    def phrase(
        self, phrase: str, *, shift: Mapping[str, int] | None = None, in_list: bool = False
    ) -> None:
        """Append a phrase, its slots filled.

        Parameters
        ----------
        phrase : str
            Text with marks, see the head of this module.
        shift : mapping, optional
            Pool name to the number of items to skip, so ``med1`` can walk along a list.
        in_list : bool
            Write terms in the letter case of the style's lists.
        """
        here = _Phrase()
        done = 0
        for mark in MARK.finditer(phrase):
            self.add(self._slipped(phrase[done : mark.start()]))
            done = mark.end()
            if mark["slot"] is None:
                start = len(self.text)
                self.add(mark["cue"] if "{" not in mark["cue"] else self._facts(mark["cue"]))
                here.cues.append((mark["axis"], start, len(self.text)))
            else:
                self._slot(mark["slot"], here, shift or {}, in_list=in_list)
        self.add(self._slipped(phrase[done:]))
        self._link(here)
        self._relate(here)

    def record(self, **head: object) -> dict[str, object]:
        """Return the note as a JSON-ready mapping; empty annotations are left out."""
        text = _wrapped(self.text, self.style.wrap) if self.style.wrap else self.text
        found = {
            "sections": self.sections,
            "entities": self.entities,
            "relations": self.relations,
        }
        return {**head, "text": text, **{key: value for key, value in found.items() if value}}

    def _slot(self, slot: str, here: _Phrase, shift: Mapping[str, int], *, in_list: bool) -> None:
        parts = SLOT.fullmatch(slot)
        if parts is None:
            self.add(self._fact(slot))
            return
        if parts["code"]:
            term, words, key = lexicon()[parts["code"]], parts["words"], parts["code"]
        else:
            term = self._term(parts["pool"], parts["place"], shift)  # type: ignore[assignment]
            words, key = None, parts["pool"] + parts["place"]
        if parts["attribute"]:
            self._attribute(term, parts["attribute"], here.entities.get(key))
        else:
            here.entities[key] = len(self.entities)
            here.axes[len(self.entities)] = parts["axes"] or ""
            self._mention(term, words, capital=bool(parts["up"]), in_list=in_list)

    def _mention(self, term: Term, words: str | None, *, capital: bool, in_list: bool) -> None:
        correct = surface = words or self._surface(term)
        if words is None and self.dice.chance(self.style.p_misspelled):
            surface = misspelled(surface, self.dice)
        slipped = surface != correct
        if in_list and self.style.list_case != "lower" and words is None:
            surface = surface.upper() if self.style.list_case == "upper" else _title(surface)
        elif capital:
            surface = surface[0].upper() + surface[1:]
        start = len(self.text)
        self.add(surface)
        entity: dict[str, object] = {
            "id": f"T{len(self.entities) + 1}",
            "start": start,
            "end": len(self.text),
            "label": term.label,
            "concepts": [term.code],
            "assertion": {},
        }
        if slipped:
            entity["attributes"] = {"meant": correct}
        self.entities.append(entity)

    def _surface(self, term: Term) -> str:
        if term.others and self.dice.chance(self.style.p_other_name):
            return self.dice.pick(term.others)
        return term.name

    def _attribute(self, term: Term, name: str, entity: int | None) -> None:
        key = (term.code, name)
        if key not in self._doses:
            options = term.doses if name == "dose" else term.schedules
            self._doses[key] = self.dice.pick(options)
        value = self._doses[key]
        if name == "dose" and self.style.tight_dose:
            value = re.sub(r"(?<=\d) (?=mg|mcg|g\b)", "", value)
        self.add(value)
        if entity is not None:
            attributes = self.entities[entity].setdefault("attributes", {})
            attributes[name] = value  # type: ignore[index]

    def _term(self, pool: str, place: str, shift: Mapping[str, int] | None) -> Term | None:
        items = self.story.pools.get(pool, ())
        at = int(place) - 1 + (shift or {}).get(pool, 0)
        return items[at] if at < len(items) else None

    def _fact(self, name: str) -> str:
        options = self.story.facts[name.lower()].split("|")
        value = self.dice.pick(options) if len(options) > 1 else options[0]
        return value[0].upper() + value[1:] if name[0].isupper() else value

    def _facts(self, words: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda match: self._fact(match[1]), words)

    def _slipped(self, words: str) -> str:
        return SLIP.sub(
            lambda match: SLIPS[match[0]] if self.dice.chance(self.style.p_slip) else match[0],
            words,
        )

    def _link(self, here: _Phrase) -> None:
        """Write the five axes of every entity of the phrase, with the nearest cue of each."""
        for index, letters in here.axes.items():
            entity = self.entities[index]
            axes: dict[str, object] = {
                axis: letter in letters for letter, axis in AXIS_OF_LETTER.items()
            }
            cues = {
                AXIS_OF_LETTER[letter]: _nearest(here.cues, letter, entity)
                for letter in letters
                if any(cue[0] == letter for cue in here.cues)
            }
            if cues:
                axes["cues"] = cues
            entity["assertion"] = axes

    def _relate(self, here: _Phrase) -> None:
        for key, index in here.entities.items():
            reaction = CAUSES.get(key[:3], "") + key[3:]
            if reaction in here.entities:
                drug, effect = self.entities[index], self.entities[here.entities[reaction]]
                self.relations.append(
                    {
                        "id": f"R{len(self.relations) + 1}",
                        "label": RELATION,
                        "roles": {"drug": [drug["id"]], "reaction": [effect["id"]]},
                    }
                )


@cache
def _slots(phrase: str) -> tuple[tuple[str, str, str, str], ...]:
    """Return code, pool, place and axes of every term that a phrase mentions."""
    found = []
    for mark in MARK.finditer(phrase):
        slot = SLOT.fullmatch(mark["slot"] or "")
        if slot:
            found.append(tuple(slot[name] or "" for name in ("code", "pool", "place", "axes")))
    return tuple((slot[0], slot[1], slot[2], slot[3]) for slot in found)


@cache
def phrases() -> dict[str, tuple[str, ...]]:
    """Return the phrases of each place of a note, in file order."""
    text = files(__package__).joinpath("data", "phrases.tsv").read_text(encoding="utf-8")
    places: dict[str, list[str]] = {}
    for line in text.splitlines()[1:]:
        place, phrase = line.split("\t")
        places.setdefault(place, []).append(phrase)
    return {place: tuple(found) for place, found in places.items()}


def _nearest(
    cues: Sequence[tuple[str, int, int]], letter: str, entity: Mapping[str, object]
) -> list[int]:
    start = int(str(entity["start"]))
    _, *span = min(
        (cue for cue in cues if cue[0] == letter), key=lambda cue: (abs(start - cue[1]), cue[1])
    )
    return list(span)


def _title(surface: str) -> str:
    return " ".join(
        word.capitalize() if word.islower() and len(word) > 2 else word
        for word in surface.split(" ")
    )


def _wrapped(text: str, width: int) -> str:
    """Return `text` with blanks turned into line ends, so that no offset moves."""
    lines = []
    for line in text.split("\n"):
        rest = line
        while len(rest) > width:
            cut = rest.rfind(" ", 1, width + 1)
            if cut < 0:
                break
            lines.append(rest[:cut])
            rest = rest[cut + 1 :]
        lines.append(rest)
    return "\n".join(lines)
