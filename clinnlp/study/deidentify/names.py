"""Names of people, institutions, streets and places, word by word.

Each word of a name gets one surrogate within a scope (a patient, or the collection), wherever it
stands: ``John Smith``, ``SMITH, J.`` and ``Mr Smith's`` stay one person, as do ``O'Brien`` and
``obrien``, ``García`` and ``Garcia``; a family shares its name, and two words that were gathered
get two. A given name stays one of its sex. All names that begin with a letter get names that begin
with one other letter, so that initials go with them. Words that identify nobody (titles, particles,
``Hospital``, ``Street``) stay. The names are those of Faker (MIT licence) for the language.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import cached_property, lru_cache
from itertools import count
from types import MappingProxyType
from typing import Any

from clinnlp.core.errors import MissingExtra, instead_of
from clinnlp.study.deidentify.keys import Key
from clinnlp.study.deidentify.shapes import core_of, reshaped
from clinnlp.text.tables import language_path, read_table

__all__ = ["Names", "in_case", "kept_words", "plain", "words_of_names"]

_WORD = re.compile(r"[^\W\d_]+(?:['’`.-][^\W\d_]+)*\.?|\d+", re.UNICODE)
_PARTS = re.compile(r"[^\W\d_]+(?:['’`](?!s\b)[^\W\d_]{2,})*", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’`]s$", re.IGNORECASE)
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])+\.?")
_FEWEST = 4  # names that begin with a letter for it to be an initial of a surrogate
_TRIES = 200
_SCOPES = 1_000  # patients whose names are held at once
_APOSTROPHES = dict.fromkeys(map(ord, "'’`"))

IsOriginal = Callable[[str], bool]


class Names:
    """Surrogates of names in one language.

    Parameters
    ----------
    key : Key
    language : str
    is_original : callable
        Of a word in lower case, whether it is one that was found in the collection.
    keep_initials : bool
        A name begins with the letter of its original.
    told : mapping of str to str
        By scope, the words of its names, as `plain` writes them, with blanks between: each gets
        another surrogate.

    Examples
    --------
    >>> names = Names(Key(b"example"), "en")
    >>> names.person("Dr. SMITH", "p1") == "Dr. " + names.person("Smith", "p1").upper()
    True
    """

    def __init__(
        self,
        key: Key,
        language: str,
        *,
        is_original: IsOriginal = frozenset[str]().__contains__,
        keep_initials: bool = False,
        told: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._key, self._is_original, self._keeps = key, is_original, keep_initials
        self._language, self._told = language, told
        self._kept = kept_words(language)
        self._pools = _pools(language)
        self._kinds = {k: frozenset(map(plain, pool)) for k, pool in self._pools.items()}
        self._by_letter: dict[tuple[str, str], list[str]] = {}
        self._of_scope = lru_cache(_SCOPES)(self._assigned)
        self._word = lru_cache(100_000)(self._drawn_word)
        self._faked = lru_cache(10_000)(self._drawn_phrase)

    # A person, an institution and a street differ in the words that stay.

    def person(self, text: str, scope: str) -> str:
        """Return another name for a person's, in its form."""
        return _WORD.sub(lambda found: self._in_name(found[0], scope), text)

    def institution(self, text: str, scope: str) -> str:
        """Return another name for a hospital's or an employer's."""
        return self._of_words(text, scope, "institution")

    def street(self, text: str, scope: str) -> str:
        """Return another street, with other numbers."""
        return self._of_words(text, scope, "street")

    def place(self, text: str, scope: str) -> str:
        """Return another town for a town."""
        folded = _folded(text)
        return in_case(self._faked("city", folded, scope) or self._word(folded, scope), text)

    def region(self, text: str, scope: str) -> str:
        """Return another state or province."""
        return in_case(self._listed("state", text, scope), text)

    def country(self, text: str, scope: str) -> str:
        """Return another country."""
        return in_case(self._listed("country", text, scope), text)

    def profession(self, text: str, scope: str) -> str:
        """Return another profession."""
        return in_case(self._listed("job", text, scope).split(",")[0], text)

    # --- words -----------------------------------------------------------------------------

    def _in_name(self, word: str, scope: str) -> str:
        if word[0].isdigit():
            return self._digits(word, scope)
        if self._is_kept(word, "name"):
            return word
        if len(word.rstrip(".")) == 1:
            return in_case(self._letter(plain(word[0]), scope), word[0]) + word[1:]
        return self._each_part(word, scope)

    def _of_words(self, text: str, scope: str, kind: str) -> str:
        def put(found: re.Match[str]) -> str:
            word = found[0]
            if word[0].isdigit():
                return self._digits(word, scope)
            if self._is_kept(word, kind) or len(word.rstrip(".")) == 1:
                return word
            is_alone = text.strip() == word
            if word.isupper() and 2 <= len(word) <= 5 and (is_alone or not text.isupper()):
                return self._acronym(word, scope)
            return self._each_part(word, scope)

        return _WORD.sub(put, text)

    def _is_kept(self, word: str, kind: str) -> bool:
        """Whether a word identifies nobody; a dot may be of the sentence."""
        folded = word.casefold()
        return folded in self._kept[kind] or folded.rstrip(".") in self._kept[kind]

    def _each_part(self, word: str, scope: str) -> str:
        """Return a word with each part between hyphens replaced; a possessive stays."""
        tail = _POSSESSIVE.search(word)
        head = word[: tail.start()] if tail else word
        if _INITIALS.fullmatch(head):  # J.R.
            out = "".join(
                in_case(self._letter(plain(c), scope), c) if c.isalpha() else c for c in head
            )
        else:
            out = _PARTS.sub(
                lambda found: in_case(self._word(plain(found[0]), scope), found[0]), head
            )
        return out + (tail[0] if tail else "")

    def _drawn_word(self, word: str, scope: str) -> str:
        made = self._of_scope(scope)
        return made[word] if word in made else self._fresh(word, scope, frozenset(made.values()))

    def _assigned(self, scope: str) -> dict[str, str]:
        """Return the surrogates of the words that were told of a scope, no two the same."""
        made: dict[str, str] = {}
        used: set[str] = set()
        for word in sorted(set(self._told.get(scope, "").split())):
            made[word] = self._fresh(word, scope, used)
            used.add(made[word])
        return made

    def _fresh(self, word: str, scope: str, used: Set[str]) -> str:
        """Return a surrogate of a word that is not used, nor an original."""
        kind = next((k for k in ("female", "male") if word in self._kinds[k]), "family")
        listed = self._starting(kind, self._letter(word[0], scope))
        for k in count():
            made = listed[self._key.draw("name", scope, word, str(k)) % len(listed)]
            is_free = made not in used and not self._is_original(made)
            if plain(made) != word and (is_free or k >= 2 * _TRIES):
                break
            if k == _TRIES:  # no other name begins so
                listed = self._all[kind]
        return made

    def _letter(self, letter: str, scope: str) -> str:
        """Return the letter with which names begin whose originals begin with `letter`."""
        plain = self._initials
        if self._keeps and letter in plain:
            return letter
        others = [each for each in plain if each != letter]
        return others[self._key.draw("initial", scope, letter) % len(others)]

    def _acronym(self, word: str, scope: str) -> str:
        return reshaped(word, "".join(_letters(self._key.draw("acronym", scope, word), len(word))))

    def _digits(self, text: str, scope: str) -> str:
        number = self._key.draw("digits", scope, core_of(text))
        out = []
        for k, _ in enumerate(text):
            number, digit = divmod(number, 10)
            out.append(str(digit or 1) if k == 0 else str(digit))
        return "".join(out)

    # --- Faker -----------------------------------------------------------------------------

    @cached_property
    def _initials(self) -> tuple[str, ...]:
        kinds = ("female", "male", "family")
        letters = "abcdefghijklmnopqrstuvwxyz"
        fit = (x for x in letters if all(len(self._starting(k, x)) >= _FEWEST for k in kinds))
        return tuple(fit)

    @cached_property
    def _all(self) -> dict[str, list[str]]:
        return {kind: sorted(pool) for kind, pool in self._pools.items()}

    def _starting(self, kind: str, letter: str) -> list[str]:
        key = (kind, letter)
        if key not in self._by_letter:
            self._by_letter[key] = [name for name in self._all[kind] if name[0] == letter]
        return self._by_letter[key]

    def _drawn_phrase(self, kind: str, folded: str, scope: str) -> str:
        """Return a phrase of Faker in which no original stands, or nothing where none is found."""
        tried = (self._phrase(kind, folded, scope, k) for k in range(_TRIES))
        return next((made for made in tried if not self._tells(made.casefold(), folded)), "")

    def _listed(self, kind: str, text: str, scope: str) -> str:
        """Return another phrase of few that there are, an original where all are some."""
        folded = _folded(text)
        made = self._faked(kind, folded, scope)
        others = (self._phrase(kind, folded, scope, k) for k in range(_TRIES))
        return made or next((one for one in others if one.casefold() != folded), text)

    def _phrase(self, kind: str, folded: str, scope: str, k: int) -> str:
        self._fake.seed_instance(self._key.draw(kind, scope, folded, str(k)))
        return str(getattr(self._fake, kind)())

    def _tells(self, made: str, folded: str) -> bool:
        """Return whether a phrase is an original, or a word begins with one ("Smithville")."""
        if made == folded or self._is_original(made):
            return True
        words = (plain(word) for word in words_of_names(made) if not self._is_kept(word, "street"))
        return any(
            self._is_original(word[:n])
            for word in words
            for n in range(min(_FEWEST, len(word)), len(word) + 1)
        )

    @cached_property
    def _fake(self) -> Any:
        with instead_of(ModuleNotFoundError, MissingExtra("faker", extra="deid")):
            from faker import Faker
        return Faker(_locale(self._language), use_weighting=False)


