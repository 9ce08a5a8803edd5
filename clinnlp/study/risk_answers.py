"""Risks of cases that somebody asks about, as plain values: a kept model, and what is known."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from clinnlp.core.errors import StoreError
from clinnlp.core.notes import Note
from clinnlp.core.patients import Patient
from clinnlp.core.tables import EventTable
from clinnlp.study.apply import AppliedRisk, RiskModel

__all__ = ["risks_of", "servable_risk_model"]


def servable_risk_model(folder: str | Path) -> RiskModel:
    """Return a kept model that can be asked case by case.

    Raises
    ------
    StoreError
        The folder is damaged, or the model counts codes as their ancestors, which would need the
        terminology with every case.
    """
    model = RiskModel.load(folder)
    if "roll_up" in model.card["rows"]:
        raise StoreError(
            f"the model in {folder} must not count codes as their ancestors, and does; "
            "use clinnlp risk apply"
        )
    return model


def risks_of(
    model: RiskModel,
    cases: Sequence[tuple[str, str]],
    *,
    events: Sequence[Mapping[str, Any]] | None,
    notes: Iterable[Note] | None,
    patients: Iterable[Patient] = (),
    n_reasons: int = 0,
) -> dict[str, Any]:
    """Return the risk of each case, in order, with the reasons for it.

    Parameters
    ----------
    model : RiskModel
    cases : sequence of (patient, index time)
    events : sequence of mappings with the columns of an EventTable, or None
    notes : iterable of Note, or None
        As they were read.
    patients : iterable of Patient
    n_reasons : int
        Concepts to name for each case.

    Raises
    ------
    DataError, ArgumentError
        A source, unit, vocabulary or time is not as in the training, or as it must be.
    """
    index: dict[str, Any] = {
        "patient": [patient for patient, _ in cases],
        "index_time": [time for _, time in cases],
    }
    applied = model.apply(
        patients,
        index=index,
        events=None if events is None else EventTable.from_rows(events),
        notes=notes,
        n_reasons=n_reasons,
    )
    return {
        "risks": [_case(applied, k) for k in range(len(applied.p))],
        "n_excluded": {name: int(n) for name, n in applied.n_excluded.items()},
        "cautions": list(applied.cautions),
    }


def _case(applied: AppliedRisk, k: int) -> dict[str, Any]:
    told = applied.reasons[k] if len(applied.reasons) else None
    return {
        "patient": str(applied.cases.patients[k]),
        "index_time": str(applied.cases.index[k]),
        "risk": float(applied.p[k]),
        **({} if told is None else {"base_log_odds": told.base, "other_log_odds": told.others}),
        "reasons": [
            {
                "concept": reason.concept,
                "name": applied.names.get(reason.concept),
                "log_odds": reason.log_odds,
                "error": reason.error,
                "mentions": [_mention(applied, row) for row in reason.mentions],
                "events": [int(row) for row in reason.events],
            }
            for reason in (() if told is None else told.reasons)
        ],
    }


def _mention(applied: AppliedRisk, row: int) -> dict[str, Any]:
    table = applied.mentions
    if table is None:
        return {}
    start, end = int(table["start"][row]), int(table["end"][row])
    return {"note": str(table["note"][row]), "start": start, "end": end}
