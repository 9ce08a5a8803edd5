"""Importing clinnlp is cheap and gives exactly the promised names."""

import json
import subprocess
import sys

import clinnlp

# What users rely on, by hand: a name added, renamed or lost is a line here and in CHANGELOG.md.
PUBLIC = [
    "__version__",
    "ArgumentError",
    "Assertion",
    "Baskets",
    "ClinnlpError",
    "DataError",
    "Dialect",
    "Entity",
    "EntityTable",
    "EventTable",
    "LeakageError",
    "MissingExtra",
    "Note",
    "OffsetError",
    "Outcome",
    "PipeError",
    "Pipeline",
    "Relation",
    "RiskModel",
    "RiskRowSettings",
    "RiskStudySettings",
    "RunError",
    "Section",
    "Span",
    "StoreError",
    "TimeWindow",
    "apply_risk_model",
    "baskets",
    "entity_table",
    "event_baskets",
    "exposure_baskets",
    "fine_tune_classifier",
    "fine_tune_ner",
    "frame_baskets",
    "from_dataset",
    "from_pandas",
    "from_spacy",
    "load",
    "mine_interactions",
    "mine_itemsets",
    "mine_rules",
    "mine_signals",
    "notes_gain",
    "pipeline",
    "read_faers",
    "read_fhir",
    "read_notes",
    "read_omop",
    "risk_rows",
    "risk_study",
    "rows_of_table",
    "score_spans",
    "split_by_time",
    "splits_by_site",
    "stream_record",
    "to_dataset",
    "to_spacy",
    "write_fhir",
    "write_notes",
]

CHILD = """
import json, sys
before = set(sys.modules)
import clinnlp
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_import_loads_nothing_but_itself():
    child = [sys.executable, "-c", CHILD]
    done = subprocess.run(child, capture_output=True, check=True, text=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert loaded <= {"clinnlp", "importlib", "typing", *sys.stdlib_module_names}
    assert len(json.loads(done.stdout)) < 30


def test_the_public_names_are_these():
    assert clinnlp.__all__ == PUBLIC


def test_every_public_name_resolves_and_is_documented():
    for name in clinnlp.__all__:
        value = getattr(clinnlp, name)
        assert name == "__version__" or (value.__doc__ or "").strip(), name
    assert set(clinnlp.__all__) <= set(dir(clinnlp))


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(clinnlp, "no_such_name")
