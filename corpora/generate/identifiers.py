"""Identifiers of all kinds, planted into transcriptions that hold none: what a finder must find.

The carriers are texts of MTSamples without dates, titles and masked names, cut at the end of a
sentence; templates (``identifier_templates.tsv``) put a header before them, sentences into them and
a signature behind them. Names and towns are such as the finder's lists do not hold
(`corpora.generate.identifier_values`). Each note is typed in one of five styles: as it is, in small
letters, run on by commas, with a capital header, or with what a scanner misreads. Templates and
carriers are in two halves by a hash (`corpora.generate.halves`).
"""

import csv
import lzma
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.tables import read_table
from corpora.generate.halves import half_of
from corpora.generate.identifier_values import values

__all__ = ["STYLES", "UNLISTED", "Names", "plant_identifiers", "templates"]

STYLES = ("plain", "small", "run on", "capital header", "scanned")
N_CHARS = 1800  # of a carrier, about
N_SENTENCES = 5  # planted into a note, beside header and signature
TEMPLATES = Path(__file__).with_name("identifier_templates.tsv")
_SLOT = re.compile(r"\{(\w+)\}")
_BARE = re.compile(
    r"\b(?:Drs?|Mr|Mrs|Ms|Miss|MD|M\.D|XYZ|XXX?|ABCD?"
    r"|Jan(?:uary)?|Feb(?:ruary)?|March|April|May|June"
    r"|July|August|Sept(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?|Hospital|Clinic|Center)\b"
    r"|\d{1,4}[/-]\d{1,2}[/-]\d{2,4}|\b(?:19|20)\d\d\b|#\d{4}"
)
_SCANNED = str.maketrans({"o": "0", "l": "1", "O": "0", "I": "l", "S": "5"})
MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
]  # fmt: skip
Half = Literal["build", "aside"]


class Piece(NamedTuple):
    """A filled template: its text, and where its identifiers stand."""

    text: str
    spans: list[tuple[int, int, str]]


class Names(NamedTuple):
    """Names that stand in slots."""

    given: list[str]
    family: list[str]
    city: list[str]

    def half(self, half: Half) -> "Names":
        """Return the names of a half, by a hash."""
        return Names(*([name for name in kind if half_of(name) == half] for kind in self))


def plant_identifiers(
    data: str | Path, half: Half, *, n_notes: int = 300, seed: int = 26, names: Names | None = None
) -> Iterator[Note]:
    """Yield notes with planted identifiers, labelled by the slot of the template.

    Parameters
    ----------
    data : path
        Folder that holds ``mtsamples``.
    half : {"build", "aside"}
    n_notes : int
    seed : int
    names : Names, optional
        Default: all that no list of the finder holds, of both halves.
    """
    rng = np.random.default_rng([seed, half == "aside"])
    pieces = templates(half)
    for i, carrier in enumerate(carriers(data, half, n_notes)):
        style = STYLES[i % len(STYLES)]
        yield _planted(f"{half}{i}", carrier, pieces, style, Filler(rng, names or UNLISTED))


def templates(half: Half) -> dict[str, list[str]]:
    """Return the templates of a half, by where they stand."""
    out: dict[str, list[str]] = {"head": [], "body": [], "end": []}
    for _, (where, template) in read_table(TEMPLATES, ("where", "template")):
        if half_of(template) == half:
            out[where].append(template)
    return out


def carriers(data: str | Path, half: Half, n: int) -> list[str]:
    """Return texts of a half without anything that looks like an identifier."""
    csv.field_size_limit(10**8)
    path = Path(data) / "mtsamples" / "mtsamples.csv.xz"
    with lzma.open(path, "rt", encoding="utf-8") as handle:
        texts = sorted({row["transcription"] for row in csv.DictReader(handle)})
    out = []
    for text in texts:
        cut = text[: text.find(". ", N_CHARS) + 1] if text.find(". ", N_CHARS) > 0 else text
        if half_of(text) == half and len(cut) > N_CHARS // 3 and not _BARE.search(cut):
            out.append(cut)
    return out[:n]


class Filler:
    """What stands in a slot: a value of each kind, drawn anew."""

    def __init__(self, rng: np.random.Generator, names: Names | None = None) -> None:
        self._rng = rng
        self.names = names or UNLISTED

    def __call__(self, slot: str) -> tuple[str, str]:
        """Return a value and its label for the slot of a template."""
        label, make = _SLOTS[slot]
        return make(self), label

    def of(self, many: list[str] | str) -> str:
        """Return one of several."""
        return many[int(self._rng.random() * len(many))]

    def given(self) -> str:
        """Return a given name."""
        return self.of(self.names.given)

    def family(self) -> str:
        """Return a family name."""
        return self.of(self.names.family)

    def city(self) -> str:
        """Return a town."""
        return self.of(self.names.city)

    def below(self, n: int) -> int:
        """Return a whole number from 0 up to, and without, `n`."""
        return int(self._rng.random() * n)

    def digits(self, shape: str) -> str:
        """Return a shape with its ``#`` as digits and its ``@`` as letters."""
        return "".join(
            str(self.below(10))
            if c == "#"
            else self.of("ABCDEFGHJKLMNPRSTUVWXYZ")
            if c == "@"
            else c
            for c in shape
        )

    def day(self) -> tuple[int, int, int]:
        """Return year, month and day."""
        return 1931 + self.below(93), 1 + self.below(12), 1 + self.below(28)


