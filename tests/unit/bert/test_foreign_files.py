"""What a hostile hand puts into a model folder is refused in one sentence, or not looked at."""

import io
import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from clinnlp.bert.encoders import find_encoder, load_model, load_tokenizer, max_positions
from clinnlp.bert.store import load
from clinnlp.core.errors import StoreError

from .conftest import FLOAT32, TRAIN

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


class Payload:
    """What a pickle runs when it is opened."""

    def __init__(self, ran):
        self.ran = ran

    def __reduce__(self):
        return (Path.touch, (self.ran,))


def pickled(ran):
    return pickle.dumps({"weight": Payload(ran)})


def zipped(ran):
    made = io.BytesIO()
    torch.save({"weight": Payload(ran)}, made)
    return made.getvalue()


def opened(folder):
    """Open an encoder in every way that there is, and return its network."""
    source = find_encoder(folder)
    max_positions(source)
    load_tokenizer(source)
    return load_model(source)


def refused(open_, folder, match):
    with pytest.raises(StoreError, match=match) as caught:
        open_(folder)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert len(str(caught.value)) < len(str(folder)) + 300
    assert "\n" not in str(caught.value)


@pytest.fixture
def folder(encoder, tmp_path):
    return Path(shutil.copytree(encoder, tmp_path / "m"))


@pytest.fixture
def model(tagger_folder, tmp_path):
    return Path(shutil.copytree(tagger_folder, tmp_path / "m"))


def change(path, **changes):
    known = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(known | changes), encoding="utf-8")


def same(network, folder):
    held = load_file(folder / WEIGHTS)
    found = network.state_dict()
    return all(torch.equal(found[name], held[name]) for name in set(found) & set(held))


@pytest.mark.parametrize("make", [pickled, zipped])
@pytest.mark.parametrize("name", [WEIGHTS, "model-00001-of-00001.safetensors"])
def test_a_pickle_under_the_name_of_weights_is_refused_and_not_run(folder, tmp_path, make, name):
    (folder / WEIGHTS).unlink()
    (folder / name).write_bytes(make(tmp_path / "ran"))
    (folder / INDEX).write_text(json.dumps({"weight_map": {"weight": name}}))
    refused(opened, folder, "must be readable safetensors")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("make", [pickled, zipped])
@pytest.mark.parametrize(
    "name",
    ["pytorch_model.bin", "pytorch_model.pt", "model.ckpt", "adapter_model.bin",
     "training_args.bin", "optimizer.pt", "model.pkl", "tf_model.h5",
     "flax_model.msgpack", "model.gguf"],
)  # fmt: skip
def test_pickles_beside_the_weights_are_never_looked_at(folder, tmp_path, make, name):
    (folder / name).write_bytes(make(tmp_path / "ran"))
    change(folder / "config.json", transformers_weights=name)
    assert same(opened(folder), folder)
    assert not (tmp_path / "ran").exists()


def test_weights_that_only_the_configuration_names_are_never_looked_at(folder):
    """Such files are harmless to open: what is shown is that they are not opened."""
    zeros = {name: torch.zeros_like(value) for name, value in load_file(folder / WEIGHTS).items()}
    torch.save(zeros, folder / "adapter_model.bin")
    save_file(zeros, folder / "other.safetensors")
    for name in ("adapter_model.bin", "other.safetensors"):
        change(folder / "config.json", transformers_weights=name)
        assert same(opened(folder), folder)


@pytest.mark.parametrize(
    "names",
    [["pytorch_model.bin"], ["../m/model.safetensors"], ["x/model.safetensors"], [], [3], [None],
     ["model.safetensors\0.bin"], [".."], "model.safetensors", 5, [["model.safetensors"]]],
)  # fmt: skip
def test_an_index_that_names_other_files_is_refused(folder, names):
    weights = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).rename(folder / "spare.safetensors")
    torch.save(weights, folder / "pytorch_model.bin")
    (folder / "x").mkdir()
    shutil.copy(folder / "spare.safetensors", folder / "x" / WEIGHTS)
    by = dict(zip(weights, names, strict=False)) if isinstance(names, list) else names
    (folder / INDEX).write_text(json.dumps({"weight_map": by}))
    refused(opened, folder, "must name safetensors files beside it")


