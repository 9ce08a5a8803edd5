"""How the name of a file says that it is packed: once, as ``.gz`` or ``.xz``, in any case.

A name that promises another packing, or two, is refused by what writes, so that a file is always
packed as its name says; what reads unpacks by the same rule.
"""

from pathlib import Path

from clinnlp.core.errors import ArgumentError

__all__ = ["PACKINGS", "check_packing", "packing", "plain_name"]

PACKINGS = (".gz", ".xz")
_OTHERS = (".7z", ".br", ".bz2", ".lz4", ".lzma", ".rar", ".tar", ".tgz", ".zip", ".zst", ".zstd")


def packing(path: str | Path) -> str:
    """Return ``".gz"``, ``".xz"`` or, for what is not packed, ``""``."""
    suffix = Path(path).suffix.lower()
    return suffix if suffix in PACKINGS else ""


def plain_name(path: str | Path) -> str:
    """Return the name of a file in small letters, without the suffix of its packing.

    Examples
    --------
    >>> plain_name("out/Notes.JSONL.gz")
    'notes.jsonl'
    """
    return Path(path).name.lower().removesuffix(packing(path))


def check_packing(path: str | Path, *, packs: bool) -> None:
    """Raise `ArgumentError` where a name promises a packing that nothing here would give it.

    Parameters
    ----------
    path : path to write
    packs : bool
        Whether what is written there may be packed at all.
    """
    if packing(path) and not packs:
        raise ArgumentError(
            f"only files of text and .spacy can be packed, got {path}; leave out {packing(path)}"
        )
    if Path(plain_name(path)).suffix in {*PACKINGS, *_OTHERS}:
        raise ArgumentError(f"a file can be packed once, as .gz or .xz, got {path}")
