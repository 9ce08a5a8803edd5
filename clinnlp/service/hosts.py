"""By which names a server may be asked, where no key tells who asks.

A page of the web can make a browser of this machine ask for a name of its own that leads here
(DNS rebinding). So what asks for another name than ours is refused.
"""

from collections.abc import Iterable

from clinnlp.service.settings import is_loopback

__all__ = ["is_known_host"]


def is_known_host(header: bytes, host: str, names: Iterable[str] | None) -> bool:
    """Return whether the header Host names loopback, where we listen, or one of `names`.

    Examples
    --------
    >>> [is_known_host(x, "127.0.0.1", ["a.org"]) for x in (b"[::1]:80", b"A.org", b"b.org:80")]
    [True, True, False]
    """
    name = header.decode("latin-1").lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    return is_loopback(name) or name in (*map(str.lower, names or ()), host)
