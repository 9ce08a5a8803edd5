"""Commands that take identifiers out of notes and tables: deidentify, deidentify audit."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinnlp.cli.interrupted import Kept
from clinnlp.cli.options import add_reading, add_settings, add_writing, reading_of, settings_of
from clinnlp.cli.terminal import say, warn
from clinnlp.core.errors import ArgumentError

if TYPE_CHECKING:
    from clinnlp.study.deidentify.summary import DeidentifySummary

__all__ = ["add_audit", "add_deidentify"]

_EPILOG = (
    "Beside OUT lies OUT.deid: report.html, and with --audit the notes to review. Mark what was "
    "left in them with the label LEAK, then: clinnlp deidentify audit REVIEWED OUT.deid. Exit code "
    "1: some notes could not be done; they are not in the output. Dates that are moved are not the "
    "Safe Harbor of HIPAA."
)
_MANY = 10


def add_deidentify(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp deidentify`."""
    from clinnlp.study.settings import DeidentifySettings
    from clinnlp.text.tables import languages

    parser.epilog = _EPILOG
    parser.add_argument("notes", help="notes to read: a file, or a folder of files")
    parser.add_argument("out", help="file or folder to write")
    parser.add_argument("--to", help="format to write (default: by suffix)")
    parser.add_argument(
        "--on-loss",
        choices=["error", "sidecar"],
        default="error",
        help="refuse what the format cannot hold, or write it to OUT.sidecar.jsonl "
        "(default: error)",
    )
    parser.add_argument(
        "--key", required=True, help="file of the secret key; keep it apart from the output"
    )
    parser.add_argument("--new-key", action="store_true", help="make the key, and that of a vault")
    parser.add_argument(
        "--language",
        default="en",
        help=f"of the notes, one of {', '.join(languages())} (default: en)",
    )
    parser.add_argument(
        "--labels",
        nargs="+",
        metavar="LABEL",
        help="what is looked for: safe_harbor (default), all, or labels",
    )
    parser.add_argument(
        "--model",
        help="model folder of a tagger of identifiers, beside the rules; default: the one in the "
        "box, which reads English",
    )
    parser.add_argument(
        "--known",
        help="table of what the record says: patient, name, birth_date, mrn, phone, ...; a patient "
        "may have several rows",
    )
    parser.add_argument(
        "--tables",
        nargs=2,
        action="append",
        default=[],
        metavar=("IN", "OUT"),
        help="a table, or a folder of OMOP, MIMIC or Synthea tables or of FHIR, to be given the "
        "same ids and days; FHIR becomes tables, or FHIR where OUT ends in .ndjson",
    )
    parser.add_argument(
        "--audit", type=int, default=0, metavar="N", help="draw notes for a review (default: 0)"
    )
    parser.add_argument("--vault", help="file for who stands behind a surrogate, encrypted")
    parser.add_argument("--vault-key", help="file of the key of the vault")
    add_writing(parser)
    add_reading(parser)
    add_settings(parser, DeidentifySettings)
    parser.set_defaults(command=_deidentify, kept=_kept)


def _deidentify(args: argparse.Namespace) -> int:
    from clinnlp.io.notes.corpora import read_notes
    from clinnlp.study.deidentify.whole import deidentify_files
    from clinnlp.study.settings import DeidentifySettings

    if (args.vault is None) != (args.vault_key is None):
        raise ArgumentError("vault and vault_key go together, got one of them")
    how = reading_of(args) | {"skip_bad": True}  # they are counted, and the exit code is 1
    done = deidentify_files(
        read_notes(args.notes, **how),
        args.out,
        key=args.key,
        new_key=args.new_key,
        settings=settings_of(args, DeidentifySettings),
        language=args.language,
        labels=_labels(args.labels),
        model=args.model,
        known=args.known,
        tables=[(Path(a), Path(b)) for a, b in args.tables],
        n_audit=args.audit,
        vault=args.vault,
        vault_key=args.vault_key,
        format=args.to,
        on_loss=args.on_loss,
    )
    for line in done.lines():
        say(line)
    _tell_failed(done.summary)
    return 1 if done.summary.n_failed else 0


def _labels(given: Sequence[str] | None) -> Any:
    if given is None:
        return "safe_harbor"
    return given[0] if list(given) in (["safe_harbor"], ["all"]) else tuple(given)


def _tell_failed(summary: "DeidentifySummary") -> None:
    """Say which notes are not in the output, by their place: an id may name somebody."""
    told = [f"  note {place:,} of the input: {why}" for place, why in summary.failed.items()]
    told += [f"  {where}: no note could be read" for where in summary.unreadable]
    if told:
        more = [f"  and {len(told) - _MANY:,} more"] if len(told) > _MANY else []
        warn(f"{len(told):,} notes are not in the output:", *told[:_MANY], *more)


def _kept(args: argparse.Namespace) -> Kept | None:
    from clinnlp.study.deidentify.flow import work_folder

    begun = any(work_folder(args.out).glob("found-*.jsonl"))
    return (
        Kept(f"the identifiers found so far are kept in {work_folder(args.out)}") if begun else None
    )


def add_audit(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp deidentify audit`."""
    parser.add_argument("reviewed", help="the notes that were drawn, leaks marked LEAK")
    parser.add_argument("folder", help="OUT.deid, which says how they were drawn")
    parser.add_argument(
        "--most-chars",
        type=int,
        default=100,
        help="characters that a note is taken to leak at most (default: 100)",
    )
    parser.add_argument(
        "--level", type=float, default=0.95, help="how often the bound holds (default: 0.95)"
    )
    add_reading(parser)
    parser.set_defaults(command=_audit)


def _audit(args: argparse.Namespace) -> int:
    from clinnlp.io.notes.corpora import read_notes
    from clinnlp.report.write import write_report
    from clinnlp.study.deidentify.audit import read_audit
    from clinnlp.study.deidentify.page import bound_report

    bound = read_audit(
        read_notes(args.reviewed, **reading_of(args)),
        args.folder,
        most_chars=args.most_chars,
        level=args.level,
    )
    say(f"{bound.n_reviewed:,} notes reviewed, {bound.n_leaking:,} with something left")
    say(str(bound))
    say(f"report: {write_report(bound_report(bound), Path(args.folder, 'bound.html'))}")
    return 0
