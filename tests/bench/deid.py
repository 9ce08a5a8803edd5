"""What the finder of identifiers finds and what it takes too much: scripts/bench deid.

Corpora, each in two halves by a hash: *build*, which the rules were made with, and *aside*, which
was not looked at (`corpora.generate.halves`; of a template where texts are made from some, else of
the text):

- ``asq_phi``: clinical queries; values are found in the text, and stand for a mention each time;
  titles and words in small letters inside a value ("clinic in") are no part of it
- ``presidio_synth``: sentences made from templates; titles and adjectives of nations are no
  identifiers here
- ``meddocan``: Spanish notes; train is *build*, dev *aside*
- ``planted``: MTSamples with identifiers of all kinds planted (`corpora.generate.identifiers`)

With `--peers PYTHON`, the recognisers by patterns of Presidio alone, no language model, likewise,
and with `--philter PYTHON` Philter's published filters, without its part-of-speech tagger:

    python3.11 -m venv out/presidio && out/presidio/bin/pip install presidio-analyzer
    python3.11 -m venv out/philter && out/philter/bin/pip install philter-lite
"""

import argparse
import json
import subprocess
import tarfile
import time
from pathlib import Path

from clinnlp.core.notes import Note
from clinnlp.core.spans import Span
from clinnlp.metrics.deidentification import score_deidentification
from clinnlp.metrics.spans import score_spans
from clinnlp.text.identifiers import Identifiers, identifier_labels
from corpora.release.identifiers import LOOKED_FOR, asq_phi, noted, presidio_synth
from tests.bench import DATA, ROOT, record

LABELS = {**LOOKED_FOR, "meddocan": "all"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", nargs="+", default=list(READERS), choices=list(READERS))
    parser.add_argument("--halves", nargs="+", default=["build", "aside"])
    parser.add_argument("--peers", default="out/presidio/bin/python", help="their Python")
    parser.add_argument("--philter", default="out/philter/bin/python", help="its Python")
    parser.add_argument("--unknown", action="store_true", help="words of no list are names too")
    parser.add_argument("--misses", type=int, default=0, help="show so many, of build alone")
    args = parser.parse_args()
    for corpus in args.corpora:
        halves = READERS[corpus]()
        for half in args.halves:
            gold = halves[half]
            language = "es" if corpus == "meddocan" else "en"
            pipe = Identifiers(language=language, labels=LABELS[corpus], unknown=args.unknown)
            start = time.process_time()
            found = [pipe(note.with_(entities=())) for note in gold]
            spent = time.process_time() - start
            n_words = sum(len(note.text.split()) for note in gold)
            how = ", unknown words too" if args.unknown else ""
            report(f"deid, {corpus}, {half}{how}", gold, found, words_per_s=round(n_words / spent))
            if corpus == "meddocan":
                strict = score_spans(as_meddocan(gold), as_meddocan(found))
                of = {label: round(prf.f1, 3) for label, prf in strict.per_label.items()}
                record(f"deid, {corpus}, {half}, strict", f1=str(strict.f1), per_label=of)
            if args.misses and half == "build":
                show(gold, found, args.misses)
            for name, python in (("peers", args.peers), ("philter", args.philter)):
                if language == "en" and Path(python).exists():
                    told = "presidio" if name == "peers" else name
                    report(f"deid, {corpus}, {half}, {told}", gold, peer(name, python, gold))


def report(name: str, gold, found, **more) -> None:
    scores = score_deidentification(gold, found)
    record(
        name, notes=scores.n_notes, identifiers=scores.n_identifiers, **more,
        **{key: str(getattr(scores, key)) for key in (
            "covered", "touched", "character_recall", "clean_notes", "leaks_per_note",
            "over_redaction", "touched_without")},
        by_label={row["label"]: f"{row['n_covered']}/{row['n']}" for row in scores.rows()},
    )  # fmt: skip


def show(gold, found, n: int) -> None:
    """Print identifiers that were not covered, and what was found beside them."""
    import random

    missed, beside = [], []
    for ours, theirs in zip(gold, found, strict=True):
        spans = [e.span for e in theirs.entities]
        for e in ours.entities:
            chars = {k for k in range(*e.span) if ours.text[k].isalnum()}
            left = chars - {k for s in spans for k in range(*s)}
            if left:
                around = ours.text[max(0, e.span.start - 50) : e.span.end + 30]
                missed.append((e.label, ours[e.span], around.replace("\n", "|")))
        held = {k for e in ours.entities for k in range(*e.span)}
        for e in theirs.entities:
            if not held & set(range(*e.span)):
                around = ours.text[max(0, e.span.start - 40) : e.span.end + 30]
                beside.append((e.label, theirs.mention(e), e.attributes["finder"],
                               around.replace("\n", "|")))  # fmt: skip
    for name, rows in (("missed", missed), ("beside", beside)):
        print(f"--- {name}: {len(rows)}")
        for row in random.Random(0).sample(rows, min(n, len(rows))):
            print("  ", *row, sep=" ¦ ")


def meddocan() -> dict[str, list[Note]]:
    import clinnlp

    halves = {}
    for half, part in (("build", "train"), ("aside", "dev")):
        folder = ROOT / "out" / "meddocan"
        if not (folder / "corpus" / part).exists():
            with tarfile.open(DATA / "meddocan" / f"meddocan_{part}.tar.xz") as tar:
                tar.extractall(folder, filter="data")
        where = folder / "corpus" / part / "brat"
        halves[half] = list(clinnlp.read_notes(where, format="brat"))
    return halves


def planted() -> dict[str, list[Note]]:
    from corpora.generate.identifiers import plant_identifiers

    return {half: list(plant_identifiers(DATA, half)) for half in ("build", "aside")}


READERS = {
    "asq_phi": lambda: asq_phi(DATA), "presidio_synth": lambda: presidio_synth(DATA),
    "meddocan": meddocan, "planted": planted,
}  # fmt: skip


def as_meddocan(notes) -> list[Note]:
    """Return notes with the labels of MEDDOCAN; those that stand for none are left out."""
    from dataclasses import replace

    of = {row.label: row.meddocan for row in identifier_labels().values()}
    return [
        note.with_(entities=tuple(
            replace(e, label=of.get(e.label, e.label)) for e in note.entities
            if of.get(e.label, e.label)
        ))
        for note in notes
    ]  # fmt: skip


def peer(name: str, python: str, gold) -> list[Note]:
    folder = ROOT / "out" / "deid"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "texts.json").write_text(json.dumps([note.text for note in gold]))
    script = Path(__file__).with_name(f"deid_{name}.py")
    done = subprocess.run([python, str(script), str(folder / "texts.json")], check=True,
                          stdout=subprocess.PIPE, text=True)  # fmt: skip
    spans = json.loads(done.stdout.splitlines()[-1])
    return [
        noted(note.id, note.text, [(Span(a, b), label) for a, b, label in of])
        for note, of in zip(gold, spans, strict=True)
    ]


if __name__ == "__main__":
    main()
