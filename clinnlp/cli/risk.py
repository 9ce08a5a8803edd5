"""Commands of the risk room: risk, risk apply and risk survival."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinnlp.cli.options import (
    add_settings,
    add_tables,
    add_writing,
    dialect_of,
    folder_of,
    settings_of,
    tell_left_out,
    tell_of_tables,
)
from clinnlp.cli.terminal import say
from clinnlp.core.config import mapping_of

if TYPE_CHECKING:
    from clinnlp.study.reading import TableReading

__all__ = ["add_risk", "add_risk_apply", "add_risk_survival"]


def add_risk(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp risk`."""
    from clinnlp.study.settings import RiskSettings

    parser.add_argument(
        "outcome",
        help="CSV, TSV or Parquet: patient, index_time, outcome (0 or 1), perhaps time (of the "
        "outcome), follow_up_end and death; or a folder of MIMIC, OMOP or Synthea tables: returns "
        "within --horizon-days",
    )
    _add_sources(parser)
    parser.add_argument(
        "--out", type=folder_of, required=True, help="folder for scores, predictions and report"
    )
    add_writing(parser)
    add_settings(parser, RiskSettings)
    parser.set_defaults(command=_risk)


def add_risk_apply(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp risk apply`."""
    parser.add_argument("model", help="folder that `clinnlp risk --keep` wrote")
    parser.add_argument(
        "index",
        help="CSV, TSV or Parquet: patient, index_time; with outcome (0, 1 or empty), and perhaps "
        "time (of the outcome), the model is validated on those that have one",
    )
    _add_sources(parser)
    parser.add_argument(
        "--out",
        type=folder_of,
        required=True,
        help="folder for risks.csv and reasons.csv, and for validation.csv and calibration.csv",
    )
    parser.add_argument(
        "--reasons", type=int, default=5, metavar="N", help="reasons per case (default: 5)"
    )
    parser.add_argument("--ancestors", help="terminology of the training, where it had one")
    add_writing(parser)
    parser.set_defaults(command=_apply)


def add_risk_survival(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp risk survival`."""
    from clinnlp.study.settings import SurvivalSettings

    parser.add_argument(
        "outcome",
        help="CSV, TSV or Parquet: patient, index_time, time (of the outcome, or empty), "
        "follow_up_end, perhaps death",
    )
    _add_sources(parser)
    parser.add_argument(
        "--out",
        type=folder_of,
        required=True,
        help="folder for scores, predictions, curves, hazard ratios and report",
    )
    add_writing(parser)
    add_settings(parser, SurvivalSettings)
    parser.set_defaults(command=_survival)


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", help="CSV or Parquet of structured events")
    parser.add_argument("--entities", help="entities that `clinnlp extract` wrote")
    parser.add_argument(
        "--patients", help="CSV or Parquet: patient, birth_date, sex, ethnicity, site"
    )
    tables = (
        ("", "events", "patient, code, known, kind, value, unit ..."),
        ("patient-", "patients", "patient, birth_date, sex ..."),
        (
            "outcome-",
            "whom to predict for",
            "patient, index_time, outcome, time, follow_up_end, death",
        ),
    )
    for name, what, columns in tables:
        parser.add_argument(
            f"--{name}columns",
            nargs="+",
            metavar="NAME=COLUMN",
            help=f"which column of the table of {what} is {columns} (default: those called so)",
        )
    add_tables(parser)


def _reading(args: argparse.Namespace) -> "TableReading":
    from clinnlp.study.reading import TableReading

    return TableReading(
        dialect=dialect_of(args),
        skip_bad=args.skip_bad,
        columns=mapping_of(args.columns, "--columns"),
        patient_columns=mapping_of(args.patient_columns, "--patient-columns"),
        outcome_columns=mapping_of(args.outcome_columns, "--outcome-columns"),
    )


def _risk(args: argparse.Namespace) -> int:
    from clinnlp.study.risk_flow import risk_flow
    from clinnlp.study.settings import RiskSettings

    return _trained(args, risk_flow, settings_of(args, RiskSettings))


def _survival(args: argparse.Namespace) -> int:
    from clinnlp.study.settings import SurvivalSettings
    from clinnlp.study.survival_flow import survival_flow

    return _trained(args, survival_flow, settings_of(args, SurvivalSettings))


def _trained(args: argparse.Namespace, flow: Callable[..., Any], settings: Any) -> int:
    """Train by a flow on the tables that are named, and say what came of it."""
    reading = _reading(args)
    result = flow(
        args.outcome,
        events=args.events,
        entities=args.entities,
        patients=args.patients,
        out=Path(args.out),
        settings=settings,
        reading=reading,
    )
    tell_left_out(reading.skipped, "rows")
    tell_of_tables([args.outcome, args.events, args.patients], reading.dialect)
    for line in result.lines():
        say(line)
    return 0


def _apply(args: argparse.Namespace) -> int:
    from clinnlp.study.apply_flow import apply_flow

    reading = _reading(args)
    result = apply_flow(
        args.model,
        args.index,
        events=args.events,
        entities=args.entities,
        patients=args.patients,
        out=Path(args.out),
        n_reasons=args.reasons,
        ancestors=args.ancestors,
        reading=reading,
    )
    tell_left_out(reading.skipped, "rows")
    tell_of_tables([args.index, args.events, args.patients], reading.dialect)
    for line in result.lines():
        say(line)
    return 0
