"""Regenerate the committed files of the synthetic corpora from their seeds.

    python -m corpora.generate

``discharge-mini`` is committed whole; of ``cohort-mini`` only the card, since its tables and
notes are made at run time (``clinnlp demo``, or ``write_cohort_mini``).
"""

import tempfile
from pathlib import Path

from clinnlp.core.files import atomic_write
from clinnlp.study.synthetic import write_cohort_mini
from corpora.generate.discharge import write_discharge_mini

CORPORA = Path(__file__).parents[1]


def main() -> None:
    """Write the files in place."""
    write_discharge_mini(CORPORA / "discharge-mini")
    with tempfile.TemporaryDirectory() as folder:
        card = (write_cohort_mini(folder) / "CARD.md").read_text(encoding="utf-8")
    with atomic_write(CORPORA / "cohort-mini" / "CARD.md") as handle:
        handle.write(card)


if __name__ == "__main__":
    main()
