"""Which versions made a result."""

import platform
from importlib import metadata

__all__ = ["versions"]

_PACKAGES = ("clinnlp", "numpy", "scipy", "scikit-learn", "torch", "transformers", "mlxtend")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version()} | {p: metadata.version(p) for p in _PACKAGES}
