"""What the system says where weights cannot be written: safetensors wraps it in an own error."""

import os
import re

from safetensors import SafetensorError

from clinnlp.core.errors import instead_of

__all__ = ["system_errors"]

_NUMBER = re.compile(r"os error (\d+)")


def system_errors() -> instead_of:
    """Return a block that raises `OSError`, of the system's number, for one that is wrapped.

    Examples
    --------
    >>> try:
    ...     with system_errors():
    ...         raise SafetensorError("I/O error: No space left on device (os error 28)")
    ... except OSError as error:
    ...     error.errno
    28
    """
    return instead_of(SafetensorError, _unwrapped)


def _unwrapped(error: SafetensorError) -> OSError:
    found = _NUMBER.search(str(error))
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else OSError()
