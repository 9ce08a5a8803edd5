"""Relations from files: trained, extracted, scored, and kept by formats."""

from dataclasses import replace

import pytest

from clinnlp.bert.store import load
from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, StoreError
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.study.pipeline import pipeline
from clinnlp.study.training import load_tagger

from .relations import DRUG, EFFECT, RELATED, related

DEV = [related(10, "fever from aspirin again", [("fever", EFFECT), ("aspirin", DRUG)],
               ("aspirin", "fever"))]  # fmt: skip
WORDS = [
    {"code": "d", "name": "aspirin", "label": DRUG},
    {"code": "f", "name": "fever", "label": EFFECT},
]


@pytest.fixture(scope="module")
def trained(encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    train, dev, model = folder / "train.jsonl", folder / "dev.jsonl", folder / "model"
    write_notes([n.with_(sentences=None) for n in RELATED], train)
    write_notes(DEV, dev)
    flags = ["--encoder", str(encoder), "--epochs", "2", "--max-tokens", "48", "--stride", "8"]
    command = ["fine-tune", "relations", str(train), "--dev", str(dev), "--out", str(model)]
    return folder, main([*command, *flags])


def test_relations_from_files_to_scores(trained, capsys):
    folder, code = trained
    assert code == 0
    model = load(folder / "model", device="cpu")
    assert model.card["dev"]["n_notes"] == 1
    assert "linear svm" in (folder / "model" / "README.md").read_text()
    words = folder / "words.csv"
    words.write_text("code,name,label\nd,aspirin,Drug\nf,fever,Effect\n")
    found = folder / "found.jsonl"
    command = ["extract", str(folder / "dev.jsonl"), str(found), "--vocabulary", str(words)]
    assert main([*command, "--relations", "stated"]) == 0
    assert "relations 1" in capsys.readouterr().out
    (note,) = read_notes(found)
    (said,) = note.relations
    assert said.label == "causes"
    assert main(["score", str(folder / "dev.jsonl"), str(found), "--n-boot", "10"]) == 0
    assert "relations, micro, strict: " in capsys.readouterr().out
    assert main([*command, "--relations", str(folder / "model")]) == 0


def test_a_folder_of_mentions_and_relations_is_mined(capsys, tmp_path):
    notes = [
        replace(note, id=f"m{k}", patient=f"p{k}")
        for k in range(6)
        for note in (DEV[0], RELATED[1])
    ]
    write_notes([replace(n, id=f"{n.id}-{k}") for k, n in enumerate(notes)], tmp_path / "n.jsonl")
    words, out = tmp_path / "words.csv", tmp_path / "found"
    words.write_text("code,name,label\nd,aspirin,Drug\nf,fever,Effect\n")
    command = ["extract", str(tmp_path / "n.jsonl"), str(out), "--vocabulary", str(words)]
    assert main([*command, "--relations", "stated"]) == 0
    asked = ["--drug-kind", "Drug", "--outcome-kind", "Effect", "--min-margin", "1"]
    relations = ["--relations", str(out / "relations"), "--out", str(tmp_path / "mined")]
    assert main(["mine", str(out), *relations, *asked]) == 0
    assert "6 state" in capsys.readouterr().out
    assert (tmp_path / "mined" / "stated.csv").read_text().count("stated") == 6


def test_relations_need_a_file_that_holds_whole_notes(trained, capsys):
    folder, _ = trained
    command = ["extract", str(folder / "dev.jsonl"), str(folder / "rows.csv")]
    assert main([*command, "--relations", "stated"]) == 2
    assert "relations go with whole notes" in capsys.readouterr().err


def test_a_pipeline_relates_the_mentions_that_it_finds(trained):
    folder, _ = trained
    nlp = pipeline("none", vocabulary=WORDS, relations=folder / "model")
    found = nlp("Fever from aspirin.")
    assert len(found.entities) == 2
    assert all(r.source == "relation-extractor" for r in found.relations)
    (said,) = pipeline("none", vocabulary=WORDS, relations="stated")(
        "Fever from aspirin."
    ).relations
    assert said.source == "stated-relations"


def test_a_model_of_another_kind_is_refused(trained, tagger):
    folder, _ = trained
    with pytest.raises(ArgumentError, match="is given as relations"):
        pipeline(folder / "model", vocabulary=WORDS)
    with pytest.raises(ArgumentError, match="got EntityTagger"):
        pipeline("none", vocabulary=WORDS, relations=tagger)
    with pytest.raises(ArgumentError, match="got a RelationExtractor"):
        load_tagger(str(folder / "model"))
    with pytest.raises(StoreError, match="relations must be 'stated' or the folder of a model"):
        pipeline("none", vocabulary=WORDS, relations="statd")


@pytest.mark.parametrize("suffix", [".jsonl", ".bioc.json", ""])
def test_formats_keep_predicted_relations(trained, tmp_path, suffix):
    """A score is kept by .jsonl; labels, roles and ends by every format that has relations."""
    folder, _ = trained
    model = load(folder / "model", device="cpu")
    found = replace(model, thresholds=dict.fromkeys(model.labels, 0.0)).batch(DEV)
    found = [note.with_(sentences=None) for note in found]
    assert any(note.relations for note in found)
    path = tmp_path / f"notes{suffix}"
    kind = None if suffix else "brat"
    write_notes(found, path, format=kind)
    again = list(read_notes(path, format=kind))
    for note, other in zip(found, again, strict=True):
        ends = {e.id: (e.label, e.pieces) for e in note.entities}
        theirs = {e.id: (e.label, e.pieces) for e in other.entities}
        assert [
            (r.label, {k: [ends[i] for i in v] for k, v in r.roles.items()}) for r in note.relations
        ] == [
            (r.label, {k: [theirs[i] for i in v] for k, v in r.roles.items()})
            for r in other.relations
        ]
    if suffix == ".jsonl":
        assert again[0].relations == found[0].relations
