"""Text of Arrow tables as it stands in CSV files: guarded from spreadsheets, and back.

The rule is that of `core.formulas`, a column at a time.
"""

import pyarrow as pa
import pyarrow.compute as pc

from clinnlp.core.formulas import FORMULA

__all__ = ["guarded_text", "plain_text"]


def guarded_text(table: pa.Table) -> pa.Table:
    """Return a table whose text no spreadsheet runs as a formula; all else is as it was.

    Examples
    --------
    >>> made = guarded_text(pa.table({"text": ["=1+1", "+ve", "pain", None], "n": [-1, 2, 3, 4]}))
    >>> made["text"].to_pylist(), plain_text(made)["text"].to_pylist()
    (["'=1+1", "'+ve", 'pain', None], ['=1+1', '+ve', 'pain', None])
    """
    return _replaced(table, _text_columns(table), rf"\A({FORMULA})", r"'\1")


def plain_text(table: pa.Table) -> pa.Table:
    """Return the table that `guarded_text` was given."""
    columns = [k for k in _text_columns(table) if pc.any(pc.starts_with(table[k], "'")).as_py()]
    return _replaced(table, columns, rf"\A'({FORMULA})", r"\1")


def _text_columns(table: pa.Table) -> list[int]:
    return [k for k, field in enumerate(table.schema) if pa.types.is_string(field.type)]


def _replaced(table: pa.Table, columns: list[int], pattern: str, replacement: str) -> pa.Table:
    for k in columns:
        text = pc.replace_substring_regex(table[k], pattern, replacement)
        table = table.set_column(k, table.field(k), text)
    return table
