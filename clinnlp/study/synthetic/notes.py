"""Compose a discharge note from a story: which sections, in which manner, with which phrases.

`compose` walks through the sections of a discharge summary in their usual order, drops some by
chance, and fills each from the phrases of its place. Pools that would repeat themselves (negated
symptoms, differentials, relatives' illnesses) are used up as the note goes on.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache

from clinnlp.study.synthetic.dice import Dice
from clinnlp.study.synthetic.writer import NoteWriter, Story, Style, phrases

__all__ = ["HEADINGS", "compose", "draw_style"]

HEADINGS = {
    "discharge_diagnosis": (
        "Discharge Diagnosis",
        "Discharge Diagnoses",
        "Final Diagnosis",
        "Discharge Dx",
    ),
    "allergies": ("Allergies", "Allergies/ADRs", "Drug Allergies", "Allergy"),
    "history_of_present_illness": (
        "History of Present Illness",
        "HPI",
        "Brief History",
        "Present Illness",
    ),
    "past_medical_history": ("Past Medical History", "PMH", "Medical History", "PMHx"),
    "medications": ("Medications on Admission", "Home Medications", "Home Meds", "Meds"),
    "family_history": ("Family History", "FHx", "FH", "Family Hx"),
    "social_history": ("Social History", "SHx", "Social Hx", "Social"),
    "review_of_systems": ("Review of Systems", "ROS"),
    "physical_exam": ("Physical Exam", "PE", "Exam", "Examination on Admission"),
    "labs": ("Pertinent Results", "Labs", "Data", "Laboratory and Imaging"),
    "hospital_course": (
        "Hospital Course",
        "Brief Hospital Course",
        "Course in Hospital",
        "Course",
    ),
    "discharge_medications": (
        "Discharge Medications",
        "Meds on Discharge",
        "Medications at Discharge",
        "DC Meds",
    ),
    "discharge_instructions": ("Discharge Instructions", "Instructions", "Patient Instructions"),
    "follow_up": ("Follow-up", "Follow Up", "Followup", "Appointments"),
}
USED_UP = frozenset(
    {"nsx", "unc", "past", "nrx", "nsoc", "soc", "nodrug", "nch", "fam", "new", "gv", "prs"}
)
P_SECTION = {  # chance that a section appears; 1 where not named
    "discharge_diagnosis": 0.35,
    "allergies": 0.45,
    "past_medical_history": 0.5,
    "medications": 0.4,
    "family_history": 0.35,
    "social_history": 0.35,
    "review_of_systems": 0.2,
    "physical_exam": 0.4,
    "labs": 0.4,
    "discharge_medications": 0.65,
    "discharge_instructions": 0.5,
    "follow_up": 0.45,
}
LONG = 3  # more terms than this are written as a list
AGAIN = frozenset({"course.given", "course.cmp", "soc.fact", "course.rx", "course.rx2"})
RESOLVED = frozenset({"course.end"})  # places that may say a symptom has gone
BULLETS = ("- ", "* ", "#. ", "#) ", "", "  ")


def compose(
    dice: Dice, story: Story, style: Style, *, keep: frozenset[str] = frozenset()
) -> NoteWriter:
    """Write one note about a story.

    Parameters
    ----------
    dice : Dice
        Source of every choice.
    story : Story
        Terms and facts of the note.
    style : Style
        Manner of writing.
    keep : frozenset of str
        Kinds of section that must not be dropped.

    Returns
    -------
    NoteWriter
        Holding text, entities, relations and sections.

    Examples
    --------
    >>> from datetime import datetime
    >>> from clinnlp.study.synthetic.stories import Case, Chooser, draw_facts, story_of
    >>> from clinnlp.study.synthetic.words import lexicon
    >>> pneumonia, fever = (lexicon()[f"problem:{name}"] for name in ("pneumonia", "fever"))
    >>> case = Case(
    ...     illness=pneumonia, symptoms=[fever], chronic=[], home=[], given=[], caused=[]
    ... )
    >>> dice = Dice(1)
    >>> facts = draw_facts(dice, when=datetime(2024, 5, 1))
    >>> note = compose(dice, story_of(case, Chooser(dice), facts=facts), Style())
    >>> len(note.sections) >= 3
    True
    """
    author = _Author(dice, NoteWriter(dice, story, style))
    for kind, titles in HEADINGS.items():
        if kind not in keep and not dice.chance(P_SECTION.get(kind, 1.0)):
            continue
        if author.has(kind):
            author.section(kind, dice.pick(titles))
    return author.writer


def draw_style(dice: Dice) -> Style:
    """Return a manner of writing drawn from what is common on wards."""
    return Style(
        heading=dice.pick(("upper", "title", "inline", "inline upper", "bare")),
        bullet=dice.pick(BULLETS),
        list_case=dice.weighted(("lower", "title", "upper"), (4, 3, 2)),
        tight_dose=dice.chance(0.25),
        wrap=dice.pick((0, 0, 68, 76, 80)),
    )


class _Author:
    """A note in the making: which phrases are spent and how far each pool is used up."""

    def __init__(self, dice: Dice, writer: NoteWriter) -> None:
        self.dice, self.writer = dice, writer
        self.spent: set[str] = set()
        self.shift: dict[str, int] = {}
        self.claimed: dict[str, bool] = {}

    def has(self, kind: str) -> bool:
        needs = {"past_medical_history": "pmh", "medications": "med", "family_history": "fam"}
        return kind not in needs or bool(self.writer.story.pools.get(needs[kind]))

    def section(self, kind: str, title: str) -> None:
        writer, style = self.writer, self.writer.style
        if writer.text:
            writer.add("\n" if style.heading.startswith("inline") else "\n\n")
        start = len(writer.text)
        shown = title.upper() if "upper" in style.heading else title
        writer.add(shown if style.heading == "bare" else shown + ":")
        heading = [start, len(writer.text)]
        in_line = style.heading.startswith("inline")
        writer.add(" " if in_line else "\n")
        SECTIONS[kind](self)
        end = len(writer.text)
        writer.sections.append({"start": start, "end": end, "kind": kind, "heading": heading})

    def say(self, place: str, n: int = 1, *, p: float = 1.0) -> None:
        """Write up to `n` phrases of a place, each with probability `p`, one after another."""
        for _ in range(n):
            if self.dice.chance(p):
                self.one(place)

    def one(
        self, place: str, extra: dict[str, int] | None = None, *, bullet: str | None = None
    ) -> bool:
        """Write one phrase of a place that the story can fill; False where there is none.

        With `bullet` the phrase becomes a line of a list.
        """
        shift = {**self.shift, **(extra or {})}
        spent = frozenset() if bullet is not None or place in AGAIN else self.spent
        phrase, claims = self._fitting(
            [option for option in phrases()[place] if option not in spent],
            shift,
            resolved=place in RESOLVED,
        )
        if phrase is None:
            return False
        self.spent.add(phrase)
        if place not in RESOLVED:
            self.claimed.update(claims)
        self.writer.add(self._joint(phrase, bullet))
        self.writer.phrase(phrase, shift=shift, in_list=bullet is not None)
        for pool, n in _used(phrase).items():
            self.shift[pool] = self.shift.get(pool, 0) + n
        return True

    def _joint(self, phrase: str, bullet: str | None) -> str:
        """Return what stands between the text so far and a phrase."""
        last = self.writer.text[-1:]
        if bullet is not None:
            return bullet if last in ("", "\n") else f"\n{bullet}"
        if last in ("", "\n", " "):
            return ""
        return "\n" if phrase.startswith("#") else " "

    def _fitting(
        self, options: Sequence[str], shift: dict[str, int], *, resolved: bool
    ) -> tuple[str | None, dict[str, bool]]:
        """Return a random phrase that the story can fill and that contradicts nothing said."""
        for phrase in self.dice.shuffled(options):
            claims = self.writer.claims(phrase, shift)
            if claims is None:
                continue
            if resolved or all(self.claimed.get(code, so) == so for code, so in claims.items()):
                return phrase, claims
        return None, {}

    def items(self, lines: Sequence[tuple[str, dict[str, int]]]) -> None:
        """Write one list line per (place, shift)."""
        number = 1
        for place, extra in lines:
            bullet = self.writer.style.bullet.replace("#", str(number))
            number += self.one(place, extra, bullet=bullet)

    def size(self, pool: str) -> int:
        return len(self.writer.story.pools.get(pool, ()))


@cache
def _used(phrase: str) -> dict[str, int]:
    """Return how many items of each pool in `USED_UP` a phrase spends."""
    found: dict[str, int] = {}
    for pool, place in re.findall(r"{\^?([a-z]+)(\d)", phrase):
        if pool in USED_UP:
            found[pool] = max(found.get(pool, 0), int(place))
    return found


def _diagnosis(author: _Author) -> None:
    extra = ["diag.more"] if author.size("pmh") and author.dice.chance(0.6) else []
    if author.dice.chance(0.5):
        author.items([("diag.item", {}), *((place, {}) for place in extra)])
    else:
        author.one("diag.text")


def _allergies(author: _Author) -> None:
    n = author.size("ald")
    if n == 0:
        author.one("all.none")
    elif author.dice.chance(0.5):
        author.items([("all.item", {"ald": i, "alr": i}) for i in range(n)])
    else:
        author.one("all.text")


def _present_illness(author: _Author) -> None:
    author.say("hpi.open")
    author.say("hpi.more", 2, p=0.4)
    author.say("hpi.neg", 2, p=0.5)
    author.say("hpi.unc", p=0.4)
    author.say("hpi.past", p=0.4)


def _past_history(author: _Author) -> None:
    if author.size("pmh") <= LONG and author.dice.chance(0.5):
        author.one("pmh.text")
        return
    lines = [("pmh.item", {"pmh": i, "pm": i}) for i in range(author.size("pmh"))]
    if author.size("past") > author.shift.get("past", 0):
        lines.append(("pmh.past", {}))
    author.items(lines)


def _medications(author: _Author) -> None:
    if author.size("med") > LONG or author.dice.chance(0.7):
        author.items([("med.item", {"med": i, "why": i}) for i in range(author.size("med"))])
    else:
        author.one("med.text")


def _family(author: _Author) -> None:
    author.one("fam.text")


def _social(author: _Author) -> None:
    author.say("soc.text")


def _systems(author: _Author) -> None:
    author.say("ros.text")


def _exam(author: _Author) -> None:
    author.say("exam.text")
    author.say("exam.more", 3, p=0.6)


def _results(author: _Author) -> None:
    author.say("labs.text", 2, p=0.8)


def _course(author: _Author) -> None:
    author.say("course.open")
    known = [i for i in range(author.size("pmh")) if author.writer.story.pools["pm"][i]]
    for i in author.dice.sample(known, author.dice.between(0, 2)):
        author.one("course.chronic", {"pmh": i, "pm": i})
    for i in range(author.size("rxd")):
        pair = author.writer.story.pools["rxe"][i] is not None
        author.one("course.rx2" if pair else "course.rx", {"rxd": i, "rxr": i, "rxe": i})
    while author.size("gv") > author.shift.get("gv", 0) and author.one("course.given"):
        pass
    for i in range(author.size("cmp")):
        author.one("course.cmp", {"cmp": i})
    for _ in range(author.size("soc") - author.shift.get("soc", 0)):
        author.one("soc.fact")
    author.say("soc.no", p=0.25)
    author.say("course.rxno", p=0.35)
    author.say("course.out", p=0.35)
    author.say("course.plan", 2, p=0.35)
    author.say("course.end", p=0.7)


def _discharge_medications(author: _Author) -> None:
    if author.dice.chance(0.25) and author.size("med") > 1:
        author.one("dmed.text")
        return
    n = min(author.size("med"), 4)
    lines: list[tuple[str, dict[str, int]]] = [
        ("dmed.item", {"med": i}) for i in author.dice.sample(range(n), author.dice.between(1, 3))
    ]
    lines.insert(author.dice.between(0, len(lines)), ("dmed.new", {}))
    if author.dice.chance(0.5):
        lines.append(("dmed.prn", {}))
    author.items(lines)


def _instructions(author: _Author) -> None:
    author.say("instr.text")
    author.say("instr.text", p=0.5)


def _follow_up(author: _Author) -> None:
    author.say("follow.text")


SECTIONS: dict[str, Callable[[_Author], None]] = {
    "discharge_diagnosis": _diagnosis,
    "allergies": _allergies,
    "history_of_present_illness": _present_illness,
    "past_medical_history": _past_history,
    "medications": _medications,
    "family_history": _family,
    "social_history": _social,
    "review_of_systems": _systems,
    "physical_exam": _exam,
    "labs": _results,
    "hospital_course": _course,
    "discharge_medications": _discharge_medications,
    "discharge_instructions": _instructions,
    "follow_up": _follow_up,
}
