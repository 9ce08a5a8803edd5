"""Cases for ``discharge-mini``, drawn from the whole lexicon so that each hangs together."""

from collections.abc import Collection, Sequence

from clinnlp.study.synthetic.stories import (
    Case,
    Chooser,
    draw_allergies,
    draw_reaction,
    with_role,
)
from clinnlp.study.synthetic.words import Term, drugs, lexicon, reactions

__all__ = ["draw_case"]


def draw_case(chooser: Chooser) -> Case:
    """Draw an illness with what belongs to it.

    Examples
    --------
    >>> from clinnlp.study.synthetic.dice import Dice
    >>> draw_case(Chooser(Dice(1))).illness.label
    'Problem'
    """
    dice = chooser.dice
    illness = chooser.draw(with_role("A"), 1)[0]
    symptoms = chooser.draw([lexicon()[code] for code in illness.symptoms], 4)
    symptoms += chooser.draw(with_role("S"), 3 - len(symptoms), {t.code for t in symptoms})
    chronic = chooser.draw(with_role("C"), dice.between(2, 3), {illness.code})
    home = _home(chooser, chronic)
    at_home = {drug.code for drug, _ in home}
    given = _given(chooser, illness, at_home)
    return Case(
        illness=illness,
        symptoms=symptoms,
        chronic=chronic,
        home=home,
        given=given,
        caused=_caused(chooser, [*given, *(drug for drug, _ in home)]),
        complications=chooser.draw(with_role("R"), 1) if dice.chance(0.2) else (),
        ways=chooser.draw(with_role("L"), dice.weighted((0, 1, 2), (5, 4, 1))),
        allergies=draw_allergies(chooser, at_home | {t.code for t in given}),
    )


def _home(chooser: Chooser, chronic: Sequence[Term]) -> list[tuple[Term, Term | None]]:
    """Draw one or two drugs for each chronic problem, none of them twice."""
    home: list[tuple[Term, Term | None]] = []
    for problem in chronic:
        options = [lexicon()[code] for code in problem.treatments]
        known = {drug.code for drug, _ in home}
        n = chooser.dice.weighted((1, 2), (3, 1))
        home += [(drug, problem) for drug in chooser.draw(options, n, known)]
    return home


def _given(chooser: Chooser, illness: Term, known: Collection[str]) -> list[Term]:
    """Draw two drugs of the stay, for the illness as far as it has any."""
    given = chooser.draw([lexicon()[code] for code in illness.treatments], 2, known)
    if len(given) < 2:
        given += chooser.draw(drugs(), 2 - len(given), {*known, *(t.code for t in given)})
    return given


def _caused(chooser: Chooser, taken: Sequence[Term]) -> list[tuple[Term, Term | None, Term]]:
    """Draw up to two drugs of those taken, each with a reaction, none of these twice."""
    at_risk = [drug for drug in taken if drug.code in reactions()]
    caused: list[tuple[Term, Term | None, Term]] = []
    for drug in chooser.dice.sample(at_risk, chooser.dice.weighted((0, 1, 2), (4, 5, 1))):
        effect = draw_reaction(chooser, drug)
        if effect is not None and effect not in [known for *_, known in caused]:
            caused.append((drug, None, effect))
    return caused
