"""Days of the week on which a drug is taken: "Mon/Wed/Fri" is three days of seven.

>>> from clinnlp.text.medication_patterns import Rows
>>> rows = Rows([("(mon|monday)", "weekday", "1"), ("fri", "weekday", "5"), ("and", "and", "")])
>>> days = Weekdays(rows)
>>> days.formula("mon and fri"), days.formula("mon-fri"), days.formula("mon/mon")
('2/7', '5/7', '1/7')
"""

import re

from clinnlp.text.medication_patterns import Rows, heads

__all__ = ["Weekdays"]

_WORD = re.compile(r"[^\W\d_]+")
_MOST = 6  # days behind the first
_RANGE = re.compile(r"\w+\s*[-–]\s*\w+")


class Weekdays:
    """The days of a table.

    Parameters
    ----------
    rows : Rows
        ``weekday`` gives each name its number, Monday 1 to Sunday 7.

    Attributes
    ----------
    pattern : str
        Of two or more days.
    heads : set of str
        The letters that a day can begin with.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        day = rf"(?:{rows.any('weekday')})(?!\w)"
        between = rf"\.?(?:\s*(?:[/,&+–-]|,?\s(?:{rows.any('and')})\s)\s*|\s)"
        self.pattern = rf"{day}(?:{between}{day}){{1,{_MOST}}}"
        self.heads = {head for term in rows.terms["weekday"] for head in heads(term)}

    def formula(self, text: str) -> str | None:
        """Return the days of a week that a text names, out of seven; None where it names none."""
        named = [self._rows.value("weekday", word) for word in _WORD.findall(text)]
        days = [int(value) for value in named if value]
        if not days:
            return None
        is_range = len(days) == 2 and _RANGE.fullmatch(text) is not None
        return f"{(days[1] - days[0]) % 7 + 1 if is_range else len(set(days))}/7"