def test_weights_in_parts_are_read(folder):
    whole = opened(folder).state_dict()
    weights = load_file(folder / WEIGHTS)
    names = sorted(weights)
    parts = {"model-1-of-2.safetensors": names[::2], "model-2-of-2.safetensors": names[1::2]}
    for part, inside in parts.items():
        save_file({name: weights[name] for name in inside}, folder / part)
    (folder / WEIGHTS).unlink()
    by = {name: part for part, inside in parts.items() for name in inside}
    (folder / INDEX).write_text(json.dumps({"weight_map": by}))
    found = opened(folder).state_dict()
    assert all(torch.equal(found[name], whole[name]) for name in whole)


def test_a_header_of_two_gigabytes_is_refused(folder):
    with open(folder / WEIGHTS, "wb") as file:  # sparse: it takes no place
        file.write(struct.pack("<Q", 2**31))
        file.truncate(2**31 + 100)
    refused(opened, folder, "must be readable safetensors")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_are_refused(folder, number):
    weights = load_file(folder / WEIGHTS)
    weights["embeddings.word_embeddings.weight"][0, 0] = number
    save_file(weights, folder / WEIGHTS)
    refused(opened, folder, "must be finite numbers")


def to_outside(path, target):
    shutil.copy(path, target)
    path.unlink()
    path.symlink_to(target)


@pytest.mark.parametrize(
    "name", [WEIGHTS, "config.json", "tokenizer.json", "tokenizer_config.json"]
)
def test_a_link_out_of_the_folder_is_refused(folder, tmp_path, name):
    to_outside(folder / name, tmp_path / "elsewhere")
    refused(opened, folder, "is a link out of it")
    refused(load_tokenizer, str(folder), "is a link out of it")


def test_a_record_or_an_inner_template_that_is_a_link_is_refused(model, tmp_path):
    to_outside(model / "clinnlp.json", tmp_path / "elsewhere")
    refused(load, model, "is a link out of it")
    (model / "clinnlp.json").unlink()
    shutil.copy(tmp_path / "elsewhere", model / "clinnlp.json")
    assert load(model, **FLOAT32).labels
    (model / "additional_chat_templates").mkdir()
    (model / "additional_chat_templates" / "a.jinja").symlink_to(tmp_path / "elsewhere")
    refused(load, model, "is a link out of it")


def test_links_inside_a_folder_and_in_the_cache_of_the_hub_are_read(folder, tmp_path):
    (folder / WEIGHTS).rename(folder / "weights")
    (folder / WEIGHTS).symlink_to("weights")
    assert same(opened(folder), folder)
    cache = tmp_path / "models--a--b"
    (cache / "blobs").mkdir(parents=True)
    snapshot = cache / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for path in folder.iterdir():
        shutil.copy(path, cache / "blobs" / path.name)
        (snapshot / path.name).symlink_to(f"../../blobs/{path.name}")
    assert same(opened(snapshot), folder)
    (cache / "blobs").rename(tmp_path / "blobs")
    (cache / "blobs").symlink_to(tmp_path / "blobs")
    refused(opened, snapshot, "is a link out of it")


@pytest.mark.parametrize("name", ["vocab.txt", "chat_template.jinja", "added_tokens.json"])
def test_a_pipe_or_a_link_to_nothing_is_refused_at_once(folder, name):
    os.mkfifo(folder / name)
    refused(opened, folder, "must hold plain files")
    (folder / name).unlink()
    (folder / name).symlink_to(folder / name)
    refused(opened, folder, "must hold plain files")


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"num_hidden_layers": 10**8}, "must be those of its"),
        ({"vocab_size": 10**9}, "must describe its weights"),
        ({"hidden_size": 10**8}, "must describe its weights"),
        ({"max_position_embeddings": 10**9}, "must describe its weights"),
        ({"vocab_size": -1}, "must be readable"),
        ({"vocab_size": 10**400}, "must be|OverflowError"),
        ({"num_attention_heads": 0}, "must be readable"),
        ({"hidden_size": "wide"}, "must be readable"),
        ({"hidden_act": "os.system"}, "must be readable"),
        ({"max_position_embeddings": [1]}, "must"),
        ({"pad_token_id": "x"}, "must"),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}}, "plain"),
        ({"configuration_files": ["../config.4.0.0.json"]}, "must name no other files"),
        ({"id2label": [["O"]]}, "must be readable"),
        ({"dtype": "os.system"}, "must be readable"),
    ],
)
def test_a_configuration_that_claims_what_is_not_there_is_refused(folder, changes, match):
    change(folder / "config.json", **changes)
    refused(opened, folder, match)


