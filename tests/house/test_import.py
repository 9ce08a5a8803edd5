"""Importing clinnlp is cheap and gives exactly the promised names."""

import json
import subprocess
import sys
from pathlib import Path

import clinnlp

# What users rely on, by hand: a name added, renamed or lost is a line here and in CHANGELOG.md.
PUBLIC = [
    "__version__",
    "ArgumentError",
    "Assertion",
    "Assertions",
    "Baskets",
    "ClassifierSettings",
    "ClinnlpError",
    "ColumnFeatures",
    "Concept",
    "Courses",
    "DataError",
    "Deidentifier",
    "DeidentifySettings",
    "Dialect",
    "Entity",
    "EntityTable",
    "EntityTagger",
    "Estimate",
    "EventTable",
    "ExternalValidation",
    "ExtractionError",
    "FeatureMatrix",
    "FollowUp",
    "GeneVariants",
    "Identifiers",
    "Itemsets",
    "Knowledge",
    "KnownPatient",
    "LeakageError",
    "Lookup",
    "Medications",
    "MissingExtra",
    "Normalise",
    "Note",
    "NoteClassifier",
    "NoteDrift",
    "NoteIndex",
    "OffsetError",
    "Outcome",
    "PRF",
    "PairCounts",
    "PatientFeatures",
    "PipeError",
    "Pipeline",
    "PretrainSettings",
    "Relation",
    "RelationExtractor",
    "RelationSettings",
    "RelationTable",
    "Replication",
    "ReviewedStratum",
    "RiskModel",
    "RiskRowSettings",
    "RiskRows",
    "RiskStudy",
    "RiskStudySettings",
    "Rules",
    "RunError",
    "RunningCounts",
    "Section",
    "Sections",
    "Sentences",
    "Signals",
    "Span",
    "StatedInteractions",
    "StatedPairs",
    "StatedRelations",
    "StoreError",
    "SurvivalSettings",
    "SurvivalStudy",
    "Table2x2",
    "TaggerSettings",
    "TimeWindow",
    "Tuning",
    "Vocabulary",
    "aalen_johansen",
    "apply_risk_model",
    "basket_blocks",
    "baskets",
    "cohen_kappa",
    "combination_score",
    "compare_relations",
    "compare_spans",
    "compute_metrics",
    "concordance",
    "deidentify_files",
    "disagreements",
    "drug_episodes",
    "entity_table",
    "event_baskets",
    "example",
    "export_onnx",
    "exposure_baskets",
    "extract_spark",
    "faers_spark",
    "fine_tune_classifier",
    "fine_tune_ner",
    "fine_tune_relations",
    "fit_cox",
    "follow_up_from_columns",
    "frame_baskets",
    "from_dataset",
    "from_pandas",
    "from_spacy",
    "gene_associations",
    "halves",
    "kaplan_meier",
    "known_or_new",
    "label_table",
    "landmarks",
    "leak_bound",
    "level_at",
    "list_errors",
    "list_relation_errors",
    "load",
    "make_key",
    "mine_counts",
    "mine_interactions",
    "mine_itemsets",
    "mine_rules",
    "mine_signals",
    "note_drift",
    "notes_gain",
    "outcome_at",
    "pipeline",
    "plots",
    "pretrain",
    "read_counts",
    "read_entity_table",
    "read_events",
    "read_faers",
    "read_fhir",
    "read_itemsets",
    "read_key",
    "read_notes",
    "read_omop",
    "read_relation_table",
    "read_rules",
    "read_signals",
    "read_vocabulary",
    "relation_table",
    "replicate",
    "risk_rows",
    "risk_study",
    "rows_of_table",
    "score_assertions",
    "score_deidentification",
    "score_label_sets",
    "score_labels",
    "score_relations",
    "score_risk",
    "score_spans",
    "score_survival",
    "show",
    "spark_baskets",
    "split_by_time",
    "splits_by_site",
    "stream_events",
    "stream_record",
    "stream_results",
    "stream_spark",
    "survival_study",
    "to_dataset",
    "to_spacy",
    "tune_classifier",
    "tune_ner",
    "validate_risk_model",
    "westfall_young",
    "write_fhir",
    "write_interactions",
    "write_mined",
    "write_notes",
    "write_relation_table",
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


def order(name):
    """Return what ruff sorts names by: constants, classes, functions."""
    return not name.isupper(), not name[0].isupper(), name


def stub():
    """Return `__init__.pyi`, made from the names and homes in `__init__.py`."""
    lines = [
        "# Made from __init__.py: python -m tests.house.test_import > clinnlp/__init__.pyi",
        "",
    ]
    for home, names in sorted(clinnlp._HOMES.items()):
        names = sorted(names, key=order)
        one = f"from {home} import {', '.join(names)}"
        several = [f"from {home} import (", *(f"    {name}," for name in names), ")"]
        lines += [one] if len(one) <= 100 else several
    listed = sorted(clinnlp.__all__, key=order)
    return "\n".join([*lines, "", "__all__ = [", *(f'    "{n}",' for n in listed), "]", "",
                      "__version__: str", ""])  # fmt: skip


def test_editors_and_type_checkers_read_the_same_names_from_the_same_homes():
    path = Path(clinnlp.__file__).with_suffix(".pyi")
    assert path.read_text(encoding="utf-8") == stub(), "make it anew, as its first line says"


def test_every_public_name_resolves_and_is_documented():
    for name in clinnlp.__all__:
        value = getattr(clinnlp, name)
        assert name == "__version__" or (value.__doc__ or "").strip(), name
    assert set(clinnlp.__all__) <= set(dir(clinnlp))


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(clinnlp, "no_such_name")


if __name__ == "__main__":
    sys.stdout.write(stub())
