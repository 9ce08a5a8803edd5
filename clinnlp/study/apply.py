"""Keep a risk model after a study, and score new patients with it.

A model is fitted on all rows of the study and kept beside what it expects: sources, windows,
units, vocabularies. Applied to tables that differ in one of them, it refuses and names it. A folder
is loaded once, as a `RiskModel`, and applied as often as there are new patients.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clinnlp.core.ancestors import RollUp
from clinnlp.core.arrays import Array, Bools, Floats
from clinnlp.core.arrow import columns_to_arrow
from clinnlp.core.errors import ArgumentError, StoreError, instead_of
from clinnlp.core.notes import Note
from clinnlp.core.patients import Patient
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.core.times import to_second
from clinnlp.features.entities import entity_table
from clinnlp.features.events import Cases, collect_cases
from clinnlp.features.item_names import code_names
from clinnlp.risk.crossfit import fit_risk_model
from clinnlp.risk.drift import check_any_fact, drift, facts_known, profile_of
from clinnlp.risk.explain import Explanation, Reason, explain_cases
from clinnlp.risk.schema import check_schema, check_sources, n_unknown_facts, schema_of
from clinnlp.risk.store import LoadedModel, load_risk_model, save_risk_model
from clinnlp.study.cautions import LEVEL, UNSURE, excluded_cautions, repeated_facts
from clinnlp.study.risk_rows import OF_CASES, RiskRows
from clinnlp.study.risk_values import RiskStudy
from clinnlp.study.roll_up import told

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["AppliedRisk", "RiskModel", "apply_risk_model", "keep_risk_model"]

BASE_LINE, OTHERS = "(base line)", "(other concepts)"  # rows of the reasons that are no concept


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AppliedRisk:
    """Risks of new cases.

    Parameters
    ----------
    cases : Cases
    p : array of float64, shape (n,)
        ``nan`` for a case of which nothing is known that the model knows.
    reasons : sequence of Explanation or None
        Per case, None where it has no risk; empty where none were asked for.
    mentions : EntityTable or None
        The table that the reasons' mentions are rows of.
    n_excluded : mapping of str to int
        Rows of the sources left out, and facts the model does not know.
    cautions : tuple of str
        What a reader has to know, each one sentence.
    names : mapping of str to str
        Preferred name of a concept of the reasons, where the sources have one.

    Columns
    -------
    patient : text
        Id.
    index_time : time
        From when on the risk counts (UTC, seconds).
    risk : float
        Calibrated probability, 0 to 1; missing where nothing was known of a case.
    """

    cases: Cases
    p: Floats
    reasons: Sequence[Explanation | None]
    mentions: EntityTable | None
    n_excluded: Mapping[str, int]
    cautions: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"AppliedRisk({len(self.p)} cases)"

    def to_pandas(self) -> "pd.DataFrame":
        """Return one row per case: patient, index_time, risk."""
        import pandas as pd

        return pd.DataFrame(self._columns())

    def to_arrow(self) -> "pa.Table":
        """Return one row per case as a pyarrow Table: patient, index_time, risk."""
        return columns_to_arrow(self._columns())

    def _columns(self) -> dict[str, Array]:
        return {"patient": self.cases.patients, "index_time": self.cases.index, "risk": self.p}

    def reasons_to_pandas(self) -> "pd.DataFrame":
        """Return one row per case, reason and place: what adds up to the log odds of its risk.

        The log odds of a reason stand beside each of its places: count them once.

        Columns
        -------
        patient : text
            Id.
        index_time : time
            From when on the risk counts (UTC, seconds).
        concept : text
            What the reason is: ``(base line)`` in the first row of a case, of a possible patient
            with the usual values, and ``(other concepts)`` in its last, all that is not listed.
        name : text
            Of the concept, where it is a code and a table said what it is called.
        log_odds : float
            What it adds to the log odds of the risk. Base line, reasons and others add up to them.
        error : float
            Standard error: over the trees of a forest, or over drawn orders; else 0.
        clear : bool
            Of the first reason alone: it leads all others by three standard errors, so that a model
            trained with another seed names it first too. Elsewhere missing.
        note : text
            Id of a note that speaks of it; ``start`` and ``end`` say where.
        start, end : int
            Its place in the text of the note, in code points.
        event : int
            Row in the table of events, from 0, where it came from one.
        """
        import pandas as pd

        names = ("patient", "index_time", "concept", "name", "log_odds", "error",
                 "clear", "note", "start", "end", "event")  # fmt: skip
        rows = [
            (self.cases.patients[k], self.cases.index[k], *row)
            for k, told in enumerate(self.reasons)
            if told is not None
            for row in self._rows(told)
        ]
        frame = pd.DataFrame(rows, columns=names)
        return frame.astype({"start": "Int64", "end": "Int64", "event": "Int64"})

    def _rows(self, told: Explanation) -> Iterator[tuple[Any, ...]]:
        nowhere = (None, None, None, None)
        yield BASE_LINE, None, told.base, 0.0, None, *nowhere
        for k, r in enumerate(told.reasons):
            clear = told.is_clear if k == 0 else None
            for place in self._places(r):
                yield r.concept, self.names.get(r.concept), r.log_odds, r.error, clear, *place
        yield OTHERS, None, told.others, None, None, *nowhere

    def _places(self, reason: Reason) -> list[tuple[Any, ...]]:
        table = self.mentions
        notes = [] if table is None else [
            (table["note"][row], table["start"][row], table["end"][row], None)
            for row in reason.mentions
        ]  # fmt: skip
        events = [(None, None, None, row) for row in reason.events]
        return notes + events or [(None, None, None, None)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskModel:
    """A kept risk model: loaded once, applied many times.

    Parameters
    ----------
    kept : LoadedModel
        The fitted pipeline, and its card: what it was made from and expects.
    options : mapping of str to bool
        Which facts are collected, and as what: those of the training.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.study.risk import risk_study
    >>> from clinnlp.study.risk_rows import risk_rows
    >>> from clinnlp.study.settings import RiskStudySettings
    >>> who = np.array([f"p{k}" for k in range(60)], dtype=object)
    >>> y, index = np.arange(60) % 2, np.full(60, "2024-01-10", "datetime64[s]")
    >>> events = EventTable({
    ...     "patient": who, "known": np.full(60, "2024-01-01", "datetime64[s]"),
    ...     "code": ["x" if v else "z" for v in y], "kind": ["drug"] * 60,
    ... })
    >>> rows = risk_rows(outcome=Outcome(patients=who, index=index, values=y), events=events)
    >>> folder = tempfile.TemporaryDirectory()
    >>> study = risk_study(rows, RiskStudySettings(models=("naive_bayes",), n_boot=0, n_top=0))
    >>> _ = keep_risk_model(study, rows, f"{folder.name}/model", model="naive_bayes")
    >>> tomorrow = {"patient": who[:2], "index_time": index[:2]}
    >>> model = RiskModel.load(f"{folder.name}/model")
    >>> for day in ("2024-01-10", "2024-01-11"):
    ...     tomorrow["index_time"] = np.full(2, day, "datetime64[s]")
    ...     print((model.apply(index=tomorrow, events=events).p > 0.5).tolist())
    [False, True]
    [False, True]
    >>> folder.cleanup()
    """

    kept: LoadedModel
    options: Mapping[str, bool]

    @classmethod
    def load(cls, folder: str | Path) -> "RiskModel":
        """Return the model in a folder of `keep_risk_model`.

        Raises
        ------
        StoreError
            The folder is damaged, of another form or version, or holds a model of a plain table.
        """
        kept = load_risk_model(folder)
        rows = kept.card.get("rows")
        # A model of before chronic conditions counted was trained without them
        rows = {"chronic_counts": False, **(rows if isinstance(rows, Mapping) else {})}
        if rows.get("sources") == ["table"]:
            raise StoreError(
                f"the model in {folder} must be one of events or notes, got one of a plain table"
            )
        missing = [name for name in OF_CASES if name not in rows]
        if missing:
            raise StoreError(f"the card in {folder} must say {missing[0]!r} of its rows, got none")
        return cls(kept=kept, options={name: bool(rows[name]) for name in OF_CASES})

    def __repr__(self) -> str:
        return f"RiskModel({self.card.get('model')!r})"

    @property
    def card(self) -> Mapping[str, Any]:
        """What the model was made from, its scores, and what it expects: plain values."""
        return self.kept.card

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a reader of its risks has to know, each one sentence."""
        return tuple(_cautions(self.kept.model))

    def apply(
        self,
        patients: Iterable[Patient] = (),
        *,
        index: Mapping[str, Array] | Outcome,
        events: EventTable | Iterable[EventTable] | None = None,
        notes: EntityTable | Iterable[Note] | None = None,
        n_reasons: int = 0,
        roll_up: RollUp | None = None,
    ) -> AppliedRisk:
        """Return the risks of new cases.

        Parameters
        ----------
        patients : iterable of Patient
        index : mapping with ``"patient"`` and ``"index_time"``, or Outcome
            Whom to score, and from when; what was known at or after that is not used. A time with
            a zone becomes UTC; one without stays.
        events, notes
            As in `risk_rows`.
        n_reasons : int
            Concepts to name per case, with the rows of mentions and events behind them.
        roll_up : RollUp, optional
            That of the training, where there was one.

        Raises
        ------
        DataError
            A source, a unit or a vocabulary is not that of the training, by name; or of the cases
            that should have any fact fewer than half have one.
        ArgumentError
            An index time that is none, or codes are not rolled up as in the training.
        """
        if told(roll_up) != self.card["rows"].get("roll_up"):
            was = "none" if "roll_up" not in self.card["rows"] else "another one"
            raise ArgumentError(f"roll_up must be that of the training, which had {was}")
        sources = {"events": events, "notes": notes}
        check_sources(self.card, {name for name, given in sources.items() if given is not None})
        mentions = notes if notes is None or isinstance(notes, EntityTable) else entity_table(notes)
        how: dict[str, Any] = {**self.options, "roll_up": roll_up}
        cases = collect_cases(_whom(index), patients, events=events, entities=mentions, **how)
        check_schema(self.card, cases.schema)
        applied = self._scored(cases, mentions, n_reasons)
        named = [table for table in (events, mentions) if n_reasons and hasattr(table, "coded")]
        return replace(applied, names=_names(applied.reasons, named, roll_up))

    def _scored(self, cases: Cases, mentions: EntityTable | None, n_reasons: int) -> AppliedRisk:
        model, profile = self.kept.model, self.card.get("expected")
        profile = profile if isinstance(profile, Mapping) else {}
        known = facts_known(model, cases)
        check_any_fact(profile, cases, known)
        # scikit-learn refuses to predict for nobody
        p = model.predict_proba(cases)[:, 1] if len(cases) else np.empty(0)
        nothing = _nothing_known(cases, known, model)
        p = np.where(nothing, np.nan, p)
        at = np.flatnonzero(~nothing) if n_reasons else np.empty(0, int)
        told_of = dict(zip(at.tolist(), explain_cases(model, cases, at, n=n_reasons), strict=True))
        unknown = {"facts_unknown_to_the_model": n_unknown_facts(model, cases)}
        lost = {**cases.n_excluded, **unknown}
        n = int(nothing.sum())
        told = [f"nothing that the model knows is known of {n:,} cases: they have no risk"]
        return AppliedRisk(
            cases=cases,
            p=p,
            reasons=[told_of.get(k) for k in range(len(cases) if n_reasons else 0)],
            mentions=mentions,
            n_excluded=lost,
            cautions=(
                *self.cautions,
                *told * bool(n),
                *excluded_cautions(lost),
                *repeated_facts(cases),
                *drift(profile, model, cases, known),
            ),
        )


