"""What a folder of a patients' record holds: for a first look, in memory that does not grow."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clinnlp.io.record.folders import record_source, stream_record

__all__ = ["RecordInspection", "inspect_record"]


@dataclass(slots=True)
class RecordInspection:
    """Counts of a record; `n_excluded` by table and reason, `n_unmatched` by table."""

    name: str
    n_patients: int = 0
    n_born: int = 0  # patients with a birth date
    n_stays: int = 0
    n_deaths: int = 0
    kinds: Counter[str] = field(default_factory=Counter)  # events by kind
    n_known: Counter[str] = field(default_factory=Counter)  # of which it is known since when
    n_limits: int = 0  # values with a comparator
    n_excluded: Mapping[str, int] = field(default_factory=dict)
    n_unmatched: Mapping[str, int] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Yield what a reader is told."""
        yield (
            f"{self.name}: {self.n_patients} patients ({self.n_born} with a birth date), "
            f"{self.n_stays} stays, {self.n_deaths} deaths, {self.kinds.total()} events"
        )
        for kind, n in self.kinds.most_common():
            never = n - self.n_known[kind]
            yield f"  {kind}: {n}" + (f", {never} of them at no known time" if never else "")
        if self.n_limits:
            yield f"  {self.n_limits} values are limits, such as < 5"
        for table, n in self.n_unmatched.items():
            yield f"  {n} of {table} match no concept: the code of the source stands"
        if self.n_excluded:
            yield "left out:"
        yield from (f"  {n} {reason}" for reason, n in self.n_excluded.items())


def inspect_record(folder: str | Path) -> RecordInspection:
    """Return the counts of a folder of MIMIC or OMOP tables.

    Raises
    ------
    DataError
        The folder holds no record that is known, or a table that is broken.
    """
    record, source = stream_record(folder), record_source(folder)
    found = RecordInspection(
        name="" if source is None else source.name,
        n_patients=len(record.patients),
        n_born=sum(patient.birth_date is not None for patient in record.patients),
        n_stays=len(record.encounters),
        n_deaths=len(record.deaths),
    )
    for part in record:
        kinds, known = part["kind"], ~np.isnat(part["known"])
        found.kinds.update(kinds.tolist())
        found.n_known.update(kinds[known].tolist())
        found.n_limits += sum(sign is not None for sign in part["comparator"].tolist())
    found.n_excluded, found.n_unmatched = record.n_excluded, dict(record.n_unmatched)
    return found
