"""Which kind of surrogate stands for a label: nothing that nobody has thought of passes."""

import pytest

from clinnlp.study.deidentify.keys import Key
from clinnlp.study.deidentify.surrogates import KINDS, Originals, Person, Surrogates, kind_of
from clinnlp.study.settings import DeidentifySettings
from clinnlp.text.identifiers import identifier_labels

WHO = Person("p", -40)
SAMPLES = {"DATE": "3/1/2019", "YEAR": "2019", "AGE_OVER_89": "94", "URL": "www.a.org/lee",
           "EMAIL": "lee@a.org", "IP": "10.2.3.4", "ZIP": "02118",
           "PHONE": "617 555 0143"}  # fmt: skip


def surrogates(**how):
    given = Originals()
    for label, text in SAMPLES.items():
        given.add(label, text)
    return Surrogates(Key(b"k"), given, DeidentifySettings(**how), "en")


def test_each_label_of_the_finder_has_a_kind():
    labels = identifier_labels()
    # of these nothing is known that could stand for them, and a day of the week beside a moved
    # date tells by how much it was moved: they are masked
    assert {x for x in labels if kind_of(x) == "mask"} == {"PHOTO", "OTHER", "WEEKDAY"}
    assert {x for one in labels.values() for x in one.meddocan.split()} - {"–"} <= {
        *KINDS, "OTROS_SUJETO_ASISTENCIA"
    }  # fmt: skip


@pytest.mark.parametrize("label", sorted(identifier_labels()))
@pytest.mark.parametrize("replace", ["surrogate", "mask"])
def test_what_hipaa_names_never_stays(label, replace):
    text = SAMPLES.get(label, "Quaggaton 7730915")
    made = surrogates(replace=replace).of(label, text, WHO)
    if identifier_labels()[label].hipaa:
        assert made != text
        assert not {"Quaggaton", "7730915"} & set(made.split())


def test_surrogates_are_of_nobody():
    made = surrogates()
    assert made.of("EMAIL", "lee@a.org", WHO).endswith("@example.org")
    assert made.of("URL", "www.a.org/lee", WHO).endswith(".example.org")
    assert made.of("URL", "http://a.org/lee", WHO).startswith("http://")
    assert made.of("URL", "www.a.org/lee", WHO).startswith("www.")
    assert made.of("IP", "10.2.3.4", WHO).startswith("198.51.100.")  # of documentation, RFC 5737
    assert made.of("IP", "fe80::1", WHO).startswith("2001:db8::")
    assert made.of("PHONE", "617 555 0143", WHO).replace(" ", "").isdigit()
    assert made.of("DATE", "whenever", WHO) == "[DATE]"


@pytest.mark.parametrize("between", [" ext. ", "x", ", extension ", " Ext: "])
def test_a_telephone_keeps_its_word_for_an_extension(between):
    made = surrogates()
    whole = made.of("PHONE", f"617 555 0143{between}204", WHO)
    assert whole == f"{made.of('PHONE', '617 555 0143', WHO)}{between}{whole[-3:]}"
    assert whole[-3:] != "204"
    assert made.of("PHONE", "1-800-LEXTONS", WHO) != "1-800-LEXTONS"


def test_a_place_in_digits_is_a_postal_code_and_a_relative_may_have_a_name():
    made = surrogates()
    assert made.of("TERRITORIO", "28040", WHO).isdigit()
    assert made.of("RELATIVE", "mother", WHO) == "mother"
    assert made.of("RELATIVE", "Mary", WHO) not in ("Mary", "")


def test_three_digits_of_a_postal_code_are_left_by_masks():
    assert surrogates(replace="mask").of("ZIP", "60614-1234", WHO) == "606**"
    assert surrogates(replace="mask").of("ZIP", "03601", WHO) == "000**"
    assert surrogates(replace="mask").of("ZIP", "SW1A 1AA", WHO) == "[ZIP]"
