"""What the system says where a model cannot be written: code in Rust wraps it in other errors."""

import os
import re

from clinnlp.core.errors import instead_of

__all__ = ["system_errors"]

_NUMBER = re.compile(r"\(os error (\d+)\)\Z")


def system_errors() -> instead_of:
    """Return a block that raises the `OSError` that safetensors and tokenizers wrap.

    Examples
    --------
    >>> try:
    ...     with system_errors():
    ...         raise Exception("No space left on device (os error 28)")
    ... except OSError as error:
    ...     error.errno
    28
    """
    return instead_of(Exception, _unwrapped)


def _unwrapped(error: Exception) -> Exception:
    found = _NUMBER.search(str(error))
    if found is None or isinstance(error, OSError):
        return error
    return OSError(int(found[1]), os.strerror(int(found[1])))
