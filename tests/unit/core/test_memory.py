"""Memory that the C library gives back."""

import platform

from clinnlp.core.memory import give_back


def test_memory_is_given_back_where_the_library_can():
    assert give_back() == (platform.libc_ver()[0] == "glibc")
