"""The spaCy component: ``nlp.add_pipe("clinnlp", config={"vocabulary": "drugs.csv"})``.

It runs `clinnlp.pipeline` on the text of each Doc, in the language of ``nlp`` unless ``language``
names another, and writes mentions, concepts, assertions and attributes onto it; mentions of other
components get theirs too. `clinnlp.io.notes.spacy` says where. spaCy finds it through an entry
point. Without vocabulary and model it takes the model in the box; with ``"model": "none"``, where
``ent_types`` or ``span_keys`` say whose mentions are meant, behind a component that finds mentions,
and where no model lies in the box, it only reads what others found.

=================================== ==========================================================
setting                             what it is
=================================== ==========================================================
model, vocabulary, assertion,       as of `clinnlp.pipeline`; a vocabulary may be a list of
language, chronic, keep_names,      names or of ``{"name": ..., "code": ..., "label": ...}``
labels
spans_key                           group of ``doc.spans`` for all mentions of this library;
                                    by default the name of the component
overwrite_ents                      whether they replace ``doc.ents`` that they overlap
ent_types, span_keys,               as of negspacy; see `clinnlp.io.notes.spacy_component.Habits`
chunk_prefix, extension_name
=================================== ==========================================================

Examples
--------
>>> import spacy
>>> nlp = spacy.blank("en")
>>> words = "corpora/discharge-mini/vocabulary.csv"
>>> made = nlp.add_pipe("clinnlp", config={"vocabulary": words})
>>> [(e.text, e._.negated) for e in nlp("Denies chest pain.").ents]
[('chest pain', True)]
"""

from typing import Any

from clinnlp.core.pipeline import Pipeline
from clinnlp.io.notes.spacy_component import Component, Habits, Parts, register
from clinnlp.study.box import DEFAULT, NONE, is_boxed
from clinnlp.study.pipeline import pipeline

__all__ = ["component"]


def _component(
    nlp: Any,
    name: str,
    model: str | None,
    vocabulary: str | list[Any] | None,
    assertion: bool,  # noqa: FBT001
    language: str | None,
    chronic: str | None,
    keep_names: list[str] | None,
    labels: list[str] | None,
    spans_key: str | None,
    overwrite_ents: bool,  # noqa: FBT001
    ent_types: list[str] | None,
    span_keys: list[str] | None,
    chunk_prefix: list[str] | None,
    extension_name: str | None,
) -> Component:
    if model is None and vocabulary is None and _reads_others(nlp, ent_types, span_keys):
        model = NONE
    said = model if model in (DEFAULT, NONE) else None  # no file, which would be taken along
    settings: dict[str, Any] = {"model": None if said else model, "said": said}
    settings |= {"vocabulary": vocabulary, "assertion": assertion}
    settings |= {"language": language or nlp.lang, "chronic": chronic}
    settings |= {"keep_names": tuple(keep_names or ()), "labels": labels}
    habits = Habits(
        spans_key=spans_key or name,
        overwrite_ents=overwrite_ents,
        ent_types=None if ent_types is None else tuple(ent_types),
        span_keys=tuple(span_keys or ()),
        chunk_prefix=tuple(word.lower() for word in chunk_prefix or ()),
        extension_name=extension_name,
    )
    return Component(_parts, settings, habits, name)


def _parts(*, said: str | None, **settings: Any) -> Parts:
    """Return the pipeline in two: what finds mentions, and what says something of them."""
    from clinnlp.text.assertion import Assertions
    from clinnlp.text.medication import Medications

    if settings["model"] is None:  # nor did files bring one
        settings["model"] = said
    pipes = pipeline(**settings).pipes
    at = next(k for k, pipe in enumerate(pipes) if isinstance(pipe, Assertions | Medications))
    return Pipeline(pipes[:at]), Pipeline(pipes[at:])


component = register(
    "clinnlp",
    _component,
    model=None,
    vocabulary=None,
    assertion=True,
    language=None,
    chronic=None,
    keep_names=None,
    labels=None,
    spans_key=None,
    overwrite_ents=False,
    ent_types=None,
    span_keys=None,
    chunk_prefix=None,
    extension_name=None,
)


def _reads_others(nlp: Any, ent_types: list[str] | None, span_keys: list[str] | None) -> bool:
    """Return whether mentions of others are meant: named, or found by a component before this."""
    return bool(ent_types or span_keys or not is_boxed()) or any(
        {"doc.ents", "doc.spans"} & set(nlp.get_pipe_meta(name).assigns) for name in nlp.pipe_names
    )
