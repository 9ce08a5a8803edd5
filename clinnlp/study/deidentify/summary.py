"""What one run of de-identification did, in counts."""

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["DeidentifySummary"]


@dataclass(slots=True, kw_only=True)
class DeidentifySummary:
    """What one run did; it names no note but by its place in the input.

    Parameters
    ----------
    n_notes : int
        In the output.
    n_sealed : int
        Of them, those that a run with this key had made and that stay as they are.
    n_resumed : int
        Of them, those whose identifiers a run that was stopped had found.
    n_words, n_chars : int
        Of the output.
    n_masked_dates : int
        Dates that could not be read or would tell of an age above 89.
    n_without_patient : int
        Notes of nobody: each has dates and names of its own.
    found : Counter of (label, finder)
        What was replaced.
    failed : dict of int to str
        By place in the input, from 1: why a note is not in the output.
    unreadable : list of str
        Where they stand: file and line.
    """

    n_notes: int = 0
    n_sealed: int = 0
    n_resumed: int = 0
    n_words: int = 0
    n_chars: int = 0
    n_masked_dates: int = 0
    n_without_patient: int = 0
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    @property
    def n_failed(self) -> int:
        """Notes and documents that are not in the output."""
        return len(self.failed) + len(self.unreadable)

    def __str__(self) -> str:
        told = {
            "notes": self.n_notes,
            "identifiers": self.found.total(),
            "left as they were": self.n_sealed,
            "found before": self.n_resumed,
            "dates masked": self.n_masked_dates,
            "without a patient": self.n_without_patient,
            "not in the output": self.n_failed,
        }
        always = ("notes", "identifiers")
        return ", ".join(f"{name} {n:,}" for name, n in told.items() if n or name in always)
