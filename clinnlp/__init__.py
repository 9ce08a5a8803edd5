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
    "clinnlp.core.pipeline": ("Pipeline",),
    "clinnlp.core.tables": ("Baskets", "EntityTable", "EventTable", "Outcome"),
    "clinnlp.core.patients": ("TimeWindow",),
    "clinnlp.io.files.dialect": ("Dialect",),
    "clinnlp.io.notes.corpora": ("read_notes", "write_notes"),
    "clinnlp.io.record.faers": ("read_faers",),
    "clinnlp.io.notes.spacy": ("from_spacy", "to_spacy"),
    "clinnlp.io.notes.frames": ("from_pandas",),
    "clinnlp.io.notes.datasets": ("from_dataset", "to_dataset"),
    "clinnlp.io.record.fhir": ("read_fhir",),
    "clinnlp.io.record.folders": ("stream_record",),
    "clinnlp.io.notes.fhir_write": ("write_fhir",),
    "clinnlp.io.record.omop": ("read_omop",),
    "clinnlp.features.entities": ("entity_table",),
    "clinnlp.features.baskets": ("baskets", "event_baskets", "frame_baskets"),
    "clinnlp.features.exposure": ("exposure_baskets",),
    "clinnlp.bert.train": ("fine_tune_classifier", "fine_tune_ner"),
    "clinnlp.bert.store": ("load",),
    "clinnlp.metrics.spans": ("score_spans",),
    "clinnlp.mine.signals.drug_events": ("mine_signals",),
    "clinnlp.mine.sets.itemsets": ("mine_itemsets",),
    "clinnlp.mine.rules": ("mine_rules",),
    "clinnlp.mine.signals.interactions": ("mine_interactions",),
    "clinnlp.study.pipeline": ("pipeline",),
    "clinnlp.risk.splits": ("split_by_time", "splits_by_site"),
    "clinnlp.study.apply": ("RiskModel", "apply_risk_model"),
    "clinnlp.study.risk": ("risk_study",),
    "clinnlp.study.risk_rows": ("risk_rows", "rows_of_table"),
    "clinnlp.study.risk_values": ("notes_gain",),
    "clinnlp.study.settings": ("RiskRowSettings", "RiskStudySettings"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("clinnlp")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'clinnlp' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