def apply_risk_model(
    folder: str | Path,
    patients: Iterable[Patient] = (),
    *,
    index: Mapping[str, Array] | Outcome,
    events: EventTable | Iterable[EventTable] | None = None,
    notes: EntityTable | Iterable[Note] | None = None,
    n_reasons: int = 0,
    roll_up: RollUp | None = None,
) -> AppliedRisk:
    """Return the risks of new cases by a kept model: `RiskModel.load`, then `RiskModel.apply`.

    Parameters
    ----------
    folder : path
        Of `keep_risk_model`.
    patients, index, events, notes, n_reasons, roll_up
        As in `RiskModel.apply`; to score more than once, load the model once.

    Returns
    -------
    AppliedRisk
        A risk per case, on request with its reasons; ``to_pandas()`` has one row per case.

    Raises
    ------
    StoreError
        The folder is damaged, of another form or version, or holds a model of a plain table.
    DataError
        A source, a unit or a vocabulary is not that of the training, by name.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.study.risk import risk_study
    >>> from clinnlp.study.risk_rows import risk_rows
    >>> from clinnlp.study.settings import RiskStudySettings
    >>> who = np.array([f"p{k}" for k in range(60)], dtype=object)
    >>> y, index = np.arange(60) % 2, np.full(60, "2024-01-10", "datetime64[s]")
    >>> events = EventTable({
    ...     "patient": who, "known": np.full(60, "2024-01-01", "datetime64[s]"),
    ...     "code": ["x" if v else "z" for v in y], "kind": ["drug"] * 60,
    ... })
    >>> rows = risk_rows(outcome=Outcome(patients=who, index=index, values=y), events=events)
    >>> folder = tempfile.TemporaryDirectory()
    >>> study = risk_study(rows, RiskStudySettings(models=("naive_bayes",), n_boot=0, n_top=0))
    >>> _ = keep_risk_model(study, rows, f"{folder.name}/model", model="naive_bayes")
    >>> tomorrow = {"patient": who[:2], "index_time": index[:2]}
    >>> risks = apply_risk_model(f"{folder.name}/model", index=tomorrow, events=events)
    >>> (risks.p > 0.5).tolist()
    [False, True]
    >>> folder.cleanup()
    """
    model = RiskModel.load(folder)
    return model.apply(
        patients, index=index, events=events, notes=notes, n_reasons=n_reasons, roll_up=roll_up
    )


