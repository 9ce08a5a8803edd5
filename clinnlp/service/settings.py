"""Settings of the service; light to import, so that ``--help`` is quick."""

from dataclasses import dataclass
from ipaddress import ip_address

from clinnlp.core.checks import check_at_least
from clinnlp.core.config import option
from clinnlp.core.errors import ArgumentError

__all__ = ["ServeSettings", "is_loopback"]

_AT_LEAST_ONE = (
    *("body_mib", "note_chars", "request_notes", "queue_notes", "requests", "caller_requests"),
    *("connections", "batch_notes"),
)
_MOST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """Where the service listens, whom it answers, and how much it takes.

    Examples
    --------
    >>> ServeSettings(port=0).host
    '127.0.0.1'
    >>> ServeSettings(host="10.0.0.7")
    Traceback (most recent call last):
    clinnlp.core.errors.ArgumentError: a host that others reach needs a key_file, got none
    """

    host: str = option("127.0.0.1", "address to listen on; another than loopback needs a key")
    port: int = option(8765, "port to listen on, 0 for any that is free")
    key_file: str | None = option(
        None, "file of mode 0600 with a key a line, and behind it what it may ask for: extract "
        "risk signals metrics (all where nothing stands there) (none)",
    )  # fmt: skip
    tls_certificate: str | None = option(None, "PEM file with the certificate and its chain (none)")
    tls_key: str | None = option(None, "PEM file with the key of the certificate (none)")
    behind_proxy: bool = option(False, "another program in front does TLS")
    host_names: tuple[str, ...] | None = option(
        None, "names by which callers without keys may ask, beside localhost and addresses of "
        "loopback (none)",
    )  # fmt: skip
    body_mib: int = option(8, "MiB of one request, >= 1; of a stream those of one line")
    note_chars: int = option(200_000, "characters of one note, >= 1")
    request_notes: int = option(1000, "notes of one request, >= 1; of a stream as many as come")
    queue_notes: int = option(256, "notes that may wait when one more request is taken, >= 1")
    requests: int = option(128, "requests at a time, >= 1")
    caller_requests: int = option(32, "requests at a time of one key, or of one address, >= 1")
    connections: int = option(512, "connections at a time, >= 1")
    batch_notes: int = option(16, "notes read together, >= 1")
    time_s: float = option(60.0, "seconds after which a request is refused, > 0")
    slow_s: float = option(8.0, "seconds in which a caller must get on, > 0")
    drain_s: float = option(90.0, "seconds that requests have when the service is ended, > 0")
    notice_s: float = option(
        0.0,
        "seconds between being told to end and closing the door, in which /readyz says so, >= 0",
    )
    watch_s: float = option(
        2.0, "seconds between looks whether model or word list are others, >= 0 (0: never looked)"
    )
    log_requests: bool = option(True, "write a line for each request")

    def __post_init__(self) -> None:
        for name in _AT_LEAST_ONE:
            check_at_least(getattr(self, name), 1, name=name)
        for name in ("time_s", "slow_s", "drain_s"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in ("notice_s", "watch_s", "port"):
            check_at_least(getattr(self, name), 0, name=name)
        if self.port > _MOST_PORT:
            raise ArgumentError(f"port must be at most {_MOST_PORT}, got {self.port}")
        self._check_reach()

    @property
    def body_bytes(self) -> int:
        """Most bytes of one request."""
        return self.body_mib << 20

    def _check_reach(self) -> None:
        """Raise where others would reach the service without a key, or in the clear."""
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ArgumentError("TLS needs both tls_certificate and tls_key, got one of them")
        if is_loopback(self.host):
            return
        if self.key_file is None:
            raise ArgumentError("a host that others reach needs a key_file, got none")
        if self.tls_certificate is None and not self.behind_proxy:
            raise ArgumentError(
                "a host that others reach needs tls_certificate and tls_key, got none; where a "
                "proxy in front does TLS, say behind_proxy"
            )


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "db.local")]
    [True, True, True, False, False]
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
