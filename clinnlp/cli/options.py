"""Options that several commands share: how notes are read, which pipeline, which settings."""

import argparse
import sys
import types
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from clinnlp.core.config import read_settings, settings_from, settings_to
from clinnlp.core.errors import ArgumentError
from clinnlp.core.places import STDOUT

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from clinnlp.core.pipeline import Pipeline

__all__ = [
    "add_pipeline",
    "add_reading",
    "add_settings",
    "add_writing",
    "columns_of",
    "folder_of",
    "output_of",
    "pipeline_of",
    "settings_of",
]

COLUMNS = {
    "text": "column with the text of the note (needed for CSV, TSV and Parquet)",
    "id": "column with the note id (default: file name and row number)",
    "patient": "column with the patient id",
    "encounter": "column with the encounter id",
    "time": "column with the time the note speaks of, ISO 8601",
    "known": "column with the time the note could first be read, ISO 8601",
    "label": "column with the class of the note",
}


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add how notes are read: the format, and the columns of a table."""
    from clinnlp.io.notes.formats import FORMATS

    parser.add_argument("--format", help=f"{', '.join(FORMATS)} (default: by suffix, or by a look)")
    table = parser.add_argument_group("tables of notes")
    for name, line in COLUMNS.items():
        table.add_argument(f"--{name}-column", metavar="NAME", help=line)


def columns_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return the named columns that were given."""
    named = {name: getattr(args, f"{name}_column") for name in COLUMNS}
    return {name: column for name, column in named.items() if column is not None}


def add_writing(parser: argparse.ArgumentParser) -> None:
    """Add who may read what is written."""
    parser.add_argument(
        "--group-readable",
        action="store_true",
        help="let your group read what is written, as far as the umask does (default: you alone)",
    )


def folder_of(text: str) -> str:
    """Return the folder that an argument names; ``-`` is none, for what is many files."""
    if text == "-":
        raise argparse.ArgumentTypeError("must be a folder, got - (standard output)")
    return text


def output_of(path: str) -> Path:
    """Return the file that an argument names; ``-`` is standard output.

    Raises
    ------
    ArgumentError
        Standard output is closed: its number may stand for any other file by now.
    """
    if path != "-":
        return Path(path)
    if sys.__stdout__ is None:
        raise ArgumentError("standard output must be open to write to -, got one that is closed")
    return STDOUT


def add_pipeline(parser: argparse.ArgumentParser) -> None:
    """Add the model folder, the word list and the language of the notes."""
    from clinnlp.text.tables import languages

    parser.add_argument("--model", help="model folder that `clinnlp fine-tune` wrote")
    parser.add_argument(
        "--vocabulary",
        help="word list (CSV, TSV, Parquet) with a column name, the file of DrugBank or "
        "ICD-10-CM, a folder of OMOP vocabularies, or a release of RxNorm, SNOMED CT, MeSH, UMLS, "
        "LOINC or ATC (folder, zip or file)",
    )
    parser.add_argument(
        "--candidates",
        type=int,
        default=0,
        metavar="N",
        help="concepts to name, with scores, for a mention that no step of linking is sure of, in "
        "its attribute candidates (default: 0)",
    )
    parser.add_argument(
        "--name-encoder",
        help="encoder whose vectors find candidates that are worded otherwise: minilm, a folder "
        "or a hub id (default: by letters alone)",
    )
    parser.add_argument(
        "--keep-names",
        nargs="+",
        default=[],
        metavar="NAME",
        help="names of a word list of more than 1,000 that count anywhere, and not only beside a "
        "dose, though they are short, common words, abbreviations, laboratory names or salts; all: "
        "all of them",
    )
    parser.add_argument(
        "--language",
        default="en",
        help=f"of the notes, one of {', '.join(languages())}: whose headings, cues, "
        "words of prescriptions, drug names (default: en)",
    )
    parser.add_argument(
        "--chronic",
        metavar="TSV",
        help="your conditions that last, columns name or code (default: the language's own)",
    )


def pipeline_of(args: argparse.Namespace) -> "Pipeline":
    """Return the pipeline of the model and the word list."""
    from clinnlp.study.pipeline import pipeline

    return pipeline(
        args.model,
        vocabulary=args.vocabulary,
        language=args.language,
        candidates=args.candidates,
        name_encoder=args.name_encoder,
        keep_names=args.keep_names,
        chronic=args.chronic,
    )


def add_settings(parser: argparse.ArgumentParser, kind: "type[DataclassInstance]") -> None:
    """Add one flag per field of a settings dataclass, and --settings for a TOML file."""
    hints = get_type_hints(kind)
    group = parser.add_argument_group("settings")
    group.add_argument("--settings", metavar="TOML", help="file with any of the settings below")
    for f in fields(kind):
        group.add_argument(
            f"--{f.name.replace('_', '-')}",
            default=argparse.SUPPRESS,
            help=f"{f.metadata.get('help', '')}{_default(f.default)}".replace("%", "%%"),
            **_flag(hints[f.name]),
        )


def _default(value: Any) -> str:
    if value is None:  # the help says what happens then
        return ""
    if isinstance(value, bool):
        value = "on" if value else "off"
    return f" (default: {' '.join(value) if isinstance(value, tuple) else value})"


def _flag(hint: Any) -> dict[str, Any]:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(kind for kind in get_args(hint) if kind is not type(None))
    if get_origin(hint) is Literal:
        return {"choices": list(get_args(hint))}
    if get_origin(hint) is tuple:
        return {"nargs": "+", "type": get_args(hint)[0], "metavar": "NAME"}
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    return {"type": hint, "metavar": {int: "N", float: "X"}.get(hint, "NAME")}


def settings_of(args: argparse.Namespace, kind: "type[Any]") -> Any:
    """Return the settings: flags over the TOML file over the defaults."""
    names = {f.name for f in fields(kind)}
    given = {k: v for k, v in vars(args).items() if k in names}
    base = settings_to(read_settings(kind, args.settings)) if args.settings else {}
    return settings_from(kind, {**base, **given})
