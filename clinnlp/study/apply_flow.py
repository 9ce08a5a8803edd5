"""Files in, risks of new patients and the reasons for them out, by a kept model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clinnlp.core.places import one_writer
from clinnlp.io.record.event_stream import stream_events
from clinnlp.io.record.people import read_patients
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.study.apply import AppliedRisk, RiskModel
from clinnlp.study.outputs import check_folder, write_tables
from clinnlp.study.risk_tables import read_index_table

__all__ = ["ApplyResult", "apply_flow"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ApplyResult:
    """Risks of new patients, and where they were written.

    Parameters
    ----------
    model : RiskModel
    applied : AppliedRisk
    folder : path
        Holds risks.csv and reasons.csv.
    """

    model: RiskModel
    applied: AppliedRisk
    folder: Path

    def lines(self) -> tuple[str, ...]:
        """Return what a reader is told: how many, how high, cautions, what was left out, where."""
        lost = [f"{reason} {n:,}" for reason, n in self.applied.n_excluded.items() if n]
        return (
            self._risks(),
            *self.applied.cautions,
            f"left out: {', '.join(lost) or 'nothing'}",
            f"risks: {self.folder}",
        )

    def _risks(self) -> str:
        p = self.applied.p
        if not len(p):
            return "0 cases"
        low, middle, high = np.quantile(p, (0, 0.5, 1))
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
) -> ApplyResult:
    """Score new patients with a kept model; write their risks and the reasons for them.

    Parameters
    ----------
    model : path
        Folder that `risk_flow` wrote.
    index : path
        Table with the columns ``patient`` and ``index_time``; a time with a zone becomes UTC.

    Raises
    ------
    DataError, StoreError
        A source, unit or vocabulary is not that of the training; the model cannot be read.
    ArgumentError
        A file that would be written is one that is read.
    RunError
        Another process writes into the folder, or nobody may.
    """
    check_folder(out, ("risks", "reasons"), [index, events, entities, patients])
    with one_writer(out, inside=True):
        kept = RiskModel.load(model)
        applied = kept.apply(
            read_patients(patients) if patients else (),
            index=read_index_table(index),
            events=stream_events(events) if events else None,
            notes=read_entity_table(entities) if entities else None,
            n_reasons=n_reasons,
        )
        write_tables({"risks": applied.to_pandas(), "reasons": applied.reasons_to_pandas()}, out)
        return ApplyResult(model=kept, applied=applied, folder=out)
