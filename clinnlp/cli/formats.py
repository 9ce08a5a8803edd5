"""Commands on files of notes: convert, inspect, diff."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinnlp.cli.options import (
    add_reading,
    add_writing,
    dialect_of,
    output_of,
    reading_of,
    tell_of_notes,
)
from clinnlp.cli.terminal import say, warn
from clinnlp.core.errors import ArgumentError
from clinnlp.core.places import is_stdout, is_stream, leads_to

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator

    from clinnlp.core.notes import Entity, Note
    from clinnlp.io.notes.corpora import Notes
    from clinnlp.study.comparison import Difference
    from clinnlp.study.inspection import Inspection

__all__ = ["add_convert", "add_diff", "add_inspect"]

_DROPPED: dict[str, Any] = {
    "entities": (),
    "relations": (),
    "labels": (),
    **dict.fromkeys(("patient", "encounter", "time", "known", "kind")),
    **dict.fromkeys(("tokens", "sections", "sentences", "coverage")),
}


def _source(args: argparse.Namespace, path: str) -> "Notes":
    from clinnlp.io.notes.corpora import read_notes

    return read_notes(path, **reading_of(args))


def add_convert(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp convert`."""
    parser.add_argument("source", help="notes to read: a file, or a folder of files")
    parser.add_argument("out", help="file or folder to write, - for standard output")
    parser.add_argument("--to", help="format to write (default: by suffix; jsonl into a pipe)")
    parser.add_argument(
        "--on-loss",
        choices=["error", "sidecar"],
        default="error",
        help="refuse what the format cannot hold, or write it to OUT.sidecar.jsonl, from which "
        "it comes back (default: error)",
    )
    parser.add_argument(
        "--drop",
        nargs="+",
        choices=sorted(_DROPPED),
        default=[],
        metavar="FIELD",
        help=f"leave these out: {', '.join(_DROPPED)}",
    )
    add_writing(parser)
    add_reading(parser)
    parser.set_defaults(command=_convert)


def _convert(args: argparse.Namespace) -> int:
    from clinnlp.io.notes.corpora import write_notes
    from clinnlp.io.notes.fhir_write import write_fhir
    from clinnlp.io.notes.formats import check_format, writer_of

    check_format(args.to)
    source, out = _source(args, args.source), output_of(args.out)
    _check_other(source, out)
    empty = {field: _DROPPED[field] for field in args.drop}
    if "entities" in empty:
        empty["relations"] = ()
    notes: Iterable[Note] = (note.with_(**empty) for note in source) if empty else source
    name = writer_of(Path(out), args.to)[0]
    if name == "fhir":
        summary = write_fhir(notes, out)
        n, more = summary.n_notes, f" ({summary})"
    else:
        n, more = write_notes(notes, out, format=args.to, on_loss=args.on_loss), ""
    tell_of_notes(source)
    if name == "omop":
        warn("tables of OMOP are for a database, not for a spreadsheet, which may run their text")
    say(f"{n} notes: {args.out}{more}", aside=is_stdout(out))
    return 0


def _check_other(notes: "Notes", out: "Path") -> None:
    """Refuse an input that would grow while it is read; a file may be converted in its place."""
    if is_stream(out) and any(leads_to(out, path) for path, _ in notes.files):
        raise ArgumentError("the output must be another file than the notes, got the same")


# --- inspect -------------------------------------------------------------------------------


