"""Settings of the review server; light to import, so that ``--help`` is quick."""

from dataclasses import dataclass

from clinnlp.core.checks import check_at_least
from clinnlp.core.config import option
from clinnlp.core.errors import ArgumentError
from clinnlp.service.settings import is_loopback

__all__ = ["ReviewSettings"]

_MOST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSettings:
    """Where the review server listens, and how much it takes.

    Examples
    --------
    >>> ReviewSettings().port
    8766
    >>> ReviewSettings(host="10.0.0.7")
    Traceback (most recent call last):
    clinnlp.core.errors.ArgumentError: a host that others reach needs TLS, got none; name \
tls_certificate and tls_key, or say behind_proxy where a program in front does TLS
    """

    host: str = option("127.0.0.1", "address to listen on; another than loopback needs TLS")
    port: int = option(8766, "port to listen on, 0 for any that is free")
    tls_certificate: str | None = option(None, "PEM file with the certificate and its chain (none)")
    tls_key: str | None = option(None, "PEM file with the key of the certificate (none)")
    behind_proxy: bool = option(False, "another program in front does TLS")
    host_names: tuple[str, ...] | None = option(
        None, "names by which browsers may ask, beside the host and those of loopback (none)"
    )
    connections: int = option(128, "connections at a time, >= 1")
    slow_s: float = option(8.0, "seconds in which a browser must get on, > 0")
    drain_s: float = option(10.0, "seconds that requests have when the server is ended, > 0")
    encoder: str = option("minilm", "what learning starts from: minilm, a folder, or a hub id")
    epochs: int | None = option(
        None, "passes over the notes of each learning, >= 1; by default as their number asks for"
    )
    log_requests: bool = option(True, "write a line for each request")

    def __post_init__(self) -> None:
        check_at_least(self.connections, 1, name="connections")
        if self.epochs is not None:
            check_at_least(self.epochs, 1, name="epochs")
        check_at_least(self.port, 0, name="port")
        if self.port > _MOST_PORT:
            raise ArgumentError(f"port must be at most {_MOST_PORT}, got {self.port}")
        for name in ("slow_s", "drain_s"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"{name} must be above 0, got {getattr(self, name)}")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ArgumentError("TLS needs both tls_certificate and tls_key, got one of them")
        if not (is_loopback(self.host) or self.is_secure):
            raise ArgumentError(
                "a host that others reach needs TLS, got none; name tls_certificate and tls_key, "
                "or say behind_proxy where a program in front does TLS"
            )

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by TLS."""
        return self.tls_certificate is not None or self.behind_proxy
