"""The normal form of a variant: one spelling for all ways to write it.

====================================================  ==========================
``p.Arg114His``, ``R114H``, "arginine to histidine    ``p.R114H``
at codon 114"
``Phe508del``, ``delta F508``                         ``p.F508del``
``p.Ser769GlnfsX8``, ``S769fs``                       ``p.S769fs``
``c.35delG``, ``c.35 del G``                          ``c.35delG``
``677C>T``, ``C677T``, "C to T at nucleotide 677"     ``677C>T``: no level is said
``IVS8 - 1 G --> A``                                  ``IVS8-1G>A``
``rs 334``                                            ``rs334``
``CYP2C19 *2``, ``cyp2c19*2``                         ``CYP2C19*2``
``HLA-B*5701``                                        ``HLA-B*57:01``
``BCR/ABL1 fusion``                                   ``BCR::ABL1``
====================================================  ==========================
"""

import re
from collections.abc import Mapping

from clinnlp.text.variants_patterns import AMINO, Words
from clinnlp.text.variants_symbols import as_symbol

__all__ = ["normal_form"]

_ACIDS = {name.casefold(): letter for name, letter in AMINO.items()} | {
    "x": "*", "term": "*", "am": "*", "opal": "*", "ochre": "*",
}  # fmt: skip
_BLANKS = re.compile(r"\s+")
_DELETION = ("del", "delta", "Δ".casefold())
_INTRON = re.compile(r"ivs-?(\d+|[ivx]+)(?:nt|as|ds)?", re.IGNORECASE)
_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
_ROMAN = {name: str(n) for n, name in enumerate(_NUMERALS, 1)}


def normal_form(kind: str, read: Mapping[str, str | None], words: Words, *, turned: bool) -> str:
    """Return the normal form of a find, or nothing where no position is said.

    Parameters
    ----------
    kind : str
        Of its pattern.
    read : mapping of str to str or None
        The named pieces of the pattern.
    words : Words
        Of the language.
    turned : bool
        Whether what is stands before what was ("asparagine for serine").
    """
    ref, alt = read.get("ref") or "", read.get("alt") or ""
    if turned:
        ref, alt = alt, ref
    form = _FORMS.get(kind)
    return form(dict(read) | {"ref": ref, "alt": alt}, words) if form else ""


def _protein(read: Mapping[str, str | None], words: Words) -> str:
    ref, alt = _acid(read["ref"] or "", words), _squeezed(read["alt"])
    place = f"{ref}{_number(read)}"
    last = read.get("pos2")
    folded = alt.casefold()
    if "fs" in folded:
        return f"p.{place}fs"
    if folded.startswith(_DELETION):
        place += f"_{last}" if last else ""
        inserted = alt.partition("ins")[2]
        return f"p.{place}del" + (f"ins{inserted}" if inserted else "")
    for operation in ("ins", "dup"):
        if folded.startswith(operation):
            place += f"_{last}" if last else ""
            return f"p.{place}{operation}{alt[3:]}"
    return f"p.{place}{_acid(alt, words)}" if alt else f"p.{place}"


def _dna(read: Mapping[str, str | None], words: Words) -> str:
    level = (read.get("level") or "").strip(". ").lower()[-1:]
    head = f"{level}." if level else ""
    place, operation = _number(read), read.get("op")
    if place.startswith("IVS"):
        head = ""
    if operation:
        operation = _operation(operation, words)
        tail = read.get("tail")
        alt = re.sub(r"-?(?:bp|kb)$", "", _squeezed(read["alt"]))
        return f"{head}{place}{operation}{_bases(alt, words)}" + (f"ins{tail}" if tail else "")
    changed = f"{_bases(read['ref'] or '', words)}>{_bases(read['alt'] or '', words)}"
    return f"{head}{place}{changed}" if read["alt"] else f"{head}{place}"


def _rsid(read: Mapping[str, str | None], _: Words) -> str:
    name = _squeezed(read["id"])
    return name.lower() if name[0].isalpha() else f"rs{name}"


def _star(read: Mapping[str, str | None], _: Words) -> str:
    gene = re.sub(r"(?<=HLA)[-\s]?", "-", (read["gene"] or "").upper())
    star = re.sub("(?<=[0-9])[a-z](?![a-z0-9])", lambda m: m[0].upper(), _squeezed(read["star"]))
    four = re.fullmatch(r"\*(\d\d)(\d\d)", star) if gene.startswith("HLA") else None
    return f"{gene}*{four[1]}:{four[2]}" if four else f"{gene}{star}"


def _fusion(read: Mapping[str, str | None], _: Words) -> str:
    ref, alt, operation = read["ref"] or "", read["alt"] or "", read.get("op")
    if operation in ("t", "inv"):
        return f"{operation}({ref})"
    return f"{as_symbol(ref)}::{as_symbol(alt) if alt else '?'}"


def _copies(read: Mapping[str, str | None], words: Words) -> str:
    ref, operation = read["ref"] or "", read["op"] or ""
    if operation in ("del", "dup", "add"):
        return f"{operation}({ref})"
    gained = {word.casefold() for word in words.of["amplified"]}
    return f"{as_symbol(ref)} {'amplification' if operation.casefold() in gained else 'loss'}"


_FORMS = {
    "protein": _protein,
    "dna": _dna,
    "rsid": _rsid,
    "star": _star,
    "fusion": _fusion,
    "copies": _copies,
}


def _squeezed(text: str | None) -> str:
    return _BLANKS.sub("", text or "")


def _number(read: Mapping[str, str | None]) -> str:
    """Return a position without blanks, ranges with ``_``, introns with their number."""
    place = _squeezed(read["pos"])
    intron = _INTRON.match(place)
    if intron:
        number = _ROMAN.get(intron[1].upper(), intron[1])
        offset = place[intron.end() :]
        return f"IVS{number}{offset if offset[:1] in '+-' else '+' + offset}"
    both = re.fullmatch(r"(\d+)-(\d+)", place)
    if both and read.get("op") and int(both[2]) > int(both[1]):
        return f"{both[1]}_{both[2]}"
    return place.removeprefix("+")


def _acid(text: str, words: Words) -> str:
    """Return the one letter of an amino acid, however it is named."""
    folded = text.casefold()
    if folded in _ACIDS:
        return _ACIDS[folded]
    means = {w.casefold(): m for w, m in words.of["amino"].items()}.get(" ".join(folded.split()))
    return means.split()[-1] if means else text.upper()


def _bases(text: str, words: Words) -> str:
    means = {w.casefold(): m for w, m in ({**words.of["base"], **words.of["number"]}).items()}
    return means.get(text.casefold(), text.upper().replace("U", "T"))


def _operation(text: str, words: Words) -> str:
    folded = text.casefold()
    for kind, operation in (("loss", "del"), ("gain", "ins"), ("double", "dup")):
        if folded in {word.casefold() for word in words.of[kind]}:
            return operation
    return {"indel": "delins", "del/ins": "delins", "ins/del": "delins"}.get(folded, folded)
