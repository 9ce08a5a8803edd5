"""Commands of the review, from `create` to `check`."""

import argparse
import secrets
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clinnlp.cli.options import (
    add_notes,
    add_settings,
    add_writing,
    choose_model,
    output_of,
    pipeline_of,
    reading_of,
    settings_of,
    tell_of_notes,
)
from clinnlp.cli.terminal import say, warn
from clinnlp.core.errors import ArgumentError, StoreError, instead_of
from clinnlp.core.places import is_stdout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clinnlp.core.vocab import Vocabulary
    from clinnlp.review.database import Database

__all__ = [
    "add_review_agreement",
    "add_review_check",
    "add_review_create",
    "add_review_export",
    "add_review_learn",
    "add_review_release",
    "add_review_serve",
    "add_review_user",
    "add_review_verdicts",
]

_STORE = (
    "the store: a file, or postgresql://user@host/database; - reads it from the first line of "
    "standard input, for a URL with a password"
)
_ROLES = ("annotator", "adjudicator", "owner")


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", help=_STORE)


def _add_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", help="of the store (default: the only one)")


def _opened(place: str) -> "Database":
    from clinnlp.review.database import open_database

    return open_database(sys.stdin.readline().strip() if place == "-" else place)


# --- create --------------------------------------------------------------------------------


