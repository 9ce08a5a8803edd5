"""Numbers and codes: another one of the same shape, the same for the same, and never an original.

A digit becomes a digit and a letter a letter of its case; what stands between them stays. Two
spellings of one number (``123-45-6789`` and ``123456789``) get two spellings of one surrogate. A
check digit that holds for the original holds for the surrogate, and a number that a column of 64
bits holds gets one that it holds. Originals of one `IdBook` get
surrogates that are all different, so that tables and notes still join.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import count
from math import prod
from types import MappingProxyType

from clinnlp.study.deidentify.keys import Key

__all__ = ["CHECKS", "IdBook", "core_of", "reshaped"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LONGER = 400  # draws after which a shape that is full gets one more character
_CHECKED = 50  # times as many where a check digit must hold too
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"


def core_of(text: str) -> str:
    """Return the letters and digits of a number or code, in lower case.

    Examples
    --------
    >>> core_of("AB-12.3")
    'ab123'
    """
    return "".join(char for char in text if char.isalnum()).casefold()


class IdBook:
    """Surrogates of numbers and codes, each another one, and none an original.

    Parameters
    ----------
    key : Key
    originals : iterable of str
        All that there are; each gets its surrogate here, in an order that does not depend on that
        in which they come.

    Examples
    --------
    >>> book = IdBook(Key(b"example"), ["MRN-0417", "MRN0418"])
    >>> first, again = book("MRN-0417"), book("mrn0417")
    >>> first[3], again == first.replace("-", "").lower()
    ('-', True)
    """

    def __init__(self, key: Key, originals: Iterable[str] = ()) -> None:
        self._key = key
        cores = sorted({core_of(text) for text in originals} - {""})
        self._originals = frozenset(cores)
        self._made: dict[str, str] = {}
        self._used: set[str] = set()
        self._shapes = Counter(map(_shape, cores))
        for core in cores:
            self._add(core)

    def __len__(self) -> int:
        return len(self._made)

    def __call__(self, text: str) -> str:
        """Return the surrogate in the spelling of `text`; what has no letter or digit stays."""
        core = core_of(text)
        if not core:
            return text
        if core not in self._made:
            self._add(core)
        return reshaped(text, self._made[core])

    def _is_fresh(self, core: str) -> bool:
        return core not in self._originals and core not in self._used

    def _add(self, core: str) -> None:
        holds = [check for check in (*CHECKS.values(), *_WIDTHS) if check(core)]
        wanted, most = core, _LONGER * (_CHECKED if holds else 1)
        while 2 * self._shapes[_shape(wanted)] > _room(wanted):  # hardly a place is free
            wanted += "0"
        for k in count():
            wanted += "0" if k and k % most == 0 else ""
            made = _drawn(self._key, wanted, k)
            if self._is_fresh(made) and (len(made) > len(core) or _fits(made, holds)):
                break
        self._used.add(made)
        self._made[core] = made


def _fits(core: str, checks: Iterable[Callable[[str], bool]]) -> bool:
    return all(check(core) for check in checks)


def reshaped(text: str, core: str) -> str:
    """Return `text` with the letters and digits of another core, each letter in its case.

    What of the core is longer stands behind the last letter or digit.

    Examples
    --------
    >>> reshaped("(AB) 1-2.", "xy347")
    '(XY) 3-47.'
    """
    left = list(core)
    places = [k for k, char in enumerate(text) if char.isalnum()]
    out = list(text)
    for k in places:
        # ``ß`` and the like are longer in lower case: what they became goes in at one place
        n = len(text[k].casefold())
        put = "".join(left[:n])
        del left[:n]
        out[k] = put.upper() if text[k].isupper() else put
    if left and places:
        out[places[-1]] += "".join(left)
    return "".join(out)


def _shape(core: str) -> str:
    head = "1" if core[:1].isdigit() and core[0] != "0" else ""
    return head + "".join("0" if char.isdigit() else "a" for char in core[len(head) :])


def _room(core: str) -> int:
    """Return how many cores have the shape of one."""
    return prod({"1": 9, "0": 10, "a": 26}[sign] for sign in _shape(core))


def _drawn(key: Key, core: str, k: int) -> str:
    """Return letters and digits of the shape of a core; the first digit of a number is not 0."""
    number = key.draw("shape", core, str(k))
    more = 0
    out = []
    for place, char in enumerate(core):
        if place and place % 32 == 0:  # what one draw gives is used up
            more += 1
            number = key.draw("shape", core, str(k), str(more))
        signs = "0123456789" if char.isdigit() else _LETTERS
        if place == 0 and char.isdigit() and char != "0":
            signs = signs[1:]
        number, at = divmod(number, len(signs))
        out.append(signs[at])
    return "".join(out)


# --- check digits --------------------------------------------------------------------------


def _digits(core: str) -> list[int]:
    return [ord(char) - 48 for char in core if char.isascii() and char.isdigit()]


def _luhn(digits: list[int]) -> bool:
    doubled = [2 * d - 9 * (d > 4) for d in digits[-2::-2]]
    return sum(doubled, sum(digits[-1::-2])) % 10 == 0


def _all_digits(core: str, low: int, high: int) -> list[int] | None:
    found = _digits(core)
    return found if low <= len(found) == len(core) <= high else None


def _is_card(core: str) -> bool:
    digits = _all_digits(core, 13, 19)
    return digits is not None and _luhn(digits)


def _is_npi(core: str) -> bool:
    digits = _all_digits(core, 10, 10)
    return digits is not None and _luhn([8, 0, 8, 4, 0, *digits])


def _is_nhs(core: str) -> bool:
    digits = _all_digits(core, 10, 10)
    if digits is None:
        return False
    return (11 - sum(d * w for d, w in zip(digits, range(10, 1, -1), strict=False))) % 11 == (
        digits[9]
    )


def _is_dni(core: str) -> bool:
    """Return whether it is a DNI or NIE of Spain: a number and the letter of its rest by 23."""
    head, letter = core[:-1], core[-1:].upper()
    if head[:1] in tuple("xyz"):
        head = f"{'xyz'.index(head[0])}{head[1:]}"
    digits = _all_digits(head, 8, 8)
    return digits is not None and _DNI[int("".join(map(str, digits))) % 23] == letter


def _is_iban(core: str) -> bool:
    if not (15 <= len(core) <= 34 and core.isascii() and core[:2].isalpha()):
        return False
    if not core[2:4].isdigit():
        return False
    turned = core[4:] + core[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def _below(limit: int) -> Callable[[str], bool]:
    """Return what tells of a number of as many digits as a limit has whether it is below."""
    n = len(str(limit))

    def is_below(core: str) -> bool:
        return len(core) == n and core.isascii() and core.isdigit() and int(core) < limit

    return is_below


_WIDTHS = (_below(2**63), _below(2**64))
CHECKS: MappingProxyType[str, Callable[[str], bool]] = MappingProxyType(
    {"card": _is_card, "NPI": _is_npi, "NHS": _is_nhs, "DNI": _is_dni, "IBAN": _is_iban}
)
"""What tells of a core whether its check digit holds, by the name of the number."""
