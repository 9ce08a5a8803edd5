r"""UIMA CAS as XMI, as INCEpTION, WebAnno and cTAKES write it; with any namespaces and layers.

::

    <cas:Sofa xmi:id="12" sofaString="💊 for chest pain."/>
    <custom:CLINENTITY xmi:id="7" sofa="12" begin="7" end="17" entityID="C0008031"/>
    <custom:EVENT xmi:id="8" sofa="12" begin="13" end="17" polarity="NEG" TLINK="9"/>
    <custom:EVENTTLINKLink xmi:id="9" role="BEFORE" target="7"/>
    <textsem:SignSymptomMention xmi:id="5" sofa="12" begin="7" end="17" polarity="-1"
      uncertainty="0" subject="patient" historyOf="0" ontologyConceptArr="3"/>
    <refsem:UmlsConcept xmi:id="3" codingScheme="SNOMEDCT_US" code="29857009" cui="C0008031"/>

=========================== ===============================================================
in the file                 in the note
=========================== ===============================================================
``sofaString``              text; offsets count UTF-16 units, as UIMA does, and are converted
``Token``, ``Sentence``,    ``tokens``, ``sentences``
cTAKES ``WordToken``, ...
cTAKES ``Segment``          ``sections``
any other layer with begin  entity; its label the value of the feature that ``layers`` names,
before end                  of a ``NamedEntity`` its ``value``, else the name of the layer
``entityID``,               ``concepts``, unless empty, ``CUI-LESS`` or ``NIL``
``identifier``
``ontologyConceptArr``      ``concepts``: ``cui`` and ``codingScheme:code`` of each UmlsConcept
``polarity``                ``assertion.negated``: ``NEG``, -1 true; ``POS``, 1 false
``contextualModality``      ``HEDGED``: ``uncertain``; ``HYPOTHETICAL``: ``hypothetical``;
                            ``ACTUAL``: false for both
``uncertainty``             1: ``uncertain``, 0: not
``conditional``,            ``true``: ``hypothetical`` (a generic mention is of no occurrence);
``generic``                 ``conditional`` false: not
``historyOf``               1: ``historical``, 0: not
``subject``                 ``patient``: ``experiencer`` false, another: true
other features, if not N/A  attributes, and those above but for concepts
feature that names links    relation, its label the name of the feature (``TLINK``); roles
                            ``source`` and ``target``; ``attributes["role"]``
``Governor``, ``Dependent`` relation of mentions with these roles, its label ``label``, ``value``
                            or the name of the layer
``arg1``, ``arg2`` (cTAKES) relation, its label ``category``, its roles those of the arguments
layers of grammar (DKPro,   read over, and so are ``METADATA`` and ``DocumentMetaData``
cTAKES)
annotations of no length,   left out and counted (`Notes.n_excluded`)
of another view, of layers
that ``layers`` leaves out
=========================== ===============================================================

``layers`` says which layers are mentions, by full or short name, and which feature is the label:
``layers={"webanno.custom.Finding": "category"}``; none: the layer's own name. A folder is one
corpus, with a file to a document; the id of a note is its path below the folder without suffix.
The writer gives layers of its own (`tools.cas_own`), tokens and sentences, and in a folder
``TypeSystem.xml``, from which INCEpTION makes the layers. Everything of a note comes back.

References
----------
Klie et al., INCEpTION, COLING 2018; Eckart de Castilho et al., WebAnno, LT4DH 2016; Savova et al.,
cTAKES, JAMIA 2010; Magnini et al., The E3C project, CLiC-it 2020; OASIS, XMI of UIMA.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note
from clinnlp.io.files.lines import encode, write_bytes
from clinnlp.io.files.packing import packing
from clinnlp.io.files.source import Document, Source
from clinnlp.io.files.xml_stream import Element, check_xml, escaped, root_of
from clinnlp.io.notes.documents import Format, folder_writer, split_files
from clinnlp.io.notes.tools.cas import Cas, Structure, note_of_cas, with_refs
from clinnlp.io.notes.tools.cas_own import TYPES, Made, structures_of
from clinnlp.io.notes.tools.tasks import formed

__all__ = ["XMI"]

_PREFIXES = {"clinnlp": "clinnlp", "type": "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type"}
_XMI = (
    '<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore" '
    'xmlns:tcas="http:///uima/tcas.ecore"{namespaces} xmi:version="2.0">'
)
_SOFA, _DOCUMENT = 1, 2  # ids
_TYPES = "TypeSystem.xml"  # beside the files of a folder
_VIEW = 'sofaNum="1" sofaID="_InitialView" mimeType="text"'


# --- reading -------------------------------------------------------------------------------


def _split(source: Source) -> Iterator[Document]:
    path = source.path
    exported = path.is_dir() and any(p.suffix.lower() == ".xmi" for p in path.rglob("*"))
    suffix = ".xmi" if exported else path.suffix or ".xml"
    for document in split_files(source, suffix=suffix):
        if path.is_file():
            document = document._replace(name=_stem(path))
        if not (path.is_dir() and document.path.name.lower() == _TYPES.lower()):
            yield document._replace(data=source.layers)


def _stem(path: Path) -> str:
    return (path.with_suffix("") if packing(path) else path).stem


def _parse(document: Document) -> Note:
    root = root_of(document.path)
    packages = _packages(root)
    sofas: list[Element] = []
    named: list[Structure] = []
    loose: list[Structure] = []
    for element in root.children:
        prefix, _, name = element.tag.rpartition(":")
        kind = f"{packages.get(prefix, prefix)}.{name}".lstrip(".")
        if kind in ("uima.cas.Sofa", "cas.Sofa"):
            sofas.append(element)
        elif kind.removeprefix("uima.") not in ("cas.View", "cas.NULL"):
            one = _structure(element, kind)
            (named if one.id else loose).append(one)
    sofa = _main(sofas)
    if sofa is None:
        raise document.wrong("an XMI file must have a cas:Sofa with a sofaString", root.line)
    with formed(document):
        cas = Cas(
            text=sofa.attributes["sofaString"],
            structures=with_refs(named),
            layers=document.data or {},
            sofa=sofa.attributes.get("xmi:id", ""),
            loose=loose,
        )
        return note_of_cas(cas, document)


def _packages(root: Element) -> dict[str, str]:
    """Return the package that each prefix stands for."""
    found: dict[str, str] = {}
    for key, uri in root.attributes.items():
        if key.startswith("xmlns:"):
            name = uri.removeprefix("http:///").removesuffix(".ecore").replace("/", ".")
            found[key.removeprefix("xmlns:")] = name
    return found


def _structure(element: Element, kind: str) -> Structure:
    features = {k: v for k, v in element.attributes.items() if k != "xmi:id"}
    listed: dict[str, list[str]] = {}
    for child in element.children:  # of features with several values
        listed.setdefault(child.tag, []).append(child.text)
    features |= {key: " ".join(values) for key, values in listed.items()}
    return Structure(element.attributes.get("xmi:id", ""), kind, features, line=element.line)


def _main(sofas: list[Element]) -> Element | None:
    """Return the sofa of the first view, or else the first with a text."""
    texts = [sofa for sofa in sofas if "sofaString" in sofa.attributes]
    first = (sofa for sofa in texts if sofa.attributes.get("sofaID") == "_InitialView")
    return next(first, texts[0] if texts else None)


# --- writing -------------------------------------------------------------------------------


def _write(notes: Iterable[Note], path: Path) -> int:
    """Write a folder, or the file of one note, packed where its name says so."""
    if not packing(path):
        return _in_folder(notes, path)
    listed = list(notes)
    if [note.id for note in listed] != [_stem(path)]:
        raise DataError(
            f"one .xmi file holds one note whose id is {_stem(path)!r}, got {len(listed)} notes; "
            "write to a folder",
            path=path,
        )
    with write_bytes(path) as handle:
        handle.write(encode(_contents(listed[0])[".xmi"], note=listed[0].id))
    return 1


def _contents(note: Note) -> dict[str, str]:
    made = list(structures_of(note, _DOCUMENT + 1))
    namespaces = "".join(
        f' xmlns:{prefix}="http:///{package.replace(".", "/")}.ecore"'
        for prefix, package in _PREFIXES.items()
    )
    text = escaped(note.text, attribute=True)
    end = made[-1].end if made else 0
    whole = f'xmi:id="{_DOCUMENT}" sofa="{_SOFA}" begin="0" end="{end}" language="x-unspecified"'
    members = " ".join(str(number) for number in (_DOCUMENT, *(one.id for one in made)))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        _XMI.format(namespaces=namespaces),
        '<cas:NULL xmi:id="0"/>',
        f"<tcas:DocumentAnnotation {whole}/>",
        *map(_line, made),
        f'<cas:Sofa xmi:id="{_SOFA}" {_VIEW} sofaString="{text}"/>',
        f'<cas:View sofa="{_SOFA}" members="{members}"/>',
        "</xmi:XMI>\n",
    ]
    return {".xmi": check_xml("\n".join(lines), note=note.id)}


def _line(one: Made) -> str:
    package, _, name = one.type.rpartition(".")
    prefix = next(prefix for prefix, known in _PREFIXES.items() if known == package)
    said: Mapping[str, object] = {
        "xmi:id": one.id,
        "sofa": _SOFA,
        "begin": one.begin,
        "end": one.end,
        **one.features,
        **one.refs,
    }
    listed = (f' {key}="{escaped(str(value), attribute=True)}"' for key, value in said.items())
    return f"<{prefix}:{name}{''.join(listed)}/>"


def _closing(notes: Iterable[Note]) -> tuple[Iterable[Note], Callable[[], Mapping[str, str]]]:
    """Give the types of what was written beside it."""
    return notes, lambda: {_TYPES: _type_system()}


def _type_system() -> str:
    types = "".join(map(_type, TYPES))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<typeSystemDescription xmlns="http://uima.apache.org/resourceSpecifier">\n'
        f"<name>clinnlp</name>\n<types>\n{types}</types>\n</typeSystemDescription>\n"
    )


def _type(name: str) -> str:
    features = "".join(
        f"<featureDescription><name>{feature}</name><description/>"
        f"<rangeTypeName>{kind}</rangeTypeName></featureDescription>\n"
        for feature, kind in TYPES[name].items()
    )
    return (
        f"<typeDescription><name>{name}</name><description/>"
        f"<supertypeName>uima.tcas.Annotation</supertypeName>\n<features>\n{features}</features>"
        "</typeDescription>\n"
    )


_in_folder = folder_writer(_contents, suffix=".xmi", closing=_closing)

XMI = Format(
    suffixes=(".xmi",),
    looks={".xml": rb"<xmi:XMI[\s>]"},
    split=_split,
    parse=_parse,
    write=_write,
    in_folder=True,
)
