"""Draws the notes that are read: 150 over all specialties, and what part each belongs to.

Quotas are the square roots of how many notes a specialty has, so that rare document types are
there and surgery does not fill the sample; the rarest specialty chooses first. Of a group of
near-duplicates one note at most is drawn. Notes of 100 to 450 words, and ten of 601 to 1,500.
Parts are dealt along the list sorted by specialty, so each part spans them. Behind them stand 710
more for train alone, the next in drawn order as the source has them: 550 of 100 to 450 words, and
160 of 451 to 700.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from clinnlp.core.files import atomic_write
from corpora.annotated.texts import Sourced, near_duplicates, read_texts

__all__ = ["COLUMNS", "draw_sample", "write_sample"]

SEED = 20261129
N_NOTES, N_LONG, N_MORE, N_LONGER = 150, 10, 550, 160
USUAL, LONG, LONGER = range(100, 451), range(601, 1501), range(451, 701)  # words
DEAL = [
    {0: "test", 4: "test", 8: "test", 12: "test", 2: "dev", 10: "dev"}.get(k, "train")
    for k in range(15)
]
PARTS = ("test", "dev", "train")
COLUMNS = ("place", "note", "part", "group", "specialty", "n_words", "sha256")


def write_sample(folder: Path, data: Path) -> None:
    """Write ``notes.tsv``, the sample, and ``groups.tsv``, the groups of near-duplicates.

    Parameters
    ----------
    folder : Path
        The corpus.
    data : Path
        The folder that holds ``mtsamples``.
    """
    sources = read_texts(data)
    groups = near_duplicates({key: source.text for key, source in sources.items()})
    with atomic_write(folder / "notes.tsv") as handle:
        handle.write("\t".join(COLUMNS) + "\n")
        for row in draw_sample(sources, groups):
            handle.write("\t".join(row[name] for name in COLUMNS) + "\n")
    several = {group for group, n in Counter(groups.values()).items() if n > 1}
    with atomic_write(folder / "groups.tsv") as handle:
        handle.write("note\tgroup\n")
        handle.writelines(f"{key}\t{g}\n" for key, g in groups.items() if g in several)


def draw_sample(sources: Mapping[str, Sourced], groups: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the rows of the sample: test, dev, train, then more of train, each in drawn order."""
    rng = random.Random(SEED)  # noqa: S311 - drawn again by anyone; its `random` stays as it is
    rank = {key: rng.random() for key in sources}
    order = sorted(sources, key=rank.__getitem__)
    usual = [key for key in order if sources[key].n_words in USUAL]
    used: set[str] = set()
    drawn = _by_quota(usual, sources, groups, used)
    long = [key for key in order if sources[key].n_words in LONG]
    drawn |= {key: sources[key].specialties[0] for key in _fresh(long, groups, used, N_LONG)}
    usual_first = sorted(drawn, key=lambda k: (sources[k].n_words in LONG, drawn[k], rank[k]))
    part = {key: DEAL[k % len(DEAL)] for k, key in enumerate(usual_first)}
    listed = sorted(drawn, key=lambda key: (PARTS.index(part[key]), rank[key]))
    more = _fresh(usual, groups, used, N_MORE)
    more += _fresh((k for k in order if sources[k].n_words in LONGER), groups, used, N_LONGER)
    drawn |= {key: sources[key].specialties[0] for key in more}
    part |= dict.fromkeys(more, "train")
    return [
        {
            "place": str(place),
            "note": key,
            "part": part[key],
            "group": groups[key],
            "specialty": drawn[key],
            "n_words": str(sources[key].n_words),
            "sha256": hashlib.sha256(sources[key].text.encode()).hexdigest(),
        }
        for place, key in enumerate([*listed, *more])
    ]


def _by_quota(
    order: list[str], sources: Mapping[str, Sourced], groups: Mapping[str, str], used: set[str]
) -> dict[str, str]:
    """Return the drawn notes with the specialty each stands for; `used` groups grow."""
    size = Counter(name for source in sources.values() for name in source.specialties)
    roots = sum(n**0.5 for n in size.values())
    drawn: dict[str, str] = {}
    for name, n in sorted(size.items(), key=lambda item: (item[1], item[0])):
        quota = max(1, round((N_NOTES - N_LONG) * n**0.5 / roots))
        filed = [key for key in order if name in sources[key].specialties]
        drawn |= dict.fromkeys(_fresh(filed, groups, used, quota), name)
    left = N_NOTES - N_LONG - len(drawn)
    drawn |= {key: sources[key].specialties[0] for key in _fresh(order, groups, used, max(0, left))}
    return dict(list(drawn.items())[: N_NOTES - N_LONG])


def _fresh(order: Iterable[str], groups: Mapping[str, str], used: set[str], n: int) -> list[str]:
    """Return the first n notes whose groups are not used yet, and mark these as used."""
    found: list[str] = []
    for key in order:
        if len(found) < n and groups[key] not in used:
            used.add(groups[key])
            found.append(key)
    return found
