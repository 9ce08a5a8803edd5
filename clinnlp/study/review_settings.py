"""Settings of review projects; light to import, so that ``--help`` is quick."""

from dataclasses import dataclass
from typing import Literal

from clinnlp.core.checks import check_at_least, check_fraction, check_one_of
from clinnlp.core.config import option
from clinnlp.core.errors import ArgumentError

__all__ = ["ReviewProjectSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewProjectSettings:
    """What a review project asks of whom.

    Examples
    --------
    >>> ReviewProjectSettings(n_annotators=2).suggest
    'model'
    """

    suggest: Literal["model", "notes", "none"] = option(
        "model", "what is suggested: what model and word list find, what the notes hold, nothing"
    )
    order: Literal["given", "uncertain"] = option(
        "given", "of the notes: as they stand, or as clinnlp next chooses them with the model"
    )
    review_labels: tuple[str, ...] | None = option(
        None, "labels that may be given, beside those that model or suggestions have (none)"
    )
    relation_labels: tuple[str, ...] | None = option(
        None, "labels of relations, beside those of the notes (none)"
    )
    note_labels: tuple[str, ...] | None = option(
        None, "labels of whole notes, beside those of the notes (none)"
    )
    n_annotators: int = option(1, "people who judge each note without seeing each other, 1 or 2")
    repeat_share: float = option(0.05, "share of notes that come a second time, 0 to 1")
    wrong_share: float = option(0.02, "share of suggestions that are wrong on purpose, 0 to 1")
    bare_share: float = option(0.0, "share of notes shown without suggestions, 0 to 1")
    hold_days: float = option(
        14.0, "days after which a note that a person holds without a step goes to another who has "
        "nothing left, 0 for never"
    )  # fmt: skip
    seed: int = option(0, "seed of these draws")

    def __post_init__(self) -> None:
        check_one_of(self.suggest, ("model", "notes", "none"), name="suggest")
        check_one_of(self.order, ("given", "uncertain"), name="order")
        for name in ("repeat_share", "wrong_share", "bare_share"):
            check_fraction(getattr(self, name), name=name)
        check_at_least(self.hold_days, 0, name="hold_days")
        if self.n_annotators not in (1, 2):
            raise ArgumentError(f"n_annotators must be 1 or 2, got {self.n_annotators}")
