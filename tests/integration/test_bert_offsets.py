"""The embedded encoder's words on real corpora: gold offsets survive, no character is lost."""

import unicodedata

import numpy as np
import pytest

from clinnlp import read_notes
from clinnlp.bert.encoders import find_encoder, load_tokenizer
from clinnlp.bert.model import gold_tags, mention_ranges
from clinnlp.bert.windows import tokenise

LABELS = ("Chemical", "Disease")


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(find_encoder("minilm"))


def test_gold_mentions_of_bc5cdr_survive_words_and_tags(data_dir, tokenizer):
    notes = list(read_notes(data_dir("bc5cdr") / "CDR_TrainingSet.PubTator.txt"))
    texts = tokenise(tokenizer, [note.text for note in notes])
    n_gold = n_back = 0
    for note, text in zip(notes, texts, strict=True):
        made = gold_tags(text, note.entities, LABELS)
        tags = np.maximum(made.tags, 0)
        back = {
            (int(text.starts[a]), int(text.ends[b - 1]), LABELS[k])
            for a, b, k in zip(*mention_ranges(tags), strict=True)
        }
        gold = {(e.span.start, e.span.end, e.label) for e in note.entities}
        n_gold, n_back = n_gold + len(note.entities), n_back + len(gold & back)
        assert made.n_kept + made.n_dropped == len(note.entities)
    assert n_gold == 9385
    assert n_back / n_gold > 0.985  # the rest are nested, or begin or end inside a word


def test_every_visible_character_of_mtsamples_stands_in_a_word(data_dir, tokenizer):
    path = data_dir("mtsamples") / "mtsamples.csv.xz"
    notes = list(read_notes(path, text="transcription"))[:200]
    for note, text in zip(notes, tokenise(tokenizer, [n.text for n in notes]), strict=True):
        covered = np.zeros(len(note.text) + 1, np.int64)
        np.add.at(covered, text.starts, 1)
        np.add.at(covered, text.ends, -1)
        inside = np.cumsum(covered)[:-1]
        lost = {c for c, n in zip(note.text, inside, strict=True) if n != 1}
        assert all(c.isspace() or unicodedata.category(c)[0] == "C" for c in lost)
