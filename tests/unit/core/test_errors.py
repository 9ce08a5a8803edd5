"""Errors: the tree, where they are said to be, and what they leave behind of foreign ones."""

import json
from contextlib import contextmanager

import pytest

from clinnlp.core import errors
from clinnlp.core.errors import (
    ClinnlpError,
    DataError,
    MissingExtra,
    OffsetError,
    instead_of,
    located,
)
from tests.common.error_chains import chain_of

SECRET = "Jane Canary"


def test_every_error_has_the_one_base():
    kinds = [value for name in errors.__all__ if isinstance(value := getattr(errors, name), type)]
    kinds.remove(instead_of)
    assert len(kinds) == 9
    assert all(issubclass(kind, ClinnlpError) for kind in kinds)


def test_a_foreign_error_leaves_nothing_behind():
    refusal = DataError("a line must be JSON")
    with pytest.raises(DataError) as caught, instead_of(ValueError, refusal):
        json.loads(f"{SECRET} has gout")
    assert caught.value is refusal
    assert list(chain_of(caught.value)) == [caught.value]


def test_nor_inside_another_handler_or_a_context_manager_of_our_own():
    @contextmanager
    def reading():
        with instead_of(ValueError, lambda error: DataError(f"got {type(error).__name__}")):
            yield

    with pytest.raises(DataError, match="got UnicodeDecodeError") as caught:
        try:
            raise KeyError(SECRET)
        except KeyError:
            with reading():
                b"\xff".decode()
    assert list(chain_of(caught.value)) == [caught.value]


@pytest.mark.parametrize("other", [KeyboardInterrupt, KeyError, StopIteration])
def test_other_errors_pass_as_they_are(other):
    error = other("x")
    with pytest.raises(other) as caught, instead_of(ValueError, DataError("never raised")):
        raise error
    assert caught.value is error


def test_where_nothing_fails_nothing_is_asked():
    def never(error):
        raise AssertionError

    with instead_of(ValueError, never):
        value = int("3")
    assert value == 3


def test_an_error_without_place_is_located_and_one_with_a_place_stays():
    with pytest.raises(OffsetError) as caught, located("a.txt", 4):
        raise OffsetError("too far", note="n")
    assert str(caught.value) == "a.txt:4: note 'n': too far"
    assert (caught.value.path, caught.value.line, caught.value.note) == ("a.txt", 4, "n")
    assert list(chain_of(caught.value)) == [caught.value]
    with pytest.raises(DataError) as caught, located("a.txt", 4), located("b.txt", 1):
        raise DataError("first")
    assert str(caught.value) == "b.txt:1: first"


def kinds_of(base):
    own = [sub for sub in base.__subclasses__() if sub.__module__.startswith("clinnlp.")]
    return [base, *(kind for sub in own for kind in kinds_of(sub))]


@pytest.mark.parametrize("kind", kinds_of(ClinnlpError), ids=lambda kind: kind.__name__)
def test_hidden_characters_in_a_message_are_written_out(kind):
    more = {"extra": "\x1b"} if kind is MissingExtra else {}
    first = [503] if kind.__name__ == "Refused" else []  # a status of HTTP
    said = str(kind(*first, "label \x1b[2J\u202e\nno problems", **more))
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "\n" not in said
    assert "label \\x1b[2J\\u202e\\nno problems" in said


def test_a_located_error_keeps_what_is_wrong_with_its_bytes():
    error = DataError("other bytes", of_encoding=True).at("a.txt", 3)
    assert (error.of_encoding, error.line) == (True, 3)
    assert DataError("x").at("a.txt").of_encoding is False
