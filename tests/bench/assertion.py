"""Assertion on the NegEx test kit beside medSpaCy's ConText, and on NUBes (Spanish).

scripts/bench assertion [--frozen] [--medspacy PYTHON] [--nubes]: the development half of the
kit, on which the cues were tuned, or with ``--frozen`` the other half, which is for the end. F1
with intervals by cluster (reports that share a sentence), and the difference to medSpaCy on the
same rows. PYTHON is the interpreter that has medspacy (default: this one; left out where neither
has it). On NUBes each word is a mention: the score compares the words inside a scope.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from clinnlp.core.counts import PRF
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.metrics.intervals import bootstrap_draws, cluster_codes, percentile_interval
from clinnlp.text.assertion import Assertions
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from tests.assertion_kits import KitRow, Scoped, negex_rows, nubes_lines
from tests.bench import DATA, record

AXES = ("negated", "historical", "hypothetical")
N_BOOT, SEED = 2000, 20240229
_WORD = re.compile(r"\w[\w'’.,/-]*\w|\w")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frozen", action="store_true", help="the half kept for the end")
    parser.add_argument("--medspacy", default=sys.executable, help="its interpreter")
    parser.add_argument("--nubes", action="store_true", help="the Spanish scopes only")
    args = parser.parse_args()
    if args.nubes:
        for axis in ("negated", "uncertain"):
            spanish(axis)
    else:
        kit([row for row in negex_rows(DATA / "negex_kit") if row.half == args.frozen], args)


def kit(rows: list[KitRow], args: argparse.Namespace) -> None:
    """Score the rows of one half, and the difference to medSpaCy."""
    gold = np.array([_gold(row) for row in rows])  # (n_rows, 3)
    ours = np.array([_said(row.note) for row in rows])
    peer = medspacy_context([row.note for row in rows], args.medspacy)
    codes, n_clusters = cluster_codes([row.cluster for row in rows], len(rows))
    figures: dict[str, object] = {"half": "frozen" if args.frozen else "development",
                                  "rows": len(rows), "clusters": n_clusters}  # fmt: skip
    for k, axis in enumerate(AXES):
        scored = {"clinnlp": counts(gold[:, k], ours[:, k], codes, n_clusters)}
        if peer is not None:
            scored["medspacy"] = counts(gold[:, k], peer[:, k], codes, n_clusters)
        for name, table in scored.items():
            tp, fp, fn = table.sum(0).astype(int).tolist()
            f1 = interval(lambda w, t=table: f1_of(w @ t), n_clusters, unit="cluster")
            figures[f"{axis} {name}"] = f"F1 {f1} (tp {tp}, fp {fp}, fn {fn})"
        if peer is not None:
            a, b = scored.values()
            gap = interval(
                lambda w, a=a, b=b: f1_of(w @ a) - f1_of(w @ b), n_clusters, unit="cluster"
            )
            figures[f"{axis} difference"] = str(gap)
    if peer is None:
        figures["medspacy"] = "left out: medspacy is not importable here, see --medspacy"
    record("assertion", **figures)


def medspacy_context(notes: Sequence[Note], python: str) -> np.ndarray | None:
    """Return what medSpaCy says of the mention of each note, None where it is not installed."""
    lines = [json.dumps([n.text, *n.entities[0].span]) + "\n" for n in notes]
    script = Path(__file__).with_name("medspacy_context.py")
    done = subprocess.run([python, str(script)], input="".join(lines), text=True,
                          capture_output=True, check=False)  # fmt: skip
    if done.returncode:
        return None
    return np.array([json.loads(line) for line in done.stdout.splitlines()])


def spanish(axis: str) -> None:
    """Score the words in scope, per cue also exactly, over samples 001-008 of NUBes."""
    sentences, assertions = Sentences(language="es"), Assertions(language="es")
    lines = list(nubes_lines(DATA / "nubes", axis=axis))
    files, n_files = cluster_codes([line.file for line in lines], len(lines))
    words, exact = np.zeros((n_files, 3)), np.zeros((n_files, 3))
    for line, file in zip(lines, files, strict=True):
        in_scope, per_cue = _scopes(line, axis, sentences, assertions)
        gold = [_words_in(line.text, reach) for _, reach in line.cues]
        truth = set().union(*gold)
        words[file] += len(truth & in_scope), len(in_scope - truth), len(truth - in_scope)
        right = sum(scope in per_cue for scope in gold)
        exact[file] += right, len(per_cue) - right, len(gold) - right
    seen = np.array([name.startswith(("sample-001", "sample-002"))
                     for name in dict.fromkeys(line.file for line in lines)])  # fmt: skip
    for part, mask in (("001-008", seen | True), ("003-008", ~seen)):
        for what, table in (("words in scope", words[mask]), ("whole scopes", exact[mask])):
            f1 = interval(lambda w, t=table: f1_of(w @ t), len(table), unit="file")
            tp, fp, fn = table.sum(0).astype(int)
            prf = PRF(tp=int(tp), fp=int(fp), fn=int(fn))
            record("assertion, Spanish", samples=part, axis=axis, unit=what, f1=str(f1),
                   precision=round(prf.precision, 3), recall=round(prf.recall, 3))  # fmt: skip


def counts(gold: np.ndarray, said: np.ndarray, codes: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return tp, fp and fn of each cluster, shape (n_clusters, 3)."""
    hits = np.stack([gold & said, ~gold & said, gold & ~said], axis=1)
    table = np.zeros((n_clusters, 3))
    np.add.at(table, codes, hits)
    return table


def f1_of(prf: np.ndarray) -> float:
    tp, fp, fn = prf
    return float(2 * tp / (2 * tp + fp + fn)) if tp + fp + fn else float("nan")


def interval(statistic: Callable[..., float], n_clusters: int, *, unit: str) -> object:
    draws = bootstrap_draws(statistic, n_clusters, n_boot=N_BOOT, seed=SEED)
    return percentile_interval(statistic(np.ones(n_clusters)), draws, unit=unit)


def _gold(row: KitRow) -> tuple[bool, bool, bool]:
    return row.negated, row.temporality == "Historical", row.temporality == "Not particular"


_SECTIONS, _SENTENCES, _ASSERTIONS = Sections(), Sentences(), Assertions()


def _said(note: Note) -> list[bool]:
    made = _ASSERTIONS(_SENTENCES(_SECTIONS(note))).entities[0].assertion
    return [bool(getattr(made, axis)) for axis in AXES]


def _scopes(
    line: Scoped, axis: str, sentences: Sentences, assertions: Assertions
) -> tuple[set[int], list[set[int]]]:
    """Return the words (their starts) an axis holds for, and those that each cue decided."""
    words = [Span(*m.span()) for m in _WORD.finditer(line.text)]
    mentions = tuple(Entity(id=f"T{i}", span=span, label="W") for i, span in enumerate(words))
    note = sentences(Note(id=line.file, text=line.text, entities=mentions))
    made = assertions(note).entities
    cues = {span for e in made for span in e.assertion.cues.values()}
    found: dict[Span, set[int]] = {}
    for entity in made:
        cue = entity.assertion.cues.get(axis)
        if cue is not None and not any(c.start <= entity.span.start < c.end for c in cues):
            found.setdefault(cue, set()).add(entity.span.start)
    return set().union(*found.values()), list(found.values())


def _words_in(text: str, spans: Sequence[Span]) -> set[int]:
    starts = [m.start() for m in _WORD.finditer(text)]
    return {s for s in starts if any(span.start <= s < span.end for span in spans)}


if __name__ == "__main__":
    main()
