"""Gene variants: where a note names one, what it is in one spelling, and which gene it is of.

=============  ============================================================================
``protein``    p.Arg114His, R114H, Phe508del, S769fs, "arginine to histidine at codon 114"
``dna``        c.35delG, g.2290787G>A, m.3243A>G, 677C>T, C677T, IVS8-1G>A, 1320insT
``rsid``       rs334
``star``       CYP2C19*2, CYP2D6*4/*10, HLA-B*57:01
``fusion``     BCR::ABL1, EML4-ALK fusion, ALK rearrangement, t(9;22)(q34;q11)
``copies``     HER2 amplification, homozygous deletion of CDKN2A, del(17p)
``unplaced``   changes without a position, and single alleles: C/T, Ser/Thr, 19-bp deletion, -511T,
               399Gln; not found unless asked for
=============  ============================================================================

The normal form is the concept (`clinnlp.text.variants_forms`). A letter, a number and a letter is
often something else (a stage, a cell line, a dose every twelve hours): such a find counts where
the note speaks of variants, or its gene stands before it, and no word beside it says otherwise.
What one mention of a variant says holds for the others in its note: the level of ``677C>T`` beside
``c.677C>T``, and the gene, which is the one named nearest most often.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from clinnlp.core.checks import check_one_of
from clinnlp.core.notes import Entity, Note, fresh_ids
from clinnlp.core.spans import Span, keep_longest, pairs_overlapping
from clinnlp.text.plain import reads_plain
from clinnlp.text.variants_forms import normal_form
from clinnlp.text.variants_patterns import Pattern, genetic_words, variant_patterns
from clinnlp.text.variants_symbols import as_symbol, gene_symbols, is_about_genes

__all__ = ["GeneVariants"]

SOURCE = "gene-variants"
VARIANT_KINDS = ("protein", "dna", "rsid", "star", "fusion", "copies", "unplaced")
_NEAR_GENE = 300  # characters between a variant and the gene it is of
_NEAR_WORD = 24  # characters beside a weak find in which a word may say that it is none
_NEAR_SMALL = 60  # characters beside one at a small position in which the note speaks of variants
_NEAR_LIST = 80  # characters before a weak find in which its gene, and others of it, may stand
_N_SMALL = 10  # positions below are as often the numbers of receptors, stages and leads
_TYPED = str.maketrans(  # dashes and arrows of word processors and browsers; one for one
    {**dict.fromkeys("–—‒", "-"), **dict.fromkeys("⟶➔➜⇒➝", "→"), **dict.fromkeys("˃›﹥", ">"),
     "∆": "Δ", **dict.fromkeys("∗✱﹡", "*")}
)  # fmt: skip
_LISTED = r"\(?(?:p\.)?\(?[A-Za-z]{1,3}\d{1,6}[A-Za-z*]{1,6}\)?"
_PAIR = re.compile(r"\b([A-Z]|[A-Z][a-z]{2})/([A-Z]|[A-Z][a-z]{2})\b")
_LETTERS = re.compile(r"(?P<pos>\d+)(?P<ref>[ACGT])>(?P<alt>[ACGT])")


class _Find(NamedTuple):
    span: Span
    kind: str
    form: str
    position: str
    gene: str | None


class GeneVariants:
    """Pipe that adds a mention for each gene variant.

    Its concept is the normal form; the attribute ``kind`` is one of the table above, ``gene`` the
    gene it is of, where one is named near it: a mention of a gene in the note, or a symbol of the
    shipped table. Strict F1 is 0.93 on the half of the SETH corpus that no rule was made
    on (scripts/bench variants).

    Parameters
    ----------
    kinds : collection of str
        What is found.
    language : str
        Whose words: ``"en"`` or ``"es"``.
    label : str
        Of the mentions.
    gene_labels : collection of str
        Labels of the mentions that are genes.

    Examples
    --------
    >>> note = GeneVariants()(Note(id="n", text="BRAF p.Val600Glu (V600E) mutation; rs 334."))
    >>> [(note.mention(e), *e.concepts, e.attributes["gene"]) for e in note.entities]
    [('p.Val600Glu', 'p.V600E', 'BRAF'), ('V600E', 'p.V600E', 'BRAF'), ('rs 334', 'rs334', 'BRAF')]
    """

    def __init__(
        self,
        kinds: Collection[str] = VARIANT_KINDS[:-1],
        *,
        language: str = "en",
        label: str = "SequenceVariant",
        gene_labels: Collection[str] = ("Gene", "GeneOrGeneProduct"),
    ) -> None:
        for kind in kinds:
            check_one_of(kind, VARIANT_KINDS, name="kinds")
        self._label, self._gene_labels = label, frozenset(gene_labels)
        self._kinds = {*kinds} | ({"allele"} if "unplaced" in kinds else set())
        self._words = words = genetic_words(language)
        self._patterns = [p for p in variant_patterns(language) if p.kind in self._kinds]
        self._telling = re.compile(rf"\b(?:{words.any('telling')})\b", re.IGNORECASE)
        self._behind = re.compile(
            rf"[\s-]?(?:{words.any('trap_behind')})\b|-\d{{3}}", re.IGNORECASE
        )
        self._before = re.compile(
            rf"(?<!\w)(?:{words.any('trap_before')})(?:[\s:]{{0,2}}(?:no\.?|number|id|#)){{0,2}}"
            r"[\s:]{0,2}\Z",
            re.IGNORECASE,
        )
        self._traps = {word.upper() for word in words.of["trap"]}
        joined = words.any("joined")
        joined = rf"\s?(?:[,/;&+]|\s(?:{joined}))\s?(?:(?:{joined})\s)?"
        part = rf"(?:\s(?:{words.any('part')})\s?\d{{1,3}})?"
        name = r"(?<![A-Za-z0-9])(?P<gene>(?:[A-Za-z]-)?[A-Za-z][A-Za-z0-9]{1,7})"
        self._named_before = re.compile(  # KRAS G12D, KRAS (G12D, EGFR exon 20: T790M and C797S
            rf"{name}(?:{part}[\s(:=-]{{0,3}}(?:{_LISTED}{joined}){{0,5}}(?<!\w)\(?p?)?\Z",
            re.IGNORECASE,
        )
        self._named_behind = re.compile(
            rf"\)?\s(?:{words.any('at')})\s(?:the\s)?(?P<gene>[A-Z][A-Z0-9]{{1,7}})\b"
        )
        self._genes = re.compile(rf"(?<![A-Za-z0-9])(?:{_any_gene()})(?![A-Za-z0-9])")

    @reads_plain
    def __call__(self, note: Note, /) -> Note:
        """Return the note with the finds of an earlier run replaced by those of this one."""
        note = note.without_source(SOURCE)
        finds = self._finds(note.text)
        there = [e.span for e in note.entities if e.label == self._label]
        taken = {i for i, _ in pairs_overlapping([f.span for f in finds], there)}
        finds = [f for i, f in enumerate(finds) if i not in taken]
        if not finds:
            return note
        genes = self._nearest_genes(note, finds)
        named = zip(fresh_ids(note, "V", len(finds)), finds, genes, strict=True)
        entities = (self._entity(name, find, gene) for name, find, gene in named)
        return note.with_(entities=(*note.entities, *entities))

    def _entity(self, name: str, find: _Find, gene: str | None) -> Entity:
        return Entity(
            id=name,
            span=find.span,
            label=self._label,
            concepts=(find.form,) if find.form else (),
            attributes={"kind": find.kind} | ({"gene": gene} if gene else {}),
            score=1.0,
            source=SOURCE,
        )

    def _finds(self, text: str) -> list[_Find]:
        """Return the variants of a text, in its order, without overlaps."""
        text = text if text.isascii() else text.translate(_TYPED)
        tells = self._telling.search(text) is not None
        found: list[_Find] = []
        for pattern in self._patterns:
            if pattern.kind != "allele" and pattern.mark in text:
                found += self._of(pattern, text, tells=tells)
        found = [found[i] for i in keep_longest([f.span for f in found])]
        found = _once(found, text) if "unplaced" in self._kinds else found
        if "allele" in self._kinds:
            found = self._with_alleles(found, text)
        return _consistent(found)

    def _of(self, pattern: Pattern, text: str, *, tells: bool) -> Iterable[_Find]:
        for match in pattern.finds.finditer(text):
            if not self._is_trap(match, pattern, tells=tells):
                yield self._find(match, pattern)

    def _find(self, match: re.Match[str], pattern: Pattern) -> _Find:
        read = match.groupdict()
        form = normal_form(pattern.kind, read, self._words, turned=pattern.turned)
        kind = "unplaced" if pattern.kind == "allele" else pattern.kind
        gene = self._gene_before(match) if pattern.needs_gene else read.get("gene")
        return _Find(Span(*match.span()), kind, form, read.get("pos") or "", gene)

    def _is_trap(self, match: re.Match[str], pattern: Pattern, *, tells: bool) -> bool:
        """Return whether a find is something else: by its letters, or by a word beside it."""
        if not pattern.is_weak:
            return not is_about_genes(pattern.kind, match.groupdict())
        text, start, end = match.string, match.start(), match.end()
        if match[0].upper() in self._traps or self._behind.match(text, end):
            return True
        if self._gene_before(match):
            return False
        if pattern.needs_gene or self._before.search(text, max(0, start - _NEAR_WORD), start):
            return True
        return not ((tells or self._gene_behind(match)) and self._is_told(match))

    def _is_told(self, match: re.Match[str]) -> bool:
        """Return whether a position is large, or a word that tells of variants is near."""
        text, start, end = match.string, match.start(), match.end()
        near = text[max(0, start - _NEAR_SMALL) : end + _NEAR_SMALL]
        is_small = int(match["pos"].strip("-")) < _N_SMALL
        return not is_small or self._telling.search(near) is not None

    def _gene_behind(self, match: re.Match[str]) -> bool:
        named = self._named_behind.match(match.string, match.end())
        return named is not None and named["gene"] in gene_symbols()

    def _gene_before(self, match: re.Match[str]) -> str | None:
        """Return the gene right before a find, others of whose variants may stand between."""
        start = match.start()
        named = self._named_before.search(match.string, max(0, start - _NEAR_LIST), start)
        symbol = as_symbol(named["gene"]) if named else None
        return symbol if symbol in gene_symbols() else None

    def _with_alleles(self, found: list[_Find], text: str) -> list[_Find]:
        """Return the finds, with single alleles at positions that the note has variants at."""
        places = {f.position.strip("+") for f in found if f.position}
        alleles = [
            self._find(match, pattern)
            for pattern in self._patterns
            if pattern.kind == "allele"
            for match in pattern.finds.finditer(text)
            if match["pos"].strip("+") in places
        ]
        both = [*found, *alleles]
        return [both[i] for i in keep_longest([f.span for f in both])]

    def _named_genes(self, note: Note) -> list[tuple[Span, str]]:
        """Return where genes stand: symbols of the table, and mentions of the note."""
        symbols = gene_symbols()
        named = [(Span(*m.span()), symbols[m[0]]) for m in self._genes.finditer(note.text)]
        genes = (e for e in note.entities if e.label in self._gene_labels)
        return named + [(e.span, next(iter(e.concepts), note.mention(e))) for e in genes]

    def _nearest_genes(self, note: Note, finds: Sequence[_Find]) -> list[str | None]:
        """Return the gene of each find: the one nearest to most mentions of its form."""
        around = _within([f.span for f in finds], self._named_genes(note))
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        near: list[str | None] = []
        for find, genes in zip(finds, around, strict=True):
            gene = find.gene or min(genes, default=((0, 0), ""))[1]
            near.append(gene or None)
            if gene and find.form:
                votes[find.form][gene] += 1
        return [
            votes[f.form].most_common(1)[0][0] if votes.get(f.form) else gene
            for f, gene in zip(finds, near, strict=True)
        ]


def _once(found: list[_Find], text: str) -> list[_Find]:
    """Return finds without genotypes, and without a size that says again what stands behind it."""
    starts = {f.span.start for f in found if f.kind != "unplaced"}
    same = {one for one, other in _PAIR.findall(text) if one == other}  # A/A, Gln/Gln
    return [f for f in found if f.kind != "unplaced" or not _is_again(f, text, starts, same)]


def _is_again(find: _Find, text: str, starts: set[int], same: set[str]) -> bool:
    pair = _PAIR.fullmatch(text, *find.span)
    if pair and not same.isdisjoint(pair.groups()):
        return True
    return not starts.isdisjoint(range(find.span.end + 1, find.span.end + 4))


def _within(
    spans: Sequence[Span], named: Iterable[tuple[Span, str]]
) -> list[list[tuple[tuple[int, int], str]]]:
    """Return the genes near each variant, each with its gap; one that stands before is nearer."""
    named = sorted(named)
    reach = [Span(max(0, s.start - _NEAR_GENE), s.end + _NEAR_GENE) for s in spans]
    near: list[list[tuple[tuple[int, int], str]]] = [[] for _ in spans]
    for i, j in pairs_overlapping(reach, [span for span, _ in named]):
        a, (b, gene) = spans[i], named[j]
        gap = (a.start - b.end, 0) if b.end <= a.start else (max(0, b.start - a.end), 1)
        near[i].append((gap, gene))
    return near


def _consistent(found: Iterable[_Find]) -> list[_Find]:
    """Return finds with the level that another mention in the note has, where only one has."""
    found = list(found)
    levels: Mapping[str, set[str]] = defaultdict(set)
    for find in found:
        if find.form[1:2] == ".":
            levels[find.form[2:]].add(find.form)
    forms = {find.form for find in found}
    out = []
    for find in found:
        form = find.form
        if find.kind == "dna" and len(levels.get(form, ())) == 1:
            form = next(iter(levels[form]))
        letters = _LETTERS.fullmatch(form)
        if letters:  # A118G is of amino acids where the note has p.A118G
            acids = f"p.{letters['ref']}{letters['pos']}{letters['alt']}"
            form = acids if acids in forms else form
        out.append(find._replace(form=form))
    return out


def _any_gene() -> str:
    return "|".join(map(re.escape, sorted(gene_symbols(), key=len, reverse=True)))
