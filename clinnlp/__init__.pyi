# Made from __init__.py: python -m tests.house.test_import > clinnlp/__init__.pyi

from clinnlp.bert.classify import NoteClassifier
from clinnlp.bert.export import export_onnx
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.pretrain import pretrain
from clinnlp.bert.relate import RelationExtractor
from clinnlp.bert.settings import (
    ClassifierSettings,
    PretrainSettings,
    RelationSettings,
    TaggerSettings,
)
from clinnlp.bert.store import load
from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner, fine_tune_relations
from clinnlp.core.baskets import Baskets
from clinnlp.core.counts import PRF, Estimate, Table2x2
from clinnlp.core.errors import (
    ArgumentError,
    ClinnlpError,
    DataError,
    LeakageError,
    MissingExtra,
    OffsetError,
    PipeError,
    RunError,
    StoreError,
)
from clinnlp.core.follow_up import FollowUp
from clinnlp.core.notes import Assertion, Entity, Note, Relation, Section
from clinnlp.core.pair_counts import PairCounts
from clinnlp.core.patients import TimeWindow
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.spans import Span
from clinnlp.core.tables import EntityTable, EventTable, FeatureMatrix, Outcome, RelationTable
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.features.baskets import baskets, event_baskets, frame_baskets
from clinnlp.features.columns import ColumnFeatures
from clinnlp.features.entities import entity_table
from clinnlp.features.exposure import drug_episodes, exposure_baskets
from clinnlp.features.follow_up import follow_up_from_columns, outcome_at
from clinnlp.features.landmarks import landmarks
from clinnlp.features.matrix import PatientFeatures
from clinnlp.features.relations import relation_table
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.datasets import from_dataset, to_dataset
from clinnlp.io.notes.fhir_write import write_fhir
from clinnlp.io.notes.frames import from_pandas
from clinnlp.io.notes.index import NoteIndex
from clinnlp.io.notes.spacy import from_spacy, to_spacy
from clinnlp.io.record.event_stream import stream_events
from clinnlp.io.record.events import read_events
from clinnlp.io.record.faers import read_faers
from clinnlp.io.record.faers_spark import faers_spark
from clinnlp.io.record.fhir import read_fhir
from clinnlp.io.record.folders import stream_record
from clinnlp.io.record.omop import read_omop
from clinnlp.io.tables.basket_blocks import basket_blocks
from clinnlp.io.tables.counts import read_counts
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.io.tables.relations import read_relation_table, write_relation_table
from clinnlp.io.tables.vocabularies import read_vocabulary
from clinnlp.metrics.agreement import cohen_kappa
from clinnlp.metrics.assertion import score_assertions
from clinnlp.metrics.deidentification import score_deidentification
from clinnlp.metrics.incidence import aalen_johansen, kaplan_meier
from clinnlp.metrics.labels import score_label_sets, score_labels
from clinnlp.metrics.leak_bound import ReviewedStratum, leak_bound
from clinnlp.metrics.mentions import compare_spans, list_errors
from clinnlp.metrics.relations import compare_relations, list_relation_errors, score_relations
from clinnlp.metrics.risk import score_risk
from clinnlp.metrics.spans import score_spans
from clinnlp.metrics.survival import concordance, score_survival
from clinnlp.metrics.tags import compute_metrics
from clinnlp.mine.permute import westfall_young
from clinnlp.mine.replicate import Replication, halves, replicate
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.rules import Rules
from clinnlp.mine.sets.itemsets import Itemsets, mine_itemsets
from clinnlp.mine.sets.spark_baskets import spark_baskets
from clinnlp.mine.signals.combination_score import combination_score
from clinnlp.mine.signals.counts import mine_counts
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.extraction import ExtractionError
from clinnlp.mine.signals.interactions import Signals, mine_interactions
from clinnlp.mine.signals.known import Knowledge, disagreements, known_or_new
from clinnlp.mine.signals.running import RunningCounts, level_at
from clinnlp.mine.stated import StatedPairs
from clinnlp.risk.cox import fit_cox
from clinnlp.risk.splits import split_by_time, splits_by_site
from clinnlp.study.apply import RiskModel, apply_risk_model
from clinnlp.study.deidentify.deidentifier import Deidentifier
from clinnlp.study.deidentify.keys import make_key, read_key
from clinnlp.study.deidentify.whole import deidentify_files
from clinnlp.study.example import example
from clinnlp.study.gene_associations import gene_associations
from clinnlp.study.label_table import label_table
from clinnlp.study.mined_tables import read_itemsets, read_rules, read_signals, write_mined
from clinnlp.study.note_drift import NoteDrift, note_drift
from clinnlp.study.pipeline import pipeline
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import RiskRows, risk_rows, rows_of_table
from clinnlp.study.risk_values import RiskStudy, notes_gain
from clinnlp.study.settings import (
    DeidentifySettings,
    RiskRowSettings,
    RiskStudySettings,
    SurvivalSettings,
)
from clinnlp.study.shown import plots, show
from clinnlp.study.signals_file import write_interactions
from clinnlp.study.spark_extract import extract_spark
from clinnlp.study.spark_stream import stream_results, stream_spark
from clinnlp.study.survival import SurvivalStudy, survival_study
from clinnlp.study.tune import tune_classifier, tune_ner
from clinnlp.study.tuning import Tuning
from clinnlp.study.validation import ExternalValidation, validate_risk_model
from clinnlp.text.assertion import Assertions
from clinnlp.text.course import Courses
from clinnlp.text.identifiers import Identifiers, KnownPatient
from clinnlp.text.interactions import StatedInteractions
from clinnlp.text.lookup import Lookup
from clinnlp.text.medication import Medications
from clinnlp.text.normalise import Normalise
from clinnlp.text.relations import StatedRelations
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from clinnlp.text.variants_genes import GeneVariants

__all__ = [
    "PRF",
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
    "__version__",
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

__version__: str
