"""Weights in 8 bits come back as the same numbers; a file that is another is refused."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from clinnlp.bert.eight_bits import INT8_FILE, rounded, widened
from clinnlp.bert.folder import SUMS_FILE
from clinnlp.bert.store import load
from clinnlp.core.errors import ArgumentError, StoreError

from .conftest import FLOAT32, TRAIN

DRAWN = (
    torch.randn(40, 50, generator=torch.Generator().manual_seed(3))
    * torch.logspace(-6, 3, 40)[:, None]
)


@pytest.fixture(scope="module")
def small(tagger, tmp_path_factory):
    folder = tmp_path_factory.mktemp("eight") / "m"
    tagger.save(folder, int8=True)
    return folder


def test_each_row_is_off_by_half_a_step_at_most_and_rounding_again_changes_nothing():
    kept = rounded({"w": DRAWN})
    back = widened(kept)["w"]
    step = DRAWN.abs().amax(1, keepdim=True) / 127
    assert ((back - DRAWN).abs() <= step * 0.5001).all()
    again = rounded({"w": back})
    assert torch.equal(again["w"], kept["w"])
    zeros = {"w": torch.zeros(40, 50)}
    assert torch.equal(widened(rounded(zeros))["w"], zeros["w"])


def test_what_is_written_is_read_back_exactly(tagger, small, tmp_path):
    first, second = (load(small, **FLOAT32) for _ in range(2))
    kept = widened(rounded(tagger.network.model.state_dict()))
    ours = first.network.model.state_dict()
    assert all(torch.equal(ours[name], tensor) for name, tensor in kept.items())
    assert any(
        not torch.equal(ours[k], v.cpu()) for k, v in tagger.network.model.state_dict().items()
    )
    assert first.batch(TRAIN) == second.batch(TRAIN)
    first.save(tmp_path / "again", int8=True)
    assert (tmp_path / "again" / INT8_FILE).read_bytes() == (small / INT8_FILE).read_bytes()


def test_a_file_that_is_another_is_refused(small, tmp_path):
    sums = json.loads((small / SUMS_FILE).read_text())
    assert {INT8_FILE, "clinnlp.json", "config.json", "tokenizer.json"} <= set(sums)
    model = load(small, **FLOAT32)
    for name in (INT8_FILE, "tokenizer.json"):
        model.save(tmp_path / "m", int8=True)
        path = tmp_path / "m" / name
        path.write_bytes(path.read_bytes().replace(b"a", b"b", 1))
        with pytest.raises(StoreError, match=f"{name} must be the file of which"):
            load(tmp_path / "m")
    (tmp_path / "m" / "tokenizer.json").unlink()
    with pytest.raises(StoreError, match=r"must hold tokenizer\.json"):
        load(tmp_path / "m")


@pytest.mark.parametrize("scale", [torch.ones(3), torch.ones(4, 1), torch.ones(4).double()])
def test_scales_of_other_rows_are_refused(small, tmp_path, scale):
    with pytest.raises(ValueError, match="one scale a row"):
        widened({"w": torch.zeros(4, 2, dtype=torch.int8), "w.scale": scale})
    load(small, **FLOAT32).save(tmp_path / "m", int8=True)
    (tmp_path / "m" / SUMS_FILE).unlink()
    kept = load_file(tmp_path / "m" / INT8_FILE)
    name = next(name for name in kept if name.endswith(".scale"))
    save_file(kept | {name: scale}, tmp_path / "m" / INT8_FILE)
    with pytest.raises(StoreError, match="must be readable safetensors"):
        load(tmp_path / "m")


def test_labels_that_are_off_are_given_on_request_and_stay_off_in_the_folder(tagger, tmp_path):
    one, bare = tagger.only(["Drug"]), [note.with_(entities=()) for note in TRAIN]
    assert {e.label for note in one.batch(bare) for e in note.entities} == {"Drug"}
    one.save(tmp_path / "m")
    again = load(tmp_path / "m", **FLOAT32)
    assert again.off == ("Problem",)
    assert "off until asked for" in (tmp_path / "m" / "README.md").read_text()
    assert again.only(["Problem", "Drug"]).batch(bare) == tagger.batch(bare)
    with pytest.raises(ArgumentError, match="got Gene"):
        tagger.only(["Gene"])
    record = json.loads((tmp_path / "m" / "clinnlp.json").read_text()) | {"off": ["Gene"]}
    (tmp_path / "m" / "clinnlp.json").write_text(json.dumps(record))
    with pytest.raises(StoreError, match="'off' in"):
        load(tmp_path / "m")
