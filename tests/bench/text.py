"""Words per second of the whole rule pipeline beside medspaCy and negspacy: scripts/bench text.

The same notes (every n-th distinct text of mtsamples) and the same terms (the DrugBank names and
6,000 names of diseases) for all, each on one core, CPU time, the better of two runs:

- clinnlp: sections, sentences, lookup, five-axis assertion, medications
- medspaCy: its sentence splitter (PyRuSH), target matcher and ConText; and with spaCy's
  sentencizer in place of PyRuSH
- negspacy: blank English, sentencizer, entity ruler on lower case, negex

The peers live in an environment of their own, so that their pins do not meet ours:

    python3.11 -m venv out/peers
    out/peers/bin/pip install --no-deps medspacy negspacy
    out/peers/bin/pip install 'spacy>=3.8,<3.9' PyRuSH jsonschema pysbd medspacy-quickumls
    scripts/bench text --peers out/peers/bin/python
"""

import argparse
import csv
import gzip
import json
import subprocess
import time
import tracemalloc
from pathlib import Path

import clinnlp
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.vocab import Concept, Vocabulary
from tests.bench import DATA, ROOT, record

N_DISEASES = 6_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default="out/peers/bin/python", help="their Python")
    parser.add_argument("--every", type=int, default=16, help="take every n-th note")
    args = parser.parse_args()

    from tests.bench.extract import distinct_notes

    notes = [Note(id=n.id, text=n.text) for n in distinct_notes()]
    few = notes[:: args.every]
    words = terms()
    ours = measure(few, words)
    record("text", notes=len(few), words=n_words(few), terms=len(words), **ours)
    record("text, all notes", notes=len(notes), words=n_words(notes), **measure(notes, words))
    record("text, memory while streaming", **memory(notes, words))
    folder = ROOT / "out" / "text"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "notes.json").write_text(json.dumps([n.text for n in few]))
    (folder / "terms.json").write_text(json.dumps([[name, label] for name, label in words]))
    if not Path(args.peers).exists():
        print(f"no peers: {args.peers} is not there; see --help")
        return
    for peer in ("negspacy", "medspacy, sentencizer", "medspacy"):
        found = peers(args.peers, peer, folder)
        record(f"text, {peer}", **found, ours_times=round(ours["words_per_s"] /
                                                         found["words_per_s"], 1))  # fmt: skip


def terms() -> list[tuple[str, str]]:
    """Return the DrugBank names, and 6,000 names of diseases, with their labels."""
    with open(DATA / "drugbank_vocabulary" / "drugbank vocabulary.csv", encoding="utf-8") as handle:
        drugs = [row["Common name"] for row in csv.DictReader(handle)]
    diseases: dict[str, None] = {}
    for part in ("Training", "Development"):
        for note in clinnlp.read_notes(DATA / "bc5cdr" / f"CDR_{part}Set.PubTator.txt"):
            for entity in note.entities:
                if entity.label == "Disease":
                    diseases[" ".join(note.mention(entity).lower().split())] = None
    with gzip.open(DATA / "icd10cm" / "icd10cm-order-Jan-2021.csv.gz", "rt") as handle:
        titles = {row["long"].lower() for row in csv.DictReader(handle) if len(row["code"]) <= 4}
    more = sorted(titles - diseases.keys(), key=lambda title: (len(title), title))
    names = [*diseases, *more][:N_DISEASES]
    return [(name, "Drug") for name in dict.fromkeys(drugs)] + [(n, "Disease") for n in names]


def pipeline(words) -> Pipeline:
    from clinnlp.text.assertion import Assertions
    from clinnlp.text.lookup import Lookup
    from clinnlp.text.medication import Medications
    from clinnlp.text.sections import Sections
    from clinnlp.text.sentences import Sentences

    vocabulary = Vocabulary(
        Concept(code=str(i), name=name, label=label) for i, (name, label) in enumerate(words)
    )
    return Pipeline([Sections(), Sentences(), Lookup(vocabulary), Assertions(), Medications()])


def measure(notes, words) -> dict:
    nlp = pipeline(words)
    n, parts = n_words(notes), {}
    list(nlp.stream(notes[:50]))
    best = min(clock(lambda: list(nlp.stream(notes))) for _ in range(2))
    out = notes
    for pipe in nlp.pipes:
        seconds = min(clock(lambda p=pipe, o=out: [p(note) for note in o]) for _ in range(2))
        parts[type(pipe).__name__] = round(n / seconds)
        out = [pipe(note) for note in out]
    return {"words_per_s": round(n / best), "mentions": sum(len(note.entities) for note in out),
            "words_per_s_of_each": parts}  # fmt: skip


def memory(notes, words) -> dict:
    """Return the peak of memory over one and over four passes of the notes, as a stream."""
    nlp, peaks = pipeline(words), {}
    for passes in (1, 4):
        tracemalloc.start()
        for _ in nlp.stream(note for _ in range(passes) for note in notes[:200]):
            pass
        peaks[f"peak_mb_of_{passes}_passes"] = round(tracemalloc.get_traced_memory()[1] / 1e6, 1)
        tracemalloc.stop()
    return peaks


def clock(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def n_words(notes) -> int:
    return sum(len(note.text.split()) for note in notes)


def peers(python: str, peer: str, folder: Path) -> dict:
    script = Path(__file__).with_name("text_peers.py")
    done = subprocess.run([python, str(script), peer, str(folder)], check=True,
                          stdout=subprocess.PIPE, text=True)  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
