"""The spaCy component: ``nlp.add_pipe("clinnlp", config={"vocabulary": "drugs.csv"})``.

It runs `clinnlp.pipeline` on the text of each Doc, in the language of ``nlp`` unless ``language``
names another, and writes mentions, concepts, assertions and attributes onto it;
`clinnlp.io.notes.spacy` says where. spaCy finds it through an entry point.

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

from clinnlp.io.notes.spacy import Component, register
from clinnlp.study.pipeline import pipeline

__all__ = ["component"]


def _component(
    nlp: Any,
    name: str,  # noqa: ARG001
    model: str | None,
    vocabulary: str | None,
    assertion: bool,  # noqa: FBT001
    language: str | None,
    chronic: str | None,
) -> Component:
    settings = {"model": model, "vocabulary": vocabulary, "assertion": assertion}
    settings |= {"language": language or nlp.lang, "chronic": chronic}
    return Component(pipeline, settings)


component = register(
    "clinnlp",
    _component,
    model=None,
    vocabulary=None,
    assertion=True,
    language=None,
    chronic=None,
)
