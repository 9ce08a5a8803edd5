"""A pipeline as something that answers: with what made it, and one bad note at a time.

A run over files stops at a note on which a pipe fails, or leaves it out. Whoever answers several
callers at once must do neither: notes of one batch come from different callers, so that the fault
of one note is the answer to that note alone.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clinnlp.core.errors import PipeError
from clinnlp.core.files import tree_sha256
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.text.tables import data_path

if TYPE_CHECKING:
    from clinnlp.study.apply import RiskModel
    from clinnlp.study.signal_answers import SignalIndex

__all__ = ["Answerer", "cue_tables"]

_TRIED = "Denies chest pain. Started aspirin 81 mg daily for two weeks."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answerer:
    """A pipeline and what made it.

    Parameters
    ----------
    nlp : Pipeline
    made_by : mapping of str to str
        Version of the library, language, hashes of model, word list and cue tables: as
        `clinnlp.study.extract.fingerprint` and `cue_tables` give them.
    risk : RiskModel, optional
        A kept risk model that answers beside it.
    signals : SignalIndex, optional
        Mined signals that are looked up beside it.

    Examples
    --------
    >>> from clinnlp.study.pipeline import pipeline
    >>> words = [{"name": "aspirin", "label": "Drug"}]
    >>> answerer = Answerer(nlp=pipeline(vocabulary=words), made_by={"clinnlp": "0.1.0"})
    >>> [len(note.entities) for note in answerer([Note(id="n1", text="Took aspirin.")])]
    [1]
    """

    nlp: Pipeline
    made_by: Mapping[str, str]
    risk: "RiskModel | None" = None
    signals: "SignalIndex | None" = None

    def __call__(self, notes: Sequence[Note]) -> list[Note | PipeError]:
        """Return for each note what was found in it, or why it could not be read."""
        try:
            return list(self.nlp.batch(notes))
        except BaseException:  # code in Rust panics with a BaseException
            if len(notes) > 1:
                return [answer for note in notes for answer in self([note])]
            return [_fault(sys.exception())]

    def try_out(self) -> None:
        """Read a sentence, so that what is compiled or loaded at first use is there.

        Raises
        ------
        PipeError
            A pipe fails on it.
        """
        (answer,) = self([Note(id="try", text=_TRIED)])
        if isinstance(answer, PipeError):
            raise answer


def cue_tables() -> str:
    """Return the SHA-256 of all tables of cues, headings, units and names that come with clinnlp.

    Examples
    --------
    >>> len(cue_tables())
    64
    """
    return tree_sha256(data_path("."))


def _fault(error: BaseException | None) -> PipeError:
    """Return the error of ours, or one that says no more than the type of a foreign one."""
    if isinstance(error, PipeError):
        return error
    return PipeError(f"a pipe failed ({type(error).__name__})")
