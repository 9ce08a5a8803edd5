"""Mutators of files with an inside: zip, gz and xz, DocBin, Parquet, safetensors.

What is inside is changed and packed again, so that the change is met behind the checksum; or the
packing itself lies about what it holds.
"""

import gzip
import io
import lzma
import struct
import warnings
import zipfile
import zlib
from datetime import UTC, datetime
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz.forms import cells, is_json, json_value
from tests.fuzz.mutators import BYTES, WORDS, odd_bytes

__all__ = ["docbin", "pack", "parquet", "safetensors", "unpacked_and_back", "zipped"]

_FLAGS, _METHOD = 6, 8  # where these stand in the local header of a zip; 2 more in the central one
_BOMBS = (b"\n" * 2**21, b" " * 2**25, b"a,b\n" * 2**18)
_PARQUET_ERRORS = (pa.ArrowException, OSError, ValueError, TypeError, OverflowError)


def pack(data: bytes, rng: Random) -> tuple[str, bytes]:
    """Return a suffix, and the bytes packed as it says, damaged, or not packed at all."""
    suffix = rng.choice((".gz", ".xz"))
    if suffix == ".gz":
        whole = gzip.compress(data, mtime=0)
    else:
        whole = lzma.compress(data, check=lzma.CHECK_CRC32)
    what = rng.randrange(9)
    if what == 0:
        return suffix, whole
    if what == 1:
        return suffix, data
    if what == 2:
        return suffix, whole + rng.choice((whole, b"\x00" * 9, b"x", b"\x1f\x8b"))
    if what == 3:
        return suffix, gzip.compress(whole, mtime=0)
    if what == 4:
        return suffix, gzip.compress(data + rng.choice(_BOMBS), 1, mtime=0)
    return suffix, rng.choice(BYTES)(whole, rng, data) or b""


def unpacked_and_back(data: bytes, rng: Random, other: bytes) -> bytes | None:
    """Change what a gz or xz file holds."""
    for opened, closed in ((gzip.decompress, gzip.compress), (lzma.decompress, lzma.compress)):
        try:
            inside = opened(data)
        except (OSError, EOFError, lzma.LZMAError, zlib.error):
            continue
        return closed(_changed(inside, rng, other))
    return None


def _changed(data: bytes, rng: Random, other: bytes) -> bytes:
    """Return bytes with one change that fits them."""
    kinds = [rng.choice(BYTES), rng.choice(WORDS), json_value if is_json(data) else cells]
    rng.shuffle(kinds)
    made = (kind(data, rng, other) for kind in kinds)
    return next((one for one in made if one is not None), b"")


def zipped(data: bytes, rng: Random, other: bytes) -> bytes | None:
    """Change a member of a zip file, or what the zip file says of it."""
    members = _members(data)
    if not members:
        return None
    names = sorted(members)
    name = rng.choice(names)
    what = rng.randrange(10)
    if what == 0:
        del members[name]
    elif what == 1:
        members[rng.choice(("../x", "/tmp/x", "x" * 300, "\x1b[31m", f"{name}/", ""))] = b"x"
    elif what == 2:
        members[name] += rng.choice(_BOMBS)
    elif what == 3:
        members[name] = members[rng.choice(names)]
    elif what < 8:
        members[name] = _changed(members[name], rng, other)
    made = _zip_of(members, twice=name if rng.randrange(8) == 0 else None)
    return _lying(made, rng) if what >= 8 else made


