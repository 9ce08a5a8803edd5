"""The spaCy component: ``nlp.add_pipe("clinnlp", config={"vocabulary": "drugs.csv"})``.

It runs `clinnlp.pipeline` on the text of each Doc and writes mentions, concepts, assertions and
attributes onto it; `clinnlp.io.notes.spacy` says where. spaCy finds it through an entry point.

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
    nlp: Any,  # noqa: ARG001
    name: str,  # noqa: ARG001
    model: str | None,
    vocabulary: str | None,
    assertion: bool,  # noqa: FBT001
) -> Component:
    return Component(pipeline, {"model": model, "vocabulary": vocabulary, "assertion": assertion})


component = register("clinnlp", _component, model=None, vocabulary=None, assertion=True)