def test_weights_of_another_kind_are_refused_and_not_drawn_anew(folder):
    change(folder / "config.json", model_type="gpt2")
    refused(opened, folder, "must be those of a gpt2")


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "tokenizer.json"])
@pytest.mark.parametrize("text", [f'{{"a": {DEEP}}}', "[]", "null", "{", "\ud800", "7" * 5000])
def test_json_that_is_no_plain_object_is_refused(folder, name, text):
    (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    refused(opened, folder, "must be")


@pytest.mark.parametrize(
    "changes",
    [
        {"fusion_config": {"a": 1}},
        {"attn_implementation": "someone/kernel", "_attn_implementation": "someone/kernel"},
        {"_attn_implementation_internal": "someone/kernel"},
        {"experts_implementation": "someone/kernel"},
        {"distributed_config": {"tp_plan": "auto"}, "use_kernels": True, "gguf_file": "x.gguf"},
    ],
)
def test_what_a_kind_of_model_has_not_is_not_read(folder, changes):
    change(folder / "config.json", **changes)
    network = opened(folder)
    assert same(network, folder)
    assert not any(hasattr(network.config, key) for key in changes if not key.startswith("_"))
    assert "kernel" not in str(network.config._attn_implementation)


@pytest.mark.parametrize(
    ("name", "changes", "match"),
    [
        ("tokenizer_config.json", {"fast_tokenizer_files": ["../tokenizer.1.0.json"]}, "no other"),
        ("tokenizer_config.json", {"added_tokens_decoder": 3}, "must be readable"),
        ("tokenizer_config.json", {"tokenizer_class": 3}, "must be readable"),
        ("tokenizer.json", {"model": {"type": "WordPiece", "vocab": 5}}, "must be readable"),
        ("tokenizer.json", {"normalizer": {"type": "Replace", "pattern": {"String": "a"},
                                           "content": "b" * 10**6}}, "must write at most"),
        ("tokenizer.json", {"normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10}] * 9}}, "at most"),
    ],
)  # fmt: skip
def test_a_tokenizer_that_names_files_or_grows_without_end_is_refused(folder, name, changes, match):
    change(folder / name, **changes)
    refused(opened, folder, match)


def test_the_words_of_another_file_are_no_vocabulary(folder, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("hunter2\n")
    files = ("vocab_file", "tokenizer_file", "merges_file", "name_or_path", "chat_template_file")
    change(folder / "tokenizer_config.json", **dict.fromkeys(files, str(secret)))
    tokenizer = load_tokenizer(find_encoder(folder))
    assert "hunter2" not in tokenizer.get_vocab()
    tokenizer.save_pretrained(tmp_path / "again")
    assert not any(b"hunter2" in path.read_bytes() for path in (tmp_path / "again").iterdir())


ODD = [None, True, 3, -1, 1e999, 10**400, "x", "", [], [[]], {}, {"x": None}, [None], ["x", "x"]]


@pytest.mark.parametrize("key", ["format", "task", "labels", "windows", "settings", "card"])
def test_a_record_of_odd_types_is_refused(model, key):
    for value in ODD:
        if (key, value) in (("settings", {}), ("card", {})) or (
            key in ("settings", "card") and value == {"x": None}
        ):
            continue
        change(model / "clinnlp.json", **{key: value})
        refused(load, model, "must")


NUMBERS = [None, True, "0.5", [0.5], 1e999, float("nan"), 10**400, {}]


@pytest.mark.parametrize("key", ["thresholds", "calibration"])
def test_numbers_of_a_record_are_finite_ones(model, key):
    for number in NUMBERS:
        pair = number if key == "thresholds" else [number, 1.0]
        change(model / "clinnlp.json", **{key: {"Drug": pair}})
        refused(load, model, f"'{key}' in .* for each label")
    for inner in (None, 3, "x", [1], True):
        change(model / "clinnlp.json", **{key: inner})
        refused(load, model, f"'{key}' in .* for each label")


@pytest.mark.parametrize(
    "windows",
    [
        {"max_tokens": 10**9, "stride": 8},
        {"max_tokens": 65, "stride": 8},
        {"max_tokens": 48, "stride": 48},
        {"max_tokens": -48, "stride": -8},
        {"max_tokens": 48.0, "stride": 8},
        {"max_tokens": True, "stride": 0},
    ],
)
def test_windows_that_the_network_cannot_read_are_refused(model, windows):
    change(model / "clinnlp.json", windows=windows)
    refused(load, model, "'windows' in")


def test_a_record_nested_without_end_is_refused(model):
    for depth in (100, 100_000):
        text = (model / "clinnlp.json").read_text(encoding="utf-8")
        deep = f'"card": {{"deep": {"[" * depth}{"]" * depth},'
        (model / "clinnlp.json").write_text(text.replace('"card": {', deep), encoding="utf-8")
        refused(load, model, "must be a JSON object")
        (model / "clinnlp.json").write_text(text, encoding="utf-8")


def test_a_network_that_answers_with_no_number_is_refused(model):
    change(model / "config.json", layer_norm_eps=float("nan"))
    refused(load, model, "must answer with finite numbers")


def external(path, location):
    """Write a network whose weights lie in a file of their own."""
    from onnx import TensorProto, helper

    outside = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    outside.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "16")):
        outside.external_data.add(key=key, value=value)
    answer = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [4])
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, [1, None])
              for name in ("input_ids", "attention_mask")]  # fmt: skip
    same_as = helper.make_node("Identity", ["w"], ["logits"])
    graph = helper.make_graph([same_as], "g", inputs, [answer], [outside])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(made.SerializeToString())


