"""Ingredients by name: salts and forms under the drug they are of."""

import pytest

from clinnlp.core.ancestors import RollUp
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.io.tables.vocabularies import read_any_vocabulary
from clinnlp.text.ingredients import with_ingredients


def drugs(*names, label="Drug"):
    return Vocabulary(Concept(code=name, name=name, label=label) for name in names)


def counted(name, *others, language="en"):
    return RollUp.to_level(with_ingredients(drugs(name, *others), language=language))(name)


@pytest.mark.parametrize(
    ("name", "others", "ingredient"),
    [
        ("Cortisone acetate", ["Cortisone"], "Cortisone"),
        ("METOPROLOL  Succinate ER", ["metoprolol"], "metoprolol"),
        ("ampicillin sodium trihydrate", ["ampicillin", "ampicillin sodium"], "ampicillin"),
        ("Potassium chloride", ["Potassium"], "Potassium chloride"),  # ions alone
        ("Calcium lactate gluconate", ["Calcium lactate"], "Calcium lactate gluconate"),
        ("Cortisone acetate", ["Hydrocortisone"], "Cortisone acetate"),
        ("Valproate sodium", [], "Valproate sodium"),  # whose ingredient is not in the list
        ("Sodium", ["Chloride"], "Sodium"),
    ],
)
def test_a_salt_counts_as_its_ingredient(name, others, ingredient):
    assert counted(name, *others) == (ingredient,)


def test_a_salt_in_front_as_in_spanish():
    assert counted("clorhidrato de metformina", "metformina", language="es") == ("metformina",)


def test_concepts_that_are_no_drugs_are_left_alone():
    problems = drugs("Gout", "Gout acetate", label="Problem")
    assert [one.level for one in with_ingredients(problems)] == ["", ""]


def test_a_terminology_that_tells_itself_is_returned_as_it_is():
    own = Vocabulary([Concept(code="a", name="a", level="ingredient"), Concept(code="b", name="b")])
    assert with_ingredients(own) is own


def test_drugbank_has_its_salts_under_their_ingredients(data_dir):
    folder = data_dir("drugbank_vocabulary")
    made = with_ingredients(read_any_vocabulary(folder / "drugbank vocabulary.csv"))
    below = {one.name: made[one.parents[0]].name for one in made if one.parents}
    assert len(below) == 97
    assert below["Fluticasone furoate"] == below["Fluticasone propionate"] == "Fluticasone"
    assert below["Dabigatran etexilate"] == "Dabigatran"
    assert "Potassium chloride" not in below
