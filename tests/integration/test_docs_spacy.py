"""The recipes of docs/spacy.md run as they stand, and agree with the libraries they replace.

The environment variables CLINNLP_NEGSPACY and CLINNLP_MEDSPACY name interpreters that have
negspacy, and medSpaCy with ahocorasick_rs, rapidfuzz and scipy: medSpaCy pins an older spaCy.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import spacy

import clinnlp.study.spacy  # noqa: F401 (an installed package does so by its entry point)

ROOT = Path(__file__).parents[2]


def test_every_block_runs(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "spacy.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) == 5
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in blocks:
        exec(compile(block, "spacy.md", "exec"), names)
    assert names["negations"] == [("Steve Jobs", True), ("Apple", False)]
    assert names["said"] == {
        "Atrial fibrillation": ["is_historical"],
        "pneumonia": ["is_negated"],
        "warfarin": [],
        "sepsis": ["is_uncertain"],
        "stroke": ["is_family"],
    }
    assert (names["scores"]["ents_f"], names["scores"]["negated_f"]) == (1.0, 1.0)
    assert [(e.text, e._.negated) for e in names["again"]("No chest pain.").ents] == [
        ("chest pain", True)
    ]


def _python(variable):
    python = os.environ.get(variable)
    if not python:
        pytest.skip(f"{variable} names no interpreter with that library")
    return python


def _run(python, script, argument):
    done = subprocess.run(
        [python, "-c", script, json.dumps(argument)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


SENTENCES = [
    "She does not like Steve Jobs but likes Apple products.",
    "There is no headache.",
    "Patient denies chest pain, fever but has headache.",
    "No evidence of pneumonia.",
    "pneumonia was ruled out",
    "He has fever and headache.",
]
PATTERNS = [
    {"label": label, "pattern": pattern}
    for label, pattern in (
        ("PERSON", "Steve Jobs"),
        ("ORG", "Apple"),
        ("DX", "no headache"),
        ("DX", "headache"),
        ("DX", "chest pain"),
        ("DX", "fever"),
        ("DX", "pneumonia"),
    )
]
HOW = {"ent_types": ["PERSON", "ORG", "DX"], "chunk_prefix": ["no"]}

NEGSPACY = """
import json, sys, spacy
from negspacy.negation import Negex
component, patterns, how, texts = json.loads(sys.argv[1])
nlp = spacy.blank("en")
nlp.add_pipe("sentencizer")
nlp.add_pipe("entity_ruler").add_patterns(patterns)
nlp.add_pipe(component, config=how)
print(json.dumps([[(e.text, e._.negex) for e in nlp(text).ents] for text in texts]))
"""


@pytest.mark.long
def test_negspacys_recipe_says_the_same_by_our_name():
    theirs = _run(_python("CLINNLP_NEGSPACY"), NEGSPACY, ["negex", PATTERNS, HOW, SENTENCES])
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_ruler").add_patterns(PATTERNS)
    nlp.add_pipe("clinnlp", config=HOW)
    assert [[[e.text, e._.negex] for e in nlp(text).ents] for text in SENTENCES] == theirs


MEDSPACY = """
import json, logging, sys
logging.disable(logging.WARNING)
import medspacy
from medspacy.ner import TargetRule
import clinnlp.study.spacy
which, text = json.loads(sys.argv[1])
nlp = medspacy.load(medspacy_disable=["medspacy_context"] if which == "ours" else [])
if which != "theirs":
    nlp.add_pipe("clinnlp", config={"model": "none"})
nlp.get_pipe("medspacy_target_matcher").add([
    TargetRule(name, "PROBLEM")
    for name in ("atrial fibrillation", "pneumonia", "sepsis", "stroke", "warfarin")
])
names = ("is_negated", "is_uncertain", "is_hypothetical", "is_historical", "is_family")
said = {e.text: [name for name in names if e._.get(name)] for e in nlp(text).ents}
print(json.dumps(said))
"""
NOTE = """Past Medical History:
1. Atrial fibrillation

Assessment and Plan:
There is no evidence of pneumonia. Continue warfarin for Afib. Possible sepsis.
Mother had a stroke.
"""
SAID = {"pneumonia": ["is_negated"], "sepsis": ["is_uncertain"], "stroke": ["is_family"]}


@pytest.mark.long
def test_medspacys_recipe_runs_by_our_name_inside_its_pipeline():
    python = _python("CLINNLP_MEDSPACY")
    plain = {"Atrial fibrillation": [], "warfarin": [], **SAID}
    assert _run(python, MEDSPACY, ["theirs", NOTE]) == plain
    ours = {**plain, "Atrial fibrillation": ["is_historical"]}  # by its heading
    assert _run(python, MEDSPACY, ["ours", NOTE]) == ours
    assert _run(python, MEDSPACY, ["both", NOTE]) == plain  # what theirs wrote stands
