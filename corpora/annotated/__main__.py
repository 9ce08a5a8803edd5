"""Draw, show, check and store annotated notes.

python -m corpora.annotated draw                       the sample (fixed: makes the same again)
python -m corpora.annotated show NOTE ...              the text of notes, by key or place
python -m corpora.annotated check FORM.tsv ...         forms, line by line
python -m corpora.annotated marked FORM.tsv ...        notes with the mentions of forms marked
python -m corpora.annotated store TARGET.jsonl FOLDER ...   forms of folders, a later one first
"""

import argparse
import os
import sys
from pathlib import Path

from clinnlp.core.errors import ClinnlpError
from clinnlp.core.files import atomic_write
from corpora.annotated.agreement import list_differences
from corpora.annotated.card import annotated_card
from corpora.annotated.form import Mention, parse_form
from corpora.annotated.sample import write_sample
from corpora.annotated.stored import FOLDER, READINGS, collate, read_annotated, read_sample
from corpora.annotated.texts import read_texts

DATA = Path(os.environ.get("CLINNLP_DATA", Path(__file__).parents[3] / "shared" / "data"))
AROUND = 50  # characters shown on each side of a difference


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands; return 0, or 2 where a form is wrong."""
    parser = argparse.ArgumentParser(
        prog="corpora.annotated",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=COMMANDS)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args(arguments)
    return COMMANDS[args.what](args.names)


def _draw(names: list[str]) -> int:
    del names
    write_sample(FOLDER, DATA)
    return 0


def _show(names: list[str]) -> int:
    keys = {row["place"]: row["note"] for row in read_sample()}
    texts = read_texts(DATA)
    for name in names:
        key = keys.get(name, name)
        sys.stdout.write(f"==== {name} {key}\n{texts[key].text}\n")
    return 0


def _check(names: list[str], *, marked: bool = False) -> int:
    texts, failed = read_texts(DATA), False
    for path in map(Path, names):
        text = texts[path.stem].text
        mentions, errors = _parsed(path, text)
        failed |= bool(errors)
        sys.stdout.writelines(f"{error}\n" for error in errors)
        sys.stdout.write(f"{path.name}: {len(mentions)} mentions\n")
        if marked:
            sys.stdout.write(_with_marks(text, mentions) + "\n")
    return 2 if failed else 0


def _parsed(path: Path, text: str) -> tuple[list[Mention], list[ClinnlpError]]:
    """Return the mentions of the lines that are right, and what is wrong with the others."""
    lines = path.read_text(encoding="utf-8").split("\n")
    errors: list[ClinnlpError] = []
    for number, line in enumerate(lines):
        try:
            parse_form([*[""] * number, line], text, path=path)
        except ClinnlpError as error:
            errors.append(error)
            lines[number] = ""
    try:
        return parse_form(lines, text, path=path), errors
    except ClinnlpError as error:  # mentions that overlap
        return [], [*errors, error]


def _with_marks(text: str, mentions: list[Mention]) -> str:
    for m in reversed(mentions):
        words = f"[{text[m.start : m.end]}|{m.label[:4]}{m.axes and ' ' + m.axes}]"
        text = text[: m.start] + words + text[m.end :]
    return text


def _marked(names: list[str]) -> int:
    return _check(names, marked=True)


def _store(names: list[str]) -> int:
    reading, *folders = names
    target = FOLDER / f"{READINGS[reading]}.jsonl"
    counts = collate(map(Path, folders), target, DATA)
    sys.stdout.write(f"{len(counts)} notes, {sum(counts.values())} mentions\n")
    return 0


def _differ(names: list[str]) -> int:
    first, second = (read_annotated(DATA, reading=reading) for reading in "ab")
    texts = {note.id: note.text for note in first}
    for d in list_differences(first, second):
        if not names or d.note in names:
            text = texts[d.note]
            before, behind = text[max(0, d.start - AROUND) : d.start], text[d.end : d.end + AROUND]
            what = {"first": "a", "second": "b"}.get(d.only) or ", ".join(d.axes)
            words = f"{before}[{text[d.start : d.end]}]{behind}"
            sys.stdout.write(f"{d.note}\t{d.start}\t{what}\t{d.label}\t{words}\n")
    return 0


def _card(names: list[str]) -> int:
    del names
    text = annotated_card(DATA)
    with atomic_write(FOLDER / "CARD.md") as handle:
        handle.write(text)
    return 0


COMMANDS = {
    "draw": _draw,
    "show": _show,
    "check": _check,
    "marked": _marked,
    "store": _store,
    "differ": _differ,
    "card": _card,
}


if __name__ == "__main__":
    sys.exit(main())