def keep_risk_model(
    study: RiskStudy,
    rows: RiskRows,
    folder: str | Path,
    *,
    model: str,
    card: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Path:
    """Fit one model of a study on all its rows, and write it to a folder with its card.

    Parameters
    ----------
    study : RiskStudy
    rows : RiskRows
        What the study was made from.
    model : str
        Its name in the study; of several settings one is chosen anew, on all rows.
    card : mapping of plain values, optional
        What else to say; no ids, and no hash of a file of ids, which would tell who is in it.

    Raises
    ------
    ArgumentError
        No such model in the study.
    RunError
        The disk is full or may not be written.
    """
    single = [name for name, scored in study.models.items() if scored.settings]
    if model not in single:
        raise ArgumentError(
            f"the model to keep must be one of {', '.join(single) or 'none'}, got {model!r}"
        )
    scored = study.models[model]
    method = str(study.provenance["settings"]["method"])
    fitted = fit_risk_model(
        rows.rows, rows.y, features=rows.features, settings=scored.settings, method=method,
        seed=seed,
    )  # fmt: skip
    whole = {
        **(card or {}),
        "model": model,
        "rows": dict(rows.settings),
        "schema": schema_of(fitted, rows.rows) if isinstance(rows.rows, Cases) else {},
        "expected": profile_of(fitted, rows.rows) if isinstance(rows.rows, Cases) else {},
        "cohort": dict(study.flow),
        "n_excluded": dict(study.n_excluded),
        "scores": [*scored.scores.rows(), *scored.reported.rows()],
        "estimand": study.estimand,
        "auroc_mean_of_splits": scored.auroc_mean,
        "study": dict(study.provenance),
        "cautions": _cautions(fitted),
    }
    return save_risk_model(fitted, folder, card=whole)


def _names(
    reasons: Sequence[Explanation | None], tables: Sequence[Any], roll_up: RollUp | None
) -> dict[str, str]:
    """Return the preferred name of each concept of the reasons that has one."""
    known: dict[str, str] = {}
    for table in tables:
        known |= code_names(table)
    known |= {} if roll_up is None else dict(roll_up.names)
    concepts = {reason.concept for told in reasons if told is not None for reason in told.reasons}
    # "drug:A10" or "note:Problem:C0011849": see `clinnlp.features.facts`
    codes = {c: c.split(":", 2 if c.startswith("note:") else 1)[-1] for c in concepts}
    return {concept: known[code] for concept, code in codes.items() if code in known}


def _cautions(model: Any) -> list[str]:
    made = model.named_steps["model"]
    if made.flat_:
        return [f"the kept model tells nobody apart: {LEVEL}"]
    return [f"the kept model may tell nobody apart: {UNSURE}"] * (not made.rises_)


def _nothing_known(cases: Cases, known: Bools, model: Any) -> Bools:
    """Return which cases have no fact, no age and no sex that the model knows."""
    features = model.named_steps["features"]
    nothing = np.ones(len(cases), bool)
    nothing[cases.case[known]] = False
    if features.ages_:
        nothing &= ~np.isfinite(cases.age_years)
    if features.sexes_:
        nothing &= ~np.isin(cases.sex.astype(str), features.sexes_)
    return nothing


def _whom(index: Mapping[str, Array] | Outcome) -> Outcome:
    if isinstance(index, Outcome):
        return index
    patients = np.asarray(index["patient"], dtype=object)
    times = _seconds(np.asarray(index["index_time"]))
    return Outcome(patients=patients, index=times, values=np.zeros(len(patients), np.int8))


def _seconds(times: Array) -> Array:
    if times.dtype.kind == "M":
        return times.astype("datetime64[s]")
    refusal = ArgumentError("index_time must hold times in ISO 8601, got another value")
    with instead_of(ValueError, refusal):
        return np.array([to_second(time) for time in times], dtype="datetime64[s]")
