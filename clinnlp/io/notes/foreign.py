"""Keys and columns by which other programs say what stands in a text, so that none is read over.

A file whose mentions stand under a key that its reader does not know must not be read as notes
without mentions. Only names of this list are shown in errors: any other may be of a patient.
"""

from collections.abc import Iterable

__all__ = ["ANNOTATIONS", "hint_of", "named_keys"]

_HINTS = {
    "label": "doccano",
    "Comments": "doccano",
    "cats": "doccano",
    "spans": "prodigy",
    "answer": "prodigy",
    "_input_hash": "prodigy",
    "_task_hash": "prodigy",
    "annotations": "label-studio",
    "completions": "label-studio",
    "predictions": "label-studio",
    "data": "label-studio",
    "annotation_id": "label-studio",
    "ents": "spacy-json",
    "paragraphs": "spacy-json",
    "doc_annotation": "spacy-json",
    "projects": "medcat",
    "passages": "bioc-json",
    "context": "phee-json",
    "resourceType": "fhir",
    "%FEATURE_STRUCTURES": "cas-json",
}
# what holds mentions or tags of tokens, whoever wrote it
ANNOTATIONS = frozenset(_HINTS) | {
    *("ner", "ner_tags", "ner_labels", "tags", "tag", "iob", "bio", "mentions", "mention"),
    *("entities", "entity", "annotation", "span", "start", "end", "start_offset", "begin"),
    *("end_offset", "offset", "offsets", "words", "word", "labels", "concept", "cui", "cuis"),
    *("events",),
}


def named_keys(keys: Iterable[str]) -> str:
    """Return unknown keys as an error may show them: by name where any program writes them.

    Examples
    --------
    >>> named_keys(["spans", "Doe, Jane"])
    "'spans' and 1 other"
    >>> named_keys(["Doe, Jane"])
    '1 other'
    """
    listed = list(keys)
    known = sorted(key for key in listed if key in ANNOTATIONS)
    said = [repr(key) for key in known]
    others = len(listed) - len(known)
    return " and ".join([", ".join(said)] * bool(said) + [f"{others} other"] * bool(others))


def hint_of(keys: Iterable[str]) -> str:
    """Return which format to name for keys of its own, as the end of a sentence, or nothing.

    Examples
    --------
    >>> hint_of(["spans"])
    "; if the file is one of prodigy, name it: format='prodigy' (--format prodigy)"
    """
    named = next((_HINTS[key] for key in keys if key in _HINTS), None)
    if named is None:
        return ""
    return f"; if the file is one of {named}, name it: format={named!r} (--format {named})"
