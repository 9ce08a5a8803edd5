"""What a small install does, as a script: rules, formats and mining without torch.

``python rule_pipeline.py CORPORA OUT`` prints what came of it as JSON. Run by tests in an
environment that has nothing else, and with other versions of Python.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import clinnlp
from clinnlp.cli import main
from clinnlp.io.notes.formats import FORMATS

ABSENT = {  # what needs more, and the package it must name
    "torch": [
        lambda: clinnlp.fine_tune_ner,
        lambda: clinnlp.load,
        lambda: clinnlp.pipeline("a/model"),
        lambda: clinnlp.TaggerSettings,
    ],
    "scikit-learn": [lambda: clinnlp.risk_study, lambda: clinnlp.PatientFeatures],
    "spacy": [
        lambda: clinnlp.to_spacy,
        lambda: clinnlp.write_notes([clinnlp.Note(id="n", text="t")], OUT / "notes.spacy"),
        lambda: list(clinnlp.read_notes(__file__, format="docbin")),
    ],
    "datasets": [lambda: clinnlp.to_dataset([])],
    "mlxtend": [lambda: clinnlp.mine_itemsets(DRUGS, min_count=1, engine="mlxtend")],
}


def refusals():
    """Return what each call says that needs more than there is."""
    said = {}
    for package, calls in ABSENT.items():
        for call in calls:
            try:
                call()
                told = "nothing is missing"
            except clinnlp.MissingExtra as error:
                told = str(error)
            said.setdefault(package, []).append(told)
    return said


def asked_for_more():
    """Return what functions and a command say where torch and others are absent."""
    fine_tune = ["fine-tune", "ner", str(MINI / "train.jsonl"), "--out", str(OUT / "m")]
    return {"absent": refusals(), "asked": main(fine_tune)}


def round_trip(notes, name):
    """Return whether notes come back from a format as they were, or why it does not take them."""
    path = OUT / f"as.{name}"
    try:
        clinnlp.write_notes(notes, path, format=name, on_loss="sidecar")
    except (clinnlp.ArgumentError, clinnlp.DataError, clinnlp.MissingExtra) as error:
        return type(error).__name__
    return list(clinnlp.read_notes(path, format=name)) == notes


if __name__ == "__main__":
    CORPORA, OUT = map(Path, sys.argv[1:])
    MINI = CORPORA / "discharge-mini"
    OUT.mkdir(exist_ok=True)
    nlp = clinnlp.pipeline(vocabulary=MINI / "vocabulary.csv")
    read = [
        note.with_(entities=(), relations=()) for note in clinnlp.read_notes(MINI / "test.jsonl")
    ]
    notes = [nlp(note) for note in read]
    table = clinnlp.entity_table(notes)
    DRUGS = clinnlp.baskets(table, label="Drug", unit="note")
    rules = clinnlp.mine_rules(DRUGS, min_count=1)
    kept = {name: round_trip(notes, name) for name, form in FORMATS.items() if form.write}
    mined = main(["extract", str(MINI / "test.jsonl"), str(OUT / "mentions.csv"),
                  "--vocabulary", str(MINI / "vocabulary.csv")])  # fmt: skip
    mined += main(["mine", str(OUT / "mentions.csv"), "--label", "Drug", "--unit", "note",
                   "--min-count", "1", "--out", str(OUT / "rules")])  # fmt: skip
    scored = clinnlp.score_spans(clinnlp.read_notes(MINI / "test.jsonl"), notes, n_boot=10)
    sys.stdout.write("\n")
    sys.stdout.write(json.dumps({
        "mentions": table.to_pandas().astype(str).to_numpy().tolist(),
        "rules": rules.to_pandas()["n_both"].tolist(),
        "f1": scored.f1.value, "kept": kept, "exit": mined,
        **({} if find_spec("torch") else asked_for_more()),
        "heavy": sorted({"torch", "sklearn", "spacy", "transformers"} & set(sys.modules)),
        "python": sys.version.split()[0],
    }) + "\n")  # fmt: skip
