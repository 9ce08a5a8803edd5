"""More seeds than the tests run: python -m tests.fuzz [--inputs N] [--first SEED] [TARGET ...]."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.harness import plan, run
from tests.fuzz.models import MODELS, write_models
from tests.fuzz.readers import READERS
from tests.fuzz.samples import write_samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help="beginnings of their names (default: all)")
    parser.add_argument("--inputs", type=int, default=2_000)
    parser.add_argument("--first", type=int, default=0, help="first seed (default: 0)")
    parser.add_argument("--models", action="store_true", help="folders of models, not files")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, help="this seed of one target alone")
    args = parser.parse_args()
    wanted = tuple(args.targets) or ("",)
    kind, write = (MODELS, write_models) if args.models else (READERS, write_samples)
    targets = {name: one for name, one in kind.items() if name.startswith(wanted)}
    asked = plan(targets, args.inputs, first=args.first)
    if args.seed is not None:
        asked = [(name, args.seed) for name in targets]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        home = "tests.fuzz.models:MODELS" if args.models else "tests.fuzz.readers:READERS"
        report = run(asked, Path(folder), targets=home, jobs=args.jobs, quiet=False)
    sys.stdout.write("\n".join(report.lines()) + "\n")


if __name__ == "__main__":
    main()
