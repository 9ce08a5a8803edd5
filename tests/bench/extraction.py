"""Coverage of intervals that hold the mistakes of extraction: scripts/bench extraction [--n N].

Planted cohorts of 4,000 baskets with recall 0.80 and precision 0.85 of drugs and outcomes, both
judged on 300 mentions: how many intervals of 95 % hold the true odds ratio, corrected and plain.
"""

import argparse

from tests.bench import record
from tests.unit.mine.signals.test_extraction import coverage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=500, help="cohorts")
    args = parser.parse_args()
    for ratio in (1.0, 3.0):
        covered, plain = coverage(args.n, 11, ratio, n_draws=2000)
        record(
            "extraction error", odds_ratio=ratio, cohorts=args.n,
            corrected=f"{covered / args.n:.3f}", plain=f"{plain / args.n:.3f}",
        )  # fmt: skip


if __name__ == "__main__":
    main()