def in_case(made: str, like: str) -> str:
    """Return a word or words in the case of others: capitals, lower case, or as they are written.

    Examples
    --------
    >>> in_case("maria", "JOHN"), in_case("maria lee", "john Smith"), in_case("Bonn", "rome")
    ('MARIA', 'Maria Lee', 'bonn')
    """
    letters = "".join(filter(str.isalpha, like))
    if len(letters) > 1 and letters.isupper():
        return made.upper()
    if letters.islower():
        return made.lower()
    if made.islower():
        return re.sub(r"[^\W\d_]+", lambda found: found[0][:1].upper() + found[0][1:], made)
    return made


def words_of_names(text: str) -> Iterable[str]:
    """Yield the parts of words of a name in lower case, as surrogates are compared with them."""
    for found in _PARTS.finditer(text):
        yield found[0].casefold()


@lru_cache(10_000)
def plain(word: str) -> str:
    """Return a word in small letters without accents and apostrophes, however it is typed.

    Examples
    --------
    >>> plain("O'Brien"), plain("GARCÍA")
    ('obrien', 'garcia')
    """
    pieces = unicodedata.normalize("NFKD", word.casefold().translate(_APOSTROPHES))
    return "".join(c for c in pieces if not unicodedata.combining(c)) or word.casefold()


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _letters(number: int, n: int) -> Iterable[str]:
    for _ in range(n):
        number, k = divmod(number, 26)
        yield "abcdefghijklmnopqrstuvwxyz"[k]


def _locale(language: str) -> str:
    """Return where Faker's names are from."""
    return next(iter(kept_words(language)["locale"]))


@lru_cache
def kept_words(language: str) -> dict[str, frozenset[str]]:
    """Return by kind (name, institution, street, number) the words of a language that stay.

    Of the kind ``locale`` there is one, no word: where Faker's names are from.
    """
    rows = read_table(language_path("surrogate_words", language), ("kind", "words"))
    return {kind: frozenset(words.split()) for _, (kind, words) in rows}


@lru_cache
def _pools(language: str) -> dict[str, frozenset[str]]:
    """Return given names by sex and family names, of one word each, in lower case."""
    with instead_of(ModuleNotFoundError, MissingExtra("faker", extra="deid")):
        from importlib import import_module

        home = import_module(f"faker.providers.person.{_locale(language)}").Provider
    names: dict[str, Sequence[str]] = {
        "female": home.first_names_female,
        "male": home.first_names_male,
        "family": home.last_names,
    }
    return {
        kind: frozenset(name.casefold() for name in listed if name.isalpha())
        for kind, listed in names.items()
    }
