r"""UIMA CAS as JSON (version 0.4), as INCEpTION writes it.

::

    {"%TYPES": {...}, "%FEATURE_STRUCTURES": [
       {"%ID": 1, "%TYPE": "uima.cas.Sofa", "sofaID": "_InitialView", "sofaString": "💊 pain."},
       {"%ID": 7, "%TYPE": "custom.Finding", "@sofa": 1, "begin": 3, "end": 7, "kind": "sign"}],
     "%VIEWS": {"_InitialView": {"%SOFA": 1, "%INDEX": 0, "%MEMBERS": [7]}}}

What becomes what stands in the table of `io.notes.xmi`, which spells the same in XML: layers,
features, links (``@feature``, through arrays), relations. Offsets count UTF-16 units, as UIMA
does. A folder is one corpus, with a ``.json`` to a document, whose id is its path below the folder
without suffix; the writer gives such a folder, each file with its types.

References
----------
https://github.com/apache/uima-uimaj-io-jsoncas: SPECIFICATION
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from clinnlp.core.notes import Note
from clinnlp.io.files.json_stream import json_object
from clinnlp.io.files.lines import byte_chunks
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format, folder_writer, split_files
from clinnlp.io.notes.tools.cas import Cas, Structure, note_of_cas
from clinnlp.io.notes.tools.cas_own import TYPES, Made, structures_of
from clinnlp.io.notes.tools.tasks import formed

__all__ = ["CAS_JSON"]

_STRUCTURES, _VIEWS = "%FEATURE_STRUCTURES", "%VIEWS"
_SOFA, _DOCUMENT = 1, 2  # ids
_VIEW = "_InitialView"


# --- reading -------------------------------------------------------------------------------


def _split(source: Source) -> Iterator[Document]:
    suffix = ".json" if source.path.is_dir() else source.path.suffix or ".json"
    for document in split_files(source, suffix=suffix):
        yield document._replace(data=source.layers)


def _parse(document: Document) -> Note:
    raw = b"".join(byte_chunks(document.path, document.encoding))
    whole = json_object(document._replace(data=raw))
    with formed(document):
        listed = _listed(whole[_STRUCTURES])
        sofa = _main([one for one in listed if one["%TYPE"] == "uima.cas.Sofa"])
        if sofa is None:
            raise document.wrong("a CAS must have a uima.cas.Sofa with a sofaString")
        arrays = {str(one["%ID"]): one["%ELEMENTS"] for one in listed if "%ELEMENTS" in one}
        made = [_structure(one, arrays) for one in listed if "%ELEMENTS" not in one]
        cas = Cas(
            text=sofa["sofaString"],
            structures={one.id: one for one in made},
            layers=document.data or {},
            sofa=str(sofa["%ID"]),
        )
        return note_of_cas(cas, document)


def _listed(found: Any) -> list[Any]:
    """Return the structures of an array, or of an object by id."""
    if isinstance(found, dict):
        return [{"%ID": key, **one} for key, one in found.items()]
    if not isinstance(found, list):
        raise TypeError
    return found


def _main(sofas: list[Any]) -> Any:
    texts = [sofa for sofa in sofas if isinstance(sofa.get("sofaString"), str)]
    first = (sofa for sofa in texts if sofa.get("sofaID") == _VIEW)
    return next(first, texts[0] if texts else None)


def _structure(record: Mapping[str, Any], arrays: Mapping[str, list[Any]]) -> Structure:
    features: dict[str, str] = {}
    refs: dict[str, tuple[str, ...]] = {}
    for key, value in record.items():
        if key.startswith("@"):
            ids = arrays.get(str(value), [value])
            refs[key[1:]] = tuple(str(one) for one in ids if one is not None)
        elif not key.startswith(("%", "^")) and value is not None:
            features[key.removeprefix("#")] = _said(value)
    features |= {"sofa": refs.pop("sofa")[0]} if refs.get("sofa") else {}
    return Structure(str(record["%ID"]), record["%TYPE"] + "", features, refs)


def _said(value: Any) -> str:
    """Return a value as XMI spells it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(map(_said, value))
    if not isinstance(value, str | int | float):
        raise TypeError
    return str(value)


# --- writing -------------------------------------------------------------------------------


def _contents(note: Note) -> dict[str, str]:
    made = list(structures_of(note, _DOCUMENT + 1))
    sofa = {"sofaNum": 1, "sofaID": _VIEW, "mimeType": "text", "sofaString": note.text}
    bounds = {"@sofa": _SOFA, "begin": 0, "end": made[-1].end}
    language = {"language": "x-unspecified"}
    structures = [
        {"%ID": _SOFA, "%TYPE": "uima.cas.Sofa", **sofa},
        {"%ID": _DOCUMENT, "%TYPE": "uima.tcas.DocumentAnnotation", **bounds, **language},
        *map(_record, made),
    ]
    members = [_DOCUMENT, *(one.id for one in made)]
    whole = {
        "%TYPES": {name: _type(name) for name in TYPES},
        _STRUCTURES: structures,
        _VIEWS: {_VIEW: {"%SOFA": _SOFA, "%MEMBERS": members}},
    }
    return {".json": json.dumps(whole, ensure_ascii=False)}


def _record(one: Made) -> dict[str, Any]:
    refs = {f"@{name}": number for name, number in one.refs.items()}
    bounds = {"@sofa": _SOFA, "begin": one.begin, "end": one.end}
    return {"%ID": one.id, "%TYPE": one.type, **bounds, **refs, **one.features}


def _type(name: str) -> dict[str, Any]:
    features = {key: {"%NAME": key, "%RANGE": kind} for key, kind in TYPES[name].items()}
    return {"%NAME": name, "%SUPER_TYPE": "uima.tcas.Annotation", **features}


CAS_JSON = Format(
    suffixes=(),
    looks={".json": rb'"%(TYPES|FEATURE_STRUCTURES|VIEWS|HEADER)"\s*:'},
    split=_split,
    parse=_parse,
    write=folder_writer(_contents, suffix=".json"),
    in_folder=True,
    packs=False,
)
