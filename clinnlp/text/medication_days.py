"""Days of the week on which a drug is taken: "Mon/Wed/Fri" is three days of seven.

One day alone ("on Wed") needs three letters or more.

>>> from clinnlp.text.medication_patterns import Rows
>>> rows = Rows([("(mon|monday)", "weekday", "1"), ("fri", "weekday", "5"), ("and", "and", "")])
>>> days = Weekdays(rows)
>>> days.formula("mon and fri"), days.formula("mon-fri"), days.formula("mon/mon")
('2/7', '5/7', '1/7')
"""

import re

from clinnlp.text.medication_patterns import Rows, any_of, heads, variants

__all__ = ["Weekdays"]

_WORD = re.compile(r"[^\W\d_]+")
_MOST = 6  # days behind the first
_LEAST = 3  # letters of a day alone
_RANGE = re.compile(r"\w+\s*[-–]\s*\w+")


class Weekdays:
    """The days of a table.

    Parameters
    ----------
    rows : Rows
        ``weekday`` gives each name its number, Monday 1 to Sunday 7.

    Attributes
    ----------
    pattern, one : str
        Of two or more days, and of one alone.
    heads : set of str
        The letters that a day can begin with.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        day = rf"(?:{rows.any('weekday')})(?!\w)"
        between = rf"\.?(?:\s*(?:[/,&+–-]|,?\s(?:{rows.any('and')})\s)\s*|\s)"
        self.pattern = rf"{day}(?:{between}{day}){{1,{_MOST}}}"
        names = [name for term in rows.terms["weekday"] for name in variants(term)]
        self.one = any_of(name for name in names if len(name) >= _LEAST)
        self.heads = {head for term in rows.terms["weekday"] for head in heads(term)}

    def formula(self, text: str) -> str | None:
        """Return the days of a week that a text names, out of seven; None where it names none."""
        named = [self._rows.value("weekday", word) for word in _WORD.findall(text)]
        days = [int(value) for value in named if value]
        if not days:
            return None
        is_range = len(days) == 2 and _RANGE.fullmatch(text) is not None
        return f"{(days[1] - days[0]) % 7 + 1 if is_range else len(set(days))}/7"
