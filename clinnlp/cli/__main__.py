"""Run the command line as `python -m clinnlp.cli`."""

import sys

from clinnlp.cli import main

sys.exit(main())
