"""EB05 on pairs whose true ratio is known, by prior: scripts/bench ebgm [--runs 200].

Poisson counts of pairs of which 0, 1 or 5 % are true signals (ratios gamma with mean 5), the others
of ratio 1 or spread around it (gamma with shape 5): the share of pairs whose EB05 is at most the
true ratio, also of those called (EB05 > 1), and the share of what the true prior calls that is
called too. Then one pair with N = 8, E = 0.5 among few. The penalty was chosen on other seeds.
"""

import argparse
import itertools

import numpy as np

from tests.bench import record
from tests.unit.mine.planted_pairs import EVEN, Told, outlier, told

SIZES = {50: 1, 500: 10, 50_000: 200}  # pairs: runs are divided by
PRIORS = ("penalised", "openebgm", "true")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1000)
    args = parser.parse_args()
    worlds = itertools.product(SIZES.items(), (EVEN, 5.0), (0, 0.01, 0.05), PRIORS)
    for (n_pairs, less), background, share, prior in worlds:
        if prior == "true" and not share:
            continue
        runs = max(args.runs // less, 1)
        total = sum(
            (told([args.seed, k], n_pairs, share, background, prior) for k in range(runs)),
            Told(0, 0, 0, 0, 0, 0),
        )
        record("ebgm", prior=prior, pairs=n_pairs, runs=runs, share=share,
               background="1" if background == EVEN else "gamma(5, 5)",
               covered=round(total.covered, 4), called=total.called,
               called_covered=round(total.called_covered, 3),
               due=total.due, recall=round(total.recall, 3))  # fmt: skip
    for n_pairs, prior in itertools.product((5, 20, 50, 100, 200), PRIORS[:2]):
        low = [outlier([args.seed, n_pairs, k], n_pairs, prior) for k in range(20)]
        record("ebgm outlier", prior=prior, pairs=n_pairs, eb05=round(float(np.mean(low)), 2),
               largest=round(max(low), 2))  # fmt: skip


if __name__ == "__main__":
    main()