def test_weights_of_an_exported_model_outside_its_folder_are_refused(model, tmp_path):
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    (model / WEIGHTS).unlink()
    (tmp_path / "secret").write_bytes(bytes(16))
    (model / "inner").mkdir()
    (model / "inner" / "link").symlink_to(tmp_path / "secret")
    for location in ("../secret", str(tmp_path / "secret"), "inner/link", "/dev/zero"):
        external(model / "model.onnx", location)
        refused(load, model, "must be a readable ONNX file")
    (model / "link").symlink_to(tmp_path / "secret")
    refused(load, model, "is a link out of it")


def test_an_exported_file_of_another_network_is_refused(model):
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    (model / WEIGHTS).unlink()
    (model / "w").write_bytes(bytes(16))
    external(model / "model.onnx", "w")
    refused(load, model, "must answer with finite numbers")
    (model / "model.onnx").write_bytes(b"ORTM" * 100)
    refused(load, model, "must be a readable ONNX file")


STUB = """
from pathlib import Path
def __getattr__(name):
    if not name.startswith("__"):
        Path({ran!r}).touch()
    raise AttributeError(name)
"""


@pytest.mark.slow
def test_an_adapter_beside_a_model_is_never_looked_at(model, encoder, tmp_path):
    """Where the package of adapters is installed, transformers would take their weights too."""
    site, ran = tmp_path / "site", tmp_path / "ran"
    (site / "peft-0.99.0.dist-info").mkdir(parents=True)
    about = "Metadata-Version: 2.1\nName: peft\nVersion: 0.99.0\n"
    (site / "peft-0.99.0.dist-info" / "METADATA").write_text(about)
    (site / "peft.py").write_text(STUB.format(ran=str(ran)))
    (site / "peft-0.99.0.dist-info" / "RECORD").write_text("peft.py,,\n")
    (site / "peft-0.99.0.dist-info" / "top_level.txt").write_text("peft\n")
    for folder in (model, Path(shutil.copytree(encoder, tmp_path / "e"))):
        told = {"peft_type": "LORA", "base_model_name_or_path": str(tmp_path / "elsewhere")}
        (folder / "adapter_config.json").write_text(json.dumps(told))
        (folder / "adapter_model.bin").write_bytes(pickled(ran))
    code = (
        "import sys\n"
        "from transformers.utils import is_peft_available\n"
        "assert is_peft_available()\n"
        "from clinnlp.bert.encoders import find_encoder, load_model\n"
        "from clinnlp.bert.store import load\n"
        "load(sys.argv[1])\n"
        "load_model(find_encoder(sys.argv[2]))\n"
    )
    paths = os.pathsep.join([str(site), str(Path(__file__).parents[3])])
    done = subprocess.run(
        [sys.executable, "-c", code, str(model), str(tmp_path / "e")],
        env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert not ran.exists()
    assert load(model, **FLOAT32).batch(TRAIN)
