"""Laws of reading: any text, any length, in memory that does not grow with the note."""

import os
import subprocess
import sys

import numpy as np
import pytest

from clinnlp.core.notes import Note, check_note

PLANES = np.array(
    [
        (0x20, 0x7F),
        (0, 0x20),
        (0xA0, 0x600),
        (0x300, 0x370),
        (0x2000, 0x2100),
        (0x4E00, 0x4F00),
        (0xD800, 0xE000),
        (0x1F300, 0x1F700),
        (0x10000, 0x110000),
    ]
)
PEAK = """
import resource, sys
from clinnlp.bert.store import load
from clinnlp.core.notes import Note

tagger = load(sys.argv[1], device="cpu")
text = "Denies chest pain, started aspirin 5 mg. " * (int(sys.argv[2]) // 41)
done = tagger(Note(id="n", text=text))
assert done.coverage.n_seen == done.coverage.n_total
assert done.entities[-1].span.end > len(text) - 60
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_ten_thousand_random_texts_give_mentions_inside_them(tagger):
    rng = np.random.default_rng(0)
    notes = []
    for i in range(10_000):
        low, high = PLANES[rng.integers(0, len(PLANES), rng.integers(0, 40))].T
        codes = rng.integers(low, high).tolist()
        words = ["aspirin", "pain"][: rng.integers(0, 3)]
        notes.append(Note(id=f"n{i}", text=" ".join(["".join(map(chr, codes)), *words])))
    done = tagger.batch(notes)
    assert sum(len(note.entities) for note in done) > 1000
    for before, note in zip(notes, done, strict=True):
        check_note(note)
        assert note.text == before.text
        spans = [e.span for e in note.entities]
        assert all(0 <= s.start < s.end <= len(note.text) for s in spans)
        assert all(a.end <= b.start for a, b in zip(spans, spans[1:], strict=False))


@pytest.mark.slow
def test_a_note_of_a_megabyte_is_read_in_bounded_memory(tagger_folder):
    def peak_kib(n):
        done = subprocess.run(
            [sys.executable, "-c", PEAK, str(tagger_folder), str(n)],
            check=True, capture_output=True, text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},  # else a batch in memory for every core
        )  # fmt: skip
        return int(done.stdout)

    small, large = peak_kib(50_000), peak_kib(1_000_000)
    assert large - small < 300 * 1024  # all activations at once would take gigabytes
