"""Files in, risks of new patients and the reasons for them out, by a kept model.

Where the table of whom to score says their outcomes too, this is an external validation.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clinnlp.core.ancestors import RollUp
from clinnlp.core.arrays import Floats
from clinnlp.core.errors import DataError
from clinnlp.core.files import tree_sha256
from clinnlp.core.places import one_writer
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.study.apply import AppliedRisk, RiskModel
from clinnlp.study.horizon import known_at_horizon
from clinnlp.study.outputs import check_folder, chronic_told, forget, write_tables
from clinnlp.study.reading import TableReading, events_of, people_of
from clinnlp.study.risk_tables import read_new_cases
from clinnlp.study.roll_up import read_roll_up
from clinnlp.study.validation import ExternalValidation, validate_risk_model
from clinnlp.study.zones import zone_cautions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ANCESTORS", "ApplyResult", "apply_flow"]

_TABLES = ("risks", "reasons", "validation", "calibration")
_BINS = ("predicted", "observed", "low", "high", "n", "n_positive")
ANCESTORS = "ancestors (SHA-256)"  # of the card of a model whose facts were rolled up


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ApplyResult:
    """Risks of new patients, and where they were written.

    Parameters
    ----------
    model : RiskModel
    applied : AppliedRisk
    folder : path
        Holds risks.csv and reasons.csv; of a validation validation.csv and calibration.csv too.
    validation : ExternalValidation or None
        Where outcomes were given.
    """

    model: RiskModel
    applied: AppliedRisk
    folder: Path
    validation: ExternalValidation | None = None

    def lines(self) -> tuple[str, ...]:
        """Return what a reader is told: how many, how high, cautions, what was left out, where."""
        lost = [f"{reason} {n:,}" for reason, n in self.applied.n_excluded.items() if n]
        return (
            self._risks(),
            *self.applied.cautions,
            *(() if self.validation is None else self.validation.lines()),
            f"left out: {', '.join(lost) or 'nothing'}",
            *chronic_told(self.applied.cases.n_chronic),
            f"risks: {self.folder}",
        )

    def _risks(self) -> str:
        p = self.applied.p
        scored = p[np.isfinite(p)]
        if not len(scored):
            return f"{len(p):,} cases" + (": none has a risk" if len(p) else "")
        low, middle, high = np.quantile(scored, (0, 0.5, 1))
        return f"{len(p):,} cases: risk {low:.3f} to {high:.3f}, median {middle:.3f}"


def apply_flow(
    model: str | Path,
    index: str | Path,
    *,
    events: str | Path | None,
    entities: str | Path | None,
    patients: str | Path | None,
    out: Path,
    n_reasons: int = 5,
    ancestors: str | Path | None = None,
    reading: TableReading | None = None,
) -> ApplyResult:
    """Score new patients with a kept model; write their risks and the reasons for them.

    Parameters
    ----------
    model : path
        Folder that `risk_flow` wrote.
    index : path
        Table with the columns ``patient`` and ``index_time``; a time with a zone becomes UTC. With
        a column ``outcome`` (0, 1 or empty) the model is validated on those that have one; where
        there is a column ``time``, of the outcome, those whose outcome came before are left out. A
        model with a horizon is validated at it: with ``time`` and ``follow_up_end``, those not seen
        to it are left out.
    ancestors : path, optional
        The terminology of the training, where there was one.
    reading : TableReading, optional
        How tables are written and what their columns are called, that of `index` as of an outcome.

    Raises
    ------
    DataError, StoreError
        A source, unit or vocabulary is not that of the training; the model cannot be read.
    ArgumentError
        A file that would be written is one that is read.
    RunError
        Another process writes into the folder, or nobody may.
    """
    check_folder(out, _TABLES, [index, events, entities, patients])
    reading = reading or TableReading()
    with one_writer(out, inside=True):
        kept = RiskModel.load(model)
        table = events_of(events, reading)
        rows = kept.card["rows"]
        given = known_at_horizon(index, read_new_cases(index, reading), rows, reading)
        applied = kept.apply(
            people_of(patients, reading),
            index=given.cases,
            events=table,
            notes=read_entity_table(entities) if entities else None,
            n_reasons=n_reasons,
            roll_up=_roll_up(kept, ancestors),
        )
        lost = reading.take(() if table is None else table.skipped)
        if given.n_before:
            lost |= {"outcome_before_index": given.n_before}
        cautions = (*applied.cautions, *zone_cautions(index, events, reading))
        excluded = {**applied.n_excluded, **lost}
        applied = replace(applied, n_excluded=excluded, cautions=cautions)
        validation = _validated(kept, applied, given.outcomes)
        tables = {"risks": applied.to_pandas(), "reasons": applied.reasons_to_pandas()}
        write_tables({**tables, **_tables_of(validation)}, out)
        forget(out, [f"{name}.csv" for name in _TABLES if name not in tables] * (not validation))
        return ApplyResult(model=kept, applied=applied, folder=out, validation=validation)


def _validated(
    kept: RiskModel, applied: AppliedRisk, outcomes: Floats | None
) -> ExternalValidation | None:
    return None if outcomes is None else validate_risk_model(kept, applied, outcomes)


def _tables_of(validation: ExternalValidation | None) -> "dict[str, pd.DataFrame]":
    import pandas as pd

    if validation is None:
        return {}
    curve = validation.calibration
    bins = {} if curve is None else {name: getattr(curve, name) for name in _BINS}
    return {
        "validation": validation.to_pandas(),
        "calibration": pd.DataFrame(bins, columns=_BINS),
    }


def _roll_up(kept: RiskModel, ancestors: str | Path | None) -> RollUp | None:
    """Return what codes count as, by the same terminology as in the training.

    Raises
    ------
    DataError
        It is another one, or there was none.
    """
    known = kept.card.get(ANCESTORS)
    if known is not None and ancestors is None:
        raise DataError("the model counts codes as ancestors: give the terminology with ancestors")
    if ancestors is not None and tree_sha256(ancestors) != known:
        was = "none" if known is None else "another one"
        raise DataError(f"ancestors must be those of the training, which had {was}", path=ancestors)
    rows = kept.card.get("rows")
    how = rows.get("roll_up") if isinstance(rows, dict) else None
    return read_roll_up(ancestors, how["to"] if isinstance(how, dict) else None)
