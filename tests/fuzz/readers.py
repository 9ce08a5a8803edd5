"""Every reader, and the ways in which a user has it read an input."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from clinnlp.cli import main
from clinnlp.core.config import read_settings
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.formats import FORMATS
from clinnlp.io.notes.index import NoteIndex
from clinnlp.io.record.event_stream import stream_events
from clinnlp.io.record.events import read_events
from clinnlp.io.record.faers import read_faers
from clinnlp.io.record.faers_files import is_faers
from clinnlp.io.record.fhir import read_fhir
from clinnlp.io.record.folders import stream_record
from clinnlp.io.record.mimic import read_mimic3
from clinnlp.io.record.omop import read_omop
from clinnlp.io.record.people import read_patients
from clinnlp.io.record.synthea import read_synthea
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.io.tables.parts import PartWriter
from clinnlp.io.tables.vocabularies import read_any_vocabulary, read_omop_concepts
from clinnlp.io.tables.wide import read_wide
from clinnlp.study.pipeline import pipeline
from clinnlp.study.risk_tables import read_index_table, read_outcome_table
from clinnlp.study.settings import MineSettings
from clinnlp.text.assertion import Assertions
from clinnlp.text.cues import read_priors
from clinnlp.text.medication_terms import read_terms
from clinnlp.text.sections import Sections
from tests.common.format_samples import TEXT

__all__ = ["READERS", "Place", "Refused", "Target", "tell"]

NOTE = Note(
    id="n", text=f"PLAN: {TEXT}", entities=(Entity(id="T1", span=Span(30, 35), label="Problem"),)
)
ROOT = Path(__file__).parents[2]
WORDS = Vocabulary([Concept(code="p1", name="fever", label="Problem")])


class Refused(Exception):
    """A command said no, with exit code 2."""


class Place(NamedTuple):
    """Where an input lies, and where what was asked for goes."""

    source: Path
    out: Path


Way = Callable[[Place], object]


class Target(NamedTuple):
    """A reader: the beginnings of the names of its samples, and ways to have them read.

    What is not private, such as a cue table, may be quoted: nothing of notes is spliced into it.
    """

    samples: tuple[str, ...]
    ways: tuple[Way, ...]
    weight: int = 1
    private: bool = True


def tell(*words: object) -> int:
    """Run a command in this process; raise `Refused` where it ends with 2.

    It may not end with 1, which says that the machine failed, or that the command has a fault.
    """
    try:
        code = main([str(word) for word in words])
    except SystemExit as stop:  # of the parser of arguments
        code = stop.code if isinstance(stop.code, int) else 1
    if code == 2:
        raise Refused
    if code != 0:
        raise AssertionError(f"exit code must be 0 or 2, got {code}")
    return code


def _all(read: Callable[[Path], Iterable[Any]]) -> Way:
    """Return a way that reads to the end."""
    return lambda place: sum(1 for _ in read(place.source))


def _notes(format: str) -> Target:
    def twice(place: Place) -> object:
        source = read_notes(place.source, format=format, skip_bad=True, number_repeated=True)
        list(source)
        return source.skipped

    def copied(place: Place) -> object:
        source = read_notes(place.source, format=format, skip_bad=True, repair=True)
        return write_notes(source, place.out / "copy.jsonl")

    def looked_up(place: Place) -> object:
        index = NoteIndex.build(read_notes(place.source, format=format))
        return [index.note_at(note.id) for note in read_notes(place.source, format=format)]

    def extracted(place: Place) -> object:
        nlp = pipeline(vocabulary=WORDS)
        return len(list(nlp.stream(read_notes(place.source, format=format))))

    return Target(
        (f"{format}-",),
        (
            _all(lambda path: read_notes(path, format=format)),
            _all(lambda path: read_notes(path, format=format, encoding="latin-1")),
            _all(read_notes),  # by suffix and looks
            twice,
            copied,
            looked_up,
            extracted,
            lambda place: tell("inspect", place.source, "--format", format, "--skip-bad"),
            lambda place: tell("convert", place.source, place.out / "o.jsonl", "--format", format),
            lambda place: tell("convert", place.source, place.out / "o", "--format", format,
                               "--to", "brat", "--on-loss", "sidecar", "--repair"),
            lambda place: tell("diff", place.source, place.source, "--format", format,
                               "--n-boot", "2"),
        ),
        weight=3,
    )  # fmt: skip


def _resumed(place: Place) -> object:
    begun = place.out.parent / "begun"
    shutil.rmtree(begun, ignore_errors=True)
    if place.source.is_dir():
        shutil.copytree(place.source, begun)
    with PartWriter(begun, settings={"model": "m"}) as parts:
        return len(parts.done)


def _mined(*options: object) -> Way:
    return lambda place: tell("mine", place.source, "--out", place.out / "o", "--min-count", 1,
                              *options)  # fmt: skip


def _risk(place: Place) -> object:
    return tell("risk", place.source, "--events", place.source, "--out", place.out / "o")


def _extracted(*options: object) -> Way:
    def way(place: Place) -> object:
        notes = place.out.parent / "notes.jsonl"
        write_notes([NOTE.with_(entities=())], notes)
        return tell("extract", notes, place.out / "o", *options, place.source)

    return way


def _assertions(place: Place) -> object:
    return Assertions(tables=[place.source])(NOTE)


def _vocabulary(place: Place) -> object:
    return pipeline(vocabulary=place.source)(NOTE)


READERS: dict[str, Target] = {
    **{f"notes:{name}": _notes(name) for name in FORMATS},
    "sidecar": Target(("sidecar-",), (_all(read_notes),), weight=3),
    "index": Target(
        ("index",),
        (lambda place: NoteIndex.load(place.source / "i.parquet").note_at("a"),),
    ),
    "faers": Target(
        ("faers",),
        (
            lambda place: is_faers(place.source),
            lambda place: read_faers(place.source),
            lambda place: read_faers(place.source),
            _mined("--unit", "encounter"),
        ),
        weight=4,
    ),
    "mimic": Target(("mimic",), (lambda place: read_mimic3(place.source), _mined()), weight=3),
    "mimic-4": Target(
        ("mimic-4",), (lambda place: list(stream_record(place.source)), _mined()), weight=3
    ),
    "synthea": Target(("synthea",), (lambda place: read_synthea(place.source),), weight=3),
    "omop": Target(("omop-record",), (lambda place: read_omop(place.source),), weight=3),
    "fhir": Target(
        ("fhir-record", "fhir-lines", "fhir-xml"),
        (
            lambda place: read_fhir(place.source),
            lambda place: list(read_notes(place.source, format="fhir")),
        ),
        weight=3,
    ),
    "events": Target(
        ("events-",),
        (
            lambda place: read_events(place.source),
            lambda place: read_events(place.source, start="known"),
            lambda place: [list(chunk.rows()) for chunk in stream_events(place.source)],
            _mined("--unit", "patient"),
            _mined("--columns", "patient=patient", "code=code"),
        ),
        weight=4,
    ),
    "entities": Target(
        ("entities-",),
        (lambda place: read_entity_table(place.source), _mined("--unit", "note"), _resumed),
        weight=4,
    ),
    "patients": Target(("patients",), (lambda place: read_patients(place.source),), 2),
    "outcome": Target(
        ("outcome",),
        (
            lambda place: read_outcome_table(place.source),
            lambda place: read_index_table(place.source),
            _risk,
        ),
        weight=2,
    ),
    "wide": Target(
        ("wide",),
        (
            lambda place: read_wide(place.source, ["fever:cough"], unit="id"),
            _mined("--items", "fever:cough"),
        ),
        weight=2,
    ),
    "vocabulary": Target(
        ("vocabulary", "drugbank", "icd10cm", "concepts"),
        (
            lambda place: read_any_vocabulary(place.source),
            _vocabulary,
            _extracted("--vocabulary"),
        ),
        weight=4,
    ),
    "terminology": Target(
        ("terminology-",),
        (lambda place: read_any_vocabulary(place.source), _vocabulary),
        weight=3,
        private=False,
    ),
    "concepts": Target(("concepts",), (lambda place: read_omop_concepts(place.source),)),
    "cues": Target(("cues",), (_assertions,), weight=2, private=False),
    "headings": Target(("headings",), (lambda place: Sections(place.source)(NOTE),), private=False),
    "priors": Target(("priors",), (lambda place: read_priors(place.source),), private=False),
    "terms": Target(("terms",), (lambda place: read_terms(place.source),), private=False),
    "settings": Target(
        ("settings",),
        (
            lambda place: read_settings(MineSettings, place.source),
            _extracted(
                "--vocabulary", ROOT / "corpora/discharge-mini/vocabulary.csv", "--settings"
            ),
        ),
        weight=2,
        private=False,
    ),
}
