"""Options that several commands share: how notes and tables are read, which pipeline, settings.

What reads notes takes all flags of `add_reading`, what reads tables alone those of `add_tables`;
they have the same names and meanings everywhere.
"""

import argparse
import sys
import types
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from clinnlp.cli.terminal import warn
from clinnlp.core.config import mapping_of, read_settings, settings_from, settings_to
from clinnlp.core.errors import ArgumentError
from clinnlp.core.places import STDOUT
from clinnlp.io.files.lines import UTF_8
from clinnlp.io.files.packing import plain_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import DataclassInstance

    from clinnlp.bert.learned import Learned
    from clinnlp.core.errors import DataError
    from clinnlp.core.pipeline import Pipeline
    from clinnlp.io.files.dialect import Dialect
    from clinnlp.io.notes.corpora import Notes

__all__ = [
    "add_level",
    "add_notes",
    "add_pipeline",
    "add_reading",
    "add_settings",
    "add_tables",
    "add_writing",
    "choose_model",
    "dialect_of",
    "folder_of",
    "output_of",
    "pipeline_of",
    "reading_of",
    "settings_of",
    "tell_left_out",
    "tell_of_notes",
    "tell_of_tables",
]

_TEXT_TABLES = (".csv", ".tsv")
_MANY = 20  # errors that are listed

COLUMNS = {
    "text": "column or key with the text of the note (default: text)",
    "id": "column with the note id (default: id, note_id, doc_id or the like, else file name and "
    "row number)",
    "patient": "column with the patient id (default: patient, patient_id, mrn or the like)",
    "encounter": "column with the encounter id (default: encounter, hadm_id or the like)",
    "time": "column with the time the note speaks of",
    "known": "column with the time the note could first be read",
    "kind": "column with the kind of the note",
    "label": "column with the class of the note",
}


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add how notes are read: the format, columns and text of a table, what may be wrong."""
    from clinnlp.io.notes.formats import FORMATS

    parser.add_argument("--format", help=f"{', '.join(FORMATS)} (default: by suffix, or by a look)")
    parser.add_argument(
        "--layers",
        nargs="+",
        metavar="LAYER=FEATURE",
        help="of a CAS of UIMA (xmi, cas-json, webanno-tsv): which layers are mentions, and which "
        "feature of each is the label (default: every layer but those of grammar)",
    )
    table = parser.add_argument_group("tables of notes, and JSON Lines with other keys")
    for name, line in COLUMNS.items():
        table.add_argument(f"--{name}-column", metavar="NAME", help=line)
    add_tables(parser)
    group = parser.add_argument_group("notes that are not as they should be")
    group.add_argument(
        "--repair",
        action="store_true",
        help="move mentions whose offsets count bytes, UTF-16 or are off by one, and count them",
    )
    group.add_argument(
        "--number-repeated", action="store_true", help="call the second note of an id ID#2"
    )


def add_tables(parser: argparse.ArgumentParser) -> None:
    """Add how text and tables are written, and whether what is wrong is left out."""
    group = parser.add_argument_group("how text and tables are written")
    group.add_argument(
        "--encoding",
        metavar="NAME",
        help="of text without a mark of UTF-8 or UTF-16 at its head (default: UTF-8; tables that "
        "are none are Windows-1252 where that gives words of western Europe, which is told)",
    )
    group.add_argument(
        "--sep", metavar="MARK", help="between the cells of a row, or tab (default: by a look)"
    )
    group.add_argument(
        "--decimal",
        choices=[",", "."],
        help="before decimals; the other then stands between thousands (default: by each number)",
    )
    group.add_argument(
        "--time-format",
        action="append",
        metavar="FORM",
        help="of times beside ISO 8601, in the words of strptime, such as '%%m/%%d/%%Y %%I:%%M "
        "%%p', or excel for numbers of days; may be given several times (default: ISO 8601, "
        "31.12.2024, 2024/12/31 and 31DEC2024)",
    )
    group.add_argument(
        "--day-first",
        action=argparse.BooleanOptionalAction,
        help="whether 03/04/2024 is the third of April (default: such times are refused)",
    )
    group.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave out notes and rows that are wrong, and list them",
    )


def dialect_of(args: argparse.Namespace) -> "Dialect":
    """Return how tables are written, as far as it was said."""
    from clinnlp.io.files.dialect import Dialect

    return Dialect(
        sep=args.sep,
        encoding=args.encoding,
        decimal=args.decimal,
        time_format=tuple(args.time_format or ()),
        day_first=args.day_first,
    )


def reading_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of `read_notes` that were given."""
    named = {name: getattr(args, f"{name}_column") for name in COLUMNS}
    return {
        "format": args.format,
        "dialect": dialect_of(args),
        "skip_bad": args.skip_bad,
        "repair": args.repair,
        "number_repeated": args.number_repeated,
        "layers": mapping_of(args.layers, "--layers"),
        **{name: column for name, column in named.items() if column is not None},
    }


def tell_of_notes(notes: "Notes") -> None:
    """Say on stderr what was repaired, what left out, and of which encoding a table was found."""
    for reason, n in notes.n_excluded.items():
        warn(f"{n} left out: {reason}")
    for rule, n in notes.repairs.items():
        warn(f"{n} repaired: {rule}")
    tell_left_out(notes.skipped, "documents")
    _tell_of_columns(notes)
    tell_of_tables([path for path, _ in notes.files], notes.dialect)


