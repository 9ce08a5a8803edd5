"""The steps of a release on a few notes and a tiny encoder; what a release may read."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.settings import TaggerSettings
from clinnlp.bert.store import load
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from corpora.annotated.stored import withheld_notes
from corpora.release.data import ABSTRACTS, NAMED, NOTES, TYPED, Data, read_data
from corpora.release.named import named_notes, read_drug_names
from corpora.release.start import write_start
from corpora.release.steps import STEPS, Place
from corpora.release.train import Recipe
from tests.unit.bert.conftest import make_encoder

QUICK = TaggerSettings(
    epochs=4, learning_rate=0.02, max_tokens=48, stride=8, tokens_per_batch=256, bf16="off"
)
WORDS = ("aspirin", "pain", "fever")
LABELS = {"bc5cdr": "Chemical Disease Disease", "biored": "Gene Gene CellLine"}


def made(name, k, labels):
    text = f"{name} {k}: started aspirin for pain and no fever."
    entities = tuple(
        Entity(id=f"T{i}", span=Span(text.index(w), text.index(w) + len(w)), label=label)
        for i, (w, label) in enumerate(zip(WORDS, labels.split(), strict=True))
    )
    return Note(id=f"{name}{k}", text=text, entities=entities)


def few(_):
    clinical = "Drug Problem Problem"
    return Data(
        abstracts={n: [made(n, k, labels) for k in range(6)] for n, labels in LABELS.items()},
        notes=[made(NOTES, k, clinical) for k in range(10)],
        named=named_notes(["aspirin", "Tylenol PM"]),
        unlabelled=[made("more", k, clinical).with_(entities=()) for k in range(3)],
        dev={n: [made(n, k, labels) for k in (7, 8)] for n, labels in LABELS.items()}
        | {NOTES: [made(NOTES, k, clinical) for k in (21, 22)]},
        counts={name: {"read": 6, "kept": 6} for name in (*ABSTRACTS, NOTES, TYPED, NAMED)}
        | {"silver": {}},
    )


def few_tests(_):
    return {
        name: [made(NOTES, k, "Drug Problem Problem") for k in (31, 32)] for name in (NOTES, TYPED)
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    clinical = replace(QUICK, selection_fraction=0.0)
    recipe = Recipe(
        encoder=make_encoder(folder / "encoder"), abstracts=QUICK, clinical=clinical, share=0.5,
        n_silver=2,
    )  # fmt: skip
    place = Place(
        out=folder / "out",
        data=folder,
        box=folder / "box",
        recipe=recipe,
        reads=few,
        tests=few_tests,
    )
    for step in STEPS.values():
        step(place)
    return place


def test_the_box_answers_for_notes_and_abstracts_and_has_the_latter_off(place):
    box = load(place.box, device="cpu", bf16="off")
    heads = {label for head in box.heads for label in head}
    assert heads == {"Chemical", "Disease", "Gene", "CellLine", "Drug", "Problem"}
    assert {"Chemical", "Disease", "Gene", "CellLine"} <= set(box.off)
    bare = made(NOTES, 21, "Drug Problem Problem").with_(entities=())
    whole = load(place.out / "model", device="cpu", bf16="off")
    assert {e.label for e in box(bare).entities} <= {"Drug", "Problem"}
    assert whole.calibration == box.calibration
    assert set(box.calibration) <= heads


def test_the_card_tells_of_data_scores_and_memory_and_of_no_time(place):
    card = (place.box / "README.md").read_text(encoding="utf-8")
    for word in (
        "public domain",
        "CC0",
        "Off until asked for",
        "ECE",
        "AUC",
        "Not for use in care",
    ):
        assert word in card
    record = json.loads((place.box / "clinnlp.json").read_text())
    assert "seconds" not in json.dumps(record)
    assert str(place.out) not in json.dumps(record)


def test_a_step_that_is_done_is_skipped_and_made_again_to_the_same_bytes(place, tmp_path):
    before = {path.name: path.read_bytes() for path in place.box.iterdir()}
    weights = place.out / "model-bare" / "model.safetensors"
    stamp = weights.stat().st_mtime_ns
    for step in STEPS.values():
        step(place)
    assert weights.stat().st_mtime_ns == stamp
    other = replace(place, out=tmp_path / "out", box=tmp_path / "box")
    for step in STEPS.values():
        step(other)
    assert {path.name: path.read_bytes() for path in other.box.iterdir()} == before


def test_a_step_before_its_input_is_refused(tmp_path):
    place = Place(out=tmp_path, data=tmp_path, box=tmp_path / "box", reads=few)
    with pytest.raises(ArgumentError, match="step before"):
        STEPS["clinical"](place)


def test_a_start_has_the_old_answers_and_new_rows(place, tmp_path):
    bio = load(place.out / "bio", device="cpu", bf16="off")
    assert isinstance(bio, EntityTagger)
    write_start(bio, [("Drug", "Problem"), *bio.heads], tmp_path / "start", seed=3)
    from clinnlp.bert.model import build_tagger

    network = build_tagger(str(tmp_path / "start"), [("Drug", "Problem"), *bio.heads])
    ours, new = bio.network.model.classifier.weight, network.classifier.weight
    assert new[5:].equal(ours)
    assert 0 < new[:5].abs().mean() < 0.1


def test_no_document_of_a_test_or_development_part_teaches(data_dir):
    data = read_data(data_dir("bc5cdr").parent)
    held = json.loads((data_dir("bc5cdr").parent / "overlap_pmids.json").read_text())
    teaches = {note.id for notes in data.abstracts.values() for note in notes}
    assert not teaches & {pmid for part in held.values() for pmid in part}
    dev = {note.id for notes in data.dev.values() for note in notes}
    assert not dev & (teaches | {note.id for note in [*data.notes, *data.unlabelled]})
    near = withheld_notes(parts=("train", "dev", "test"))
    assert not near & {note.id for note in data.unlabelled}
    assert withheld_notes() & near == withheld_notes()
    assert all(each["read"] >= each["kept"] for each in data.counts.values() if "kept" in each)
    texts = {note.text for notes in data.dev.values() for note in notes}
    assert not texts & {n.text for notes in data.abstracts.values() for n in notes}


def test_each_name_of_a_medicine_stands_twice_in_the_lists_and_in_no_other_word():
    names = read_drug_names()
    assert len(names) == len(set(names)) > 1500
    notes = named_notes(names)
    assert notes == named_notes(names)
    spans = [(note.text, e.span) for note in notes for e in note.entities]
    marked = Counter(text[span.start : span.end].lower() for text, span in spans)
    assert set(marked) == {name.lower() for name in names}
    assert min(marked.values()) >= 2
    beside = [text[s.start - 1 : s.start] + text[s.end : s.end + 1] for text, s in spans]
    assert not any(map(str.isalnum, "".join(beside)))
