"""clinnlp: from clinical notes to calibrated risks and audited drug rules.

Names resolve on first use, so that importing the package stays cheap.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "clinnlp.core.errors": (
        "ArgumentError",
        "ClinnlpError",
        "DataError",
        "LeakageError",
        "MissingExtra",
        "OffsetError",
        "PipeError",
        "RunError",
        "StoreError",
    ),
    "clinnlp.core.notes": ("Assertion", "Entity", "Note", "Relation", "Section"),
    "clinnlp.core.spans": ("Span",),
    "clinnlp.core.counts": ("PRF", "Estimate", "Table2x2"),
    "clinnlp.core.pipeline": ("Pipeline",),
    "clinnlp.core.baskets": ("Baskets",),
    "clinnlp.core.tables": (
        "EntityTable",
        "EventTable",
        "FeatureMatrix",
        "Outcome",
        "RelationTable",
    ),
    "clinnlp.core.patients": ("TimeWindow",),
    "clinnlp.core.vocab": ("Concept", "Vocabulary"),
    "clinnlp.io.files.dialect": ("Dialect",),
    "clinnlp.io.notes.corpora": ("read_notes", "write_notes"),
    "clinnlp.io.notes.index": ("NoteIndex",),
    "clinnlp.io.record.events": ("read_events",),
    "clinnlp.io.record.event_stream": ("stream_events",),
    "clinnlp.io.record.faers": ("read_faers",),
    "clinnlp.io.record.faers_spark": ("faers_spark",),
    "clinnlp.io.notes.spacy": ("from_spacy", "to_spacy"),
    "clinnlp.io.notes.frames": ("from_pandas",),
    "clinnlp.io.notes.datasets": ("from_dataset", "to_dataset"),
    "clinnlp.io.record.fhir": ("read_fhir",),
    "clinnlp.io.record.folders": ("stream_record",),
    "clinnlp.io.notes.fhir_write": ("write_fhir",),
    "clinnlp.io.record.omop": ("read_omop",),
    "clinnlp.io.tables.basket_blocks": ("basket_blocks",),
    "clinnlp.io.tables.counts": ("read_counts",),
    "clinnlp.io.tables.mentions": ("read_entity_table",),
    "clinnlp.io.tables.relations": ("read_relation_table", "write_relation_table"),
    "clinnlp.io.tables.vocabularies": ("read_vocabulary",),
    "clinnlp.text.assertion": ("Assertions",),
    "clinnlp.text.course": ("Courses",),
    "clinnlp.text.identifiers": ("Identifiers", "KnownPatient"),
    "clinnlp.text.interactions": ("StatedInteractions",),
    "clinnlp.text.lookup": ("Lookup",),
    "clinnlp.text.medication": ("Medications",),
    "clinnlp.text.normalise": ("Normalise",),
    "clinnlp.text.relations": ("StatedRelations",),
    "clinnlp.text.sections": ("Sections",),
    "clinnlp.text.sentences": ("Sentences",),
    "clinnlp.text.variants_genes": ("GeneVariants",),
    "clinnlp.features.entities": ("entity_table",),
    "clinnlp.features.relations": ("relation_table",),
    "clinnlp.features.baskets": ("baskets", "event_baskets", "frame_baskets"),
    "clinnlp.features.columns": ("ColumnFeatures",),
    "clinnlp.features.exposure": ("drug_episodes", "exposure_baskets"),
    "clinnlp.features.matrix": ("PatientFeatures",),
    "clinnlp.bert.classify": ("NoteClassifier",),
    "clinnlp.bert.export": ("export_onnx",),
    "clinnlp.bert.predict": ("EntityTagger",),
    "clinnlp.bert.pretrain": ("pretrain",),
    "clinnlp.bert.relate": ("RelationExtractor",),
    "clinnlp.bert.settings": (
        "ClassifierSettings",
        "PretrainSettings",
        "RelationSettings",
        "TaggerSettings",
    ),
    "clinnlp.bert.train": ("fine_tune_classifier", "fine_tune_ner", "fine_tune_relations"),
    "clinnlp.bert.store": ("load",),
    "clinnlp.metrics.agreement": ("cohen_kappa",),
    "clinnlp.metrics.assertion": ("score_assertions",),
    "clinnlp.metrics.deidentification": ("score_deidentification",),
    "clinnlp.metrics.labels": ("score_label_sets", "score_labels"),
    "clinnlp.metrics.mentions": ("compare_spans", "list_errors"),
    "clinnlp.metrics.relations": (
        "compare_relations",
        "list_relation_errors",
        "score_relations",
    ),
    "clinnlp.metrics.risk": ("score_risk",),
    "clinnlp.metrics.spans": ("score_spans",),
    "clinnlp.metrics.tags": ("compute_metrics",),
    "clinnlp.mine.stated": ("StatedPairs",),
    "clinnlp.mine.permute": ("westfall_young",),
    "clinnlp.mine.replicate": ("Replication", "halves", "replicate"),
    "clinnlp.mine.rule_mining": ("mine_rules",),
    "clinnlp.mine.rules": ("Rules",),
    "clinnlp.mine.sets.itemsets": ("Itemsets", "mine_itemsets"),
    "clinnlp.mine.sets.spark_baskets": ("spark_baskets",),
    "clinnlp.mine.signals.combination_score": ("combination_score",),
    "clinnlp.core.pair_counts": ("PairCounts",),
    "clinnlp.mine.signals.counts": ("mine_counts",),
    "clinnlp.mine.signals.drug_events": ("mine_signals",),
    "clinnlp.mine.signals.extraction": ("ExtractionError",),
    "clinnlp.mine.signals.interactions": ("Signals", "mine_interactions"),
    "clinnlp.mine.signals.running": ("RunningCounts", "level_at"),
    "clinnlp.mine.signals.known": ("Knowledge", "disagreements", "known_or_new"),
    "clinnlp.study.example": ("example",),
    "clinnlp.study.gene_associations": ("gene_associations",),
    "clinnlp.study.label_table": ("label_table",),
    "clinnlp.study.mined_tables": (
        "read_itemsets",
        "read_rules",
        "read_signals",
        "write_mined",
    ),
    "clinnlp.study.note_drift": ("NoteDrift", "note_drift"),
    "clinnlp.study.pipeline": ("pipeline",),
    "clinnlp.study.shown": ("plots", "show"),
    "clinnlp.study.signals_file": ("write_interactions",),
    "clinnlp.study.spark_extract": ("extract_spark",),
    "clinnlp.study.spark_stream": ("stream_results", "stream_spark"),
    "clinnlp.study.tune": ("tune_classifier", "tune_ner"),
    "clinnlp.study.tuning": ("Tuning",),
    "clinnlp.core.follow_up": ("FollowUp",),
    "clinnlp.features.follow_up": ("follow_up_from_columns", "outcome_at"),
    "clinnlp.features.landmarks": ("landmarks",),
    "clinnlp.metrics.incidence": ("aalen_johansen", "kaplan_meier"),
    "clinnlp.metrics.survival": ("concordance", "score_survival"),
    "clinnlp.risk.cox": ("fit_cox",),
    "clinnlp.study.survival": ("SurvivalStudy", "survival_study"),
    "clinnlp.risk.splits": ("split_by_time", "splits_by_site"),
    "clinnlp.study.apply": ("RiskModel", "apply_risk_model"),
    "clinnlp.study.validation": ("ExternalValidation", "validate_risk_model"),
    "clinnlp.study.risk": ("risk_study",),
    "clinnlp.study.risk_rows": ("RiskRows", "risk_rows", "rows_of_table"),
    "clinnlp.study.risk_values": ("RiskStudy", "notes_gain"),
    "clinnlp.study.settings": (
        "DeidentifySettings",
        "RiskRowSettings",
        "RiskStudySettings",
        "SurvivalSettings",
    ),
    "clinnlp.study.deidentify.deidentifier": ("Deidentifier",),
    "clinnlp.study.deidentify.keys": ("make_key", "read_key"),
    "clinnlp.study.deidentify.whole": ("deidentify_files",),
    "clinnlp.metrics.leak_bound": ("ReviewedStratum", "leak_bound"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("clinnlp")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'clinnlp' has no attribute {name!r}")
    foreign: Any = import_module("clinnlp.core.installed")
    with import_module("clinnlp.core.errors").instead_of(ModuleNotFoundError, foreign.missing_of):
        value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
