"""Numbers for Prometheus: how many, how long, how full; never whose, and never what.

Labels are routes of the table, methods, statuses and hashes of models.
"""

import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

__all__ = ["Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_NOTES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The numbers of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        of: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("clinnlp_requests", "Requests answered", ["route", "status"], **of)
        self.seconds = Histogram(
            "clinnlp_request_seconds", "From head to answer", ["route"], buckets=_SECONDS, **of
        )
        self.running = Gauge("clinnlp_requests_running", "Requests being answered", **of)
        self.notes = Counter("clinnlp_notes", "Notes read", **of)
        self.failed = Counter("clinnlp_notes_failed", "Notes on which a step failed", **of)
        self.mentions = Counter("clinnlp_mentions", "Mentions found", **of)
        self.batch = Histogram("clinnlp_batch_notes", "Notes read together", buckets=_NOTES, **of)
        self.reading = Histogram("clinnlp_batch_seconds", "Time of a batch", buckets=_SECONDS, **of)
        self.waiting = Gauge("clinnlp_notes_waiting", "Notes that wait", **of)
        self.loads = Gauge("clinnlp_model_loads", "Models loaded", ["outcome"], **of)
        self.made_by = Gauge("clinnlp_info", "What answers", ["version", "model", "cues"], **of)

    def on_batch(self, n_notes: int, seconds: float) -> None:
        """Count a batch."""
        self.batch.observe(n_notes)
        self.reading.observe(seconds)

    def on_request(self, route: str, status: int, begun: float) -> None:
        """Count an answer to a request that began at a time of `time.perf_counter`."""
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(time.perf_counter() - begun)

    def text(self) -> bytes:
        """Return all numbers in the form of Prometheus."""
        return generate_latest(self.registry)
