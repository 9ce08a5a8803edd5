"""Names: with titles, initials, degrees, turned, in capitals, in small letters, by what they do."""

import pytest

from clinnlp.text.identifier_lexicon import lexicon, words_of
from clinnlp.text.identifier_names import find_names

NAMES = [
    ("Dr. Hruby called", ["Hruby"]),
    ("Drs. Lorch and Ferenac were present", ["Lorch", "Ferenac"]),
    ("J. R. Brzezicki was here", ["J. R. Brzezicki"]),
    ("Anna S., previously seen", ["Anna S."]),
    ("Nowak, Jan was seen", ["Nowak, Jan"]),
    ("Imre Q. Szalai, M.D.", ["Imre Q. Szalai"]),
    ("imre szalai, m.d.", ["imre szalai"]),
    ("Hruby reports pain", ["Hruby"]),
    ("Hruby's mother is well", ["Hruby"]),
    ("O'Brien-Smith, Mary", ["O'Brien-Smith, Mary"]),
    ("ms. hruby is well", ["hruby"]),
    ("mary jones is well", ["mary jones"]),
    ("mr. o'brien is well", ["o'brien"]),
    ("john came with Ms. Hruby", ["john", "Hruby"]),
    ("Boston, MA and Miami, FL", []),
    ("hruby, jan, 1/2/1950", ["hruby, jan"]),
    ("Mary de la Cruz came", ["Mary de la Cruz"]),
    ("She saw Young, and was young", []),
    ("The Hruby catheter", []),
    ("Bell's palsy and Foley", []),
    ("MS. TSH, ANA and PPD", []),
    ("250 ms. Sinus rhythm", []),
    ("A Cook catheter; I. Hernia", []),
]


@pytest.mark.parametrize(("text", "names"), NAMES)
def test_names(text, names):
    found = find_names(text, words_of(text, lexicon("en").kinds), [], lexicon("en"))
    assert [text[x.start : x.end] for x in sorted(found)] == names


def test_a_lead_says_that_a_name_begins():
    text = "Attending: Szilagy Brezh noted"
    words = words_of(text, lexicon("en").kinds)
    (one,) = find_names(text, words, [(11, "NAME_CLINICIAN", "rule:x")], lexicon("en"))
    assert (text[one.start : one.end], one.label, one.finder) == (
        "Szilagy Brezh", "NAME_CLINICIAN", "rule:x",
    )  # fmt: skip


def test_names_of_many_words():
    text = "Dra. María José Grueso de la Torre Macías Servicio de Urología"
    words = words_of(text, lexicon("es").kinds)
    (one,) = find_names(text, words, [], lexicon("es"))
    assert text[one.start : one.end] == "María José Grueso de la Torre Macías"
