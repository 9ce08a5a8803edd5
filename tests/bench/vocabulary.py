"""A vocabulary of 1,000,000 synthetic names: loading, memory, scanning: scripts/bench vocabulary.

Names of one to four invented words. Scanned are the notes of mtsamples, once as they are and once
with a name of the vocabulary put in after every 20th word. Beside it, the same notes and 20,000
of the names through spaCy's PhraseMatcher, tokenisation included.
"""

import argparse
import random
import resource
import time

from clinnlp.core.notes import Note
from clinnlp.io.tables.vocabularies import read_vocabulary
from clinnlp.text.lookup import Lookup
from tests.bench import ROOT, record

ONSETS = "bcdfglmnprstvzkh"
RHYMES = ("a", "e", "i", "o", "u", "an", "in", "ol", "ex", "or")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=1_000_000)
    args = parser.parse_args()
    path = ROOT / "out" / "text" / f"names-{args.names}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    names = invented(args.names)
    path.write_text("code,name\n" + "".join(f"S{i},{n}\n" for i, n in enumerate(names)))
    before = peak()
    wall, cpu = time.perf_counter(), time.process_time()
    vocabulary = read_vocabulary(path)
    lookup = Lookup(vocabulary)
    record("vocabulary", names=args.names, load_s=round(time.perf_counter() - wall, 1),
           load_cpu_s=round(time.process_time() - cpu, 1), peak_gb=round(peak(), 2),
           peak_gb_before=round(before, 2))  # fmt: skip

    from tests.bench.extract import distinct_notes

    notes = [Note(id=note.id, text=note.text) for note in distinct_notes()]
    planted = [planted_in(note, names, random.Random(i)) for i, note in enumerate(notes)]
    record("vocabulary, scan", real_notes=scan(lookup, notes), planted=scan(lookup, planted))
    few = sorted(random.Random(0).sample(names, 20_000))
    record("vocabulary, 20,000 names", phrase_matcher=phrase_matcher(few, notes[:300]))


def invented(n: int) -> list[str]:
    """Return distinct names."""
    rng = random.Random(7)
    words = ["".join(rng.choice(ONSETS) + rng.choice(RHYMES) for _ in range(rng.randint(2, 4)))
             for _ in range(60_000)]  # fmt: skip
    names: dict[str, None] = {}
    while len(names) < n:
        names[" ".join(rng.choice(words) for _ in range(rng.choice((1, 2, 2, 3, 3, 4))))] = None
    return list(names)


def planted_in(note: Note, names: list[str], rng: random.Random) -> Note:
    words = note.text.split(" ")
    for k in range(20, len(words), 20):
        words[k] += " " + rng.choice(names)
    return Note(id=note.id, text=" ".join(words))


def scan(lookup: Lookup, notes: list[Note]) -> str:
    start = time.process_time()
    n_found = sum(len(lookup(note).entities) for note in notes)
    seconds = time.process_time() - start
    n_mb = sum(len(note.text.encode()) for note in notes) / 1e6
    return f"{n_mb / seconds:.1f} MB/s ({n_mb:.1f} MB, {n_found} found)"


def phrase_matcher(names: list[str], notes: list[Note]) -> str:
    import spacy
    from spacy.matcher import PhraseMatcher

    nlp = spacy.blank("en")
    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    matcher.add("names", list(nlp.tokenizer.pipe(names)))
    start = time.process_time()
    for note in notes:
        matcher(nlp.make_doc(note.text))
    seconds = time.process_time() - start
    return f"{sum(len(note.text.encode()) for note in notes) / 1e6 / seconds:.1f} MB/s"


def peak() -> float:
    """Return the most memory this process has had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
