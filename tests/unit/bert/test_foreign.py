"""A model is data: code that a folder or a hub id brings is never run and never asked for."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from .foreign import HUB_ID

EVIL = """
from pathlib import Path
Path({ran!r}).write_text("ran")
from transformers import BertConfig, BertForMaskedLM, BertForTokenClassification, BertModel
class EvilConfig(BertConfig):
    model_type = "evil"
class EvilModel(BertModel):
    config_class = EvilConfig
class EvilTags(BertForTokenClassification):
    config_class = EvilConfig
class EvilWords(BertForMaskedLM):
    config_class = EvilConfig
"""
CLASSES = {
    "AutoConfig": "EvilConfig",
    "AutoModel": "EvilModel",
    "AutoModelForTokenClassification": "EvilTags",
    "AutoModelForMaskedLM": "EvilWords",
}


def auto_map(file):
    return {auto: f"{file}.{name}" for auto, name in CLASSES.items()}


BERT = "transformers.models.bert.modeling_bert.BertForTokenClassification"
OWN, OTHERS = auto_map("evil"), auto_map("someone/model--evil")
TOKENIZER = {"auto_map": {"AutoTokenizer": ["evil.EvilTokenizer", "evil.EvilTokenizer"]}}
# name → changes to config.json and to tokenizer_config.json
REFUSED = {
    "unknown": ({"model_type": "evil", "auto_map": OWN}, {}),
    "unknown, elsewhere": ({"model_type": "evil", "auto_map": OTHERS}, {}),
    "unknown, tokenizer too": ({"model_type": "evil", "auto_map": OWN}, TOKENIZER),
    "unknown, tokenizer alone": ({"model_type": "evil"}, TOKENIZER),
    "no kind": ({"model_type": None, "auto_map": OWN}, {}),
    "known for pictures": ({"model_type": "vit", "auto_map": OWN}, {}),
    "a path": ({"model_type": "../evil", "auto_map": auto_map("../evil")}, {}),
    "an odd map": ({"model_type": "evil", "auto_map": ["evil.EvilConfig"]}, {}),
    "a long kind": ({"model_type": "evil\n" * 999, "auto_map": OWN}, {}),
    "unknown, no code": ({"model_type": "evil"}, {}),
}
READ = {
    "known": ({"auto_map": OWN}, {}),
    "known, elsewhere": ({"auto_map": OTHERS}, {}),
    "known, tokenizer": ({}, TOKENIZER | {"tokenizer_class": "EvilTokenizer"}),
    "known, kernel": ({"attn_implementation": "someone/kernel"}, {}),
    "known, generate": ({}, {}),
    "known, an odd map": ({"auto_map": ["evil.EvilConfig"]}, {"auto_map": {}}),
}


def change(path, changes):
    known = json.loads(path.read_text(encoding="utf-8")) | changes
    stay = {key: value for key, value in known.items() if value is not None}
    path.write_text(json.dumps(stay), encoding="utf-8")


def bring(source, folder, ran, config, tokenizer):
    """Copy a model to a folder, with code and with what points to it."""
    shutil.copytree(source, folder)
    change(folder / "config.json", config)
    change(folder / "tokenizer_config.json", tokenizer)
    (folder / "custom_generate").mkdir()
    for name in ("evil.py", "custom_generate/generate.py"):
        (folder / name).write_text(EVIL.format(ran=str(ran)), encoding="utf-8")


@pytest.fixture(scope="module")
def told(encoder, tagger, tagger_folder, tmp_path_factory):
    """What came of every case, and what was left of a stdin that says yes."""
    root = tmp_path_factory.mktemp("foreign")
    sources = {"encoders": encoder, "taggers": tagger_folder}
    if find_spec("onnxruntime") and find_spec("onnx"):
        from clinnlp.bert.export import export_onnx

        sources["exported"] = root / "plain-onnx"
        export_onnx(tagger, sources["exported"])
    for kind, source in sources.items():
        for name, (config, tokenizer) in (REFUSED | READ).items():
            bring(source, root / kind / name, root / "ran", config, tokenizer)
    cached = root / "hub" / f"models--{HUB_ID.replace('/', '--')}"
    bring(encoder, cached / "snapshots" / "abc", root / "ran", *REFUSED["unknown, tokenizer too"])
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("abc")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("foreign.py")), str(root)],
        input="y\n" * 1000, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = (root / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    *cases, end = map(json.loads, lines)
    return cases, end["left"], done.stdout, root


def test_no_code_is_run_copied_or_passed_on_and_nothing_is_asked(told):
    cases, left, said, root = told
    assert len(cases) >= 6 * len(REFUSED | READ)
    assert [case for case in cases if case["ran"] or case["foreign"] or case["passed_on"]] == []
    assert left == "y\n" * 1000
    assert said == ""
    assert not list((root / "hub" / "modules").rglob("evil*"))


def test_a_model_of_an_unknown_kind_is_refused_in_one_sentence(told):
    cases, _, _, root = told
    mine = [case for case in cases if case["model"] in {*REFUSED, "model"} and _needs_code(case)]
    for case in mine:
        if case["action"] in ("export", "next"):
            assert case["message"].startswith("exit code 2: clinnlp: model "), case
        else:
            assert (case["error"], case["alone"]) == ("StoreError", True), case
        name = HUB_ID if case["model"] == "model" else str(root / case["kind"] / case["model"])
        said = case["message"].partition("clinnlp: ")[2] or case["message"]
        assert said.startswith(f"model {name!r} must be of a kind that transformers reads"), case
        assert said.strip().endswith("choose another model"), case
        assert "trust_remote_code" not in said
        assert len(said) < len(name) + 250
    assert {(case["model"], case["action"]) for case in mine} >= {
        (model, action) for model in REFUSED for action in ("load", "pipeline", "fine_tune_ner",
        "fine_tune_classifier", "pretrain", "export", "next")
    }  # fmt: skip


def test_a_model_of_a_known_kind_is_read_by_the_class_of_transformers(told):
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    cases, _, _, _ = told
    mine = [case for case in cases if case["model"] in READ]
    wanted = {"encoders": BERT, "taggers": BERT, "exported": "clinnlp.bert.onnx_model.OnnxModel"}
    for case in mine:
        assert case["error"] == "", case
        assert case["network"] in ("", wanted[case["kind"]])
        assert case["message"].startswith("exit code 0") == (case["action"] in ("export", "next"))
    assert {case["action"] for case in mine if case["network"]} == {
        "load", "fine_tune_ner", "fine_tune_classifier"
    }  # fmt: skip


def _needs_code(case):
    """The tokenizer of any kind is read by itself; an exported network by onnxruntime."""
    drawn = case["kind"] == "exported" and case["model"] == "known for pictures"
    return case["action"] != "load_tokenizer" and not drawn
