"""Mutators that know a form: JSON, XML and tables as text."""

import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.fuzz.mutators import odd_bytes
from tests.fuzz.odd import DEEP, VALUES

__all__ = ["cells", "is_json", "is_xml", "json_value", "xml_piece"]

_MARK = "@@odd@@"
_ATTRIBUTE = re.compile(rb"=\s*(\"[^\"]*\"|'[^']*')")
_INSIDE = re.compile(rb">([^<>]*)<")
_TAG = re.compile(rb"</?[^<>]*>")
_ENCODED = (b"utf-7", b"utf-16", b"UTF-32", b"latin-1", b"x-none", b"rot13", b"hex", b"idna",
            b"unicode_escape", b"undefined", b"cp037", b"")  # fmt: skip
_BOMB = (
    b'<!DOCTYPE d [<!ENTITY a "x">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9)
    ) + b"]>"
)  # fmt: skip
_PIECES = (
    *(b"&#0;", b"&#xD800;", b"&#x110000;", b"&#99999999999999;", b"&x;", b"&j;", b"<![CDATA[x]]>"),
    *(b"<!-- -- -->", b"<?xml version='1.0'?>", b"<?x y?>", b"<a/>", b"</a>", b"<a b='1' b='2'/>"),
    *(b"<text/>", b"<offset>3000000000</offset>", b"<document/>", b"<x:y xmlns:x='u'/>", b"\x00"),
    *("".join(DEEP[4]).encode(), DEEP[4][0].encode(), b"x" * 70_000),
)


def is_json(data: bytes) -> bool:
    """Return whether the bytes begin as JSON does."""
    return data.lstrip()[:1] in (b"{", b"[")


def is_xml(data: bytes) -> bool:
    """Return whether the bytes begin as XML does."""
    return data.lstrip()[:1] == b"<"


def json_value(data: bytes, rng: Random, _: bytes) -> bytes | None:
    """Change one value somewhere in a JSON text, or in a line of JSON Lines."""
    start, end, parsed = _json_at(data, rng)
    if parsed is None:
        return None
    whole = [parsed]
    places = list(_places(whole))
    holder, key = rng.choice(places[1:] or places)  # the first is the whole
    new = _change(holder, key, rng, places)
    text = json.dumps(whole[0], ensure_ascii=rng.random() < 0.5)
    made = text.replace(f'"{_MARK}"', new).encode("utf-8", "surrogatepass")
    return data[:start] + made + data[end:]


def _json_at(data: bytes, rng: Random) -> tuple[int, int, Any]:
    """Return a stretch of bytes that is JSON, and what it says."""
    bounds = [(0, len(data))]
    at = 0
    for line in data.splitlines(keepends=True):
        bounds.append((at, at + len(line.rstrip(b"\r\n"))))
        at += len(line)
    rng.shuffle(bounds)
    for start, end in sorted(bounds[:6], key=lambda b: b[0] - b[1]):
        try:
            parsed = json.loads(data[start:end])
        except (ValueError, RecursionError):
            continue
        if isinstance(parsed, dict | list):
            return start, end, parsed
    return 0, 0, None


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def _change(holder: Any, key: Any, rng: Random, places: list[tuple[Any, Any]]) -> str:
    """Change what stands at a place, and return what its mark stands for."""
    what = rng.randrange(10)
    if what == 0 and len(places) > 1:
        del holder[key]
    elif what == 1 and isinstance(holder, list):
        holder.insert(key, holder[key])
    elif what == 1:
        holder[rng.choice(("", "id", "text", "zz", f"{key}2"))] = holder[key]
    elif what == 2:
        other, where = rng.choice(places)
        holder[key] = json.loads(json.dumps(other[where]))
    elif what == 3:
        holder[key] = rng.choice(([holder[key]], {"a": holder[key]}, [holder[key]] * 3))
    else:
        holder[key] = _MARK
    return rng.choice(VALUES)


def xml_piece(data: bytes, rng: Random, _: bytes) -> bytes | None:
    """Change an attribute, an element, or what the head says."""
    what = rng.randrange(6)
    if what == 0:
        head = b'<?xml version="1.0" encoding="%s"?>' % rng.choice(_ENCODED)
        return head + rng.choice((b"", b"\n", _BOMB)) + re.sub(rb"^\s*<\?xml[^>]*\?>", b"", data)
    if what == 1:
        at = rng.choice([m.start() for m in _TAG.finditer(data)] or [0])
        return data[:at] + rng.choice(_PIECES) + data[at:]
    pattern, group = ((_ATTRIBUTE, 1), (_INSIDE, 1), (_TAG, 0), (_TAG, 0))[what - 2]
    found = [m.span(group) for m in pattern.finditer(data)]
    if not found:
        return None
    start, end = rng.choice(found)
    if pattern is _TAG:
        return data[:start] + data[start:end] * rng.choice((0, 2)) + data[end:]
    odd = odd_bytes(rng)
    inner = b'"%s"' % odd if pattern is _ATTRIBUTE else odd
    return data[:start] + inner + data[end:]


def cells(data: bytes, rng: Random, _: bytes) -> bytes | None:
    """Change a cell, a row or a column of a table written as text."""
    head = data.split(b"\n", 1)[0]
    mark = max((b",", b"\t", b"$"), key=head.count)
    if head.count(mark) == 0:
        return None
    rows = [line.split(mark) for line in data.rstrip(b"\r\n").split(b"\n")]
    row = rng.choice(rows)
    at = rng.randrange(len(row))
    what = rng.randrange(10)
    if what == 0:
        del row[at]
    elif what == 1:
        row.insert(at, odd_bytes(rng))
    elif what == 2:
        for one in rows:
            del one[at : at + 1]
    elif what == 3:
        for one in rows:
            one += [b"x"] * rng.choice((1, 5_000))
    elif what == 4:
        row[at] = b'"' + row[at].replace(b'"', b'""') + rng.choice((b"", b'"', b'\n"', b'"x'))
    elif what == 5:
        rng.shuffle(rows[0])
    elif what == 6:
        rows[0][rng.randrange(len(rows[0]))] = rng.choice(rows[0])
    elif what == 7:
        mark = rng.choice((b";", b"|", b",", b"\t", b" "))
    else:
        row[at] = odd_bytes(rng)
    return b"\n".join(mark.join(one) for one in rows) + rng.choice((b"\n", b"\r\n", b""))
