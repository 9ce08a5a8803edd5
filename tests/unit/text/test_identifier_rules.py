"""Rules: tables of a language, and what a broken one is told."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.text import identifier_rules
from clinnlp.text.identifier_lexicon import lexicon, words_of
from clinnlp.text.identifier_rules import Rules
from clinnlp.text.identifiers import identifier_labels
from clinnlp.text.tables import language_path, languages, read_table

SIGNS = r"""
n	=	[0-9]{3}
a	ward	ward (?P<ID>%n%)
b	#	(?P<DATE>%n%/%n%)
c	C	(?P<PLACE>Oz)
d	@	(?P<EMAIL>\w+@\w+)
e	^	(?P<MRN>[A-Z]+-\d+)
f	&	(?P<DEVICE>x1)
g	by	by (?P<LEAD_NAME>)
"""
HEAD = "finder\tstart\tpattern\tdoubt\n"


def rules(tmp_path, monkeypatch, rows):
    path = tmp_path / "rules.tsv"
    path.write_text(HEAD + rows, encoding="utf-8")
    monkeypatch.setattr(identifier_rules, "language_path", lambda name, language: path)
    return Rules("en", lexicon("en"))


def finds(rules, text):
    found, leads = rules(text, words_of(text, lexicon("en").kinds))
    return [(text[x.start : x.end], x.label) for x in found], leads


def test_a_rule_begins_at_a_word_a_digit_a_capital_or_before_a_sign(tmp_path, monkeypatch):
    made = rules(tmp_path, monkeypatch, SIGNS)
    found, leads = finds(made, "Ward 123, 123/456 Oz me@home AB-12 x1 by me")
    assert found == [("123", "ID"), ("123/456", "DATE"), ("Oz", "PLACE"), ("me@home", "EMAIL"),
                     ("AB-12", "MRN"), ("x1", "DEVICE")]  # fmt: skip
    assert [(label, finder) for _, label, finder in leads] == [("NAME", "rule:g")]


@pytest.mark.parametrize(
    ("row", "why"),
    [("a\tx\t(", "no pattern"), ("a\tx\t%none%", "no pattern"), ("a\tx\tx\tmuch", "no")],
)
def test_a_broken_rule_is_named_by_file_and_line(tmp_path, monkeypatch, row, why):
    with pytest.raises(DataError, match=rf"rules\.tsv:2:.*{why}"):
        rules(tmp_path, monkeypatch, row + "\n")


@pytest.mark.parametrize("language", languages("identifier_rules"))
def test_every_group_of_a_rule_is_a_label_and_every_finder_has_one_name(language):
    made = Rules(language, lexicon(language))
    of = [*made._by_word.values(), *made._by_sign.values()]
    labels = {label for each in of for rule in each for label in rule.labels.values()}
    assert {label.removeprefix("LEAD_") for label in labels} <= identifier_labels().keys()
    table = read_table(language_path("identifier_rules", language), ("finder", "start"))
    names = [finder for _, (finder, start) in table]
    assert len(names) == len(set(names))


def test_each_language_has_all_tables():
    for name in ("names", "words", "cities", "terms"):
        assert languages(f"identifier_{name}") == languages("identifier_rules")
