"""Names of other libraries for what a mention says."""

import pytest
import spacy
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.spacy import write_on
from clinnlp.io.notes.spacy_names import NAMES, add_name

DENIED = Entity(
    id="T1", span=Span(3, 8), label="P", assertion=Assertion(negated=True, experiencer=True)
)
NOTE = Note(id="n", text="No fever.", entities=(DENIED,))


@pytest.fixture
def doc():
    return spacy.blank("en")(NOTE.text)


@pytest.fixture
def as_if_theirs():
    """Let another library have made a name known before this one."""
    known = {name: DocSpan.get_extension(name) for name in NAMES if DocSpan.has_extension(name)}
    for name in NAMES:
        DocSpan.set_extension(name, default=False, force=True)
    yield
    for name in NAMES:
        DocSpan.remove_extension(name)
    for name, (default, method, getter, setter) in known.items():
        if getter is None:
            DocSpan.set_extension(name, default=default, method=method)
        else:
            DocSpan.set_extension(name, getter=getter, setter=setter)


def _said(doc):
    (span,) = doc.ents
    return [name for name in NAMES if span._.get(name)]


def test_each_name_says_its_axis_and_never_none(doc):
    write_on(doc, NOTE)
    assert _said(doc) == ["negex", "is_negated", "is_family"]
    assert doc[0:1]._.is_negated is False
    assert doc.ents[0]._.section_category is None


def test_what_another_component_writes_stands_and_ours_too(doc):
    (span,) = write_on(doc, NOTE).ents
    span._.is_negated = False
    assert (span._.is_negated, span._.negated, span._.negex) == (False, True, True)


@pytest.mark.usefixtures("as_if_theirs")
def test_a_name_that_another_library_made_known_is_written(doc):
    write_on(doc, NOTE)
    assert _said(doc) == ["negex", "is_negated", "is_family"]


@pytest.mark.usefixtures("as_if_theirs")
def test_what_its_component_has_read_is_left_alone(doc):
    doc.set_ents([doc.char_span(3, 8, label="P")])
    Doc.set_extension("context_graph", default=None, force=True)
    try:
        doc._.context_graph, doc.ents[0]._.negex = object(), False
        write_on(doc, NOTE)
        assert _said(doc) == []
        assert doc.ents[0]._.negated is True
    finally:
        Doc.remove_extension("context_graph")


def test_one_more_name_must_be_a_name(doc):
    with pytest.raises(ArgumentError, match="extension_name must be a name, got 'not so'"):
        add_name("not so", "negated")
    add_name("is_denied", "negated")
    assert write_on(doc, NOTE).ents[0]._.is_denied is True
