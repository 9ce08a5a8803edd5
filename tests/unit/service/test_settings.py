"""What the service refuses to start with."""

import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.service.settings import ServeSettings, is_loopback

TLS = {"tls_certificate": "c.pem", "tls_key": "k.pem"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "nlp.hospital", ""])
def test_an_address_that_others_reach_needs_a_key_and_tls_or_a_proxy(host):
    with pytest.raises(ArgumentError, match="key_file"):
        ServeSettings(host=host)
    with pytest.raises(ArgumentError, match="key_file"):
        ServeSettings(host=host, **TLS)
    with pytest.raises(ArgumentError, match="behind_proxy"):
        ServeSettings(host=host, key_file="keys")
    assert ServeSettings(host=host, key_file="keys", **TLS).host == host
    assert ServeSettings(host=host, key_file="keys", behind_proxy=True).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_neither(host):
    assert is_loopback(ServeSettings(host=host).host)


@pytest.mark.parametrize("half", TLS)
def test_half_of_tls_is_none(half):
    with pytest.raises(ArgumentError, match="both"):
        ServeSettings(**{half: "a.pem"})


@pytest.mark.parametrize(
    "values",
    [
        *({name: 0} for name in ("body_mib", "note_chars", "request_notes", "queue_notes")),
        *({name: 0} for name in ("requests", "caller_requests", "connections", "batch_notes")),
        *({name: 0.0} for name in ("time_s", "slow_s", "drain_s")),
        {"time_s": float("nan")},
        {"notice_s": -1.0},
        {"watch_s": -1.0},
        {"port": -1},
        {"port": 65536},
    ],
)
def test_numbers_out_of_range_are_refused_by_name(values):
    with pytest.raises(ArgumentError, match=next(iter(values))):
        ServeSettings(**values)


def test_a_mib_is_as_many_bytes():
    assert ServeSettings(body_mib=2).body_bytes == 2 * 1024 * 1024
