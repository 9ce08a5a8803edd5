"""The service as one object: what its routes share."""

from collections.abc import Callable, Sequence
from pathlib import Path

from clinnlp.service.batches import Batches
from clinnlp.service.metrics import Metrics
from clinnlp.service.models import Models
from clinnlp.service.settings import ServeSettings
from clinnlp.study.answering import Answerer

__all__ = ["Service"]


class Service:
    """A service that is not listening yet.

    Parameters
    ----------
    make : callable
        Loads the pipeline.
    settings : ServeSettings
    paths : sequence of path
        Files of the pipeline, which are watched.
    say : callable
        Takes a line of the log.
    """

    def __init__(
        self,
        make: Callable[[], Answerer],
        *,
        settings: ServeSettings,
        paths: Sequence[str | Path] = (),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.settings, self.say = settings, say
        self.is_draining = False  # it answers what it took, and takes no more
        self.metrics = Metrics()
        self.models = Models(make, paths=paths, say=say)
        self.batches = Batches(
            batch_notes=settings.batch_notes,
            queue_notes=settings.queue_notes,
            on_batch=self.metrics.on_batch,
        )

    @property
    def is_ready(self) -> bool:
        """Whether it answers, and will for a while."""
        return self.models.is_ready and not self.is_draining

    def numbers(self) -> bytes:
        """Return the numbers of now, for Prometheus."""
        metrics = self.metrics
        metrics.waiting.set(self.batches.n_waiting)
        for outcome, n in self.models.n_loads.items():
            metrics.loads.labels(outcome).set(n)
        metrics.made_by.clear()
        if self.models.is_ready:
            made_by = self.models.current.made_by
            names = (made_by.get(name, "") for name in ("clinnlp", "model", "cues"))
            metrics.made_by.labels(*names).set(1)
        return metrics.text()