def _tell_of_columns(notes: "Notes") -> None:
    """Say on stderr once which columns of tables were taken by their usual names."""
    from clinnlp.io.notes.tables import usual_columns
    from clinnlp.io.tables.rows import FORMS, column_names

    told: set[str] = set()
    for path, form in notes.files:
        if form in FORMS and path.is_file():
            names = column_names(path, form=form, dialect=notes.dialect)
            taken = usual_columns(notes.columns, names)
            line = ", ".join(f"{field} from column {name!r}" for field, name in taken.items())
            if line and line not in told:
                told.add(line)
                warn(f"{path}: {line}; --{next(iter(taken))}-column names another")


def tell_left_out(errors: "Sequence[DataError]", what: str) -> None:
    """Say on stderr what was left out because it was wrong."""
    if errors:
        more = len(errors) - _MANY
        listed = [f"  {error}" for error in errors[:_MANY]]
        listed += [f"  and {more} more"] if more > 0 else []
        warn(f"{len(errors)} {what} left out:", *listed)


def tell_of_tables(paths: "Sequence[str | Path | None]", dialect: "Dialect") -> None:
    """Say on stderr which tables were found to be in Windows-1252."""
    for path in [] if dialect.encoding else paths:
        _tell_of_encoding(path, "--encoding names another")


def _tell_of_encoding(path: str | Path | None, otherwise: str) -> None:
    from clinnlp.io.tables.looks import encoding_of

    if path and Path(path).is_file() and plain_name(path).endswith(_TEXT_TABLES):
        if encoding_of(path) != UTF_8:
            warn(f"{path}: read as Windows-1252, found by a look; {otherwise}")


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


def add_notes(parser: argparse.ArgumentParser) -> None:
    """Add who may read what is written, what reads notes for it, and how they are read."""
    add_writing(parser)
    add_pipeline(parser)
    add_reading(parser)


def add_level(parser: argparse.ArgumentParser, of: str, *, default: float) -> None:
    """Add the level at which something is called, told in words."""
    parser.add_argument(
        "--alpha", type=float, default=default, metavar="X", help=f"{of} (default: {default})"
    )


def add_pipeline(parser: argparse.ArgumentParser) -> None:
    """Add the model folder, the word list and the language of the notes."""
    from clinnlp.text.tables import languages

    _add_model(parser)
    _add_words(parser)
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


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        help="model folder that `clinnlp fine-tune` wrote; default: the model in the box, also "
        "taken where there is no --vocabulary; none: no model",
    )
    parser.add_argument(
        "--labels",
        "--label",  # else it could be --label-column
        nargs="+",
        metavar="LABEL",
        help="of which the model gives mentions (default: all that it has on)",
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help="let the model read in 8-bit integers on this processor: about twice as fast, and a "
        "little less exact",
    )


def _add_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--vocabulary",
        help="word list: .txt with one name a line; CSV, TSV, Parquet with a column name; the "
        "file of DrugBank or ICD-10-CM, a folder of OMOP vocabularies, or a release of RxNorm, "
        "SNOMED CT, MeSH, UMLS, LOINC or ATC (folder, zip or file)",
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
        "--vocabulary-columns",
        nargs="+",
        metavar="NAME=COLUMN",
        help="which column of the word list is name, code, system, synonyms, label; rows of one "
        "code are synonyms of one concept",
    )


def choose_model(args: argparse.Namespace) -> None:
    """Put the folder of the model that is meant in place of its name, None for no model."""
    from clinnlp.study.box import chosen_model

    args.model = chosen_model(args.model, args.vocabulary, language=args.language)


def pipeline_of(args: argparse.Namespace) -> "Pipeline":
    """Return the pipeline of the model that `choose_model` chose and the word list."""
    from clinnlp.study.box import NONE
    from clinnlp.study.pipeline import pipeline

    _checked_int8(args)
    words: Any = args.vocabulary
    columns: dict[str, Any] = mapping_of(args.vocabulary_columns, "--vocabulary-columns")
    if columns and words is not None:
        from clinnlp.io.tables.vocabularies import read_vocabulary
        from clinnlp.io.tables.word_lists import check_fields

        check_fields(columns)
        words = read_vocabulary(words, label_column=columns.pop("label", None), **columns)
    nlp = pipeline(
        NONE if args.model is None else _in_integers(args.model) if args.int8 else args.model,
        vocabulary=words,
        language=args.language,
        candidates=args.candidates,
        name_encoder=args.name_encoder,
        keep_names=args.keep_names,
        chronic=args.chronic,
        labels=args.labels,
        relations=getattr(args, "relations", None),
    )
    _tell_of_encoding(args.vocabulary, "save it as UTF-8 if it is another")
    return nlp


def _checked_int8(args: argparse.Namespace) -> None:
    if args.int8 and args.model is None:
        raise ArgumentError("--int8 is of a model, and there is none")


def _in_integers(folder: str | Path) -> "Learned":
    from clinnlp.bert.store import load

    return load(folder, int8=True)


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
    return f" (default: {' '.join(map(str, value)) if isinstance(value, tuple) else value})"


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
