"""What a cell of a table says where it says nothing."""

__all__ = ["MISSING"]

MISSING = frozenset(
    {"", ".", "na", "n/a", "nan", "nat", "none", "null", "<na>", "#n/a", "#nv", "#null!"}
)
"""Cells of numbers and times, in small letters, by which programs say that there is none."""
