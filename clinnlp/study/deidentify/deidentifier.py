"""Surrogates for one collection of notes and its tables, as a pipe for notes."""

from collections.abc import Iterable, Sequence

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipe, Pipeline
from clinnlp.study.deidentify.keys import Key
from clinnlp.study.deidentify.offsets import Offsets
from clinnlp.study.deidentify.replacing import Found, Replaced, Replacing, found_in, person_of
from clinnlp.study.deidentify.surrogates import Originals, Surrogates
from clinnlp.study.settings import DeidentifySettings

__all__ = ["Deidentifier", "seal_of"]


class Deidentifier:
    """Surrogates for one collection of notes and its tables; a pipe for notes.

    All notes and ids of the collection are looked at first: `gather` takes them, in any order, and
    the first note that is replaced ends it.

    Parameters
    ----------
    key : Key
    finder : callable
        A pipe that adds identifiers as mentions.
    settings : DeidentifySettings, optional
    language : str

    Examples
    --------
    >>> import re
    >>> from clinnlp.core.notes import Entity
    >>> from clinnlp.core.spans import Span
    >>> def finder(note):
    ...     spans = [Span(*m.span()) for m in re.finditer("Lee", note.text)]
    ...     return note.with_(entities=tuple(
    ...         Entity(id=f"ID{k}", span=s, label="NAME") for k, s in enumerate(spans)))
    >>> note = Note(id="n1", text="Mr Lee coughs.", patient="p1")
    >>> made = Deidentifier(Key(b"example"), finder).gather([note])
    >>> made(note).text.replace("Lee", "?").startswith("Mr "), "Lee" in made(note).text
    (True, False)
    >>> made(made(note)) == made(note)
    True
    """

    def __init__(
        self,
        key: Key,
        finder: Pipe,
        settings: DeidentifySettings | None = None,
        language: str = "en",
    ) -> None:
        self.key, self.settings, self.language = key, settings or DeidentifySettings(), language
        self.finder = finder if isinstance(finder, Pipeline) else Pipeline([finder])
        self.originals = Originals()
        self.patients: set[str] = set()  # of the notes
        self.offsets = Offsets(
            key,
            self.settings.max_shift_days,
            keep_weekday=self.settings.keep_weekday,
            keep_season=self.settings.keep_season,
        )
        self._replacing: Replacing | None = None
        self._surrogates: Surrogates | None = None
        self._sealed: set[str] = set()

    def __call__(self, note: Note, /) -> Note:
        """Return a note without its identifiers; one that this made stays as it is."""
        if seal_of(self.key, note) in self._sealed:
            return note
        made = self.replaced(note, self.find(note)).note
        self._sealed.add(seal_of(self.key, made))
        return made

    def find(self, note: Note) -> list[Found]:
        """Return what the finder finds in a note."""
        return found_in(self.finder(note), note, self.settings.given)

    def gather(self, notes: Iterable[Note]) -> "Deidentifier":
        """Take what identifies somebody in notes, and return this."""
        for note in notes:
            self.gather_found(note, self.find(note))
        return self

    def gather_found(self, note: Note, found: Iterable[Found]) -> None:
        """Take what was found in a note, and its ids."""
        self._check_open()
        self.originals.add_ids((note.id, note.patient, note.encounter))
        self.patients.update([note.patient] if note.patient is not None else [])
        scope = self.scope_of(person_of(note))
        for one in found:
            self.originals.add(one.label, note.text[one.start : one.end], scope)

    def gather_known(self, patient: str, values: Iterable[str]) -> None:
        """Take what the record says of a patient: names and numbers, which is which is not told."""
        self.gather_ids([patient])
        for value in values:
            self.originals.add("NAME", value, self.scope_of(patient))
            self.originals.add("ID", value)

    def scope_of(self, patient: str) -> str:
        """Return within what a name of a patient has one surrogate."""
        return patient if self.settings.scope == "patient" else ""

    def gather_ids(self, ids: Iterable[str | None]) -> None:
        """Take ids of patients, stays and events."""
        self._check_open()
        self.originals.add_ids(ids)

    def replaced(self, note: Note, found: Sequence[Found]) -> Replaced:
        """Return a note with what was found in it replaced."""
        return self.replacing(note, found)

    @property
    def surrogates(self) -> Surrogates:
        """What stands for what; nothing can be gathered after it was asked for."""
        if self._surrogates is None:
            self._surrogates = Surrogates(self.key, self.originals, self.settings, self.language)
        return self._surrogates

    @property
    def replacing(self) -> Replacing:
        """What edits notes and times; nothing can be gathered after it was asked for."""
        if self._replacing is None:
            self._replacing = Replacing(self.surrogates, self.offsets, self.settings)
        return self._replacing

    def whom(self) -> dict[str, str]:
        """Return the surrogate of each patient of the notes; who has it can go back."""
        return {patient: self.surrogates.ids(patient) for patient in sorted(self.patients)}

    def _check_open(self) -> None:
        if self._surrogates is not None:
            raise ArgumentError(
                "all notes and ids must be gathered before the first is replaced, got more"
            )


def seal_of(key: Key, note: Note) -> str:
    """Return by what a note is known again that this key has made."""
    return key.seal(note.id, note.text, note.patient or "")
