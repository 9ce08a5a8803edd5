"""What statements add to a screen of interactions: scripts/bench stated_cohort [--seeds N].

Cohorts of cohort-mini's make, half its size, with reactions stated in the notes (7 in 10 outcomes
of an interacting pair; denied, hypothetical, uncertain, a relative's and wrong ones at random):
interactions that stand before the first and second false row by q without and with statements, and
true and false calls at q < 0.05.
"""

import argparse
import tempfile
from pathlib import Path

from tests.bench import record
from tests.integration.test_stated_cohort import compared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="cohorts")
    parser.add_argument("--patients", type=int, default=2500)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        before, calls = compared(Path(folder), args.patients, range(1, args.seeds + 1))
    record("stated cohort", cohorts=args.seeds, interactions=10 * args.seeds, before_false=before,
           true_and_false_calls=calls)  # fmt: skip


if __name__ == "__main__":
    main()
