"""Names: one person stays one person, in the form in which he is written, and is nobody there."""

import pytest

from clinnlp.study.deidentify.keys import Key
from clinnlp.study.deidentify.names import Names, in_case, kept_words, plain, words_of_names

KEY = Key(b"k")
NAMES = Names(KEY, "en")


def test_all_forms_of_a_name_go_together():
    given, family = NAMES.person("John Smith", "p").split()
    assert NAMES.person("SMITH, JOHN", "p") == f"{family.upper()}, {given.upper()}"
    assert NAMES.person("Mr. Smith's", "p") == f"Mr. {family}'s"
    assert NAMES.person("Dr. J. Smith, MD", "p") == f"Dr. {given[0]}. {family}, MD"
    assert NAMES.person("J.S.", "p") == f"{given[0]}.{family[0]}."
    assert NAMES.person("john smith", "p") == f"{given} {family}".lower()
    assert NAMES.person("Mary Smith-Jones", "p").split()[1].startswith(f"{family}-")
    assert not {"John", "Smith", "Mary", "Jones"} & {given, family}


def test_a_name_is_the_same_without_its_apostrophe_or_accent():
    made = NAMES.person("Kevin O'Brien", "p").split()[1]
    for other in ("OBRIEN", "O’Brien", "obrien", "o'brien"):
        assert NAMES.person(f"Dr. {other}", "p").split()[1].casefold() == made.casefold()
    spanish = Names(KEY, "es")
    assert spanish.person("García", "p") == spanish.person("Garcia", "p")
    assert plain("José") == plain("JOSE")


def test_names_that_were_told_get_one_each():
    words = [f"zq{a}{b}" for a in "abcdefgh" for b in "abcde"]
    names = Names(KEY, "en", told={"p": " ".join(words)})
    assert len({names.person(word, "p") for word in words}) == len(words)
    assert "ext" in kept_words("en")["number"]


def test_a_given_name_keeps_its_sex():
    from faker.providers.person.en_US import Provider

    women = set(Provider.first_names_female)
    men = set(Provider.first_names_male)
    for name in ("Mary", "Susan", "Deborah"):
        assert NAMES.person(name, "p") in women
    for name in ("Robert", "Kevin", "Gary"):
        assert NAMES.person(name, "p") in men


def test_initials_stay_where_that_is_wished():
    names = Names(KEY, "en", keep_initials=True)
    made = names.person("Mary J. Brown", "p")
    assert [word[0] for word in made.split()] == ["M", "J", "B"]
    assert "Mary" not in made
    assert "Brown" not in made


def test_another_patient_or_key_gets_other_names():
    words = ["Smith", "Johnson", "Garcia", "Miller", "Davis", "Wilson", "Moore", "Taylor"]
    at = [NAMES.person(word, "p") for word in words]
    assert at == [NAMES.person(word, "p") for word in words]
    for other in (NAMES, Names(Key(b"other"), "en")):
        scope = "q" if other is NAMES else "p"
        assert sum(a == other.person(w, scope) for a, w in zip(at, words, strict=True)) <= 1


def test_no_surrogate_is_an_original():
    from faker.providers.person.en_US import Provider

    taken = {name.casefold() for name in list(Provider.last_names)[:900]}
    names = Names(KEY, "en", is_original=taken.__contains__)
    for k in range(200):
        made = names.person(f"Zq{'abcdefghij'[k % 10]}{'klmnop'[k % 6]}x", f"p{k}")
        assert made.casefold() not in taken


def test_no_town_holds_a_name_of_the_collection():
    from faker.providers.person.en_US import Provider

    taken = {plain(name) for name in list(Provider.first_names)[:400]}
    names = Names(KEY, "en", is_original=taken.__contains__)
    for k in range(40):
        words = [plain(word) for word in words_of_names(names.place(f"Zq{k}", "p"))]
        assert words
        assert not [w for w in words for n in range(4, len(w) + 1) if w[:n] in taken]


def test_where_all_towns_are_taken_a_family_name_stands_for_one():
    from faker.providers.address.es_ES import Provider

    taken = {name.casefold() for name in Provider.states}
    names = Names(KEY, "es", is_original=taken.__contains__)
    made = names.place("Ávila", "p")
    assert made.casefold() not in {*taken, "ávila"}
    assert made[0].isupper()
    assert names.region("Ohio", "p").casefold() not in {"ohio", ""}


def test_words_that_identify_nobody_stay():
    made = NAMES.institution("Mercy General Hospital, Dept. of Cardiology", "p")
    assert made.split()[1:3] == ["General", "Hospital,"]
    assert "Mercy" not in made
    assert NAMES.street("14 Elm Street, Apt 3", "p").split()[2] == "Street,"
    assert NAMES.street("14 Elm Street", "p").split()[0] not in ("14", "")
    assert NAMES.institution("MGH was full", "p")[:3].isupper()
    assert len(NAMES.institution("MGH", "p")) == 3
    assert NAMES.street("45 oak ridge drive.", "p").endswith(" drive.")


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_place_is_another_place(language):
    names = Names(KEY, language)
    for text in ("Boston", "MADRID", "salamanca"):
        made = names.place(text, "p")
        assert made.casefold() != text.casefold()
        assert (made.isupper(), made.islower()) == (text.isupper(), text.islower())
        assert names.place(text, "p") == made
    assert names.region("Ohio", "p") != "Ohio"
    assert names.country("Spain", "p") != "Spain"
    assert names.profession("nurse", "p") != "nurse"


def test_spanish_names_keep_their_particles():
    made = Names(KEY, "es").person("Dra. María de la Fuente López", "p")
    assert made.startswith("Dra. ")
    assert " de la " in made
    assert "María" not in made


def test_parts_of_names():
    assert list(words_of_names("O'Neil-Smith, J. (Dr.)")) == ["o'neil", "smith", "j", "dr"]
    assert in_case("peter", "X") == "Peter"
