"""The model that is shipped: small, whole, as its card says, and of use on a typed note."""

import json
import shutil

import pytest

import clinnlp
from clinnlp.bert.fast.packed import has_fast_int8
from clinnlp.cli import main
from clinnlp.core.errors import StoreError
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.study.box import BOX
from corpora.annotated.form import LABELS
from corpora.annotated.stored import read_annotated
from corpora.annotated.typed import read_typed
from corpora.release.scores import LEAST_F1, note_scores, read_bare

TYPED = "54yo m c/o chest pain x 2 days, denies sob. Mother had MI. On Toprol XL 50 mg daily."


@pytest.fixture(scope="module")
def nlp():
    return clinnlp.pipeline()


@pytest.fixture(scope="module")
def box():
    return clinnlp.load(BOX, device="cpu", bf16="off")


@pytest.mark.skipif(not has_fast_int8(), reason="no 8-bit multiplication on this CPU")
def test_the_command_reads_in_eight_bits_and_by_workers_alike(tmp_path, capsys):
    notes = tmp_path / "notes.jsonl"
    clinnlp.write_notes((clinnlp.Note(id=f"n{k}", text=TYPED * (k + 1)) for k in range(4)), notes)
    for out, more in (("one", []), ("two", ["--workers", "2", "--batch-size", "2"])):
        assert main(["extract", str(notes), str(tmp_path / out), "--int8", *more]) == 0
    one, two = (read_entity_table(tmp_path / out).to_pandas() for out in ("one", "two"))
    assert one.drop(columns="score").equals(two.drop(columns="score"))
    nlp = clinnlp.pipeline(clinnlp.load(BOX, int8=True))
    here = clinnlp.entity_table(nlp.batch(list(clinnlp.read_notes(notes))))
    assert one["score"].tolist() == pytest.approx(here["score"].tolist(), abs=0.02)
    assert one["text"].tolist() == here["text"].tolist()
    assert main(["extract", str(notes), str(tmp_path / "one")]) == 2  # made otherwise
    assert "int8" in capsys.readouterr().err


def f1_of(notes, box):
    rows = note_scores(notes, read_bare(box, notes), n_boot=0)["strict"]["rows"]
    return {row["label"]: row["f1"] for row in rows}


def test_it_is_small_and_every_file_is_summed():
    files = {path.name: path.stat().st_size for path in BOX.iterdir()}
    assert sum(files.values()) <= 25_000_000
    sums = json.loads((BOX / "sha256.json").read_text())
    assert {"model.int8.safetensors", "clinnlp.json", "names.json"} <= sums.keys() <= files.keys()


def test_one_changed_byte_is_refused(tmp_path):
    shutil.copytree(BOX, tmp_path / "box")
    weights = tmp_path / "box" / "model.int8.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(StoreError, match=r"model\.int8\.safetensors"):
        clinnlp.load(tmp_path / "box", device="cpu")


def test_a_typed_note_is_read_in_three_lines(nlp):
    note = nlp(TYPED)
    found = {note[e.span].casefold(): e for e in note.entities}
    assert found["chest pain"].label == found["sob"].label == "Problem"
    assert found["toprol xl"].label == "Drug"
    assert found["sob"].assertion.negated is True
    assert found["mi"].assertion.experiencer is True
    assert found["toprol xl"].attributes["dose"] == "50 mg"


def test_labels_are_on_where_the_card_says(box):
    assert not set(box.off) & {"Problem", "Drug"}
    assert set(LABELS) <= set(box.labels)
    assert {"Chemical", "Disease", "DiseaseName", "GeneOrGeneProduct"} <= set(box.off)
    card = (BOX / "README.md").read_text(encoding="utf-8")
    for word in ("Not for use in care", "public domain", "CC0", "AUC", "test part"):
        assert word in card


def test_weights_of_eight_bits_are_read_back_as_the_same_numbers(box, tmp_path):
    box.save(tmp_path / "again", int8=True)
    again = clinnlp.load(tmp_path / "again", device="cpu", bf16="off")
    for name, tensor in box.network.model.state_dict().items():
        assert tensor.equal(again.network.model.state_dict()[name])


@pytest.mark.slow
def test_it_finds_what_it_did_when_it_was_released(box, data_dir):
    dev = f1_of(read_annotated(data_dir("mtsamples").parent, part="dev"), box)
    assert all(dev[label] >= LEAST_F1 for label in LABELS if label not in box.off)
    assert dev["Problem"] >= 0.8
    assert f1_of(read_typed(), box)["Problem"] >= LEAST_F1
