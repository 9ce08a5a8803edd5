"""Keyword arguments of training are the fields of its settings."""

import types
from typing import get_args, get_origin, get_type_hints

import pytest

from clinnlp.bert.fields import ClassifierFields, PretrainFields, RelationFields, TaggerFields
from clinnlp.bert.settings import (
    ClassifierSettings,
    PretrainSettings,
    RelationSettings,
    TaggerSettings,
)
from clinnlp.core.notes import Note, NoteChanges


def taken(hint):
    """Return the kinds of values that a field takes: a list wherever a tuple is kept."""
    union = get_origin(hint) is types.UnionType
    kinds = set(get_args(hint)) if union else {hint}
    return kinds | {list[get_args(kind)[0]] for kind in kinds if get_origin(kind) is tuple}


@pytest.mark.parametrize(
    ("fields", "settings"),
    [
        (TaggerFields, TaggerSettings),
        (ClassifierFields, ClassifierSettings),
        (RelationFields, RelationSettings),
        (PretrainFields, PretrainSettings),
    ],
)
def test_each_field_is_a_keyword_argument_of_its_type(fields, settings):
    wanted = {name: taken(hint) for name, hint in get_type_hints(settings).items()}
    said = {name: taken(hint) for name, hint in get_type_hints(fields).items()}
    assert said == wanted
    assert not fields.__required_keys__


def test_what_may_change_in_a_note_is_all_but_its_id_and_text():
    kept = {k: hint for k, hint in get_type_hints(Note).items() if k not in ("id", "text")}
    assert get_type_hints(NoteChanges) == kept
    assert not NoteChanges.__required_keys__
