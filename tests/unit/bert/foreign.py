"""Do everything that opens a model with models that bring code, and tell what came of it.

Run as a process of its own: ``python foreign.py FOLDER``, where stdin says yes to whatever asks.
FOLDER holds ``encoders/NAME``, ``taggers/NAME`` and ``exported/NAME``, and in ``hub`` a cache.
Their code writes ``FOLDER/ran``. ``FOLDER/cases.jsonl`` tells of each case; the last line holds
what is left of stdin.
"""

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

HUB_ID = "someone/model"


def actions():
    """Return by kind of model and name what to call with a model and a folder to write to."""
    from conftest import LABELLED, QUICK, TRAIN

    import clinnlp
    from clinnlp.bert.encoders import load_tokenizer
    from clinnlp.bert.pretrain import pretrain
    from clinnlp.bert.store import load
    from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner
    from clinnlp.cli import main
    from clinnlp.core.notes import Note
    from clinnlp.io.corpora import write_notes

    once = {**QUICK, "epochs": 1}
    pages = [Note(id=f"p{i}", text=f"Started aspirin {i} mg for pain") for i in range(20)]
    words = {"max_tokens": 32, "epochs": 1, "progress": False}
    notes = Path(sys.argv[1]) / "notes.jsonl"
    write_notes(TRAIN, notes)

    def command(*words):
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            code = main([str(word) for word in words])
        return f"exit code {code}: {said.getvalue()}"

    def tune(fine_tune, notes):
        return lambda model, out: fine_tune(notes, encoder=model, out=out, **once)

    return {
        ("encoders", "fine_tune_ner"): tune(fine_tune_ner, TRAIN),
        ("encoders", "fine_tune_classifier"): tune(fine_tune_classifier, LABELLED),
        ("encoders", "pretrain"): lambda m, out: pretrain(pages, encoder=m, out=out, **words),
        ("encoders", "load_tokenizer"): lambda m, _: load_tokenizer(m),
        ("taggers", "load"): lambda m, _: load(m),
        ("taggers", "pipeline"): lambda m, _: clinnlp.pipeline(m),
        ("taggers", "export"): lambda m, out: command("export", m, out, "--onnx"),
        ("taggers", "next"): lambda m, out: command("next", notes, f"{out}.jsonl", "--model", m),
        ("exported", "load"): lambda m, _: load(m),
        ("exported", "pipeline"): lambda m, _: clinnlp.pipeline(m),
    }


def network_of(made):
    """Return the class of the network, where there is one."""
    model = getattr(getattr(made, "network", None), "model", None)
    return "" if model is None else f"{type(model).__module__}.{type(model).__name__}"


def tell(kind, model, name, act):
    root = Path(sys.argv[1])
    told = {"kind": kind, "model": Path(model).name, "action": name, "error": "", "message": ""}
    before = set(sys.modules)
    try:
        made = act(model, root / "out")
        told |= {"network": network_of(made), "message": made if isinstance(made, str) else ""}
    except Exception as error:
        told |= {"error": type(error).__name__, "message": str(error)}
        told["alone"] = error.__cause__ is None and error.__context__ is None
    told["ran"] = (root / "ran").exists()
    told["foreign"] = sorted(
        n for n in set(sys.modules) - before if "evil" in n or n.startswith("transformers_modules")
    )
    told["passed_on"] = [
        p.name for p in (root / "out").glob("*.json") if "auto_map" in p.read_text()
    ]
    (root / "ran").unlink(missing_ok=True)
    return told


def run():
    root = Path(sys.argv[1])
    told = []
    for (kind, name), act in actions().items():
        models = sorted(map(str, (root / kind).iterdir())) if (root / kind).is_dir() else []
        models += [HUB_ID] * (kind == "encoders")
        told += [tell(kind, model, name, act) for model in models]
    told.append({"left": sys.stdin.read()})
    (root / "cases.jsonl").write_text("\n".join(map(json.dumps, told)), encoding="utf-8")


if __name__ == "__main__":
    hub = Path(sys.argv[1]) / "hub"  # set before transformers looks
    os.environ |= {"HF_HUB_CACHE": str(hub), "HF_MODULES_CACHE": str(hub / "modules")}
    sys.path.insert(0, str(Path(__file__).parent))
    run()
