r"""How gene variants are written: the patterns, and the words of a language they are built with.

Each pattern has a kind, says whether letters alone may be chance (`is_weak`), and names what it
reads: ``level`` (the letter before the dot), ``ref`` and ``alt`` (what was and what is), ``pos``
and ``pos2`` (where), ``op`` (deletion, insertion, duplication) and ``tail``, of which
`clinnlp.text.variants_forms` makes the normal form. All quantifiers are bounded, so that reading
takes time in proportion to the text.

References
----------
den Dunnen et al., HGVS recommendations, Hum Mutat 2016; Wei et al., tmVar, Bioinformatics 2013;
Thomas et al., SETH, Bioinformatics 2016.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from clinnlp.core.errors import DataError
from clinnlp.text.tables import language_path, read_table

__all__ = ["AMINO", "Pattern", "Words", "genetic_words", "variant_patterns"]

AMINO: Mapping[str, str] = {
    "Ala": "A", "Arg": "R", "Asn": "N", "Asp": "D", "Cys": "C", "Gln": "Q", "Glu": "E", "Gly": "G",
    "His": "H", "Ile": "I", "Leu": "L", "Lys": "K", "Met": "M", "Phe": "F", "Pro": "P", "Ser": "S",
    "Thr": "T", "Trp": "W", "Tyr": "Y", "Val": "V", "Sec": "U", "Ter": "*", "Stop": "*",
}  # fmt: skip
_WORD_KINDS = (
    "amino", "base", "to", "for", "place", "at", "change", "loss", "gain", "double", "both", "unit",
    "number", "allele", "repeat", "telling", "trap", "trap_behind", "trap_before", "fused",
    "amplified", "lost", "joined", "part",
)  # fmt: skip
_BEFORE, _AFTER = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9])"
_ONE = "[ACDEFGHIKLMNPQRSTVWY]"
_THREE = "(?:" + "|".join(f"{a}|{a.upper()}|{a.lower()}" for a in AMINO) + ")"
_ENDS = r"(?:[Xx]|\*|[Ss]top|STOP|[Tt]er|TER|term|am|opal|ochre)"
_ARROW = r"(?:-{0,4}\s?>|={1,2}>|→|&gt;|-{2,4}|/)"
_SHIFT = rf"(?:fs|FS)(?:[\s-]?(?:{_ENDS}|Δ)[\s+]?\d{{0,4}}|\d{{1,4}})?"
_OP = r"(?:delins|indel|ins/del|del/ins|del|ins|dup|inv|DEL|INS|DUP|Del|Ins|Dup)"
_OPENED, _CLOSED = r"(?P<opened>\()?", r"(?(opened)\))"
_OFFSET = r"(?:\s?[+-]\s?\d{1,6}(?:\.\d{1,2}\s?kb|\s?kb)?)?"
_INTRON = r"(?:IVS|ivs)[\s-]?(?:\d{1,3}|[IVX]{1,5})(?:\s?(?:nt|as|ds)\s?)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of a language around variants: word → meaning, by kind."""

    of: Mapping[str, Mapping[str, str]]

    def any(self, *kinds: str) -> str:
        """Return a pattern of the words of kinds, longest first; any blank between two words."""
        words = sorted({w for kind in kinds for w in self.of[kind]}, key=len, reverse=True)
        return "|".join(r"\s".join(map(re.escape, word.split())) for word in words) or "(?!)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A way to write a variant.

    Parameters
    ----------
    kind : str
        What it finds.
    finds : pattern
    is_weak : bool
        Whether letters alone may be chance.
    turned : bool
        Whether what is stands before what was.
    needs_gene : bool
        Whether it counts behind its gene alone: letters typed small, or grown onto the gene.
    mark : str
        A text without it has none.
    """

    kind: str
    finds: re.Pattern[str]
    is_weak: bool = False
    turned: bool = False
    needs_gene: bool = False
    mark: str = ""


@cache
def genetic_words(language: str) -> Words:
    """Return the words of a language's table.

    Raises
    ------
    DataError
        A row of no such kind.
    """
    of: dict[str, dict[str, str]] = {kind: {} for kind in _WORD_KINDS}
    path = language_path("genetics", language)
    for line, (word, kind, means) in read_table(path, ("word", "kind"), optional=("means",)):
        if kind not in _WORD_KINDS or not word:
            raise DataError(
                f"a row needs a word and a kind of {', '.join(_WORD_KINDS)}", path=path, line=line
            )
        of[kind][word] = means
    return Words(of=of)


@cache
def variant_patterns(language: str) -> tuple[Pattern, ...]:
    """Return all patterns, with the words of a language in those of prose.

    Of two that read the same words the first counts: C677T is of bases, G12C of amino acids.
    """
    words = genetic_words(language)
    rows = (*_bases(), *_protein(), *_introns(), *_named(words), *_prose(words), *_unplaced(words))
    return (*rows, *_large(words))


def _made(
    kind: str, *texts: str, weak: bool = False, turned: bool = False, mark: str = ""
) -> Iterable[Pattern]:
    for text in texts:
        finds = re.compile(_BEFORE + text + _AFTER)
        yield Pattern(kind=kind, finds=finds, is_weak=weak, turned=turned, mark=mark)


def _protein() -> Iterable[Pattern]:
    any_acid = rf"(?:{_THREE}|{_ONE})"
    change = (
        rf"(?P<alt>(?:{_THREE}|{_ONE})?\s?{_SHIFT}|{_OP}(?:[A-Z][A-Za-z]{{0,30}})?|{_THREE}|{_ENDS}"
        rf"|{_ONE}|=|\?)"
    )
    second = rf"(?:\s?[_-]\s?(?:{any_acid})?(?P<pos2>\d{{1,5}}))?"
    yield Pattern(  # p.Arg114His, p.(Arg114His), p.Glu2524_Lys2525del, p.Y498
        kind="protein",
        finds=re.compile(
            rf"{_BEFORE}(?P<level>p\.\s?|P\.)(?P<opened>[\[(]{{1,2}})?(?P<ref>{any_acid})\s?"
            rf"(?P<pos>\d{{1,5}}){second}\s?(?:{change})?(?(opened)[\])]{{0,2}}){_AFTER}"
        ),
    )
    gap = r"(?:\s|-{1,4}|\()?"
    arrow = r"(?:\s?\)?\s?(?:-{0,4}\s?>|→|-{1,4}|/|\)|\sto\s|-to-)?\s?)"
    three = rf"(?P<ref>{_THREE}){gap}(?P<pos>\d{{1,5}})"
    yield from _made(
        "protein",
        rf"{three}{arrow}(?P<alt>{_THREE}\s?{_SHIFT}|{_SHIFT}|{_THREE}|[X*])(?:[-\s]?(?P=pos))?",
        rf"{three}(?:[_-]{_THREE}(?P<pos2>\d{{1,5}}))?\s?(?P<alt>{_OP}(?:{_THREE})*)",
        rf"(?P<ref>{_THREE})\s?{_ARROW}\s?(?P<alt>{_THREE})[-\s]?(?P<pos>\d{{1,5}})",
    )
    one = rf"(?P<ref>{_ONE})(?P<pos>[1-9]\d{{0,4}})"
    yield from _made(
        "protein",
        rf"{one}(?P<alt>{_ONE}|{_ENDS})",
        rf"(?P<ref>X)(?P<pos>[1-9]\d{{1,3}})(?P<alt>{_ONE})",
        rf"(?P<pos>[1-9]\d{{1,3}})(?P<ref>{_ONE})\s?(?:>|/|→)\s?(?P<alt>{_ONE})",
        weak=True,
    )
    yield Pattern(  # behind the name of a gene or an enzyme: rtM204I, KrasG12D, p53R175H
        kind="protein",
        finds=re.compile(
            rf"(?<=[a-z])(?P<ref>{_ONE})(?P<pos>[1-9]\d{{1,3}})(?P<alt>{_ONE}){_AFTER}"
        ),
        is_weak=True,
    )
    for text in (  # egfr l858r, BRAFV600E
        rf"{_BEFORE}(?P<ref>{_ONE.lower()})(?P<pos>[1-9]\d{{1,4}})(?P<alt>{_ONE.lower()}|x|\*)",
        rf"(?<=[A-Z0-9])(?P<ref>{_ONE})(?P<pos>[1-9]\d{{1,3}})(?P<alt>{_ONE}|\*)",
    ):
        yield Pattern(
            kind="protein", finds=re.compile(text + _AFTER), is_weak=True, needs_gene=True
        )
    yield from _made(
        "protein",
        rf"{one}\s?(?P<alt>(?:{_ONE})?\s?{_SHIFT}|(?:del|ins|dup){_ONE}*)",
        rf"{one}[_-](?:{_ONE})?(?P<pos2>\d{{1,4}})(?P<alt>{_OP}{_ONE}*)",
        r"(?P<alt>[dD]elta|Δ|del|DEL)[\s-]?(?P<ref>[DEFHIKLMNPQRSVWY])(?P<pos>\d{1,4})(?:S)?",
        rf"(?P<ref>(?:{_ONE}\d{{1,4}}_){{1,3}}{_ONE})(?P<pos>\d{{1,4}})\s?(?P<alt>deletion|insertion|del|ins)",
        rf"(?P<ref>{_ONE}{{2,6}})\s?(?P<pos>\d{{1,4}}-\d{{1,4}})\s?(?P<alt>deletion|insertion|del|ins)",
        r"(?P<pos>\d{2,4})(?P<alt>del)(?P<ref>[DEFHIKLMNPQRSVWY])",
        r"(?P<alt>DEL|del)(?P<pos>\d{1,4})(?P<ref>[DEFHIKLMNPQRSVWY])",
    )


def _bases() -> Iterable[Pattern]:
    opened, closed = _OPENED, _CLOSED
    level = r"(?P<level>[cgmnr](?:\.\s?|(?=\d))|[CGMNR]\.)[\[(]?\s?"
    place = rf"(?P<pos>[-+*]?\s?\d{{1,9}}{_OFFSET})"
    span = rf"(?P<pos>[-+*]?(?:\d{{1,9}}|\?){_OFFSET}(?:\s?[_-]\s?[-+*]?\d{{1,9}}{_OFFSET})?)"
    change = rf"\s?(?P<ref>[ACGTUacgtu]{{1,12}})\s?(?:{_ARROW}|4)\s?(?P<alt>[ACGTUacgtu]{{1,12}})"
    what = r"(?P<alt>[ACGTUNacgtn]{1,60}|\d{1,4}\s?(?:bp|kb)?)"
    inserted = rf"(?:\s?{opened}{what}{closed}(?:\(\d{{1,2}}\))?)?"
    more = r"(?:ins(?P<tail>[ACGTN]{1,40}|\d{1,4}(?:\s?bp)?))?"
    dotted = level.replace(r"(?:\.\s?|(?=\d))", r"\.\s?")
    yield from _made(
        "dna",
        rf"{level}{place}{change}",
        rf"{dotted}(?P<ref>[ACGTU])(?P<pos>[-+*]?\d{{1,9}}{_OFFSET})(?:\s?>\s?)?(?P<alt>[ACGTU])",
        rf"{dotted}{span}\s?(?P<op>{_OP}){inserted}{more}",
        rf"(?P<level>[cgm])(?=\d){place}(?P<op>{_OP}){inserted}{more}",
        rf"(?P<level>g\.|chr[0-9XYM]{{1,2}}:g\.){place}{change}",
    )
    bare = r"(?P<ref>[ACGT]{1,12})\s?(?:" + _ARROW + r")\s?(?P<alt>[ACGT]{1,12})"
    signed = r"(?:(?<![A-Za-z0-9_.])|(?<=[A-Za-z])(?=[-+]\d))"  # IL1B-31T/C
    span = rf"(?P<pos>[-+]?\d{{1,7}}{_OFFSET}(?:\s?[-_]\s?[-+]?\d{{1,7}}{_OFFSET})?)"
    yield Pattern(
        kind="dna",
        finds=re.compile(
            rf"{signed}(?P<pos>[-+*]?\d{{1,9}}{_OFFSET})\s?{opened}{bare}{closed}(?![-+]\d){_AFTER}"
        ),
    )
    yield from _made(
        "dna",
        r"(?P<ref>[ACGT])\s?/\s?(?P<alt>[ACGT])\s?\(\s?(?P<pos>[-+]?\d{1,7})\s?\)",
        rf"{span}\s?(?P<op>{_OP})\s?(?P<alt>[ACGT]{{1,40}}|\d{{1,4}}(?:\s?-?bp)?)?{more}",
        r"(?P<alt>[ACGT])(?P<op>del|ins|dup)(?P<pos>\d{2,7})",
        r"(?P<op>del|ins|dup)\s?(?P<pos>\d{2,7})(?P<alt>[ACGT]{1,20})",
        r"(?P<pos>\d{2,7})\s?(?P<op>[Ii]ns|[Dd]el|dup)\s?(?P<alt>[ACGT]{1,20})",
        rf"(?P<pos>\d{{2,7}}-\d{{1,7}})\s?{bare}",
    )
    yield from _made(
        "dna",
        rf"(?P<ref>[ACGT])(?P<pos>-?\d{{3,7}}|-\d{{2}})\s?(?:{_ARROW}\s?)?(?P<alt>[ACGT])",
        r"(?P<ref>[ACGT])[-\s](?P<pos>-?\d{2,7})\s?(?P<alt>[ACGT])",
        weak=True,
    )
    yield Pattern(  # mthfr c677t
        kind="dna",
        finds=re.compile(rf"{_BEFORE}(?P<ref>[acgt])(?P<pos>\d{{3,7}})(?P<alt>[acgt]){_AFTER}"),
        is_weak=True,
        needs_gene=True,
    )


def _introns() -> Iterable[Pattern]:
    opened, closed = _OPENED, _CLOSED
    place = rf"(?:c\.)?(?P<pos>{_INTRON}\s?[-+]?\s?\d{{1,6}}(?:\s?_\s?\d{{1,6}})?)"
    yield from _made(
        "dna",
        rf"{place}\s?{opened}(?P<ref>[ACGTacgt]{{1,6}})\s?(?:{_ARROW}|-)\s?(?P<alt>[ACGTacgt]{{1,6}}){closed}",
        rf"{place}\s?(?P<op>{_OP})\s?(?P<alt>[ACGT]{{1,20}}|\d{{1,4}})?",
        rf"{place}" + r"(?<=\w)(?<![A-Z]\d)(?:(?<=nt\d)|(?<=nt-\d)|(?<=nt\d\d)|(?<=nt-\d\d))",
    )


def _named(words: Words) -> Iterable[Pattern]:
    yield from _made(
        "rsid",
        r"(?P<id>[rs]s\s?\d{3,12}|RS\d{4,12})",
        r"[Rr]eference SNP (?:no\.|number|ID)?\s?(?P<id>\d{3,12})",
    )
    allele = r"\d{1,3}(?::\d{2,3}){0,3}[A-Za-z]?(?:x(?:N|\d{1,2}))?"
    star = rf"(?P<star>\*{allele}(?:\s?/\s?\*{allele})?)"
    telling = rf"(?P<blank>(?:\s(?:{words.any('telling')}))?:?\s?)"
    yield from _made(
        "star",
        r"(?P<gene>(?i:hla)[-\s]?(?i:[a-g]|d[mopqr][ab]\d?))(?P<star>\*\d{4})",
        rf"(?P<gene>[A-Z][A-Z0-9]{{1,8}}(?:-[A-Z0-9]{{1,4}})?){telling}{star}",
        rf"(?P<gene>[a-z][a-z0-9]{{2,7}}|hla-[a-z]{{1,3}}\d?){telling}{star}",
        mark="*",
    )


def _prose(words: Words) -> Iterable[Pattern]:
    names = words.any("amino")
    paren = r"(?:\s?\((?:[A-Z][a-z]{2}|[A-Z*]|[ACGTU]{3})\))?"
    acid = rf"(?:(?i:{names})|{_THREE}|{_ONE}(?=\s?\(|\s(?:{words.any('to', 'for')})\s))"
    other = rf"(?:(?i:{names})|{_THREE}|{_ONE})"
    article = r"(?:an?\s|the\s)?"
    noun = words.any("change")
    change = rf"(?:\s(?:residue\s)?(?:{noun})(?:\s(?:was|is)\s[a-z]{{4,12}})?)?"
    place = rf"(?:{words.any('place')})"
    at = rf"(?:{words.any('at')})\s(?:the\s)?"
    number = rf"(?:{place}\s){{0,2}}(?:number\s|no\.\s|#)?(?P<pos>[-+]?\d{{1,6}})(?:\sposition)?"
    arrow = rf"(?:-{{1,4}}>|→|>|-to-|-|/|\s(?:{words.any('to')})\s|\s-{{1,2}}>\s)"
    base = rf"(?:[ACGT]|(?i:{words.any('base')}))"
    yield from _made(
        "dna",
        rf"\(?(?P<ref>{base}|[ACGT]{{2,3}})\s?(?:{_ARROW}|-?to-?|\s(?:{words.any('to')})\s?)\s?{article}(?P<alt>{base}|[ACGT]{{2,3}})\)?"
        rf"{change},?\s{at}{number}(?:\sbp)?",
    )
    indel = words.any("loss", "gain", "double")
    size = rf"(?P<alt>\d{{1,4}}|{words.any('number')})[-\s]?(?:{words.any('unit')})"
    yield from _made(
        "dna",
        rf"(?P<op>{indel})\sof\s(?P<alt>[ACGT]{{1,12}})\s{at}{number}",
        rf"(?P<op>{indel})\sof\s{size}\s{at}{number}",
    )
    for between, turned in ((arrow, False), (rf"(?:\s(?:{words.any('for')})\s)", True)):
        yield from _made(
            "protein",
            rf"(?P<ref>{acid}){paren}{between}{article}(?P<alt>{other}){paren}{change},?\s{at}{number}",
            rf"{place}\s(?P<pos>\d{{1,5}}),?\s(?:from\s)?(?P<ref>{acid}){paren}{between}{article}(?P<alt>{other})",
            turned=turned,
        )
    yield from _made(
        "protein",
        rf"(?P<ref>(?i:{names})|{_THREE}){paren}[-\s]?\(?(?P<pos>\d{{1,5}})\)?(?:\s?-{{0,2}}\s?>\s?|-|{arrow}){article}"
        rf"(?P<alt>(?i:{names})|{_THREE}){paren}",
    )


def _unplaced(words: Words) -> Iterable[Pattern]:
    """Yield the patterns of changes without a position, and of single alleles."""
    unit = words.any("unit")
    change = words.any("both", "loss", "gain", "double")
    size = rf"(?P<alt>[-+]?\d{{1,5}}(?:[.,]\d{{1,3}})?|{words.any('number')})[-\s]?(?:{unit})"
    names = rf"(?:(?i:{words.any('amino')})|{_THREE})"
    kind = "unplaced"
    yield from _made(
        kind,
        r"(?<![/>-])(?P<ref>[ACGT]{1,3})\s?(?:-{0,3}>|→|/)\s?(?P<alt>[ACGT]{1,3})(?![/>])",
        rf"(?P<ref>[ACGT]{{1,2}})(?:\s(?:{words.any('to')})\s|-to-)(?P<alt>[ACGT]{{1,2}})(?:\s(?={words.any('change')})|(?=[\s.,;)]))",
        rf"(?P<ref>{_THREE})\s?(?:-{{0,3}}>|→|/)\s?(?P<alt>{_THREE})",
        rf"(?P<ref>(?i:{words.any('amino')}))(?:\s\([A-Za-z]{{1,3}}\))?(?:\s|-)(?:{words.any('to')})(?:\s|-)(?:an?\s)?(?P<alt>{names})(?:\s\([A-Za-z]{{1,3}}\))?",
        rf"{size}[-\s](?:genomic\s)?(?P<op>{change})",
        rf"(?P<op>{change})\sof\s{size}(?:\snucleotide)?",
        rf"(?P<op>ins/del|del|dup|ins)\s?(?P<alt>\d{{1,4}})\s?(?:{unit})",
        rf"(?P<op>{words.any('loss', 'gain')})\s\((?P<alt>[ACGT]{{1,12}})\)",
        rf"(?P<alt>[ACGT]{{2,12}})\s(?P<op>{words.any('loss', 'gain')})",
        r"(?<![)A-Z])\([ACGT]{2,12}\)\d{1,3}(?![(A-Z])",
        rf"(?P<op>{words.any('gain')})\sof\s(?:the\s)?(?:(?:{words.any('number')})\s(?:{unit})\s)?(?:\([ACGT]{{2,6}}\)\d)?(?P<alt>[ACGT]{{2,12}})",
        rf"(?:{words.any('place')})\s\d{{1,5}},?\s(?P<ref>[ACGT]{{3}})\s?{_ARROW}\s?(?P<alt>[ACGT]{{3}})",
        rf"(?P<pos>[-+]\d{{2,5}})\s(?P<ref>{_ONE})/(?P<alt>{_ONE})",
        rf"(?P<op>{words.any('loss', 'gain')})\s\((?:\d{{1,4}}-)?(?P<alt>\d{{1,4}})\s?(?:{unit})\)",
        r"(?P<op>[Dd]elta|Δ)\s?(?P<alt>\d{1,4}(?:-\d{1,4})?)",
        rf"[ACGT]\s(?:{words.any('allele')})\sat\s[-+]?\d{{1,6}}",
        r"(?<![A-Za-z0-9)])(?P<pos>[-+]\d{2,6})\s?(?P<ref>[ACGT]{1,2})",
    )
    signed = r"(?:(?<![A-Za-z0-9_])|(?<=[A-Za-z])(?=[-+]\d))"
    for text in (  # single alleles: where the note has the position in a variant
        rf"(?P<pos>[-+]?\d{{2,6}})\s?(?P<ref>{_THREE}|{_ONE}{{1,2}})",
        rf"(?P<ref>{_THREE}|{_ONE})[-\s]?(?P<pos>-?\d{{2,6}})",
        rf"(?P<ref>(?i:{words.any('amino')}))\s?(?P<pos>\d{{2,5}})",
    ):
        yield Pattern(kind="allele", finds=re.compile(signed + text + _AFTER))


def _large(words: Words) -> Iterable[Pattern]:
    """Yield the patterns of fusions, of copy number and of bands."""
    gene = "(?:[A-Za-z]-)?[A-Za-z][A-Za-z0-9]{1,9}"
    fused, copied = words.any("fused"), words.any("amplified", "lost")
    band = r"[pq]\d{1,2}(?:\.\d{1,2})?"
    yield from _made(
        "fusion",
        rf"(?P<ref>{gene})(?P<join>::?|-|/)(?P<alt>{gene})(?:[\s-](?P<op>(?i:{fused})))?",
        rf"(?P<ref>{gene})(?P<alt>)[\s-](?:gene\s)?(?P<op>(?i:{fused}))",
    )
    yield Pattern(
        kind="fusion",
        finds=re.compile(
            rf"{_BEFORE}(?P<op>t|inv)\((?P<ref>[\dXY]{{1,2}}(?:;[\dXY]{{1,2}}){{0,2}})\)"
            rf"(?:\({band}(?:[;]?{band}){{0,3}}\))?"
        ),
    )
    yield from _made(
        "copies",
        rf"(?P<ref>{gene}):?[\s-](?:gene\s)?(?P<op>(?i:{copied}))",
        rf"(?P<op>(?i:{copied}))\sof\s(?:the\s)?(?P<ref>{gene})(?:\sgene)?",
    )
    yield Pattern(
        kind="copies",
        finds=re.compile(
            rf"{_BEFORE}(?P<op>del|dup|add)\((?P<ref>[\dXY]{{1,2}}(?:[pq](?:\d{{1,2}}(?:\.\d{{1,2}})?)?)?)\)"
            rf"(?:\({band}(?:[;_-]?{band})?\))?"
        ),
    )
