"""Pipes and their composition.

A *pipe* is any callable ``Note -> Note`` that keeps id and text and first drops what an earlier
run of itself added, so that running it twice adds nothing. One that gains from batches also has
``batch(notes) -> list of notes``. There is no base class and no registry.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Literal, Protocol, TypeVar, runtime_checkable

from clinnlp.core.checks import check_several
from clinnlp.core.display import display_html
from clinnlp.core.errors import ArgumentError, ClinnlpError, PipeError, instead_of
from clinnlp.core.notes import Note

__all__ = ["BatchPipe", "OnError", "Pipe", "Pipeline", "chunks"]

T = TypeVar("T")

OnError = Literal["raise", "skip"]


class Pipe(Protocol):
    """Anything that turns a note into a note."""

    def __call__(self, note: Note, /) -> Note: ...


@runtime_checkable
class BatchPipe(Protocol):
    """A pipe that is faster over many notes at once."""

    def __call__(self, note: Note, /) -> Note: ...

    def batch(self, notes: Sequence[Note], /) -> list[Note]: ...


class Pipeline:
    """Pipes applied one after another; itself a pipe.

    Parameters
    ----------
    pipes : sequence of callables
        Applied in order.

    Notes
    -----
    What holds for each pipe of this library holds for a pipeline of them:

    - Threads may share it: none keeps anything of a note.
    - A process may be forked while it is idle. Not with a network on a GPU or an exported one,
      whose threads stay behind: start such processes with ``spawn`` or ``forkserver``.
    - It can be sent to processes (pickle, cloudpickle, joblib) and copied. What is compiled or
      belongs to the system is left out and made anew on arrival, for many names in as much time
      as at first: send a pipeline once, as with the `initializer` of a pool, not with each note.
      Weights are sent as they are; of an exported model only its folder's name.
    - Answers are the same in every thread and process, whatever ``PYTHONHASHSEED`` is.

    Reading a pickle can run code: read none that you did not write yourself.

    Examples
    --------
    >>> nlp = Pipeline([lambda note: note.with_(kind="letter")])
    >>> nlp("Dear colleague").kind
    'letter'
    """

    def __init__(self, pipes: Iterable[Pipe]) -> None:
        self.pipes: tuple[Pipe, ...] = tuple(pipes)
        for pipe in self.pipes:
            if not callable(pipe):
                raise ArgumentError(
                    f"each pipe of a pipeline must be callable, got {type(pipe).__name__}"
                )

    def __repr__(self) -> str:
        return f"Pipeline({', '.join(pipe_name(p) for p in self.pipes)})"

    def _repr_html_(self) -> str:
        names = [pipe_name(pipe) for pipe in self.pipes]
        columns = {"step": range(1, len(names) + 1), "pipe": names}
        return display_html("Pipeline", columns=columns, n_rows=len(names))

    def __call__(self, note: Note | str, /) -> Note:
        """Return the annotated note; a string becomes the note with id ``"text"``."""
        return self.batch([_noted(note, "text")])[0]

    def batch(self, notes: Sequence[Note], /) -> list[Note]:
        """Return the annotated notes, in order."""
        out = list(notes)
        for pipe in self.pipes:
            out = _apply(pipe, out)
        return out

    def stream(
        self,
        notes: Iterable[Note | str],
        *,
        batch_size: int = 64,
        on_error: OnError = "raise",
        on_skip: Callable[[str, ClinnlpError], None] | None = None,
    ) -> Iterator[Note]:
        """Yield annotated notes in input order, reading at most `batch_size` ahead.

        Parameters
        ----------
        notes : iterable of Note or str
            A string becomes a note whose id is its 0-based position.
        batch_size : int
            Notes held in memory at a time, ≥ 1.
        on_error : {"raise", "skip"}
            What to do with a note on which a pipe fails.
        on_skip : callable, optional
            Called with the note id and the error of each skipped note.

        Raises
        ------
        PipeError
            With `on_error` "raise", naming pipe and note.
        """
        check_several(notes, name="notes")
        if batch_size < 1:
            raise ArgumentError(f"batch_size must be at least 1, got {batch_size}")
        if on_error not in ("raise", "skip"):
            raise ArgumentError(f"on_error must be 'raise' or 'skip', got {on_error!r}")
        named = (_noted(note, str(i)) for i, note in enumerate(notes))
        for chunk in chunks(named, batch_size):
            yield from self._chunk(chunk, on_error, on_skip)

    def _chunk(
        self,
        chunk: list[Note],
        on_error: OnError,
        on_skip: Callable[[str, ClinnlpError], None] | None,
    ) -> Iterator[Note]:
        try:
            yield from self.batch(chunk)
            return
        except PipeError:
            if on_error == "raise":
                raise
        for note in chunk:  # one by one, to lose only the note at fault
            try:
                done = self.batch([note])[0]
            except PipeError as error:
                if on_skip is not None:
                    on_skip(note.id, error)
            else:
                yield done


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of at most `size` items, in order."""
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk


def pipe_name(pipe: Pipe) -> str:
    """Return the name of a pipe for messages."""
    return getattr(pipe, "__name__", None) or type(pipe).__name__


def _noted(note: object, id: str) -> Note:
    if isinstance(note, str):
        return Note(id=id, text=note)
    if not isinstance(note, Note):
        raise ArgumentError(f"a pipeline takes a Note or a str, got {type(note).__name__}")
    return note


def _apply(pipe: Pipe, notes: list[Note]) -> list[Note]:
    if isinstance(pipe, BatchPipe):
        done = _guard(pipe, partial(pipe.batch, notes), notes)
    else:
        done = [_guard(pipe, partial(pipe, note), [note]) for note in notes]
    if any(not isinstance(n, Note) for n in done):
        raise PipeError(f"pipe {pipe_name(pipe)} must return a note for each note")
    if [n.id for n in done] != [n.id for n in notes] or any(
        a.text != b.text for a, b in zip(done, notes, strict=True)
    ):
        raise PipeError(f"pipe {pipe_name(pipe)} must keep id and text of each note")
    return done


def _guard(pipe: Pipe, work: Callable[[], T], notes: list[Note]) -> T:
    """Run `work`; a foreign error may carry text, so only its type is told."""

    def failed(error: Exception) -> PipeError:
        if isinstance(error, PipeError):
            return error
        whom = f"note {notes[0].id!r}" if len(notes) == 1 else f"one of {len(notes)} notes"
        why = f": {error}" if isinstance(error, ClinnlpError) else f" ({type(error).__name__})"
        return PipeError(f"pipe {pipe_name(pipe)} failed on {whom}{why}")

    with instead_of(Exception, failed):
        return work()
