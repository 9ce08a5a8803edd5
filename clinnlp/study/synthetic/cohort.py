"""To come."""

from pathlib import Path

COHORT_SEED = 1


def write_cohort_mini(folder: str | Path) -> Path:
    """Write."""
    return Path(folder)
