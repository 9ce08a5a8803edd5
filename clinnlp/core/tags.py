"""Tag schemes as tables: IOB1, IOB2, IOBES and BILOU, to and from labelled token ranges.

A scheme is a set of prefixes with a role each: where an entity of length one, its first, inner
and last token stand. Decoding follows the CoNLL evaluation script: a tag that cannot continue
the running entity begins a new one, so that any sequence decodes.

References
----------
Ramshaw and Marcus 1995 (IOB1); Tjong Kim Sang and Veenstra 1999; Ratinov and Roth 2009 (BILOU).
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from clinnlp.core.errors import ArgumentError, DataError

__all__ = ["SCHEMES", "Scheme", "TagRange", "decode_tags", "encode_tags"]

Scheme = Literal["IOB1", "IOB2", "IOBES", "BILOU"]


class TagRange(NamedTuple):
    """Tokens ``[start, end)`` that carry `label`."""

    start: int
    end: int
    label: str


class _Prefixes(NamedTuple):
    single: str
    first: str
    inner: str
    last: str


SCHEMES: dict[Scheme, _Prefixes] = {
    "IOB1": _Prefixes("I", "I", "I", "I"),  # "B" only between neighbours of one label
    "IOB2": _Prefixes("B", "B", "I", "I"),
    "IOBES": _Prefixes("S", "B", "I", "E"),
    "BILOU": _Prefixes("U", "B", "I", "L"),
}

_BEGIN = frozenset("BSU")
_END = frozenset("ESLU")


def encode_tags(ranges: Iterable[TagRange], n_tokens: int, scheme: Scheme = "IOB2") -> list[str]:
    """Return one tag per token.

    Raises
    ------
    ArgumentError
        Unknown scheme.
    DataError
        Ranges overlap or leave the tokens: a flat tag sequence cannot hold them.

    Examples
    --------
    >>> encode_tags([TagRange(1, 3, "Drug")], 4)
    ['O', 'B-Drug', 'I-Drug', 'O']
    """
    prefix = _scheme(scheme)
    tags = ["O"] * n_tokens
    previous = TagRange(0, 0, "")
    for r in sorted(ranges):
        if not 0 <= r.start < r.end <= n_tokens or r.start < previous.end:
            raise DataError(
                f"tag ranges must be disjoint and lie inside {n_tokens} tokens, "
                f"got {r.start}-{r.end} after {previous.start}-{previous.end}"
            )
        if r.end - r.start == 1:
            tags[r.start] = f"{prefix.single}-{r.label}"
        else:
            tags[r.start] = f"{prefix.first}-{r.label}"
            tags[r.start + 1 : r.end - 1] = [f"{prefix.inner}-{r.label}"] * (r.end - r.start - 2)
            tags[r.end - 1] = f"{prefix.last}-{r.label}"
        if scheme == "IOB1" and previous.end == r.start and previous.label == r.label:
            tags[r.start] = f"B-{r.label}"
        previous = r
    return tags


def decode_tags(tags: Sequence[str]) -> list[TagRange]:
    """Return the labelled ranges of a tag sequence of any of the four schemes.

    Raises
    ------
    DataError
        A tag is neither ``O`` nor ``<prefix>-<label>`` with a known prefix.

    Examples
    --------
    >>> decode_tags(["O", "B-Drug", "I-Drug", "I-Dose"])
    [TagRange(start=1, end=3, label='Drug'), TagRange(start=3, end=4, label='Dose')]
    """
    out: list[TagRange] = []
    start, label, closed = 0, "", True
    for i, tag in enumerate([*tags, "O"]):
        prefix, _, name = tag.partition("-")
        if tag != "O" and (prefix not in set("BIESLU") or not name):
            raise DataError(f"tag {i} must be 'O' or like 'B-Label', got another form")
        if label and (tag == "O" or closed or prefix in _BEGIN or name != label):
            out.append(TagRange(start, i, label))
            label = ""
        if tag != "O" and not label:
            start, label = i, name
        closed = prefix in _END
    return out


def _scheme(scheme: Scheme) -> _Prefixes:
    if scheme not in SCHEMES:
        raise ArgumentError(f"scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}")
    return SCHEMES[scheme]