def add_inspect(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp inspect`."""
    parser.add_argument(
        "source", help="notes to read: a file, or a folder of files; or of MIMIC or OMOP tables"
    )
    parser.add_argument(
        "--show-text", action="store_true", help="show a page of mentions with their text"
    )
    parser.add_argument(
        "--examples", type=int, default=20, help="mentions on the page (default: 20)"
    )
    add_reading(parser)
    parser.set_defaults(command=_inspect)


def _inspect(args: argparse.Namespace) -> int:
    from clinnlp.io.files.dialect import check_unsaid
    from clinnlp.io.notes.formats import format_of_folder
    from clinnlp.io.record.folders import record_source
    from clinnlp.study.inspection import inspect_notes
    from clinnlp.study.record_inspection import inspect_record

    folder = Path(args.source)
    if args.format is None and folder.is_dir() and record_source(folder) is not None:
        has_notes = format_of_folder(folder) is not None
        skip = ["skip_bad"] if args.skip_bad and not has_notes else []
        check_unsaid([*dialect_of(args).said, *skip], "a record of tables")
        for line in inspect_record(folder).lines():
            say(line)
        if not has_notes:
            return 0
    source = _source(args, args.source)
    found = inspect_notes(source, n_examples=args.examples if args.show_text else 0)
    for line in _lines(found):
        say(line)
    tell_of_notes(source)
    return 0


def _lines(found: "Inspection") -> "Iterator[str]":
    from clinnlp.study.inspection import PROBLEMS

    yield f"{found.n_notes} notes, {found.n_chars:,} characters, {found.n_patients} patients"
    yield (
        f"{found.n_entities} mentions: {found.n_discontinuous} discontinuous, "
        f"{found.n_nested} inside another, {found.n_with_concept} with a concept, "
        f"{found.n_asserted} asserted"
    )
    if found.n_entities:
        shares = ", ".join(f"{found.length_at(share)} at {share:.0%}" for share in (0.5, 0.95, 1))
        yield f"  characters of a mention: {shares}"
    for label, n in found.labels.most_common():
        yield f"  {label or '(no label)'}: {n}, {len(found.forms[label])} different"
    for title, counts in (("relations", found.relations), ("labels of notes", found.note_labels)):
        yield from _counts(title, counts)
    yield "problems found:" if found.problems else "no problems found"
    yield from (f"  {n} {PROBLEMS[name]}" for name, n in found.problems.most_common())
    for example in found.examples:
        around = (" ".join(part.split()) for part in example[2:])
        before, mention, after = around
        yield f"{example.note}  {example.label}: {before} [{mention}] {after}"


def _counts(title: str, counts: "Counter[str]") -> "Iterator[str]":
    if counts:
        yield f"{counts.total()} {title}"
    yield from (f"  {label or '(no label)'}: {n}" for label, n in counts.most_common())


# --- diff ----------------------------------------------------------------------------------


def add_diff(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp diff`."""
    parser.add_argument("first", help="annotated notes (A)")
    parser.add_argument("second", help="the same notes, annotated otherwise (B)")
    parser.add_argument("--show-text", action="store_true", help="show the mentions' text")
    parser.add_argument("--summary", action="store_true", help="counts and agreement only")
    parser.add_argument(
        "--n-boot",
        type=int,
        default=1000,
        help="bootstrap draws of notes for the intervals, 0: no intervals (default: 1000)",
    )
    add_reading(parser)
    parser.set_defaults(command=_diff)


def _diff(args: argparse.Namespace) -> int:
    from clinnlp.metrics.agreement import kappa_told
    from clinnlp.study.comparison import compare_notes

    first, second = _source(args, args.first), _source(args, args.second)
    texts = {note.id: note for note in first} if args.show_text else {}
    found = compare_notes(first, second, n_boot=args.n_boot)
    for difference in () if args.summary else found.differences:
        say(*_cells(difference, texts.get(difference.note)))
    for source in (first, second):
        tell_of_notes(source)
    said = ", ".join(f"{n} {kind}" for kind, n in found.counts.items()) or "no difference"
    both, only_first, only_second = found.relations
    say(f"{found.n_notes} notes: {found.n_same} mentions the same, {said}")
    say(f"relations: {both} the same, {only_first} only in A, {only_second} only in B")
    say(f"agreement: F1 {found.strict.f1} strict, {found.relaxed.f1} relaxed")
    say(f"Cohen's kappa over tokens: {kappa_told(found.kappa)}")
    return 0


def _cells(difference: "Difference", note: "Note | None") -> tuple[str, ...]:
    sides = (_side(entity, note) for entity in (difference.first, difference.second))
    fields = f" ({', '.join(difference.fields)})" if difference.fields else ""
    return (difference.note, f"{difference.kind}{fields}", *sides)


def _side(entity: "Entity | None", note: "Note | None") -> str:
    if entity is None:
        return "-"
    where = ";".join(f"{piece.start}-{piece.end}" for piece in entity.pieces)
    text = "" if note is None else f" {' '.join(note.mention(entity).split())!r}"
    return f"{entity.label} {where}{text}"
