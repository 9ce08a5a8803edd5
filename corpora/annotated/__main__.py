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
from corpora.annotated.form import parse_form
from corpora.annotated.sample import write_sample
from corpora.annotated.stored import FOLDER, collate, read_sample
from corpora.annotated.texts import read_texts

DATA = Path(os.environ.get("CLINNLP_DATA", Path(__file__).parents[3] / "shared" / "data"))


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
        lines, kept = path.read_text(encoding="utf-8").split("\n"), []
        for number, line in enumerate(lines, start=1):
            try:
                parse_form([*[""] * (number - 1), line], text, path=path)
                kept.append(line)
            except ClinnlpError as error:
                sys.stdout.write(f"{error}\n")
                failed = True
                kept.append("")
        try:
            mentions = parse_form(kept, text, path=path)
        except ClinnlpError as error:
            sys.stdout.write(f"{error}\n")
            failed = True
            continue
        if marked:
            for m in reversed(mentions):
                words = f"[{text[m.start : m.end]}|{m.label[:4]}{m.axes and ' ' + m.axes}]"
                text = text[: m.start] + words + text[m.end :]
        sys.stdout.write(f"{path.name}: {len(mentions)} mentions\n" + (text + "\n") * marked)
    return 2 if failed else 0


def _marked(names: list[str]) -> int:
    return _check(names, marked=True)


def _store(names: list[str]) -> int:
    target, *folders = map(Path, names)
    counts = collate(folders, target, DATA)
    sys.stdout.write(f"{len(counts)} notes, {sum(counts.values())} mentions\n")
    return 0


COMMANDS = {"draw": _draw, "show": _show, "check": _check, "marked": _marked, "store": _store}


if __name__ == "__main__":
    sys.exit(main())