def add_review_create(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp review create`."""
    from clinnlp.study.review_settings import ReviewProjectSettings

    _add_store(parser)
    parser.add_argument("notes", help="notes to judge: a file, or a folder of files")
    parser.add_argument("--project", default="review", help="its name (default: review)")
    parser.add_argument("--guideline", metavar="MD", help="Markdown that is shown beside each note")
    add_notes(parser)
    add_settings(parser, ReviewProjectSettings)
    parser.set_defaults(command=_create)


def _create(args: argparse.Namespace) -> int:
    from clinnlp.io.notes.corpora import read_notes
    from clinnlp.study.extract import fingerprint
    from clinnlp.study.review_project import create_project
    from clinnlp.study.review_settings import ReviewProjectSettings
    from clinnlp.study.training import load_tagger

    settings = settings_of(args, ReviewProjectSettings)
    notes = read_notes(args.notes, **reading_of(args))
    nlp = tagger = made_by = None
    if settings.suggest == "model":
        choose_model(args)
        made_by = fingerprint(args.model, args.vocabulary, args.language, chronic=args.chronic)
        if args.model is not None:
            tagger = args.model = load_tagger(args.model, int8=args.int8)
            args.int8 = False  # it is loaded
        nlp = pipeline_of(args)
    words, guideline = _vocabulary(args), _text_of(args.guideline)
    with _store_for(args.store) as database:
        project = create_project(
            database,
            args.project,
            notes,
            settings=settings,
            nlp=nlp,
            tagger=tagger,
            vocabulary=words,
            guideline=guideline,
            made_by=made_by,
        )
    tell_of_notes(notes)
    say(f"project {project.name!r} in {database.where}, labels {', '.join(project.rules.labels)}")
    say(f"add people with: clinnlp review user {args.store} NAME --role owner")
    return 0


@contextmanager
def _store_for(place: str) -> "Iterator[Database]":
    """Give the store of a place, or a new one, which goes again where the block fails."""
    from clinnlp.review.database import create_database, remove_database

    try:
        found = _opened(place)
    except StoreError:
        if Path(place).exists():
            raise
    else:
        yield found
        return
    made = create_database(place)
    try:
        yield made
    except BaseException:
        made.close()
        remove_database(place)
        raise


def _vocabulary(args: argparse.Namespace) -> "Vocabulary | None":
    from clinnlp.io.tables.vocabularies import read_vocabulary

    return None if args.vocabulary is None else read_vocabulary(args.vocabulary)


def _text_of(path: str | None) -> str:
    if path is None:
        return ""
    refusal = ArgumentError(f"a guideline must be a file of text in UTF-8, got {path}")
    with instead_of((OSError, UnicodeDecodeError), refusal):
        return Path(path).read_text(encoding="utf-8")


# --- user ----------------------------------------------------------------------------------


def add_review_user(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp review user`."""
    _add_store(parser)
    parser.add_argument("name", help="of the person")
    parser.add_argument(
        "--role",
        choices=_ROLES,
        default="annotator",
        help="annotators judge; adjudicators also decide where two differ and see agreement; "
        "owners also teach the model (default: annotator)",
    )
    parser.add_argument(
        "--no-text", action="store_true", help="the person sees numbers alone, and no text"
    )
    parser.add_argument(
        "--generate", action="store_true", help="make a password and print it (default: asked for)"
    )
    parser.add_argument(
        "--new-password", action="store_true", help="of a person who is there; ends all sessions"
    )
    parser.set_defaults(command=_user)


def _user(args: argparse.Namespace) -> int:
    from clinnlp.review.people import add_user, set_password

    database = _opened(args.store)
    password = secrets.token_urlsafe(12) if args.generate else _asked()
    with database.writing() as connection:
        if args.new_password:
            set_password(connection, args.name, password)
        else:
            add_user(connection, args.name, password, role=args.role, may_see_text=not args.no_text)
    say(f"{args.name}: {password}" if args.generate else f"{args.name} may log in")
    return 0


def _asked() -> str:
    """Return a password from the terminal, without showing it, or from standard input."""
    from getpass import getpass

    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass("Password: ")
    if password != getpass("Again: "):
        raise ArgumentError("a password must be typed twice alike, got two")
    return password


# --- serve ---------------------------------------------------------------------------------


def add_review_serve(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp review serve`."""
    from clinnlp.service.review_settings import ReviewSettings

    _add_store(parser)
    add_settings(parser, ReviewSettings)
    parser.set_defaults(command=_serve)


def _serve(args: argparse.Namespace) -> int:
    from clinnlp.service.review_calls import review_of
    from clinnlp.service.review_server import serve_review
    from clinnlp.service.review_settings import ReviewSettings

    settings = settings_of(args, ReviewSettings)
    serve_review(review_of(_opened(args.store), settings, say=warn))
    return 0


# --- learn ---------------------------------------------------------------------------------


def add_review_learn(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp review learn`."""
    _add_store(parser)
    _add_project(parser)
    parser.add_argument("--run", type=int, help="go on with one that was stopped (default: a new)")
    parser.add_argument(
        "--encoder", default="minilm", help="minilm, a folder, or a hub id (default: minilm)"
    )
    parser.add_argument(
        "--epochs", type=int, help="passes over the notes (default: as their number asks for)"
    )
    parser.set_defaults(command=_learn)


def _learn(args: argparse.Namespace) -> int:
    from clinnlp.review.projects import project_named
    from clinnlp.review.runs import add_run
    from clinnlp.study.review_learn import check_learnable, learn

    database, run = _opened(args.store), args.run
    if run is None:
        with database.reading() as connection:
            project = project_named(connection, args.project)
        check_learnable(database, project)
        with database.writing() as connection:
            run = add_run(connection, project).id
    overrides = {} if args.epochs is None else {"epochs": args.epochs}
    found = learn(database, run, encoder=args.encoder, overrides=overrides, say=say).result
    for name in ("old", "new", "difference"):
        say(f"{name}: F1 {found[name]['value']:.3f} [{found[name]['low']:.3f}, "
            f"{found[name]['high']:.3f}]")  # fmt: skip
    say(f"p {found['p']:.3g}, {found['n_held_out']} notes held out; an owner may use run {run}")
    return 0


# --- release -------------------------------------------------------------------------------


def add_review_release(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp review release`."""
    _add_store(parser)
    parser.add_argument("name", help="of the person, who keeps what is judged")
    _add_project(parser)
    parser.set_defaults(command=_release)


def _release(args: argparse.Namespace) -> int:
    from clinnlp.review.projects import project_named
    from clinnlp.review.releasing import release

    with _opened(args.store).writing() as connection:
        n = release(connection, project_named(connection, args.project), args.name)
    say(f"{n} notes of {args.name} given back")
    return 0


# --- export, verdicts, agreement, check ----------------------------------------------------


def add_review_export(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp review export`."""
    _add_store(parser)
    parser.add_argument("out", help="file or folder to write, - for standard output")
    _add_project(parser)
    parser.add_argument("--to", help="format to write (default: by suffix; jsonl into a pipe)")
    parser.add_argument(
        "--person", metavar="NAME", help="what one person judged, instead of what was decided"
    )
    parser.add_argument(
        "--on-loss",
        choices=["error", "sidecar"],
        default="error",
        help="refuse what the format cannot hold, or write it to OUT.sidecar.jsonl, from which "
        "it comes back (default: error)",
    )
    add_writing(parser)
    parser.set_defaults(command=_export)


def _export(args: argparse.Namespace) -> int:
    from clinnlp.io.notes.corpora import write_notes
    from clinnlp.review.corpus import judged_notes
    from clinnlp.review.projects import project_named

    database, out = _opened(args.store), output_of(args.out)
    with database.reading() as connection:
        project = project_named(connection, args.project)
    found = judged_notes(database, project, who=args.person)
    n = write_notes(found.notes, out, format=args.to, on_loss=args.on_loss)
    for reason, n_left in found.n_excluded.items():
        warn(f"{n_left} left out: {reason}")
    say(f"{n} notes: {args.out}", aside=is_stdout(out))
    return 0


def add_review_verdicts(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp review verdicts`."""
    _add_store(parser)
    parser.add_argument("out", help="CSV to write, for clinnlp mine --verdicts")
    _add_project(parser)
    add_writing(parser)
    parser.set_defaults(command=_verdicts)


def _verdicts(args: argparse.Namespace) -> int:
    from clinnlp.review.projects import project_named
    from clinnlp.review.verdicts import verdicts_of
    from clinnlp.study.review_rules import write_verdicts

    database = _opened(args.store)
    with database.reading() as connection:
        found = list(verdicts_of(connection, project_named(connection, args.project)).values())
    write_verdicts(found, args.out)
    say(f"{len(found)} verdicts: {args.out}")
    return 0


def add_review_agreement(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp review agreement`."""
    _add_store(parser)
    _add_project(parser)
    parser.add_argument(
        "--n-boot",
        type=int,
        default=1000,
        help="bootstrap draws of notes for the intervals, 0: no intervals (default: 1000)",
    )
    parser.set_defaults(command=_agreement)


def _agreement(args: argparse.Namespace) -> int:
    from clinnlp.review.agreement import agreement
    from clinnlp.review.projects import project_named

    database = _opened(args.store)
    with database.reading() as connection:
        project = project_named(connection, args.project)
    for line in agreement(database, project, n_boot=args.n_boot).lines():
        say(line)
    return 0


def add_review_check(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp review check`."""
    _add_store(parser)
    parser.add_argument(
        "--head", help="what an earlier check told, which must still be in the chain"
    )
    parser.set_defaults(command=_check)


def _check(args: argparse.Namespace) -> int:
    from clinnlp.review.chain import audit

    found = audit(_opened(args.store), head=args.head)
    for fault in found.faults:
        say(f"judgement {fault.seq}: {fault.what}" if fault.seq else fault.what)
    if found.faults:
        raise StoreError(f"a store must be whole, got one with {len(found.faults)} faults")
    say(f"{found.n_judgements} judgements, all as they were made; head {found.head}")
    return 0