def _name(fill: Filler) -> str:
    middle = fill.of(["", "", " " + fill.of("ABCDEFGHJKLMRST") + "."])
    return f"{fill.given()}{middle} {fill.family()}"


def _turned(fill: Filler) -> str:
    return f"{fill.family()}, {fill.given()}"


def _date(fill: Filler) -> str:
    y, m, d = fill.day()
    return fill.of(
        [f"{m}/{d}/{y}", f"{m:02}/{d:02}/{y % 100:02}", f"{m:02}-{d:02}-{y}", f"{m}.{d}.{y}"]
    )


def _long_date(fill: Filler) -> str:
    y, m, d = fill.day()
    month = MONTHS[m - 1]
    return fill.of(
        [f"{month} {d}, {y}", f"{d} {month} {y}", f"{month[:3]} {d}, {y}", f"{d}-{month[:3]}-{y}"]
    )


def _iso(fill: Filler) -> str:
    y, m, d = fill.day()
    return f"{y}-{m:02}-{d:02}"


def _glued(fill: Filler) -> str:
    y, m, d = fill.day()
    return f"{d:02}{MONTHS[m - 1][:3].upper()}{y}"


def _street(fill: Filler) -> str:
    kind = fill.of(
        ["Street", "St.", "Avenue", "Ave", "Road", "Drive", "Lane", "Blvd", "Court", "Way"]
    )
    return f"{1 + fill.below(9999)} {fill.of(['', 'N. ', 'West '])}{fill.family()} {kind}"


def _hospital(fill: Filler) -> str:
    kind = fill.of(["Hospital", "Medical Center", "Memorial Hospital", "Clinic", "General Hospital",
                    "Regional Medical Center", "Nursing Home", "Health Center"])  # fmt: skip
    return f"{fill.of([*fill.names.family[:300], *fill.names.city])} {kind}"


def _phone(fill: Filler) -> str:
    shapes = ["(4##) 2##-####", "4##-2##-####", "4##.2##.####", "1-4##-2##-####", "4## 2## ####",
              "4##-2##-#### x###"]  # fmt: skip
    return fill.digits(fill.of(shapes))


def _email(fill: Filler) -> str:
    name, family = fill.given().lower(), fill.family().lower()
    shape = fill.of([f"{name}.{family}", f"{name[0]}{family}", f"{family}_{fill.below(99)}"])
    return (
        f"{shape}@{fill.of(['mail', 'clinic', 'example'])}.{fill.of(['com', 'org', 'net', 'edu'])}"
    )


def _url(fill: Filler) -> str:
    before, after = (fill.of(of) for of in (["https://www.", "http://", "www."],
                                            [".com", ".org/care", ".net/p?id=42"]))  # fmt: skip
    return f"{before}{fill.family().lower()}{after}"


def _photo(fill: Filler) -> str:
    before, after = fill.of(["IMG_", "face-", "DSC"]), fill.of([".jpg", ".png", ".JPG"])
    return before + fill.digits("####") + after


def _guid(fill: Filler) -> str:
    return "-".join(
        "".join(fill.of("0123456789abcdef") for _ in range(n)) for n in (8, 4, 4, 4, 12)
    )


def _username(fill: Filler) -> str:
    return fill.given()[0].lower() + fill.family().lower() + fill.digits("##")


def _shaped(shapes: list[str]) -> Callable[[Filler], str]:
    return lambda fill: fill.digits(fill.of(shapes))


