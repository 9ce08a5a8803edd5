"""Names told by what their persons do, by their relatives, and by other names in a list."""

from collections.abc import Iterator

from clinnlp.text.identifier_lexicon import Kind
from clinnlp.text.identifier_name_words import NAME, NameWords
from clinnlp.text.identifier_rules import Find

__all__ = ["NAMED", "NameDeeds"]

N_LISTED = 3  # given names in small letters that make a list, at least
NAMED = NAME | Kind.ABROAD


class NameDeeds(NameWords):
    """Finders of names by what stands beside them; each takes the words of what it finds."""

    def in_lists(self) -> Iterator[Find]:
        """Return given names in small letters of which three or more are told ("ana, leo, mia")."""
        i = 0
        while i < self.n:
            run = self._listed(i)
            if len(run) >= N_LISTED:
                yield from (self.made(k, k, "NAME", "list:told", 0.3) for k in run)
            i = run[-1] + 1 if run else i + 1

    def _listed(self, i: int) -> list[int]:
        """Return the given names that follow one another from a word, joined as a list is."""
        run: list[int] = []
        while i < self.n and self._is_listed(i):
            run.append(i)
            is_and = i + 1 < self.n and self.is_and(i + 1) and self.gap(i) in (" ", ", ")
            if self.gap(i) != ", " and not is_and:
                break
            i += 1 + is_and
        return run

    def _is_listed(self, i: int) -> bool:
        kinds = self.words.kinds[i]
        is_other = kinds & (Kind.WORD | Kind.STOP | Kind.EPONYM)
        return bool(kinds & Kind.GIVEN) and not is_other and i not in self.taken

    def heading_lines(self) -> Iterator[Find]:
        """Return "name, name, 1/2/1950" where a line begins, in small letters too."""
        for i, start in enumerate(self.words.starts[:-2]):
            if (start and self.text[start - 1] != "\n") or i in self.taken or self.gap(i) != ", ":
                continue
            end = self.words.end(i + 1)
            behind = self.text[end : end + 3].lstrip(", ")[:1]
            if behind.isdigit() and self.is_odd(i) and self.is_odd(i + 1):
                yield self.made(i, i + 1, "NAME_PATIENT", "rule:heading")

    def by_deeds(self) -> Iterator[Find]:
        """Return a word of no list of which a deed is told, or a relative ("Ito's wife")."""
        for i in range(self.n - 2):
            if not self.is_odd(i) or i in self.taken:
                continue
            has_capital = i in self.capital
            if has_capital and self._do_both(i):
                yield from (self.made(k, k, "NAME", "rule:deed", 0.4) for k in (i, i + 2))
            elif (has_capital or not self.words.kinds[i] & ~NAMED) and self._does(i):
                yield self.made(i, i, "NAME", "rule:deed", 0.3)

    def _does(self, i: int) -> bool:
        kinds, gap = self.words.kinds, self.gap(i)
        if gap == " ":
            return self._is_told_of(i)
        is_own = gap == "'" and self.words.words[i + 1].lower() == "s" and self.gap(i + 1) == " "
        return is_own and bool(kinds[i + 2] & Kind.KIN)

    def _is_told_of(self, i: int) -> bool:
        """Whether what stands behind a word is what a person does or what is done to one."""
        behind, last = self.words.kinds[i + 1], self.words.kinds[i + 2]
        if behind & Kind.COPULA and self._begins_line(i):
            return True
        is_done = bool(behind & Kind.DEED or (behind & Kind.COPULA and last & Kind.DONE))
        return is_done and (self.is_new(i) or self._is_listed(i))

    def _begins_line(self, i: int) -> bool:
        """Whether a given name with a capital, and nothing else, begins a line ("Ana is well")."""
        start = self.words.starts[i]
        is_first = start == 0 or self.text[start - 1] == "\n"
        is_given = self.is_name(i) and bool(self.words.kinds[i] & Kind.GIVEN)
        return is_first and is_given and i in self.capital and not self.words.words[i].isupper()

    def before_kin(self) -> Iterator[Find]:
        """Return a given name, a word too, before a relative in brackets ("Will (son)")."""
        for i in self.words.capitals:
            if not self.words.kinds[i] & Kind.GIVEN or i in self.taken or self.gap(i) != " (":
                continue
            if self.words.kinds[i + 1] & Kind.KIN and not self.words.words[i].isupper():
                yield self.made(i, i, "NAME", "rule:kin", 0.2)

    def _do_both(self, i: int) -> bool:
        """Whether a deed is told of this name and another ("Ito and White were late")."""
        if i + 3 >= self.n or self.gap(i) != " " or not self.is_and(i + 1):
            return False
        is_told = self.words.kinds[i + 3] & (Kind.SEVERAL | Kind.DEED)
        if not is_told or self.gap(i + 2) != " ":
            return False
        one, other = (bool(self.words.kinds[k] & NAME) for k in (i, i + 2))
        return self._may_be_other(i + 2) and (other or (one and self.is_odd(i + 2)))

    def _may_be_other(self, i: int) -> bool:
        """Whether a word with a capital is not taken, and none that no name is."""
        no_name = Kind.STOP | Kind.EPONYM | Kind.HEAD | Kind.TITLE
        is_free = i in self.capital and i not in self.taken
        return is_free and not self.words.kinds[i] & no_name
