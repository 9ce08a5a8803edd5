"""Ingredients by name: which drugs of a word list are a salt, ester or form of another.

RxNorm says of each salt what its ingredient is. A word list such as DrugBank's says nothing, but
names them: ``Medroxyprogesterone acetate`` beside ``Medroxyprogesterone``. A drug whose name is
that of another one with words of a salt or release behind it (in Spanish, before it) stands under
that other one. A name made of ions alone (``Potassium chloride``) is a substance of its own, and so
is a salt whose ingredient is not in the list.
"""

from dataclasses import replace

from clinnlp.core.vocab import INGREDIENT, Concept, Vocabulary, fold
from clinnlp.text.drugs import DrugNames, drug_names

__all__ = ["with_ingredients"]

_DRUGS = frozenset(("Drug", "Term"))  # the second: of a list without labels


def with_ingredients(vocabulary: Vocabulary, *, language: str = "en") -> Vocabulary:
    """Return the vocabulary with its salts and forms under their ingredients.

    Parameters
    ----------
    vocabulary : Vocabulary
        Of drugs. One that says itself which concepts are ingredients is returned as it is, and
        concepts with another label than ``Drug`` (or none) are left alone.
    language : str
        Of the names: ``"en"`` or ``"es"``.

    Examples
    --------
    >>> drugs = Vocabulary(
    ...     Concept(code=code, name=name, label="Drug")
    ...     for code, name in (("d1", "Cortisone"), ("d2", "Cortisone acetate"), ("d3", "Zinc"))
    ... )
    >>> [(one.code, one.parents, one.level) for one in with_ingredients(drugs)]
    [('d1', (), 'ingredient'), ('d2', ('d1',), ''), ('d3', (), 'ingredient')]
    """
    if any(concept.level for concept in vocabulary):
        return vocabulary
    drugs, codes = drug_names(language), dict[str, str]()
    for concept in vocabulary:
        if concept.label in _DRUGS:
            codes.setdefault(fold(concept.name), concept.code)
    made = [_placed(concept, codes, drugs) for concept in vocabulary]
    return Vocabulary(made, n_excluded=vocabulary.n_excluded)


def _placed(concept: Concept, codes: dict[str, str], drugs: DrugNames) -> Concept:
    if concept.label not in _DRUGS:
        return concept
    known = (codes[name] for name in drugs.without_salt(fold(concept.name)) if name in codes)
    above = next((code for code in known if code != concept.code), None)
    if above is None:
        return replace(concept, level=INGREDIENT)
    return replace(concept, parents=(*concept.parents, above))
