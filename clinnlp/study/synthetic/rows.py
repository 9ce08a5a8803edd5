"""Rows of a corpus as text: JSON lines and CSV with fixed line ends."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["csv_text", "json_lines"]


def json_lines(records: Iterable[Mapping[str, object]]) -> str:
    r"""Return one compact JSON object per line.

    Examples
    --------
    >>> json_lines([{"id": "n1", "text": "é"}])
    '{"id":"n1","text":"é"}\n'
    """
    return "".join(
        json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in records
    )


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Return a CSV table with a head line; ``None`` becomes an empty cell.

    Examples
    --------
    >>> csv_text(("a", "b"), [(1, None)])
    'a,b\n1,\n'
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()
