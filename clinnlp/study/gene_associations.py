"""Which variants stand with which diseases, and star alleles with drugs, over documents.

A document is a basket. Its items are the variants, by gene and normal form, the diseases and drugs,
by concept or folded text, as far as the note asserts them. Each pair gets Fisher's one-sided p and
q over all pairs whose margins pass; ``n_sentence`` is how many documents have both in one sentence,
and `GeneAssociations.places` leads to these sentences. Together is not because of: a paper may name
a variant to say that it does nothing.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, objects
from clinnlp.core.baskets import Baskets
from clinnlp.core.errors import ArgumentError
from clinnlp.core.files import check_apart, check_writable
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.pipeline import chunks
from clinnlp.core.places import one_writer
from clinnlp.core.spans import Span
from clinnlp.core.tables import EntityTable, RelationTable
from clinnlp.features.baskets import baskets
from clinnlp.features.entities import entity_table
from clinnlp.features.relations import relation_table
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import Signals
from clinnlp.mine.stated import StatedPairs
from clinnlp.report.csvs import write_frame
from clinnlp.text.normalise import DRUG_LABELS
from clinnlp.text.relations import PROBLEM_LABELS
from clinnlp.text.sentences import Sentences
from clinnlp.text.variants_genes import GeneVariants

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DISEASE_LABELS",
    "VARIANT_LABELS",
    "GeneAssociations",
    "gene_associations",
    "write_associations",
]

VARIANT_LABELS = ("SequenceVariant", "Variant", "Mutation", "DNAMutation", "ProteinMutation", "SNP")
DISEASE_LABELS = (*PROBLEM_LABELS, "DiseaseOrPhenotypicFeature")
GENE_DRUG_LABELS = (*DRUG_LABELS, "ChemicalEntity")
_SIDES = {"diseases": ("variant", "disease"), "drugs": ("star_allele", "drug")}
_SAME_SENTENCE = "same_sentence"
_FILES = ("variant_diseases.csv", "star_drugs.csv", "sentences.csv")
_PART = 2000  # notes in memory at a time
_COLUMNS = {  # of signals of drugs and outcomes; {} is one side or the other
    "n_both": "n_both", "n_drug": "n_{0}", "n_outcome": "n_{1}", "n": "n", "expected": "expected",
    "ror": "odds_ratio", "ror_low": "odds_ratio_low", "ror_high": "odds_ratio_high",
    "p_fisher": "p_fisher", "q_bh": "q_bh", "q_by": "q_by", "signal": "signal",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneAssociations:
    """Pairs of variant and disease, and of star allele and drug, with their sentences.

    Parameters
    ----------
    diseases, drugs : Signals or None
        Rows ``variant, disease`` and ``star_allele, drug``, by rising q: ``n_both``, the count of
        each, ``expected``, ``odds_ratio`` with its interval, ``p_fisher``, ``q_bh``, ``q_by``,
        ``signal`` and ``n_sentence``. None where no note has both kinds.
    pairs : StatedPairs
        Which pairs stand in one sentence.
    sentences : mapping of str to sequence of Span
        Of the notes with such pairs.
    """

    diseases: Signals | None
    drugs: Signals | None
    pairs: StatedPairs
    sentences: Mapping[str, Sequence[Span]]

    def places(self, of: Signals, i: int) -> list[tuple[str, Span]]:
        """Return note and place of each sentence that has both items of row `i`, once each.

        Parameters
        ----------
        of : Signals
            `diseases` or `drugs`.
        i : int
        """
        one, other = (of[key][i] for key in of.keys)
        table = self.pairs.evidence(one, other)
        found = dict.fromkeys(
            (note, self._sentence(note, start))
            for note, start in zip(table["note"], table["start"], strict=True)
        )
        return list(found)

    def lines(self) -> tuple[str, ...]:
        """Return what a reader is told."""
        return tuple(
            f"{name.replace('_', ' and ')}: {one}"
            for name, one in self._tables().items()
            if one is not None
        )

    def _tables(self) -> dict[str, Signals | None]:
        return {"variant_diseases": self.diseases, "star_drugs": self.drugs}

    def _sentence(self, note: str, start: int) -> Span:
        spans = self.sentences[note]
        return spans[bisect_right(spans, start, key=lambda span: span.start) - 1]


def gene_associations(
    notes: Iterable[Note],
    *,
    variant_labels: Collection[str] = VARIANT_LABELS,
    disease_labels: Collection[str] = DISEASE_LABELS,
    drug_labels: Collection[str] = GENE_DRUG_LABELS,
    language: str = "en",
    min_count: int = 2,
    min_margin: int = 2,
    alpha: float = 0.05,
) -> GeneAssociations:
    """Return which variants and diseases, and which star alleles and drugs, stand together.

    Parameters
    ----------
    notes : iterable of Note
        Read once, with mentions of diseases and drugs. In notes without a variant, variants are
        sought (`clinnlp.GeneVariants`).
    variant_labels, disease_labels, drug_labels : collection of str
        Labels of the mentions.
    language : str
        Of the notes.
    min_count : int
        Documents with both, ≥ 1.
    min_margin : int
        Documents with each, ≥ 1: it decides the candidates.
    alpha : float
        ``signal`` is q < alpha.

    Returns
    -------
    GeneAssociations
        The rows of both kinds, as `Signals`, and the places of their sentences.

    Raises
    ------
    ArgumentError
        No note has a variant beside a disease or a drug.

    Examples
    --------
    >>> import re
    >>> def note(k, text, word):
    ...     at = [Span(m.start(), m.end()) for m in re.finditer(word, text)]
    ...     ends = tuple(Entity(id=f"D{s.start}", span=s, label="Disease") for s in at)
    ...     return Note(id=f"n{k}", text=text, entities=ends)
    >>> texts = ["BRAF V600E mutation in melanoma."] * 6 + ["The melanoma was excised."] * 4
    >>> texts += ["KRAS G12D mutation."] * 10
    >>> found = gene_associations(note(k, text, "melanoma") for k, text in enumerate(texts))
    >>> rows = found.diseases
    >>> rows["variant"].tolist(), rows["n_sentence"].tolist(), rows["signal"].tolist()
    (['BRAF p.V600E'], [6], [True])
    >>> found.places(rows, 0)[0]
    ('n0', Span(start=0, end=32))
    """
    labels = _Labels(frozenset(variant_labels), frozenset(disease_labels), frozenset(drug_labels))
    tables, relations, sentences = [], [], dict[str, tuple[Span, ...]]()
    ids: list[str] = []
    for part in chunks(notes, _PART):
        made = [_prepared(note, labels, language) for note in part]
        ids += [note.id for note in made]
        tables.append(entity_table(made))
        relations.append(relation_table(made))
        sentences |= {n.id: n.sentences for n in made if n.relations and n.sentences}
    table = EntityTable.concat(tables) if tables else EntityTable({})
    if not _has(table, "variant", "star_allele"):
        raise ArgumentError(
            "associations of genes need notes with variants beside diseases or drugs, got none"
        )
    sets = _of_all(baskets(table, unit="note"), ids)
    together = RelationTable.concat(relations)
    pairs = StatedPairs.of(sets, together, labels=(_SAME_SENTENCE,))
    found: list[Signals | None] = []
    for side in _SIDES.values():
        if {*side} <= {*sets.kinds}:
            mined = mine_signals(
                sets,
                drug_kind=side[0],
                outcome_kind=side[1],
                min_count=min_count,
                min_margin=min_margin,
                alpha=alpha,
            )
            found.append(_renamed_rows(mined, pairs, side))
        else:
            found.append(None)
    diseases, drugs = found
    return GeneAssociations(diseases=diseases, drugs=drugs, pairs=pairs, sentences=sentences)


def write_associations(
    found: GeneAssociations, folder: str | Path, inputs: Iterable[str | Path]
) -> None:
    """Write the tables of associations, and where their sentences stand, into a folder.

    Parameters
    ----------
    found : GeneAssociations
    folder : path
        Gets ``variant_diseases.csv``, ``star_drugs.csv`` and ``sentences.csv`` (the two items,
        note, offsets of the sentence); a table without rows has its header alone.
    inputs : iterable of path
        Files that must not be written over.

    Raises
    ------
    ArgumentError
        A file is an input.
    RunError
        The folder may not be written, or another process writes into it.
    """
    import pandas as pd

    folder, rows = Path(folder), []
    check_writable(folder / _FILES[0])
    check_apart((folder / name for name in _FILES), inputs)
    with one_writer(folder, inside=True):
        for name, one in found._tables().items():
            write_frame(_frame(name, one), folder / f"{name}.csv")
            if one is None:
                continue
            for i in range(len(one)):
                pair = [one[key][i] for key in one.keys]
                rows += [(*pair, note, span.start, span.end) for note, span in found.places(one, i)]
        names = ["item_1", "item_2", "note", "sentence_start", "sentence_end"]
        write_frame(pd.DataFrame(rows, columns=names), folder / _FILES[-1])


def _frame(name: str, one: Signals | None) -> "pd.DataFrame":
    import pandas as pd

    if one is not None:
        return one.to_pandas().assign(m=one.m)
    side = _SIDES[name.partition("_")[2]]
    counts = (column.format(*side) for column in _COLUMNS.values())
    return pd.DataFrame(columns=[*side, *counts, "n_sentence", "m"])


class _Labels(NamedTuple):
    """Labels of the mentions of each kind."""

    variants: frozenset[str]
    diseases: frozenset[str]
    drugs: frozenset[str]

    def kind(self, entity: Entity) -> str | None:
        """Return what a mention is; None where it is nothing that counts."""
        if entity.label in self.variants:
            return "star_allele" if "*" in _form(entity) else "variant"
        if entity.label in self.diseases:
            return "disease"
        return "drug" if entity.label in self.drugs else None


def _of_all(sets: Baskets, ids: Sequence[str]) -> Baskets:
    """Return baskets with an empty one for each other document: all that were read count."""
    held = set(sets.ids.tolist())
    empty = [note for note in ids if note not in held]
    rows = sparse.csr_matrix((len(empty), sets.matrix.shape[1]), dtype=sets.matrix.dtype)
    matrix = sparse.vstack([sets.matrix, rows], format="csr")
    return replace(sets, matrix=matrix, ids=objects([*sets.ids.tolist(), *empty]), patients=None)


def _form(entity: Entity) -> str:
    return entity.concepts[0] if entity.concepts else ""


def _prepared(note: Note, labels: _Labels, language: str) -> Note:
    """Return the note with its variants, diseases and drugs alone, and the pairs of sentences."""
    if not any(e.label in labels.variants for e in note.entities):
        note = _variants(language)(note)
        labels = labels._replace(variants=labels.variants | {VARIANT_LABELS[0]})
    kinds = ((entity, labels.kind(entity)) for entity in note.entities)
    kept = tuple(_renamed(entity, kind) for entity, kind in kinds if kind is not None)
    spans = note.sentences or Sentences(language=language)(note).sentences or ()
    return note.with_(entities=kept, relations=_together(kept, spans), sentences=spans)


def _renamed(entity: Entity, kind: str) -> Entity:
    """Return the mention by its kind; a variant by its gene too, where one is known."""
    gene, form = entity.attributes.get("gene"), _form(entity)
    concepts = entity.concepts
    if kind == "variant" and form and isinstance(gene, str) and not _names_gene(form, gene):
        concepts = (f"{gene} {form}", *concepts[1:])
    return replace(entity, label=kind, concepts=concepts)


def _names_gene(form: str, gene: str) -> bool:
    return gene in form or form.startswith("rs")


def _together(entities: Sequence[Entity], spans: Sequence[Span]) -> tuple[Relation, ...]:
    """Return a relation for each pair of two sides in one sentence."""
    by_sentence: dict[int, list[Entity]] = {}
    for entity in entities:
        k = bisect_right(spans, entity.span.start, key=lambda span: span.start) - 1
        by_sentence.setdefault(k, []).append(entity)
    ends = [
        (one, other)
        for inside in by_sentence.values()
        for first, second in _SIDES.values()
        for one, other in product(inside, inside)
        if one.label == first and other.label == second
    ]
    return tuple(
        Relation(id=f"S{k}", label=_SAME_SENTENCE,
                 roles={one.label: (one.id,), other.label: (other.id,)})
        for k, (one, other) in enumerate(ends)
    )  # fmt: skip


def _has(table: EntityTable, *kinds: str) -> bool:
    return bool(np.isin(table["label"].astype(str), kinds).any())


def _renamed_rows(found: Signals, pairs: StatedPairs, side: tuple[str, str]) -> Signals:
    """Return the rows of two kinds, with columns called by them."""
    keys = zip(found["drug"].tolist(), found["outcome"].tolist(), strict=True)
    columns: dict[str, Array] = dict(zip(side, (found["drug"], found["outcome"]), strict=True))
    columns |= {name.format(*side): found[of] for of, name in _COLUMNS.items()}
    columns["n_sentence"] = np.array([pairs.n_stated(*key) for key in keys], np.int64)
    return replace(found, columns=columns, keys=side, prior=None)


@cache
def _variants(language: str) -> GeneVariants:
    return GeneVariants(language=language)
