"""Numbers count routes, statuses and notes, and name nothing else."""

import re
import time

from clinnlp.service.metrics import Metrics


def value(text, name):
    return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[1])


def test_requests_and_batches_are_counted():
    metrics = Metrics()
    for status in (200, 200, 422):
        metrics.on_request("/v1/extract", status, time.perf_counter() - 0.3)
    metrics.on_batch(5, 0.02)
    text = metrics.text().decode()
    of = 'clinnlp_requests_total{route="/v1/extract",status="%d"}'
    assert (value(text, of % 200), value(text, of % 422)) == (2, 1)
    assert value(text, 'clinnlp_request_seconds_count{route="/v1/extract"}') == 3
    assert value(text, 'clinnlp_request_seconds_bucket{le="0.25",route="/v1/extract"}') == 0
    assert value(text, "clinnlp_batch_notes_sum") == 5


def test_labels_are_routes_statuses_outcomes_and_hashes():
    text = Metrics().text().decode()
    names = set(re.findall(r"[{,](\w+)=", text))
    assert names <= {"route", "status", "le", "outcome", "version", "model", "cues"}


def test_two_services_do_not_share_numbers():
    one, other = Metrics(), Metrics()
    one.notes.inc()
    assert value(other.text().decode(), "clinnlp_notes_total") == 0
