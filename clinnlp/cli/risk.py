"""Commands of the risk room: risk."""

import argparse
from pathlib import Path

from clinnlp.cli.options import add_settings, settings_of

__all__ = ["add_risk"]


def add_risk(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp risk`."""
    from clinnlp.study.settings import RiskSettings

    parser.add_argument(
        "outcome", help="CSV, TSV or Parquet: patient, index_time, outcome (0 or 1)"
    )
    parser.add_argument("--events", help="CSV or Parquet of structured events")
    parser.add_argument("--entities", help="entities that `clinnlp extract` wrote")
    parser.add_argument("--patients", help="CSV or Parquet: patient, birth_date, sex")
    parser.add_argument("--out", required=True, help="folder for scores, predictions and report")
    add_settings(parser, RiskSettings)
    parser.set_defaults(command=_risk)


def _risk(args: argparse.Namespace) -> int:
    from clinnlp.study.flows import risk_flow
    from clinnlp.study.settings import RiskSettings

    print(
        risk_flow(
            args.outcome,
            events=args.events,
            entities=args.entities,
            patients=args.patients,
            out=Path(args.out),
            settings=settings_of(args, RiskSettings),
        )
    )
    return 0
