"""Variants: rules of a table, and the length that folding keeps."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clinnlp.core.errors import DataError
from clinnlp.text.matcher import TermMatcher, fold_text
from clinnlp.text.variants import Variants, loosened

RULES = Variants()


@settings(deadline=None)
@given(st.text(max_size=30))
def test_loosening_keeps_the_length_and_is_done_once(text):
    assert len(loosened(text)) == len(text)
    assert loosened(loosened(text)) == loosened(text)


@settings(deadline=None)
@given(st.text("abcdeisy-' ", min_size=1, max_size=12).map(str.strip).filter(bool))
def test_a_name_is_found_in_each_of_its_looks(name):
    name = " ".join(name.split())
    matcher = TermMatcher([name], variants=RULES)
    for look in {name, *RULES.of(name)}:
        if look.strip("- '") == look:
            folded = fold_text(f"x, {look}, y")
            assert (3, 3 + len(look), 0) in matcher.find(folded)


@settings(deadline=None)
@example("'s a")
@given(st.text("abcdeisy-' ", min_size=1, max_size=12).map(str.strip).filter(bool))
def test_no_look_begins_or_ends_in_white_space(name):
    assert [look for look in RULES.of(" ".join(name.split())) if look != look.strip()] == []


def test_a_wrong_rule_is_refused(tmp_path):
    path = tmp_path / "v.tsv"
    path.write_text("form\tother\tkind\ns\t\tdual\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"v\.tsv:2: "):
        Variants(path)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("infección urinaria", "infecciones urinarias"),
        ("fractura de cadera", "fracturas de cadera"),
        ("úlcera", "úlceras"),
        ("lesión", "lesiones"),
        ("migraña", "migrañas"),
        ("fármaco", "farmaco"),
    ],
)
def test_spanish_names_have_spanish_variants(name, other):
    spanish = Variants(language="es")
    assert other in {*spanish.of(name), *(name + ending for ending in spanish.endings)}
    assert other not in {*Variants().of(name)}
