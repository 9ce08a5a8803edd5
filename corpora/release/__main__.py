"""Make the model in the box: scripts/release-model [STEP ...] [options].

Without a step all of them run, in order: data, bio, clinical, quantise, score, test, card. A step
whose output is there is skipped; --again makes it anew. A training that was killed goes on.
"""

import argparse
import os
import sys
from pathlib import Path

from clinnlp.core.errors import ClinnlpError
from clinnlp.study.box import BOX
from corpora.release.steps import STEPS, Place

ROOT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run the steps; return 0, or 2 where something is missing or wrong."""
    parser = argparse.ArgumentParser(
        prog="release-model",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("steps", nargs="*", choices=[[], *STEPS], metavar="STEP")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "release")
    default = Path(os.environ.get("CLINNLP_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=default, help="the folder of the corpora")
    parser.add_argument("--box", type=Path, default=BOX, help="where the step card puts the model")
    parser.add_argument("--again", action="store_true", help="make what is there anew")
    args = parser.parse_args(arguments)
    place = Place(out=args.out, data=args.data, box=args.box, again=args.again)
    try:
        for name in args.steps or STEPS:
            sys.stdout.write(f"{name}: {STEPS[name](place)}\n")
            sys.stdout.flush()
    except ClinnlpError as error:
        sys.stderr.write(f"release-model: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
