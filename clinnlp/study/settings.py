"""Settings of the flows; light to import, so that ``--help`` is quick."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from clinnlp.core.checks import check_at_least, check_fraction, check_level, check_one_of
from clinnlp.core.config import option, settings_to
from clinnlp.core.errors import ArgumentError, instead_of
from clinnlp.core.vocab import INGREDIENT

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "DEFAULT_HORIZON",
    "DeidentifySettings",
    "DemoSettings",
    "ExtractSettings",
    "MineSettings",
    "RiskRowSettings",
    "RiskSettings",
    "RiskStudySettings",
    "SurvivalSettings",
    "plain_settings",
]


DEFAULT_HORIZON = 30.0  # days
ITEM_LEVELS = (INGREDIENT,)
CHRONIC_COUNTS = "count a condition that stands as past where it is chronic"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractSettings:
    """How notes are extracted."""

    on_error: Literal["raise", "skip"] = option("raise", "what to do with a note that fails")
    batch_size: int = option(64, "notes in memory at a time, >= 1")
    part_size: int = option(2000, "notes in a Parquet part: what a kill can cost, >= 1")
    workers: int | None = option(
        None, "processes that read, each with the pipeline, >= 1, or 0: one for each core, where "
        "there are more than 8 batches of notes, memory for it, and no model, which reads on all "
        "cores itself (the command 0, in Python 1)",
    )  # fmt: skip
    engine: Literal["local", "spark"] = option(
        "local", "who reads: this machine, or Spark, from Parquet or JSON Lines, on the cluster "
        "that spark-submit names; notes that fail are then a table of their own",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_one_of(self.engine, ("local", "spark"), name="engine")
        if self.engine == "spark" and self.workers is not None:
            raise ArgumentError("workers are of this machine, got them with engine spark")
        check_one_of(self.on_error, ("raise", "skip"), name="on_error")
        check_at_least(self.batch_size, 1, name="batch_size")
        check_at_least(self.part_size, 1, name="part_size")
        check_at_least(self.workers or 0, 0, name="workers")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeidentifySettings:
    """What stands for identifiers.

    Examples
    --------
    >>> DeidentifySettings(dates="year").replace
    'surrogate'
    """

    replace: Literal["surrogate", "mask"] = option(
        "surrogate", "another name, number or place for each, or its label in brackets"
    )
    dates: Literal["shift", "year", "mask"] = option(
        "shift", "move all dates of a patient by one secret number of days, leave the year alone, "
        "or take them out",
    )  # fmt: skip
    keep_weekday: bool = option(False, "move dates by whole weeks")
    keep_season: bool = option(False, "move dates by about whole years")
    max_shift_days: int = option(3650, "days that a date moves back at most, >= 50")
    keep_initials: bool = option(False, "a name begins with the letter of its original")
    scope: Literal["patient", "collection"] = option(
        "patient", "within what a name always gets the same surrogate"
    )
    given: tuple[str, ...] = option(
        (), "labels of mentions in the input that are identifiers too (none)"
    )
    least_score: float = option(
        0.5, "what a tagger of identifiers gives a smaller score does not count, 0 to 1"
    )
    part_size: int = option(500, "notes in memory at a time, and what a kill can cost, >= 1")

    def __post_init__(self) -> None:
        check_one_of(self.replace, ("surrogate", "mask"), name="replace")
        check_one_of(self.dates, ("shift", "year", "mask"), name="dates")
        check_one_of(self.scope, ("patient", "collection"), name="scope")
        check_at_least(self.max_shift_days, 50, name="max_shift_days")
        check_fraction(self.least_score, name="least_score")
        check_at_least(self.part_size, 1, name="part_size")


# The two halves of a risk study have no slots: what has slots cannot be joined in RiskSettings.


@dataclass(frozen=True, kw_only=True)
class RiskRowSettings:
    """What counts as known of a patient, and as what.

    Examples
    --------
    >>> RiskRowSettings(look_back_days=365.0).min_patients
    5
    """

    look_back_days: float = option(3650.0, "days before index that count, > 0")
    min_patients: int = option(5, "training patients a feature needs, >= 1")
    strict: bool = option(False, "demand that each assertion axis of a mention was assessed")
    chronic_counts: bool = option(True, CHRONIC_COUNTS)
    by_assertion: bool = option(False, "keep denied, past, ... mentions as facts of their own")
    by_section: bool = option(False, "tell the same mention in two sections apart")
    recency: bool = option(False, "add how recent each fact is")

    def __post_init__(self) -> None:
        check_at_least(self.min_patients, 1, name="min_patients")
        _check_above_zero(self.look_back_days, name="look_back_days")


@dataclass(frozen=True, kw_only=True)
class RiskStudySettings:
    """How the models of a risk study are trained and scored.

    Examples
    --------
    >>> RiskStudySettings(models=("logistic",), n_folds=10).method
    'sigmoid'
    >>> RiskStudySettings(n_folds=1)
    Traceback (most recent call last):
    clinnlp.core.errors.ArgumentError: n_folds must be at least 2, got 1
    """

    models: tuple[str, ...] = option(
        ("naive_bayes", "random_forest", "svm"),
        "models to train: naive_bayes random_forest svm svm_rbf logistic boosting mlp",
    )
    blend: tuple[str, ...] | None = option(
        None, "models whose mean log odds are tested as one more, two or more of them (none)"
    )
    method: Literal["sigmoid", "isotonic"] = option(
        "sigmoid", "calibration, on scores of patients a model has not seen"
    )
    n_folds: int | None = option(
        None, "folds by patient, >= 2 (5, and 10 where there are fewer than 500 patients)"
    )
    alert_rate: float = option(0.1, "share of rows alerted at for the sensitivity, 0 to 1")
    thresholds: tuple[float, ...] = option(
        (0.05, 0.1, 0.2, 0.5), "risks from which on somebody would act, each above 0 and below 1: "
        "alerts, sensitivity, PPV, number needed to evaluate and net benefit are told at each",
    )  # fmt: skip
    n_top: int = option(
        10, "concepts per split and model whose permutation importance is measured, >= 0"
    )
    n_boot: int = option(1000, "bootstrap draws of patients for the intervals, >= 0")
    n_permutations: int = option(0, "times to deal outcomes out by chance, >= 0")
    min_class: int = option(20, "patients of each class without whom no score is given, >= 0")
    seed: int = option(0, "seed of folds, models and bootstrap, >= 0")

    def __post_init__(self) -> None:
        check_one_of(self.method, ("sigmoid", "isotonic"), name="method")
        lows = {"n_top": 0, "n_boot": 0, "n_permutations": 0, "min_class": 0}
        for name, low in {**lows, "seed": 0}.items():
            check_at_least(getattr(self, name), low, name=name)
        if self.n_folds is not None:
            check_at_least(self.n_folds, 2, name="n_folds")
        check_fraction(self.alert_rate, name="alert_rate")
        if not all(0 < threshold < 1 for threshold in self.thresholds):
            raise ArgumentError("thresholds must lie above 0 and below 1, got another number")


@dataclass(frozen=True, kw_only=True)
class RiskSettings(RiskRowSettings, RiskStudySettings):
    """How risk models are made from files: rows, study, which rows are tested, what is kept."""

    horizon_days: float | None = option(
        None, "days after index in which the outcome is looked for, > 0 (30 of folders of tables "
        "and of a split by time; of a table of outcomes with times and follow-up it must be given)",
    )  # fmt: skip
    death: Literal["competing", "unknown"] = option(
        "competing", "what a row is whose patient died before the outcome and the horizon: without "
        "the outcome (0), or unknown",
    )  # fmt: skip
    landmarks: str | None = option(
        None, "table of visits (patient, index_time): the risk is asked again at each until the "
        "outcome (none)",
    )  # fmt: skip
    split: Literal["patient", "time", "site"] = option(
        "patient", "how tested rows are held out; site needs a column site in the patients"
    )
    cut: str | None = option(None, "day from which on index times are tested, for split time")
    keep: str | None = option(None, "model to fit on all rows and write to OUT/model (none)")
    ancestors: str | None = option(
        None, "terminology that says what stands above a code: a release of RxNorm, SNOMED CT, "
        "MeSH, UMLS, LOINC, ATC or ICD-10-CM, or a table with a column parents (none)",
    )  # fmt: skip
    roll_up: tuple[str, ...] | None = option(
        None, "codes of ancestors that what stands below them counts as (all ancestors beside it)"
    )

    def __post_init__(self) -> None:
        check_one_of(self.split, ("patient", "time", "site"), name="split")
        RiskRowSettings.__post_init__(self)
        RiskStudySettings.__post_init__(self)
        check_one_of(self.death, ("competing", "unknown"), name="death")
        if self.horizon_days is not None:
            _check_above_zero(self.horizon_days, name="horizon_days")
        if (self.split == "time") != (self.cut is not None):
            raise ArgumentError("a split by time needs a cut, and no other split has one")
        _check_roll_up(self.ancestors, self.roll_up)
        if self.keep is not None:
            check_one_of(self.keep, self.models, name="keep")


@dataclass(frozen=True, kw_only=True)
class SurvivalSettings(RiskRowSettings):
    """How models of time to event are trained and scored.

    Examples
    --------
    >>> SurvivalSettings(horizon_days=90).death
    'competing'
    """

    horizon_days: float = option(365.0, "days after index up to which a risk is given, > 0")
    death: Literal["competing", "unknown"] = option(
        "competing", "what death before the outcome is: another end, after which it cannot come, "
        "or the end of follow-up",
    )  # fmt: skip
    landmarks: str | None = option(
        None, "table of visits (patient, index_time): the risk is asked again at each until the "
        "outcome (none)",
    )  # fmt: skip
    penalties: tuple[float, ...] = option(
        (3.0, 30.0), "penalties of squared coefficients to choose from on inner folds, above 0"
    )
    n_columns: int = option(
        100, "columns used, those whose means differ most with the outcome, >= 1"
    )
    n_folds: int = option(5, "folds by patient, >= 2")
    n_boot: int = option(1000, "bootstrap draws of patients for the intervals, >= 0")
    min_class: int = option(20, "patients with the outcome by the horizon without whom no score "
                            "is given, and of those seen to it without, >= 0")  # fmt: skip
    seed: int = option(0, "seed of folds and bootstrap, >= 0")

    def __post_init__(self) -> None:
        RiskRowSettings.__post_init__(self)
        check_one_of(self.death, ("competing", "unknown"), name="death")
        _check_above_zero(self.horizon_days, name="horizon_days")
        lows = {"n_columns": 1, "n_folds": 2, "n_boot": 0, "min_class": 0, "seed": 0}
        for name, low in lows.items():
            check_at_least(getattr(self, name), low, name=name)
        if not self.penalties or not all(p > 0 for p in self.penalties):
            raise ArgumentError("penalties must be one or more, each above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class MineSettings:
    """How rules and signals are mined."""

    label: tuple[str, ...] | None = option(None, "labels whose mentions are items (all by default)")
    unit: str = option("patient", "what a basket is: note, encounter, patient or exposure")
    columns: tuple[str, ...] | None = option(
        None,
        "NAME=COLUMN: which column of a table of events is patient, encounter, code, start ..., or "
        "of a table of counts drug, event, a (both), n_drug, n_event, n",
    )
    kind: str | None = option(None, "kind of the events, or items of a wide table, that state none")
    items: tuple[str, ...] | None = option(
        None, "columns of a wide table that are items; FIRST:LAST takes all between"
    )
    absent: tuple[str, ...] = option(
        ("", "0", "0.0", "no", "none", "false", "n", "?", "nan"),
        "cells of a wide table that say that the item is not there, in any case",
    )
    generic: bool = option(True, "turn drug names (FAERS, tables with --columns) into generic ones")
    fold_terms: bool = option(
        True, "take as one item what differs in case, white space or Unicode form only"
    )
    language: str = option("en", "whose drug names these are: en es")
    roles: tuple[str, ...] = option(("PS", "SS", "C", "I"), "roles of drugs in FAERS reports")
    gap_days: int = option(0, "unit exposure: most days without the drug in an episode, >= 0")
    default_days: int | None = option(
        None, "unit exposure: days that a drug without an end lasts, >= 1 (else it is left out)"
    )
    lag_days: int = option(0, "unit exposure: days after it on which an outcome counts, >= 0")
    min_count: int | None = option(
        None, "baskets with all items of a rule, of a drug and an outcome, or of two drugs and an "
        "outcome, >= 1 (5 of rules, 3 of signals)",
    )  # fmt: skip
    max_len: int = option(2, "most items of a rule, >= 2")
    min_margin: int | None = option(
        None, "baskets that each side of a rule or signal needs alone, >= 1: it decides the "
        "candidates (min_count of rules, 5 of single drugs, 20 of pairs)",
    )  # fmt: skip
    alpha: float = option(0.05, "level of the q-values, 0 to 1")
    level: tuple[str, ...] = option(
        ("0.95",),
        "coverage of the intervals of rules and single drugs, above 0 and below 1; the word "
        "ingredient: salts, forms, brands and products count as their ingredient, by ancestors. "
        "Either or both",
    )
    strata: tuple[str, ...] | None = option(
        None, "what signals are stratified by: columns of the table, of FAERS sex age year, or "
        "items (one stratum)",
    )  # fmt: skip
    adjust: bool | None = option(
        None, "test what is called again, adjusted for conditions and other drugs (pairs of drugs "
        "are, single ones not)",
    )  # fmt: skip
    strict: bool = option(False, "demand that each assertion axis was assessed")
    chronic_counts: bool = option(True, CHRONIC_COUNTS)
    with_stopped: bool = option(False, "count drugs too that the notes say are stopped or held")
    ancestors: str | None = option(
        None, "terminology that says what stands above a code: a release of RxNorm, SNOMED CT, "
        "MeSH, UMLS, LOINC, ATC or ICD-10-CM, or a table with a column parents (none)",
    )  # fmt: skip
    roll_up: tuple[str, ...] | None = option(
        None, "codes of ancestors that what stands below them counts as: goes with ancestors"
    )
    names: str | None = option(
        None, "terminology or word list whose names stand beside the codes (else those of the "
        "source and of ancestors)",
    )  # fmt: skip
    verdicts: str | None = option(
        None, "table of what people think of rules, as `clinnlp review verdicts` writes it: what "
        "rests on faults of the extraction is left out and counted, the rest is marked (none)",
    )  # fmt: skip
    engine: Literal["memory", "disk", "spark"] = option(
        "memory", "where baskets are while they are counted: of a long table in Parquet (a row for "
        "each item: patient, code, kind) also in blocks on the disk, or on the cluster that "
        "spark-submit names, however many there are",
    )  # fmt: skip
    relations: str | None = option(
        None, "relations of the same notes: a table of them, or notes with mentions in any format, "
        "in which relations are sought by rules where they have none. Rules and signals get the "
        "baskets that state and deny them, signals a q that asks less of what is stated (none)",
    )  # fmt: skip
    stated_labels: tuple[str, ...] = option(
        ("causes",), "labels of the relations that state that a drug did it"
    )
    extraction: str | None = option(
        None, "table of how well items were found, judged in a sample: kind, tp, fp, fn. Signals "
        "of single drugs get ratios with intervals that hold these mistakes too (none)",
    )  # fmt: skip
    known: tuple[str, ...] | None = option(
        None, "tables of what is known, each with columns drug_1, drug_2 and perhaps event, or "
        "drug and event, or those of CRESCENDDI, DDInter, DrugBank: signals are marked known, "
        "labelled or new (none)",
    )  # fmt: skip
    known_columns: tuple[str, ...] | None = option(
        None, "NAME=COLUMN: which column of these tables is drug_1, drug_2, drug, event"
    )
    known_names: str | None = option(
        None, "terminology or word list through which their codes and names meet the items (none)"
    )
    drug_kind: str = option("drug", "kind or label of the drugs of interaction signals")
    outcome_kind: str = option("outcome", "kind or label of their outcomes")
    prior: str = option(
        "penalised", "how the prior of EBGM is fitted: penalised, or openebgm as that R package"
    )
    min_cell: int = option(
        0,
        "withhold every row from which a count of fewer than N different patients follows, none "
        "included, by any sum or difference of what is shown, also by runs with other limits, "
        "items or labels; of runs with another unit or meaning of an item share one alone "
        "(0: nothing is withheld)",
    )

    def __post_init__(self) -> None:
        check_one_of(self.unit, ("note", "encounter", "patient", "exposure"), name="unit")
        check_one_of(self.prior, ("penalised", "openebgm"), name="prior")
        check_one_of(self.engine, ("memory", "disk", "spark"), name="engine")
        low = {"max_len": 2, "gap_days": 0, "lag_days": 0, "min_cell": 0}
        for name, least in low.items():
            check_at_least(getattr(self, name), least, name=name)
        for name in ("default_days", "min_count", "min_margin"):
            if getattr(self, name) is not None:
                check_at_least(getattr(self, name), 1, name=name)
        check_level(self.coverage)
        self._check_ancestors()
        self._check_cells()
        self._check_known()
        check_fraction(self.alpha, name="alpha")

    @property
    def coverage(self) -> float:
        """Coverage of the intervals: the number in `level`."""
        numbers = [word for word in self.level if word not in ITEM_LEVELS]
        with instead_of(ValueError, _wrong_level):
            found = [float(number) for number in numbers]
        if len(found) > 1 or len(self.level) - len(found) > 1:
            raise _wrong_level()
        return found[0] if found else 0.95

    @property
    def item_level(self) -> str | None:
        """What codes count as: the word in `level`, if there is one."""
        return next((word for word in self.level if word in ITEM_LEVELS), None)

    def _check_ancestors(self) -> None:
        _check_roll_up(self.ancestors, self.roll_up)
        if self.item_level is not None and self.ancestors is None:
            raise ArgumentError(
                f"level {self.item_level} needs a terminology of the codes, got none; name it with "
                "ancestors (drugs that are names and not codes are generic names without it)"
            )
        if self.item_level is not None and self.roll_up is not None:
            raise ArgumentError(f"roll_up must not be given beside level {self.item_level}")
        if self.ancestors is not None and self.roll_up is None and self.item_level is None:
            raise ArgumentError(
                "ancestors need the codes to roll up to in mining, got none: a rule between a code "
                "and what stands above it says nothing; name them with roll_up, or say level "
                f"{INGREDIENT}"
            )

    def _check_known(self) -> None:
        for name in ("known_columns", "known_names"):
            if getattr(self, name) is not None and not self.known:
                raise ArgumentError(f"{name} must go with known, got no table of what is known")
        if not self.stated_labels:
            raise ArgumentError("stated_labels must be one or more, got none")

    def _check_cells(self) -> None:
        if self.min_cell <= 1:
            return
        if self.max_len > 3:
            raise ArgumentError(f"max_len must be at most 3 with min_cell, got {self.max_len}")
        if self.relations:
            raise ArgumentError(
                "relations cannot go with min_cell: how many baskets state a pair is a small cell "
                "as a rule; leave one out"
            )
        if self.extraction:
            raise ArgumentError(
                "extraction cannot go with min_cell: small cells would follow from corrected "
                "ratios; leave one out"
            )
        if self.strata or self.adjust:
            raise ArgumentError(
                "strata and adjust cannot go with min_cell, got one of them: their results depend "
                "on counts that are withheld; leave one out"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """How the demonstration runs."""

    epochs: int = option(3, "passes over the annotated notes, >= 1")
    n_patients: int = option(5000, "structured patients to generate, >= 500")
    n_noted: int = option(1000, "patients with notes, >= 100")
    n_notes: int = option(20, "real notes to read, where some are given, >= 1")
    seed: int = option(0, "seed of fine-tuning, folds and bootstrap, >= 0")
    show_text: bool = option(True, "show the text of notes in the report")

    def __post_init__(self) -> None:
        least = {"epochs": 1, "n_patients": 500, "n_noted": 100, "n_notes": 1, "seed": 0}
        for name, low in least.items():
            check_at_least(getattr(self, name), low, name=name)


def plain_settings(
    settings: "DataclassInstance", part: "type[DataclassInstance]", *, without: Collection[str] = ()
) -> dict[str, Any]:
    """Return the settings that a part of them has, as plain values for JSON, all but some."""
    plain, names = settings_to(settings), [f.name for f in fields(part)]
    return {name: plain[name] for name in names if name not in without}


def _check_above_zero(value: float, *, name: str) -> None:
    if not value > 0:
        raise ArgumentError(f"{name} must be above 0, got {value}")


def _wrong_level(_: Exception | None = None) -> ArgumentError:
    return ArgumentError(
        f"level must be a number above 0 and below 1, one of {', '.join(ITEM_LEVELS)}, or one of "
        "each, got another"
    )


def _check_roll_up(ancestors: str | None, roll_up: tuple[str, ...] | None) -> None:
    if roll_up is not None and ancestors is None:
        raise ArgumentError("roll_up needs a terminology, got none; name it with ancestors")