_COMPANIES = ["Inc", "LLC", "Industries", "Bank", "and Sons", "Company"]
_SCHOOLS = ["High School", "College", "University", "Elementary School"]
_SHAPES = {  # of numbers: their label, then how they may look (# a digit, @ a letter)
    "pager": ("PHONE", "4####"),
    "ssn": ("SSN", "4##-##-####", "4## ## ####"),
    "mrn": ("MRN", "4######", "@@-4#####", "##-4#-##", "MR4#####", "4####"),
    "plan": ("HEALTH_PLAN", "@@@4########", "4########@", "4##-##-####@", "@4####"),
    "account": ("ACCOUNT", "4#######", "@4######", "4####-####"),
    "card": ("ACCOUNT", "4### #### #### ####", "5###-####-####-####"),
    "licence": ("LICENCE", "@#######", "@@######", "4########"),
    "dea": ("LICENCE", "@@#######"),
    "npi": ("LICENCE", "1#########"),
    "plate": ("VEHICLE", "@@@ ####", "@@@-####", "#@@@###"),
    "vin": ("VEHICLE", "1@@@@##@#@@######"),
    "serial": ("DEVICE", "@@@######@", "4#######", "@@-#####-@"),
    "udi": ("DEVICE", "(01)##############"),
    "bio": ("BIOMETRIC", "FP-######", "BIO#####@"),
    "study": ("ID", "@@@-####", "######", "@##-###"),
    "encounter": ("ENCOUNTER", "S##-#####", "########", "E######"),
}
UNLISTED = Names(*(values(kind) for kind in ("given", "family", "city")))
_STATES = ["OH", "TX", "CA", "NY", "Ohio", "Texas", "Oregon", "Maine", "FL", "WA"]
_SLOTS: dict[str, tuple[str, Callable[[Filler], str]]] = {
    "name": ("NAME", _name),
    "NAME": ("NAME", lambda fill: _name(fill).upper()),
    "turned": ("NAME", _turned),
    "given": ("NAME", Filler.given),
    "family": ("NAME", Filler.family),
    "possessive": ("NAME", lambda fill: fill.given() + "'s"),
    "initials_name": ("NAME", lambda fill: f"{fill.of('ABCDEFGJKLMRST')}. {fill.family()}"),
    "date": ("DATE", _date),
    "longdate": ("DATE", _long_date),
    "shortdate": ("DATE", lambda fill: f"{1 + fill.below(12)}/{1 + fill.below(28)}"),
    "isodate": ("DATE", _iso),
    "glueddate": ("DATE", _glued),
    "monthyear": ("DATE", lambda fill: f"{fill.of(MONTHS)} {fill.day()[0]}"),
    "monthday": ("DATE", lambda fill: f"{fill.of(MONTHS)} {1 + fill.below(28)}"),
    "dayofmonth": ("DATE", lambda fill: f"{4 + fill.below(16)}th of {fill.of(MONTHS)}"),
    "old": ("AGE_OVER_89", lambda fill: str(90 + fill.below(14))),
    "street": ("STREET", _street),
    "flat": ("STREET", lambda fill: fill.digits("#@")),
    "box": ("STREET", lambda fill: fill.digits("9###")),
    "city": ("PLACE", Filler.city),
    "state": ("", lambda fill: fill.of(_STATES)),
    "zip": ("ZIP", lambda fill: fill.digits(fill.of(["4####", "4####-####"]))),
    "hospital": ("HOSPITAL", _hospital),
    "company": ("ORGANISATION", lambda fill: f"{fill.family()} {fill.of(_COMPANIES)}"),
    "school": ("ORGANISATION", lambda fill: f"{fill.family()} {fill.of(_SCHOOLS)}"),
    "phone": ("PHONE", _phone),
    "fax": ("FAX", _phone),
    "email": ("EMAIL", _email),
    "url": ("URL", _url),
    "ip": ("IP", lambda fill: ".".join(str(1 + fill.below(254)) for _ in range(4))),
    "photo": ("PHOTO", _photo),
    "guid": ("ID", _guid),
    "username": ("USERNAME", _username),
    **{slot: (label, _shaped(shapes)) for slot, (label, *shapes) in _SHAPES.items()},
}  # fmt: skip


def filled(template: str, fill: Filler) -> Piece:
    """Return a template with values in its slots."""
    out, spans, last = "", [], 0
    for slot in _SLOT.finditer(template):
        out += template[last : slot.start()]
        value, label = fill(slot[1])
        end = len(out) + len(value) - 2 * value.endswith("'s")
        if label:
            spans.append((len(out), end, label))
        out += value
        last = slot.end()
    return Piece(out + template[last:], spans)


def _planted(
    name: str, carrier: str, pieces: dict[str, list[str]], style: str, fill: Filler
) -> Note:
    head, end = (filled(fill.of(pieces[where]), fill) for where in ("head", "end"))
    if style == "capital header":
        head = Piece(head.text.upper(), head.spans)
    body = [filled(fill.of(pieces["body"]), fill) for _ in range(N_SENTENCES)]
    sentences: list[Piece | str] = [*re.split(r"(?<=\. )", carrier)]
    for piece in body:
        sentences.insert(fill.below(len(sentences)), piece)
    gap = ", " if style == "run on" else "\n"
    parts: list[Piece | str] = [head, gap, *sentences, gap, end]
    text, spans = "", []
    for part in parts:
        piece = Piece(part, []) if isinstance(part, str) else part
        said = piece.text
        if not isinstance(part, str):
            if style == "small":
                said = said.lower()
            elif style == "scanned":
                said = _scanned(piece, fill)
        spans += [(len(text) + a, len(text) + b, label) for a, b, label in piece.spans]
        text += said + ("" if isinstance(part, str) else " ")
    made = (
        Entity(id=f"T{k}", span=Span(a, b), label=label) for k, (a, b, label) in enumerate(spans, 1)
    )
    return Note(
        id=name, text=text.lower() if style == "small" else text, kind=style, entities=tuple(made)
    )


def _scanned(piece: Piece, fill: Filler) -> str:
    """Return a text in which a letter in forty of its words is misread, numbers left alone."""
    return "".join(
        c.translate(_SCANNED) if c in "olOIS" and fill.below(40) == 0 else c for c in piece.text
    )
