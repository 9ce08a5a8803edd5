"""From a model folder, a word list, both, or the model in the box, to a pipeline of pipes.

    sections → sentences → model and word list → assertion → medications → normalise → course
    → relations, where they are asked for

The word list adds only mentions that do not overlap the model's, so that a mention counts once.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from clinnlp.core.errors import ArgumentError, StoreError
from clinnlp.core.pipeline import Pipe, Pipeline
from clinnlp.core.vocab import Vocabulary
from clinnlp.study.box import chosen_model

__all__ = ["STATED", "pipeline"]

STATED = "stated"
"""What stands for the rules of relations where a model of them could stand."""


def pipeline(
    model: str | Path | Pipe | None = None,
    *,
    vocabulary: Any = None,
    assertion: bool = True,
    language: str = "en",
    candidates: int = 0,
    name_encoder: str | Path | None = None,
    keep_names: Collection[str] = (),
    chronic: str | Path | None = None,
    labels: Collection[str] | None = None,
    relations: str | Path | Pipe | None = None,
) -> Pipeline:
    """Return the pipeline that extracts entities with their assertion and concepts.

    Parameters
    ----------
    model : folder or pipe, or {"default", "none"}, optional
        A folder that `fine_tune_ner` or `fine_tune_classifier` wrote, or what they returned.
        ``"default"`` is the model in the box, which is also taken where there is no vocabulary;
        ``"none"`` is no model: with no vocabulary either, only what others found is read.
    vocabulary : path, Vocabulary, list, mapping or table, optional
        A word list: CSV, TSV or Parquet with a column ``name`` and, where known, ``code``,
        ``system``, ``synonyms`` (joined by ``|``), ``label`` and ``match``; the files of DrugBank
        or ICD-10-CM; a folder of OMOP vocabularies; a release of RxNorm, SNOMED CT, MeSH, UMLS,
        LOINC or ATC, as a folder, zip file or file; or one in memory, as
        `io.tables.word_lists.vocabulary_of` takes it. Needs no model.
    assertion : bool
        Whether mentions get their five assertion axes.
    language : str
        Of the notes, ``"en"`` or ``"es"``: whose headings, abbreviations, common words, cues,
        words of prescriptions, drug names and chronic conditions.
    candidates : int
        How many concepts to name for a mention that no step of linking is sure of (`Normalise`).
    name_encoder : str or path, optional
        Encoder whose vectors find candidates that are worded otherwise: ``"minilm"``, a folder or
        a hub id. It reads each name of the vocabulary once, about 1,000 names in a second.
    keep_names : collection of str
        Names of a list of more than 1,000 that are found anywhere, though they are short, common
        words, abbreviations, laboratory names or salts; ``["all"]``: all of them.
    chronic : path, optional
        TSV of the conditions that last, with the columns ``name`` or ``code`` (see
        `clinnlp.text.chronic`), in place of the language's own.
    labels : collection of str, optional
        Of which the model gives mentions; by default of all that it has on.
    relations : {"stated"}, folder or pipe, optional
        Also give relations between the mentions: ``"stated"``, those that rules find
        (`StatedRelations`), or those of a model that `fine_tune_relations` wrote or returned.

    Returns
    -------
    Pipeline
        Takes a Note or text and returns a Note; ``stream(notes)`` takes many.

    Raises
    ------
    ArgumentError
        Neither a model nor a vocabulary where no model lies in the box, or notes that it cannot
        read; a language without tables; labels that the model has not.
    StoreError
        The model folder is missing or incomplete.
    DataError
        The vocabulary, or the table of chronic conditions, cannot be read; no name in it.

    Examples
    --------
    >>> words = [{"code": "d1", "name": "lisinopril", "label": "Drug"}]
    >>> note = pipeline(vocabulary=words)("Never took lisinopril. Denies chest pain.")
    >>> [(e.label, note[e.span], e.assertion.negated) for e in note.entities]
    [('Drug', 'lisinopril', True)]
    """
    from clinnlp.text.assertion import Assertions
    from clinnlp.text.course import Courses
    from clinnlp.text.lookup import Lookup
    from clinnlp.text.medication import Medications
    from clinnlp.text.normalise import Normalise
    from clinnlp.text.sections import Sections
    from clinnlp.text.sentences import Sentences

    model = chosen_model(model, vocabulary, language=language)
    pipes: list[Pipe] = [Sections(language=language), Sentences(language=language)]
    if model is not None:
        pipes.append(_with_labels(_learned(model), labels))
    elif labels is not None:
        raise ArgumentError("labels are of a model that finds mentions, and there is none")
    words = _words(vocabulary, language)
    if words is not None:
        pipes.append(Lookup(words, language=language, keep_names=keep_names))
    if assertion:
        pipes.append(Assertions(language=language))
    vectors = None
    if candidates and name_encoder is not None:
        from clinnlp.bert.name_vectors import name_vectors

        vectors = name_vectors(name_encoder)
    linking = Normalise(words, language=language, candidates=candidates, vectors=vectors)
    courses = Courses(chronic, language=language)
    last = [] if relations is None else [_relating(relations, language)]
    return Pipeline([*pipes, Medications(language=language), linking, courses, *last])


def _learned(model: str | Path | Pipe) -> Pipe:
    found = _loaded(model)
    if _relates(found):
        raise ArgumentError("a model of relations is given as relations, got it as the model")
    return found


def _relating(relations: str | Path | Pipe, language: str) -> Pipe:
    """Return the pipe that gives relations."""
    if relations == STATED:
        from clinnlp.text.relations import StatedRelations

        return StatedRelations(language=language)
    if isinstance(relations, str | Path) and not Path(relations).exists():
        raise StoreError(
            f"relations must be {STATED!r} or the folder of a model, got no folder at {relations}"
        )
    found = _loaded(relations)
    if hasattr(found, "task") and not _relates(found):
        raise ArgumentError(
            f"relations must be {STATED!r} or a model of relations, got {type(found).__name__}"
        )
    return found


def _relates(pipe: Pipe) -> bool:
    return getattr(pipe, "task", None) == "relations"


def _loaded(model: str | Path | Pipe) -> Pipe:
    if isinstance(model, str | Path):
        from clinnlp.bert.store import load

        return load(model)
    return model


def _with_labels(model: Pipe, labels: Collection[str] | None) -> Pipe:
    if labels is None:
        return model
    if not hasattr(model, "only"):
        raise ArgumentError(
            f"labels are of a model that finds mentions, got {type(model).__name__}"
        )
    chosen: Pipe = model.only(labels)
    return chosen


def _words(vocabulary: Any, language: str) -> Vocabulary | None:
    if vocabulary is None:
        return None
    from clinnlp.io.tables.word_lists import not_empty, vocabulary_of

    if isinstance(vocabulary, str | Path):
        from clinnlp.io.tables.vocabularies import read_any_vocabulary

        return not_empty(read_any_vocabulary(vocabulary, language=language), vocabulary)
    return not_empty(vocabulary_of(vocabulary))
