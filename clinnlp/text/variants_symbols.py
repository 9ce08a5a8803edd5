"""Genes by their names, and whether two names or a star beside one are a variant of it."""

import re
from collections.abc import Mapping
from functools import cache

from clinnlp.core.errors import DataError
from clinnlp.text.tables import data_path, read_table

__all__ = ["as_symbol", "gene_symbols", "is_about_genes"]

_NAMED_SO = re.compile(r"CYP\d{1,2}[A-Z]\d{1,2}|HLA[-\s]?[A-Z]{1,4}\d?")


@cache
def gene_symbols() -> Mapping[str, str]:
    """Return the symbol by every name of the shipped genes."""
    symbols: dict[str, str] = {}
    for symbol, aliases, _ in _genes():
        for name in (symbol, *aliases.split()):
            symbols.setdefault(name, symbol)
    return symbols


def as_symbol(name: str) -> str:
    """Return the symbol of a gene by any of its names, typed large or small; else the name.

    Examples
    --------
    >>> as_symbol("her2"), as_symbol("FOXX9")
    ('ERBB2', 'FOXX9')
    """
    symbols = gene_symbols()
    return symbols.get(name) or symbols.get(name.upper(), name)


def is_about_genes(kind: str, read: Mapping[str, str | None]) -> bool:
    """Return whether the names in a fusion, a change of copies or a star allele are of genes."""
    check = {"fusion": _is_fusion, "copies": _is_copies, "star": _is_star}.get(kind)
    return check is None or check(read)


def _is_known(name: str | None) -> bool:
    return bool(name) and as_symbol(name or "") in gene_symbols()


def _is_fusion(read: Mapping[str, str | None]) -> bool:
    """KRAS/NRAS are two genes tested, L4-L5 are vertebrae, BCR/ABL is a fusion.

    What tells is ``::``, a word ("fusion") beside a known gene, or a gene that stands so in
    fusions alone.
    """
    if read.get("op") in ("t", "inv"):
        return True
    names = [name for name in (read["ref"], read["alt"]) if name]
    if read.get("op"):
        return any(map(_is_known, names))
    if read["join"] == "::" and all(name.isupper() for name in names):
        return True
    return all(map(_is_known, names)) and not _partners().isdisjoint(map(as_symbol, names))


def _is_copies(read: Mapping[str, str | None]) -> bool:
    return read["op"] in ("del", "dup", "add") or _is_known(read["ref"])


def _is_star(read: Mapping[str, str | None]) -> bool:
    """ASA *2 and a footnote are none: a known gene, or large letters that the star follows."""
    gene = read["gene"] or ""
    is_gene = _is_known(gene) or _NAMED_SO.fullmatch(gene.upper()) is not None
    return is_gene or (gene.isupper() and not read.get("blank"))


@cache
def _partners() -> frozenset[str]:
    """Return the genes that stand beside another, with a mark between, in fusions alone."""
    return frozenset(symbol for symbol, _, fuses in _genes() if fuses)


@cache
def _genes() -> tuple[tuple[str, str, str], ...]:
    rows = []
    path = data_path("gene_symbols.tsv")
    for line, row in read_table(path, ("symbol",), optional=("aliases", "fuses")):
        symbol, aliases, fuses = row
        if not symbol:
            raise DataError("a gene needs a symbol", path=path, line=line)
        rows.append((symbol, aliases, fuses))
    return tuple(rows)
