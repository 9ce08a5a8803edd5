r"""Answers of forms: "Fever: No", "[x] cough", "chills (-)", "+SOB", "Diabetes? Yes".

In a form, a word or a mark beside a label decides for that label alone, whatever stands in the
rest of the sentence. Each line is read by itself:

- a word of the table behind a label and a mark (``:``, ``=``, ``?``, ``|``, a dash between blanks,
  a row of dots, a tab, two blanks), or in brackets; without a mark only in a run of such items;
- a box, ticked or empty, before its label or behind it; of several with a yes and a no behind
  them the ticked one says the answer;
- a plus or minus in brackets; without them where the line has both, or several.

Answers are "no", "yes" and "unknown". The words belong to a language and come from its cue table
(kind ``answer``, see `clinnlp.text.cues`).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from clinnlp.core.spans import Span
from clinnlp.text.matcher import fold_keeping_length

__all__ = ["Answer", "Answers"]

_LONGEST = 80  # characters of a label
_N_WORDS = 4  # words of a label in a run without marks
_BLANKS = " \t\xa0"
_CLOSING = ("", ",", ";", "|", ".")
_TICKED = frozenset("xX✓✔*☒☑")
_MINUS = frozenset("-−–")

_LINE = re.compile(r"(?:[^\n\r,]|(?<![.:!?;]),)+")  # such a comma stands for a lost line end
_PIECE = re.compile(r"[^,;.:=?|()\[\]\t☐□◻☒☑✓✔✗✘]+")
_BOX = re.compile(r"\[[ \xa0]?\]|\[[xX✓✔*]\]|[☐□◻☒☑✓✔✗✘]|\([ \xa0]\)|\([xX✓✔]\)")
_SIGN = re.compile(r"\((?P<round>\+{1,4}|[-−–])\)|(?P<bare>[+−–-])")
_JOINED = re.compile(r" (?:and|or|to|y|o)\b")  # "pre- and postoperative"
_START = re.compile(r"[,;|:.?!][ \xa0]|[|\t]|[ \xa0]{2,}")  # before a label
_END = re.compile(
    rf"[,;|\t]|\.(?: |$)|[ \xa0]{{2,}}|{_BOX.pattern}|[( ][+−–-]\)?(?=\w)|[+−–-]\)?$"
)
_MARK = r"(?:[ \xa0]*[:=|?]+|[ \xa0]*\.{3,}|\t|[ \xa0]{2}|[ \xa0][-–—](?=[ \xa0]))[ \t\xa0]*"
_ASKED = r"(?:\(?y(?:es)? ?/ ?n(?:o)?\)?[ \xa0]*[:=]?[ \xa0]*)?"
_SHORT = r"(?:[-–−]{1,2}|\+{1,4}|0)"
_NEXT = r"[ \xa0](?-i:[A-Z])[^\s:=?,;.]*(?:[ \xa0][^\s:=?,;.]+){0,2}[:=?]"
_BEHIND = rf"(?=[ \xa0]*(?:$|[,;|.)\]/]|[ \xa0]{{2}}|\t|{_NEXT}))"
_ANY = re.compile(r"[:=|?\[\](\t☐□◻☒☑✓✔✗✘+−–-]|\.\.\.|  |\b(?:no|yes|neg|pos|s[ií])\b", re.IGNORECASE)


class Answer(NamedTuple):
    """What a form says of the label at `phrase`: `said` by the words or mark at `cue`."""

    phrase: Span
    cue: Span
    said: str


class Answers:
    """Finds the answers of a text.

    Parameters
    ----------
    words : mapping of str to str
        Folded words to what they say: ``"no"``, ``"yes"`` or ``"unknown"``.
    bare : collection of str
        Those that also are answers alone behind a label without a mark: "fever no".

    Examples
    --------
    >>> find = Answers({"no": "no", "yes": "yes"})
    >>> text = "Fever: No  Cough: Yes\\n[x] rash [ ] itch"
    >>> [(text[slice(*a.phrase)].strip(), a.said) for a in find(text)]
    [('Fever: No', 'no'), ('Cough: Yes', 'yes'), ('[x] rash', 'yes'), ('[ ] itch', 'no')]
    """

    def __init__(self, words: Mapping[str, str], *, bare: Collection[str] = ()) -> None:
        self._words = dict(words)
        self._bare = frozenset(bare)
        word = "|".join(sorted(map(re.escape, self._words), key=len, reverse=True)) or r"(?!)"
        self._said = re.compile(
            rf"{_MARK}{_ASKED}(?P<word>(?:{word})|(?<=[:=|] ){_SHORT}|(?<=[:=|]){_SHORT}){_BEHIND}"
            rf"|[ \xa0]*\[(?P<inside>{word})\]",
            re.IGNORECASE,
        )
        self._alone = re.compile(rf"[ \xa0](?P<word>{word})(?=[ \xa0]|$)", re.IGNORECASE)
        self._leading = re.compile(rf"[ \xa0]*(?:{word})[ \xa0]*", re.IGNORECASE)
        self._option = re.compile(rf"[ \xa0]*(?P<word>{word})\b", re.IGNORECASE)

    def __call__(self, text: str, /) -> list[Answer]:
        """Return the answers of a text, line by line."""
        found: list[Answer] = []
        for line in _LINE.finditer(text):
            if _ANY.search(line[0]):
                made = [*self._boxes(line[0]), *_signs(line[0]), *self._worded(line[0])]
                made += self._runs(line[0], [answer.phrase for answer in made])
                found += (_moved(answer, line.start()) for answer in made)
        return found

    def _says(self, word: str) -> str:
        said = self._words.get(fold_keeping_length(word))
        return said or ("yes" if word[0] == "+" else "no")

    def _worded(self, line: str) -> Iterator[Answer]:
        """Yield what words say behind a mark, or in brackets."""
        for match in self._said.finditer(line):
            name = "word" if match["word"] else "inside"
            cue = Span(*match.span(name))
            yield Answer(
                Span(_label_start(line, match.start()), cue.end), cue, self._says(match[name])
            )

    def _runs(self, line: str, taken: Sequence[Span]) -> Iterator[Answer]:
        """Yield the answers without marks: "fever no, cough yes", "HBsAg neg HCV pos"."""
        for piece in _PIECE.finditer(line):
            at, made = piece.start(), []
            for match in self._alone.finditer(line, *piece.span()):
                if not 0 < len(line[at : match.start()].split()) <= _N_WORDS:
                    break
                cue = Span(*match.span("word"))
                made.append(Answer(Span(at, cue.end), cue, self._says(match["word"])))
                at = match.end()
            whole = made and not line[at : piece.end()].strip()
            if whole and (len(made) > 1 or line[slice(*made[0].cue)].lower() in self._bare):
                yield from (a for a in made if not _overlaps(a.phrase, taken))

    def _boxes(self, line: str) -> Iterator[Answer]:
        boxes = list(_BOX.finditer(line))
        if len(boxes) > 1 and self._leading.fullmatch(line[: boxes[0].start()]):
            yield from self._led(line, boxes)
            return
        options = [self._option.match(line, box.end()) for box in boxes]
        if not any(options) and all(box[0][0] == "(" and box[0][1].strip() for box in boxes):
            return  # "(x)" alone may be anything
        first = 0  # of the boxes that answer one question
        for k, (box, option) in enumerate(zip(boxes, options, strict=True)):
            cue, ticked = Span(*box.span()), not _TICKED.isdisjoint(box[0])
            before = options[k - 1] if k else None
            if option is None or before is None or line[before.end() : box.start()].strip(" /\xa0"):
                first = k
            if option is not None:
                if ticked:
                    label = Span(_label_start(line, boxes[first].start()), option.end())
                    yield Answer(label, Span(cue.start, option.end()), self._says(option["word"]))
            elif line[box.end() :].lstrip(_BLANKS)[:1] in _CLOSING:
                label = Span(_label_start(line, box.start()), box.end())
                yield Answer(label, cue, "yes" if ticked else "no")
            else:
                label = Span(box.start(), _label_end(line, box.end()))
                yield Answer(label, cue, "yes" if ticked else "no")


    def _led(self, line: str, boxes: Sequence[re.Match[str]]) -> Iterator[Answer]:
        """Yield the answer of "Yes [ ] No [x] fever"."""
        start = 0
        for box in boxes:
            word = line[start : box.start()].strip(_BLANKS)
            start = box.end()
            if not _TICKED.isdisjoint(box[0]):
                label = Span(boxes[0].start(), _label_end(line, boxes[-1].end()))
                yield Answer(label, Span(*box.span()), self._says(word or "no"))


def _signs(line: str) -> Iterator[Answer]:
    signs = [sign for sign in _SIGN.finditer(line) if sign["round"] or _is_sign(line, sign)]
    n_minus = sum(sign["bare"] in _MINUS for sign in signs if sign["bare"] and sign.start() > 0)
    both = len({sign["bare"] in _MINUS for sign in signs if sign["bare"]}) == 2
    leads = _leads(line, next((sign.start() for sign in signs if sign["round"]), 0))
    end = 0  # of the label before
    for sign in signs:
        if sign["bare"] in _MINUS and not both and n_minus < 2:
            continue  # "-itch" is an item of a list, "HIV-" alone may be half a word
        said = "no" if (sign["round"] or sign["bare"]) in _MINUS else "yes"
        if leads if sign["round"] else not _is_behind(line, sign):
            label = Span(sign.start(), _label_end(line, sign.end()))
        else:
            label = Span(max(end, _label_start(line, sign.start())), sign.end())
            end = sign.end()
        yield Answer(label, Span(*sign.span()), said)


def _is_sign(line: str, sign: re.Match[str]) -> bool:
    """Return whether a plus or minus stands at a word, or a plus between two."""
    before, after = _around(line, sign)
    if before in ("", " ", "\t", ",", ";", ":") and after.isalpha():
        return True
    return _is_behind(line, sign) or (sign[0] == "+" and before == after == " ")


def _is_behind(line: str, sign: re.Match[str]) -> bool:
    before, after = _around(line, sign)
    return after in ("", ",", ";", ".") and before not in ("", ",") or (
        before.isalnum() and after == " " and not _JOINED.match(line, sign.end())
    )


def _around(line: str, sign: re.Match[str]) -> tuple[str, str]:
    return line[sign.start() - 1 : sign.start()] if sign.start() else "", line[sign.end() : sign.end() + 1]


def _leads(line: str, at: int) -> bool:
    """Return whether a sign in brackets stands before its label rather than behind it."""
    before = line[:at].rstrip(_BLANKS)
    return not before or before[-1] in ",;:|"


def _label_start(line: str, end: int) -> int:
    """Return where the label begins that ends at `end`."""
    first = max(0, end - _LONGEST)
    starts = [m.end() for m in _START.finditer(line, first, end) if m.end() < end]
    return starts[-1] if starts else first


def _label_end(line: str, start: int) -> int:
    found = _END.search(line, start + 1, start + _LONGEST)
    return found.start() if found else min(len(line), start + _LONGEST)


def _overlaps(span: Span, others: Iterable[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)


def _moved(answer: Answer, by: int) -> Answer:
    phrase, cue = answer.phrase, answer.cue
    return Answer(
        Span(phrase.start + by, phrase.end + by), Span(cue.start + by, cue.end + by), answer.said
    )
