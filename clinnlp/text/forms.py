r"""Answers of forms: "Fever: No", "[x] cough", "chills (-)", "+SOB", "Diabetes? Yes".

In a form, a word or a mark beside a label decides for that label alone, whatever stands in the
rest of the sentence. Each line is read by itself:

- a word of the table behind a label and a mark (``:``, ``=``, ``?``, ``|``, a dash between blanks,
  a row of dots, a tab, two blanks), or in brackets; without a mark only in a run of such items;
- a box, ticked or empty, before its label or behind it; of several with a yes and a no behind
  them the ticked one says the answer;
- a plus or minus in brackets; without them where the line has both, or several, or before the
  shorthand of a list ("-f/c/n/v").

Answers are "no", "yes" and "unknown". The words belong to a language and come from its cue table
(kind ``answer``, see `clinnlp.text.cues`).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from clinnlp.core.spans import Span
from clinnlp.text.matcher import fold_keeping_length

__all__ = ["Answer", "Answers", "may_end_label"]

_LONGEST = 80  # characters of a label
_N_WORDS = 4  # words of a label in a run without marks
_BLANKS = " \t"
_CLOSING = ("", ",", ";", "|", ".", "\n", "\r")
_TICKED = frozenset("xX✓✔*☒☑")
_MINUS = frozenset("-−–")

_LINE_END = re.compile(  # begins with one set of characters (fast)
    r"[\n\r,](?:(?<=[\n\r])|(?<=[.:!?;],))"  # such a comma stands for a lost one
)
_PIECE = re.compile(r"[^,;.:=?|()\[\]\t☐□◻☒☑✓✔✗✘]+")
_BOX_START = re.compile(r"[\[(☐□◻☒☑✓✔✗✘]")
_BOX = re.compile(r"\[ ?\]|\[[xX✓✔*]\]|[☐□◻☒☑✓✔✗✘]|\( \)|\([xX✓✔]\)")
_HINT = re.compile(  # where a box, a sign or an answer of one letter may stand
    r"[\[(☐□◻☒☑✓✔✗✘+−–:=|?\t/,-](?:(?<=[☐□◻☒☑✓✔✗✘+])|(?<=\[)[ xX✓✔*\]]"
    r"|(?<=\()[-−– xX✓✔nyNY]\)|(?<= [nyNY] /)|(?<= [nyNY],)"
    r"|(?:(?<=[\s,;:][-−–])|(?<=\A[-−–]))(?=[^\W\d_])|(?<=[\w ][-−–])(?=[\s,;.]|$)"
    r"|(?<=[:=|?\t])(?= ?(?:[-−–0]|[nyNY](?!\w))))"
)
_DOTS = re.compile(r"\.{3}(?= ?[nyNY](?!\w))")
_NOT_BLANK = re.compile(r"[^ \t]")
_ROUND_TICK = re.compile(r"\(\S\)")
_SIGN = re.compile(r"\((?P<round>\+{1,4}|[-−–])\)|(?P<bare>[+−–-])")
_FOLLOWED = re.compile(r" ?[^\W_]")  # by its label
_JOINED = re.compile(r" (?:and|or|to|y|o)\b")  # "pre- and postoperative"
_START = re.compile(r"[,;|:.?!\]] |[|\t]| {2,}")  # before a label
_END = re.compile(rf"[,;|\t]|\.(?: |$)| {{2,}}|{_BOX.pattern}|[( ][+−–-]\)?(?=\w)|[+−–-]\)?$")
_MARK = re.compile(r"[:=|?\t]|\.{3,}")  # between a label and its answer
_WIDE_MARK = re.compile(r"[:=|?\t]|\.{3,}| (?: (?<![.!?;,:]  )|[-–—](?= ))")
_GAP = re.compile(r"[^.!?;,: ]  | [-–—] ")
_ASKED = r"(?:\(?y(?:es)? ?/ ?n(?:o)?\)? *[:=]? *)?"
_SIGNS = ("-", "–", "−", "--", "+", "++", "+++", "++++", "0")  # answers behind a colon alone
_SHORT = r"(?:[-–−]{1,2}|\+{1,4}|0)"
_NEXT = r" (?-i:[A-Z])[^\s:=?,;.]*(?: [^\s:=?,;.]+){0,2}[:=?]"
_LISTED = r"(?!(?<=\b[^\W\d_])/[^\W\d_]\b)"  # "CC: n/v" is no answer
_BEHIND = rf"(?= *(?:$|[,;|.)\]/]| {{2}}|\t|{_NEXT})){_LISTED}"


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
    bare : mapping of str to int
        Those that also are answers behind a label without a mark, in a run of at least so many:
        1 for "fever no", 2 for "HIV neg HCV pos".
    shorthand : collection of str
        Folded lists of complaints that a minus may stand right before: ``"f/c"``.

    Examples
    --------
    >>> find = Answers({"no": "no", "yes": "yes"})
    >>> text = "Fever: No  Cough: Yes\\n[x] rash [ ] itch"
    >>> [(text[slice(*a.phrase)].strip(), a.said) for a in find(text)]
    [('Fever: No', 'no'), ('Cough: Yes', 'yes'), ('[x] rash', 'yes'), ('[ ] itch', 'no')]
    """

    def __init__(
        self,
        words: Mapping[str, str],
        *,
        bare: Mapping[str, int] | None = None,
        shorthand: Collection[str] = (),
    ) -> None:
        self._words = dict(words)
        self._bare = dict(bare or {})
        word = "|".join(sorted(map(re.escape, self._words), key=len, reverse=True)) or r"(?!)"
        self._said = re.compile(
            rf"[ \t:=|?]*{_ASKED}(?P<word>(?:{word})|(?<=[:=| ]){_SHORT}){_BEHIND}", re.IGNORECASE
        )
        self._inside = re.compile(rf" *\[(?P<word>{word})\]", re.IGNORECASE)
        alone = "|".join(map(re.escape, self._bare)) or r"(?!)"
        self._rounded = re.compile(rf" *\((?P<word>{alone})\)", re.IGNORECASE)
        self._alone = re.compile(rf" (?P<word>{alone})(?= |$)", re.IGNORECASE)
        self._leading = re.compile(rf" *(?:{word}) *", re.IGNORECASE)
        signed = (word for word in self._words if word[:1] in _SIGNS)  # "+ve" is no sign of a "ve"
        self._signed = re.compile(
            rf"(?:{'|'.join(map(re.escape, signed)) or '(?!)'})\b", re.IGNORECASE
        )
        listed = "|".join(sorted(map(re.escape, shorthand), key=len, reverse=True)) or "(?!)"
        self._shorthand = re.compile(rf"(?:{listed})(?![\w/])", re.IGNORECASE)
        self._option = re.compile(rf" *(?P<word>{word})\b", re.IGNORECASE)

    def __call__(
        self, text: str, /, at: Sequence[int] | None = None, words: Sequence[int] = ()
    ) -> list[Answer]:
        """Return the answers of a text, line by line.

        With `at` only of lines that hold such an offset, and a mark or one of `words`: where the
        words of this table stand.
        """
        found: list[Answer] = []
        for start, end in _lines(text, at, words):
            line = text[start:end]
            made = [*self._boxes(line), *_signs(line, self._meant_signs(line)), *self._worded(line)]
            if self._alone.search(line):
                made += self._runs(line, [answer.phrase for answer in made])
            found += (_moved(answer, start) for answer in made)
        return found

    def _says(self, word: str) -> str:
        said = self._words.get(fold_keeping_length(word))
        return said or ("yes" if word[0] == "+" else "no")

    def _worded(self, line: str) -> Iterator[Answer]:
        """Yield what words say behind a mark, or in brackets."""
        end = 0
        marks = _WIDE_MARK if _GAP.search(line) else _MARK
        for mark in marks.finditer(line):
            said = self._said.match(line, mark.end()) if mark.start() >= end else None
            if said and (said["word"] not in _SIGNS or mark[0] in ":=|"):
                yield self._answer(line, mark.start(), said)
                end = said.end()
        for said in self._inside.finditer(line):
            yield self._answer(line, said.start(), said)
        for said in self._rounded.finditer(line):
            answer = self._answer(line, said.start(), said)
            if len(line[answer.phrase.start : said.start()].split()) <= _N_WORDS:
                yield answer

    def _answer(self, line: str, end: int, said: re.Match[str]) -> Answer:
        cue = Span(*said.span("word"))
        return Answer(Span(_label_start(line, end), cue.end), cue, self._says(said["word"]))

    def _meant_signs(self, line: str) -> list[re.Match[str]]:
        """Return the signs of a line; a lone minus may begin an item or join two words."""
        signs = [
            sign
            for sign in _SIGN.finditer(line)
            if _is_sign(line, sign) and not self._signed.match(line, sign.start())
        ]
        bare = [sign["bare"] for sign in signs if sign.start()]
        if "+" in bare or sum(map(bare.count, _MINUS)) > 1:
            return signs
        return [
            sign
            for sign in signs
            if sign["bare"] not in _MINUS or self._shorthand.match(line, sign.end())
        ]

    def _runs(self, line: str, taken: Sequence[Span]) -> Iterator[Answer]:
        """Yield the answers without marks: "fever no, cough yes", "HBsAg neg HCV pos"."""
        is_free = _beside(taken)
        runs = [self._run(line, *piece.span()) for piece in _PIECE.finditer(line)]
        one_each = sum(len(run) == 1 and _is_letter(run[0]) for run in runs)
        for run in runs:
            least = max(
                (self._bare[fold_keeping_length(line[slice(*a.cue)])] for a in run), default=0
            )
            # a run of letters may have commas: "fever n, cough y"
            if least <= max(len(run), one_each if run and _is_letter(run[0]) else 0):
                yield from (a for a in run if is_free(a.phrase))

    def _run(self, line: str, start: int, end: int) -> list[Answer]:
        """Return the answers without marks of a piece that holds nothing else."""
        made = []
        for match in self._alone.finditer(line, start, end):
            if not 0 < len(line[start : match.start()].split()) <= _N_WORDS:
                break
            cue = Span(*match.span("word"))
            made.append(Answer(Span(start, cue.end), cue, self._says(match["word"])))
            start = match.end()
        return [] if line[start:end].strip() else made

    def _boxes(self, line: str) -> Iterator[Answer]:
        boxes = list(_BOX.finditer(line)) if _BOX_START.search(line) else []
        options = [self._option.match(line, box.end()) for box in boxes]
        if not any(options) and all(_ROUND_TICK.fullmatch(box[0]) for box in boxes):
            return  # "(x)" alone may be anything
        if len(boxes) > 1 and self._leading.fullmatch(line[: boxes[0].start()]):
            yield from self._led(line, boxes)
        else:
            yield from self._each(line, boxes, options)

    def _each(
        self,
        line: str,
        boxes: Sequence[re.Match[str]],
        options: Sequence[re.Match[str] | None],
    ) -> Iterator[Answer]:
        """Yield what each box says, with its option or without."""
        before = (
            first
        ) = -1  # where the option before ends, and the first one of its question begins
        ends = _ends_labels(line, boxes)
        label_from = 0  # behind the box before
        for box, option in zip(boxes, options, strict=True):
            if option is None:
                yield _box(line, box, label_from if ends else -1)
                label_from = box.end()
                continue
            if before < 0 or line[before : box.start()].strip(" /"):
                first = box.start()
            before = option.end()
            if _is_ticked(box):
                label = Span(_label_start(line, first), before)
                yield Answer(label, Span(box.start(), before), self._says(option["word"]))

    def _led(self, line: str, boxes: Sequence[re.Match[str]]) -> Iterator[Answer]:
        """Yield the answer of "Yes [ ] No [x] fever"."""
        start = 0
        for box in boxes:
            word = line[start : box.start()].strip(_BLANKS)
            start = box.end()
            if _is_ticked(box):
                label = Span(boxes[0].start(), _label_end(line, boxes[-1].end()))
                yield Answer(label, Span(*box.span()), self._says(word or "no"))