def _members(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            return {info.filename: packed.read(info) for info in packed.infolist()}
    except Exception:  # what is damaged already is left to the other mutators
        return {}


def _zip_of(members: dict[str, bytes], twice: str | None) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that stand there twice
        for name, content in members.items():
            for _ in range(1 + (name == twice)):
                packed.writestr(zipfile.ZipInfo(name or "x"), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _lying(data: bytes, rng: Random) -> bytes:
    """Return a zip file that says something untrue of its members, in both of its places."""
    made = bytearray(data)
    at, new = rng.choice(
        (
            (_FLAGS, struct.pack("<H", 1)),  # encrypted
            (_FLAGS, struct.pack("<H", 0x41)),  # strongly
            (_METHOD, struct.pack("<H", rng.choice((1, 9, 12, 14, 93, 99)))),
            (14, rng.randbytes(4)),  # the checksum
            (18, struct.pack("<I", rng.choice((0, 2**31, 2**32 - 1)))),  # packed size
            (22, struct.pack("<I", rng.choice((0, 2**31, 2**32 - 1)))),  # size
            (26, struct.pack("<H", 2**16 - 1)),  # length of the name
        )
    )
    for mark, more in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        start = made.find(mark)
        while start >= 0:
            made[start + at + more : start + at + more + len(new)] = new
            start = made.find(mark, start + 4)
    return bytes(made)


def docbin(data: bytes, rng: Random, other: bytes) -> bytes | None:
    """Change the messages inside a DocBin."""
    try:
        inside = zlib.decompress(data)
    except zlib.error:
        return None
    return zlib.compress((rng.choice(BYTES) if rng.random() < 0.7 else rng.choice(WORDS))(
        inside, rng, other) or inside)  # fmt: skip


def safetensors(data: bytes, rng: Random, other: bytes) -> bytes | None:
    """Change the header of safetensors, what it says of its own length, or the numbers."""
    if len(data) < 8:
        return None
    n = int.from_bytes(data[:8], "little")
    head, body = data[8 : 8 + n], data[8 + n :]
    what = rng.randrange(5)
    if what == 0:
        return rng.choice((0, 1, n + 1, 2**31, 2**63, 2**64 - 1)).to_bytes(8, "little") + data[8:]
    if what == 1:
        odd = rng.choice((b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\xff\xff\x7f\x7f"))
        return data[: 8 + n] + odd * (len(body) // 4)
    if what == 2:
        return data[: 8 + n] + rng.randbytes(len(body))
    made = json_value(head, rng, other) or head
    if what == 3:
        made = head.replace(b"F32", rng.choice((b"F64", b"I64", b"BOOL", b"F16", b"BF16", b"XX")))
    return len(made).to_bytes(8, "little") + made + body


def parquet(data: bytes, rng: Random, _: bytes) -> bytes | None:
    """Write a Parquet table again with a column of another kind, name or number."""
    try:
        table = pq.read_table(io.BytesIO(data))
    except _PARQUET_ERRORS:
        return None
    at = rng.randrange(table.num_columns) if table.num_columns else 0
    try:
        made = _with_other_column(table, at, rng)
        sink = io.BytesIO()
        pq.write_table(made, sink)
    except (*_PARQUET_ERRORS, IndexError):
        return None
    return sink.getvalue()


def _with_other_column(table: pa.Table, at: int, rng: Random) -> pa.Table:
    what = rng.randrange(6)
    name = table.column_names[at]
    if what == 0:
        return table.remove_column(at)
    if what == 1:
        return table.append_column(rng.choice((name, "zz", "")), table.column(at))
    if what == 2:
        return table.slice(0, 0)
    if what == 3:
        return table.replace_schema_metadata(_metadata(table, rng))
    return table.set_column(at, name, _odd_column(len(table), rng))


def _metadata(table: pa.Table, rng: Random) -> dict[bytes, bytes]:
    held = dict(table.schema.metadata or {b"clinnlp": b"{}"})
    key = rng.choice(sorted(held))
    held[key] = json_value(held[key], rng, b"") or odd_bytes(rng)
    return held


def _odd_column(n: int, rng: Random) -> pa.Array:
    kinds: tuple[tuple[Any, pa.DataType], ...] = (
        (float("nan"), pa.float64()),
        (float("inf"), pa.float64()),
        (2**63 - 1, pa.int64()),
        (-1, pa.int32()),
        (2**64 - 1, pa.uint64()),
        (True, pa.bool_()),
        (None, pa.null()),
        (b"\xff\xfe", pa.binary()),
        ("\x00\x1b[31m", pa.string()),
        ("", pa.large_string()),
        ("x" * 70_000, pa.string()),
        (["a", None], pa.list_(pa.string())),
        ({"a": 1}, pa.struct({"a": pa.int64()})),
        (2**62, pa.timestamp("s")),
        (-(2**62), pa.timestamp("ns")),
        (datetime(1, 1, 1, tzinfo=UTC), pa.timestamp("us", "Asia/Tokyo")),
        (2**31 - 1, pa.date32()),
        (1, pa.duration("s")),
        (1, pa.decimal128(30, 2)),
    )
    value, kind = rng.choice(kinds)
    return pa.array([value] * n, kind)
