"""Gene variants are found, in one spelling, with their gene; what only looks like one is not."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text import variants_patterns
from clinnlp.text.variants_genes import VARIANT_KINDS, GeneVariants
from clinnlp.text.variants_patterns import AMINO, genetic_words

CASES = Path(__file__).parents[3] / "corpora" / "variant-cases"
MARKED = re.compile(r"\[([^\]|]+)\|([^\]]+)\]")
PIPES = {language: GeneVariants(language=language) for language in ("en", "es")}
THREE = {letter: name for name, letter in AMINO.items() if len(name) == 3 and letter.isalpha()}
LETTERS = sorted(THREE.keys() - {"U"})


def lines(name):
    found = (CASES / name).read_text("utf-8").splitlines()
    return [line for line in found if line and not line.startswith("#")]


def found(text, pipe=PIPES["en"]):
    note = pipe(Note(id="n", text=text))
    return [(note.mention(e), *e.concepts) for e in note.entities]


@pytest.mark.parametrize(
    ("language", "line"),
    [("en", line) for line in lines("cases.txt")] + [("es", x) for x in lines("cases.es.txt")],
)
def test_cases(language, line):
    text = MARKED.sub(r"\1", line)
    assert found(text, PIPES[language]) == MARKED.findall(line)


def test_at_most_one_trap_in_a_hundred_is_taken_for_a_variant():
    traps = lines("traps.txt")
    card = tomllib.loads((CASES / "CARD.md").read_text("utf-8").split("+++\n")[1])
    assert len(traps) == card["n_traps"] == 500
    assert sum(bool(found(line)) for line in traps) <= 5


@given(st.sampled_from(LETTERS), st.integers(10, 9999), st.sampled_from(LETTERS))
def test_all_spellings_of_a_protein_change_have_one_form(one, place, other):
    """Without ``p.`` one letter of each may be of bases: see below."""
    form = f"p.{one}{place}{other}"
    spellings = (
        form,
        f"p.{THREE[one]}{place}{THREE[other]}",
        f"p.({THREE[one]}{place}{THREE[other]})",
        f"{THREE[one]}{place}{THREE[other]}",
        f"{THREE[one].upper()}{place}{THREE[other].upper()}",
        f"{THREE[one]} {place} {THREE[other]}",
    )
    for spelling in spellings:
        assert found(f"The mutation {spelling} was seen.") == [(spelling, form)]


def test_letters_of_both_are_of_bases_from_position_100_on_unless_the_note_says_otherwise():
    assert found("KRAS G12C mutation") == [("G12C", "p.G12C")]
    assert found("MTHFR C677T mutation") == [("C677T", "677C>T")]
    assert [f for _, f in found("The p.Ala118Gly mutation, A118G")] == ["p.A118G"] * 2


@given(
    st.sampled_from("ACGT"),
    st.integers(10, 999_999),
    st.sampled_from("ACGT"),
    st.sampled_from([">", "->", "-->", " > ", "→", " -> "]),
    st.sampled_from("cgm"),
)
def test_all_arrows_mean_one_change(one, place, other, arrow, level):
    spelling = f"{level}.{place}{one}{arrow}{other}"
    assert found(f"We saw {spelling} twice.") == [(spelling, f"{level}.{place}{one}>{other}")]


@given(st.text(alphabet="ACGTRQHXpcIVSrs0123456789.*_->()/ \n", max_size=60))
def test_any_jumble_is_read_with_offsets_inside_and_without_overlaps(text):
    note = GeneVariants(VARIANT_KINDS)(Note(id="n", text=f"mutation {text}"))
    spans = [e.span for e in note.entities]
    assert all(a.end <= b.start for a, b in zip(spans, spans[1:], strict=False))
    assert all(span.end <= len(note.text) for span in spans)


def test_letters_alone_count_only_where_the_note_speaks_of_variants():
    assert found("Seen in R114H today.") == []
    assert found("Mutation found: R114H.") == [("R114H", "p.R114H")]
    assert found("braf V600E") == [("V600E", "p.V600E")]


@pytest.mark.parametrize("text", ["R114H cells", "strain R114H", "Fig. R114H", "A1C 7.2", "Q12H"])
def test_a_word_beside_or_the_letters_say_that_it_is_none(text):
    assert found(f"The mutation is known. {text}") == []


def test_a_level_that_one_mention_has_holds_for_the_others():
    both = found("c.677C>T was typed; 677C>T and C677T are common mutations.")
    assert [form for _, form in both] == ["c.677C>T"] * 3
    assert found("677C>T is common.") == [("677C>T", "677C>T")]
    two = found("c.677C>T or g.677C>T; 677C>T is not clear.")
    assert [form for _, form in two] == ["c.677C>T", "g.677C>T", "677C>T"]


def test_the_gene_is_the_nearest_one_and_the_same_for_all_mentions_of_a_variant():
    text = "KRAS G12D and BRAF V600E mutations. BRAF again: V600E. Later in KRAS wild type, V600E."
    note = GeneVariants()(Note(id="n", text=text))
    genes = {(note.mention(e), e.attributes["gene"]) for e in note.entities}
    assert genes == {("G12D", "KRAS"), ("V600E", "BRAF")}


def test_mentions_of_genes_in_the_note_are_genes():
    text = "In FOXX9, p.R114H was found."
    gene = Entity(id="T1", span=Span(3, 8), label="Gene", concepts=("77",))
    note = GeneVariants()(Note(id="n", text=text, entities=(gene,)))
    assert note.entities[1].attributes == {"kind": "protein", "gene": "77"}
    other = GeneVariants(gene_labels=())(Note(id="n", text=text, entities=(gene,)))
    assert other.entities[1].attributes == {"kind": "protein"}


def test_what_is_found_is_asked_for():
    text = "rs334, p.R114H, C/T, -511T and CYP2C19*2 in all genotypes"
    assert [m for m, *_ in found(text, GeneVariants(["rsid"]))] == ["rs334"]
    every = [m for m, *_ in found(text, GeneVariants(VARIANT_KINDS))]
    assert every == ["rs334", "p.R114H", "C/T", "-511T", "CYP2C19*2"]
    with pytest.raises(ArgumentError, match="kinds must be one of"):
        GeneVariants(["protein", "other"])


def test_single_alleles_count_at_positions_of_variants_and_genotypes_do_not():
    pipe = GeneVariants(VARIANT_KINDS)
    assert ("399Gln", "p.399") not in found("399Gln stands alone; a mutation.", pipe)
    both = [m for m, *_ in found("Arg399Gln: carriers of 399Gln, not of 400Gln.", pipe)]
    assert both == ["Arg399Gln", "399Gln"]
    assert found("Genotypes A/A, A/G and G/G.", pipe) == []
    assert found("A 2-bp deletion, c.461_462delAG.", pipe) == [("c.461_462delAG",) * 2]


def test_a_second_run_adds_nothing_and_a_variant_already_there_stays():
    pipe = GeneVariants()
    note = pipe(Note(id="n", text="p.R114H and rs334"))
    assert pipe(note) == note
    marked = Entity(id="T1", span=Span(2, 7), label="SequenceVariant")
    again = pipe(Note(id="n", text="p.R114H and rs334", entities=(marked,)))
    assert [note.mention(e) for e in again.entities] == ["R114H", "rs334"]


def test_a_minus_and_a_blank_of_a_word_processor_are_read():
    text = "the c.\N{MINUS SIGN}366A>G and Arg\N{NO-BREAK SPACE}114\N{NO-BREAK SPACE}His mutations"
    note = GeneVariants()(Note(id="n", text=text))
    assert [e.concepts for e in note.entities] == [("c.-366A>G",), ("p.R114H",)]
    assert note.mention(note.entities[0]) == "c.\N{MINUS SIGN}366A>G"


def test_a_table_with_another_kind_is_refused_by_its_line(tmp_path, monkeypatch):
    path = tmp_path / "genetics_en.tsv"
    path.write_text("word\tkind\tmeans\nalanine\tacid\tAla A\n", encoding="utf-8")
    monkeypatch.setattr(variants_patterns, "language_path", lambda *_: path)
    genetic_words.cache_clear()
    with pytest.raises(DataError, match=r"genetics_en\.tsv:2"):
        genetic_words("en")
    genetic_words.cache_clear()


@pytest.mark.parametrize(
    "unit", ["A", "1", "p.", "c.1", "R1", "del", "(", "arginine ", "C to ", "1-"]
)
def test_a_long_row_of_one_piece_is_read_in_time(unit):
    assert len(PIPES["en"](Note(id="n", text="mutation " + unit * 20_000)).text) > 20_000