def may_end_label(text: str, end: int) -> bool:
    """Return whether a word that ends there may be an answer, by what follows."""
    behind = text[end : end + 2]
    return (
        behind[:1] in _CLOSING
        or behind[0] in "\t)]/"
        or behind in ("  ", " |")
        or behind[1:].isupper()
    )


def _lines(text: str, at: Sequence[int] | None, words: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield where the lines of a text begin and end that may hold an answer."""
    hints = () if at is None else [*words, *_hints(text)]
    if at is not None and not hints:
        return
    breaks = [0, *(m.end() for m in _LINE_END.finditer(text)), len(text)]
    if at is None:
        yield from pairwise(breaks)
        return
    hinted = {bisect_right(breaks, offset) for offset in hints}
    for i in sorted(hinted.intersection(bisect_right(breaks, offset) for offset in at)):
        yield breaks[i - 1], breaks[min(i, len(breaks) - 1)]


def _hints(text: str) -> Iterator[int]:
    """Yield where a mark stands that may belong to an answer."""
    yield from (m.start() for m in _HINT.finditer(text))
    if "..." in text:  # few texts hold it, all hold full stops
        yield from (m.start() for m in _DOTS.finditer(text))


def _is_letter(answer: Answer) -> bool:
    return answer.cue.end - answer.cue.start == 1


def _is_ticked(box: re.Match[str]) -> bool:
    return not _TICKED.isdisjoint(box[0])


def _ends_labels(line: str, boxes: Sequence[re.Match[str]]) -> bool:
    """Return whether boxes stand behind their labels: "fever ✓ cough ✗"."""
    before = line[: boxes[0].start()].rstrip(_BLANKS) if boxes else ""
    is_last = bool(boxes) and _next(line, boxes[-1].end()) in _CLOSING
    return is_last and before[-1:].isalnum()


def _box(line: str, box: re.Match[str], label_from: int) -> Answer:
    """Return what a box says of the label behind it, or before it where none follows.

    A label before it begins at `label_from` or later; -1 where labels stand behind their boxes.
    """
    if label_from >= 0 or _next(line, box.end()) in _CLOSING:
        label = Span(max(label_from, _label_start(line, box.start())), box.end())
    else:
        label = Span(box.start(), _label_end(line, box.end()))
    return Answer(label, Span(*box.span()), "yes" if _is_ticked(box) else "no")


def _next(line: str, at: int) -> str:
    """Return the first character from an offset on that is no blank, "" at the end."""
    found = _NOT_BLANK.search(line, at)
    return found[0] if found else ""


def _signs(line: str, signs: Sequence[re.Match[str]]) -> Iterator[Answer]:
    leads = _leads(line, next((sign for sign in signs if sign["round"]), None))
    end = 0  # of the label before
    for sign in signs:
        said = "no" if (sign["round"] or sign["bare"]) in _MINUS else "yes"
        if leads if sign["round"] else not _is_behind(line, sign):
            end_of_list = _label_end(line, sign.end(), over_commas=bool(sign["round"]))
            label = Span(sign.start(), end_of_list)
        else:
            label = Span(max(end, _label_start(line, sign.start())), sign.end())
            end = sign.end()
        yield Answer(label, Span(*sign.span()), said)


def _is_sign(line: str, sign: re.Match[str]) -> bool:
    """Return whether a plus or minus stands at a word, or a plus between two."""
    if sign["round"]:
        return True
    before, after = _around(line, sign)
    if before in ("", " ", "\t", ",", ";", ":") and after.isalpha():
        return True
    return _is_behind(line, sign) or (sign[0] == "+" and before == after == " ")


def _is_behind(line: str, sign: re.Match[str]) -> bool:
    before, after = _around(line, sign)
    return (after in ("", ",", ";", ".") and before not in ("", ",")) or (
        before.isalnum() and after == " " and not _JOINED.match(line, sign.end())
    )


def _around(line: str, sign: re.Match[str]) -> tuple[str, str]:
    return line[sign.start() - 1 : sign.start()] if sign.start() else "", line[
        sign.end() : sign.end() + 1
    ]


def _leads(line: str, sign: re.Match[str] | None) -> bool:
    """Return whether a sign in brackets stands before its label rather than behind it."""
    before = line[: sign.start()].rstrip(_BLANKS) if sign else ""
    if sign and before.endswith(":") and not _FOLLOWED.match(line, sign.end()):
        return False  # "Fever: (-)  Cough: (+)"
    return not before or before[-1] in ",;:|"


def _label_start(line: str, end: int) -> int:
    """Return where the label begins that ends at `end`."""
    first = max(0, end - _LONGEST)
    starts = [m.end() for m in _START.finditer(line, first, end) if m.end() < end]
    return starts[-1] if starts else first


def _label_end(line: str, start: int, *, over_commas: bool = False) -> int:
    """Return where the label ends that begins at `start`; a sign may speak of a whole list."""
    for found in _END.finditer(line, start + 1, start + _LONGEST):
        if not (over_commas and found[0] == ","):
            return found.start()
    return min(len(line), start + _LONGEST)


def _beside(taken: Sequence[Span]) -> Callable[[Span], bool]:
    """Return what tells whether a span overlaps none of some others, in little time each."""
    starts = sorted(span.start for span in taken)
    ends = list(accumulate((span.end for span in sorted(taken)), max))

    def is_free(span: Span) -> bool:
        k = bisect_left(starts, span.end)
        return k == 0 or ends[k - 1] <= span.start

    return is_free


def _moved(answer: Answer, by: int) -> Answer:
    phrase, cue = answer.phrase, answer.cue
    return Answer(
        Span(phrase.start + by, phrase.end + by), Span(cue.start + by, cue.end + by), answer.said
    )
