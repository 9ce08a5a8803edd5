"""Keys and columns by which other programs say what stands in a text, so that none is read over.

A file whose mentions stand under a key that its reader does not know must not be read as notes
without mentions. Only keys of usual words, such as ``note_text``, are shown in errors: any other
may be of a patient.
"""

import re
from collections.abc import Iterable, Sequence

__all__ = ["ANNOTATIONS", "hint_of", "is_usual", "named_keys"]

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
_LISTED = """
text txt note notes body content contents document documents doc report reports narrative message
description raw clean summary discharge letter transcript transcription sentence paragraph string
abstract title section sections history statement input
id ids uid uuid key index idx number num row line page file filename path source url doi
subject patient patients person pid mrn hadm stay visit encounter admission case study
date time datetime timestamp chart chartdate charttime created updated stored storetime known
category categories kind type types class classes label labels target language lang split
meta metadata author user users annotator annotators version hash status state comment comments
sex gender age year department specialty ward hospital site score prob prediction answer question
code codes icd snomed umls cui tokens words name value values start end begin stop offset offsets
concept concepts span spans entity entities relation relations event events tag tags ner mention
mentions annotation annotations texto nota notas informe documento paciente fecha historia
"""
_WORDS = frozenset(_LISTED.split())
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_MOST_SHOWN = 6
_TEXT = (
    *("text", "note", "body", "content", "report", "narrative", "document", "transcription"),
    *("transcript", "description", "message", "summary", "abstract", "sentence", "nota"),
)
_ID = ("id", "uid", "uuid", "key", "mrn", "number", "idx", "index", "filename", "name")


def is_usual(key: str) -> bool:
    """Return whether a key is made of usual words, and so of no patient.

    Examples
    --------
    >>> is_usual("noteText"), is_usual("HADM_ID"), is_usual("Doe, Jane"), is_usual("note 4711")
    (True, True, False, False)
    """
    parts = _PARTS.findall(key)
    plain = len("".join(parts)) + key.count("_") + key.count("-") == len(key)
    return plain and all(_is_word(part) for part in parts) and bool(parts)


def _is_word(part: str) -> bool:
    return part.lower() in _WORDS or (part.isdecimal() and len(part) == 1)


def named_keys(keys: Iterable[str]) -> str:
    """Return unknown keys as an error may show them: by name where they are usual.

    Examples
    --------
    >>> named_keys(["spans", "Doe, Jane"])
    "'spans' and 1 other"
    >>> named_keys(["Doe, Jane"])
    '1 other'
    """
    listed = list(keys)
    known = sorted(key for key in listed if key in ANNOTATIONS or is_usual(key))
    known.sort(key=lambda key: key not in ANNOTATIONS)  # what may hold mentions first
    said = [repr(key) for key in known[:_MOST_SHOWN]]
    others = len(listed) - len(said)
    return " and ".join([", ".join(said)] * bool(said) + [f"{others} other"] * bool(others))


def hint_of(keys: Iterable[str], *, without: Sequence[str] = ()) -> str:
    """Return what to name, as the end of a sentence: a format, or the keys of text and id.

    Parameters
    ----------
    keys : iterable of str
        Unknown keys of an object.
    without : sequence of {"text", "id"}
        What it has no key for.

    Examples
    --------
    >>> hint_of(["spans"])
    "; if the file is one of prodigy, name it: format='prodigy' (--format prodigy)"
    >>> hint_of(["note_text", "note_id"], without=["text", "id"])
    "; name the keys to read: text='note_text', id='note_id' (--text-column note_text \
--id-column note_id)"
    >>> hint_of(["author"])
    "; name the key of the text, and the others are read over: text='text' (--text-column text)"
    >>> hint_of(["ner_tags"])
    ''
    """
    listed = list(keys)
    named = next((_HINTS[key] for key in listed if key in _HINTS), None)
    if named is not None:
        return f"; if the file is one of {named}, name it: format={named!r} (--format {named})"
    if "text" not in without and not ANNOTATIONS.isdisjoint(listed):
        return ""  # they are not to be read over
    if "text" not in without:
        found, said = {"text": "text"}, "name the key of the text, and the others are read over"
    else:
        found, said = {"text": _likely(listed, _TEXT) or "KEY"}, "name the keys to read"
        name = _likely([key for key in listed if key != found["text"]], _ID)
        found |= {"id": name} if "id" in without and name else {}
    python = ", ".join(f"{field}={key!r}" for field, key in found.items())
    flags = " ".join(f"--{field}-column {key}" for field, key in found.items())
    return f"; {said}: {python} ({flags})"


def _likely(keys: Sequence[str], words: Sequence[str]) -> str | None:
    """Return the key that ends in the earliest of these words, or None."""
    last = {key: _PARTS.findall(key)[-1].lower() for key in keys if is_usual(key)}
    fits = sorted((words.index(word), key) for key, word in last.items() if word in words)
    return fits[0][1] if fits else None
