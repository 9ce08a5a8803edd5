"""Two halves of texts or templates, by a hash: one to build on, one set aside and not looked at."""

from hashlib import sha256
from typing import Literal

__all__ = ["half_of"]


def half_of(text: str) -> Literal["build", "aside"]:
    """Return the half of a text: ``build`` where its SHA-256 is even.

    Examples
    --------
    >>> half_of("a"), half_of("b")
    ('aside', 'aside')
    """
    return "aside" if sha256(text.encode()).digest()[-1] % 2 else "build"
