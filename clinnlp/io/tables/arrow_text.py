"""Text of Arrow tables as it stands in CSV files: guarded from spreadsheets, and back.

The rule is that of `core.formulas`, a column at a time.
"""

import pyarrow as pa
import pyarrow.compute as pc

from clinnlp.core.formulas import FORMULA, GUARDED

__all__ = ["guarded_text", "plain_text"]


def guarded_text(table: pa.Table) -> pa.Table:
    """Return a table whose text no spreadsheet runs as a formula; all else is as it was.

    Where a cell is guarded, the table gets a column that says in which columns of a row.

    Examples
    --------
    >>> made = guarded_text(pa.table({"text": ["=1+1", "+ve", "pain", None], "n": [-1, 2, 3, 4]}))
    >>> made["text"].to_pylist(), plain_text(made)["text"].to_pylist()
    (["'=1+1", "'+ve", 'pain', None], ['=1+1', '+ve', 'pain', None])
    """
    found = {k: _begins(table[k]) for k in _text_columns(table)}
    found = {k: cells for k, cells in found.items() if pc.any(cells).as_py()}
    if not found:
        return table
    names = [pc.if_else(cells, f"{table.field(k).name} ", "") for k, cells in found.items()]
    said = pc.utf8_rtrim_whitespace(pc.binary_join_element_wise(*names, ""))
    made = _replaced(table, list(found), rf"\A({FORMULA})", r"'\1")
    return made.append_column(GUARDED, said)


def plain_text(table: pa.Table) -> pa.Table:
    """Return the table that `guarded_text` was given."""
    columns = [k for k in _text_columns(table) if pc.any(pc.starts_with(table[k], "'")).as_py()]
    return _replaced(table, columns, rf"\A'({FORMULA})", r"\1")


def _begins(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.match_substring_regex(column, rf"\A(?:{FORMULA})"), fill_value=False)


def _text_columns(table: pa.Table) -> list[int]:
    return [k for k, field in enumerate(table.schema) if pa.types.is_string(field.type)]


def _replaced(table: pa.Table, columns: list[int], pattern: str, replacement: str) -> pa.Table:
    for k in columns:
        text = pc.replace_substring_regex(table[k], pattern, replacement)
        table = table.set_column(k, table.field(k), text)
    return table
