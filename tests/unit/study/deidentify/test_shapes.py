"""Numbers and codes: the same shape, all different, never an original, check digits kept."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.study.deidentify.keys import Key
from clinnlp.study.deidentify.shapes import CHECKS, IdBook, core_of

KEY = Key(b"k")
VALID = {
    "card": "4111 1111 1111 1111",
    "NPI": "1234567893",
    "NHS": "943 476 5919",
    "DNI": "12345678-Z",
    "IBAN": "GB82 WEST 1234 5698 7654 32",
}
NIE = "X1234567L"


@settings(max_examples=200, deadline=None)
@given(st.text("aZ09-_. ßİ٣", max_size=14))
def test_the_shape_stays(text):
    made = IdBook(KEY, [text])(text)
    if text.isascii():
        assert len(made) == len(text)
        for was, now in zip(text, made, strict=True):
            assert (was.isdigit(), was.isupper(), was.islower()) == (
                now.isdigit(), now.isupper(), now.islower()
            )  # fmt: skip
            assert was.isalnum() or was == now
    assert not core_of(text) or core_of(made) != core_of(text)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.text("ab01", min_size=1, max_size=3)), st.randoms())
def test_originals_get_surrogates_that_are_different_and_new_in_any_order(ids, random):
    ids = sorted(ids)
    book = IdBook(KEY, ids)
    cores = {core_of(each) for each in ids}
    made = {core: core_of(book(core)) for core in cores}
    assert len(set(made.values())) == len(cores)
    assert not set(made.values()) & cores
    shuffled = list(ids)
    random.shuffle(shuffled)
    again = IdBook(KEY, shuffled)
    assert [again(each) for each in ids] == [book(each) for each in ids]


def test_ids_that_fill_their_shape_become_longer():
    ids = [str(k) for k in range(1, 100)]
    made = [IdBook(KEY, ids)(each) for each in ids]
    assert len(set(made)) == 99
    assert not set(made) & set(ids)
    assert all(each.isdigit() for each in made)


@pytest.mark.parametrize("text", [*VALID.values(), NIE])
def test_a_check_digit_that_holds_holds_again(text):
    holds = {name for name, check in CHECKS.items() if check(core_of(text))}
    assert holds
    for key in (KEY, Key(b"2"), Key(b"3")):
        made = IdBook(key, [text])(text)
        assert {name for name, check in CHECKS.items() if check(core_of(made))} >= holds
        assert made != text


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_refuses_what_is_one_off(name):
    good = core_of(VALID[name])
    assert CHECKS[name](good)
    last = next(k for k in reversed(range(len(good))) if good[k].isdigit())
    bad = good[:last] + str((int(good[last]) + 1) % 10) + good[last + 1 :]
    assert not CHECKS[name](bad)
    assert not CHECKS[name]("")
    assert not CHECKS[name]("no number")


def test_spellings_of_a_number_stay_one_number():
    book = IdBook(KEY, ["123-45-6789"])
    assert core_of(book("123-45-6789")) == book("123456789")
    assert book("---") == "---"


def test_another_key_shares_nothing_beyond_chance():
    ids = [f"{k:07d}" for k in range(500)]
    first, second = IdBook(KEY, ids), IdBook(Key(b"other"), ids)
    assert sum(first(each) == second(each) for each in ids) <= 1


def test_a_number_of_64_bits_gets_one():
    for limit in (2**63, 2**64):
        book = IdBook(KEY, [str(limit - 1 - k) for k in range(40)])
        made = [int(book(str(limit - 1 - k))) for k in range(40)]
        assert max(made) < limit
        assert len(set(map(str, made))) == 40
        assert {len(str(each)) for each in made} == {len(str(limit))}
    assert len(IdBook(KEY)(str(2**63))) == 19  # above: any of the shape
