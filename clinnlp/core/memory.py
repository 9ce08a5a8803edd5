"""Memory that was freed and that the C library still holds."""

import ctypes

__all__ = ["give_back"]


def give_back() -> bool:
    """Give free memory back to the system; return whether the C library can (glibc can).

    What many temporary arrays of many sizes leave is holes, which later arrays do not fit into.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # Windows, macOS, musl
        return False
    trim(0)
    return True
