"""Stored annotation joined with its texts: exact, ordered, refused where the text differs."""

import hashlib
import lzma

import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Assertion
from corpora.annotated.stored import collate, read_annotated, withheld_notes

TEXTS = ["No fever today.", "Heart normal.", "Aspirin ordered.", "No fever today."]
ROWS = [(0, "mt2", "test"), (1, "mt0", "train"), (2, "mt1", "dev")]


def write_source(folder, texts):
    place = folder / "mtsamples"
    place.mkdir(parents=True, exist_ok=True)
    lines = [",description,medical_specialty,sample_name,transcription,keywords"]
    lines += [f'{k},d, Letters,s,"{text}",' for k, text in enumerate(texts)]
    with lzma.open(place / "mtsamples.csv.xz", "wt", encoding="utf-8", newline="") as handle:
        handle.write("\r\n".join(lines) + "\r\n")


@pytest.fixture
def corpus(tmp_path):
    write_source(tmp_path / "data", TEXTS)
    folder = tmp_path / "corpus"
    folder.mkdir()
    lines = ["place\tnote\tpart\tgroup\tspecialty\tn_words\tsha256"]
    for place, key, part in ROWS:
        digest = hashlib.sha256(TEXTS[int(key[2:])].encode()).hexdigest()
        lines.append(f"{place}\t{key}\t{part}\t{key}\tLetters\t3\t{digest}")
    (folder / "notes.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    forms = tmp_path / "forms"
    forms.mkdir()
    (forms / "mt0.tsv").write_text("Problem\tfever\t1\tn\n", encoding="utf-8")
    (forms / "mt1.tsv").write_text("Anatomy\tHeart\t1\n", encoding="utf-8")
    (forms / "mt2.tsv").write_text("# nothing\n", encoding="utf-8")
    return tmp_path


def stored(corpus, *forms):
    return collate(
        forms or [corpus / "forms"],
        corpus / "corpus" / "mentions.jsonl",
        corpus / "data",
        folder=corpus / "corpus",
    )


def read(corpus, **options):
    return read_annotated(corpus / "data", folder=corpus / "corpus", **options)


def test_notes_come_back_in_the_order_of_the_sample_those_without_mentions_too(corpus):
    assert stored(corpus) == {"mt2": 0, "mt0": 1, "mt1": 1}
    notes = read(corpus)
    assert [note.id for note in notes] == ["mt2", "mt0", "mt1"]
    assert [len(note.entities) for note in notes] == [0, 1, 1]


def test_axes_are_true_or_false_and_none_for_anatomy(corpus):
    stored(corpus)
    (fever,), (heart,) = (note.entities for note in read(corpus)[1:])
    assert fever.assertion.axes == (True, False, False, False, False)
    assert heart.assertion == Assertion()
    assert TEXTS[0][fever.span.start : fever.span.end] == "fever"


def test_a_part_is_read_alone_and_an_unknown_one_refused(corpus):
    stored(corpus)
    assert [note.id for note in read(corpus, part="dev")] == ["mt1"]
    with pytest.raises(ArgumentError, match="part"):
        read(corpus, part="held")


def test_a_later_folder_of_forms_counts_over_an_earlier_one(corpus):
    settled = corpus / "settled"
    settled.mkdir()
    (settled / "mt0.tsv").write_text("Problem\tfever\t1\tnu\n", encoding="utf-8")
    stored(corpus, corpus / "forms", settled)
    assert read(corpus)[1].entities[0].assertion.uncertain is True


def test_another_text_or_none_is_refused_without_its_words(corpus):
    stored(corpus)
    write_source(corpus / "data", ["No fever, today.", *TEXTS[1:3]])
    with pytest.raises(DataError, match="note mt0 must be the annotated one") as caught:
        read(corpus)
    assert "fever" not in str(caught.value)
    assert len(read(corpus, part="dev")) == 1
    with pytest.raises(DataError, match="mt0"):
        stored(corpus)


def test_a_form_of_another_note_is_refused_and_nothing_written(corpus):
    (corpus / "forms" / "mt9.tsv").write_text("Problem\tfever\t1\n", encoding="utf-8")
    with pytest.raises(ArgumentError, match="mt9"):
        stored(corpus)
    (corpus / "forms" / "mt9.tsv").unlink()
    (corpus / "forms" / "mt1.tsv").write_text("Problem\tfever\t1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"mt1\.tsv"):
        stored(corpus)
    assert not (corpus / "corpus" / "mentions.jsonl").exists()


def test_near_duplicates_of_what_is_scored_are_withheld_and_those_of_train_are_not(corpus):
    folder = corpus / "corpus"
    groups = "note\tgroup\nmt1\tmt1\nmt7\tmt1\nmt0\tmt0\nmt8\tmt0\n"
    (folder / "groups.tsv").write_text(groups, encoding="utf-8")
    assert withheld_notes(folder=folder) == {"mt1", "mt2", "mt7"}
    assert withheld_notes(parts=["test"], folder=folder) == {"mt2"}
    with pytest.raises(ArgumentError, match="part"):
        withheld_notes(parts=["held"], folder=folder)
