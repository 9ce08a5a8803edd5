"""The names under which programs for negspacy and medSpaCy read what a mention says.

====================================== ==========================
name on a span                         axis
====================================== ==========================
``negex`` (negspacy)                   negated
``is_negated`` (medSpaCy)              negated
``is_uncertain``                       uncertain
``is_hypothetical``                    hypothetical
``is_historical``                      historical
``is_family``                          experiencer
``section_category``                   the kind of the section
====================================== ==========================

Each is true or false, never ``None``. A component of that library in the same pipeline writes them
itself: what it writes stands, and ``negated`` and its like remain what this library says.
"""

from functools import partial
from typing import Any

from spacy.tokens import Span as DocSpan

from clinnlp.core.errors import ArgumentError

__all__ = ["NAMES", "add_name", "name_as_others", "set_names_of_others"]

NAMES = {
    "negex": "negated",
    "is_negated": "negated",
    "is_uncertain": "uncertain",
    "is_hypothetical": "hypothetical",
    "is_historical": "historical",
    "is_family": "experiencer",
}
_SECTION = {"section_category": "section_kind"}
_WRITTEN = "clinnlp.written"


def set_names_of_others() -> None:
    """Make the names known to spaCy where no other library has."""
    for name, axis in NAMES.items():
        add_name(name, axis)
    for name, ours in _SECTION.items():
        if not DocSpan.has_extension(name):
            DocSpan.set_extension(name, getter=partial(_value, ours))


def add_name(name: str, axis: str) -> None:
    """Make one more name of an axis known to spaCy.

    Raises
    ------
    ArgumentError
        The name is one of an attribute of another kind.
    """
    if not name.isidentifier():
        raise ArgumentError(f"extension_name must be a name, got {name[:40]!r}")
    if not DocSpan.has_extension(name):
        getter, setter = partial(_read, name, axis), partial(_write, name)
        DocSpan.set_extension(name, getter=getter, setter=setter)


def name_as_others(span: DocSpan) -> None:
    """Write the names that another library has made known, unless its component has read this."""
    for name, axis in NAMES.items():
        _, _, getter, _ = DocSpan.get_extension(name)
        if getter is None and not _is_read(span, name):
            span._.set(name, bool(span._.get(axis)))


def _is_read(span: DocSpan, name: str) -> bool:
    """Return whether the component that a name belongs to has answered for a span."""
    doc = span.doc
    if name != "negex":  # medSpaCy writes only what is true, and a graph for each Doc
        return bool(doc.has_extension("context_graph") and doc._.context_graph)
    said: dict[Any, Any] = doc.user_data
    return ("._.", name, span.start_char, span.end_char) in said


def _value(name: str, span: DocSpan) -> Any:
    return span._.get(name)


def _read(name: str, axis: str, span: DocSpan) -> Any:
    said: dict[Any, Any] = span.doc.user_data
    written = said.get((_WRITTEN, name, span.start_char, span.end_char))
    return bool(span._.get(axis)) if written is None else written


def _write(name: str, span: DocSpan, value: Any) -> None:
    said: dict[Any, Any] = span.doc.user_data
    said[(_WRITTEN, name, span.start_char, span.end_char)] = value
