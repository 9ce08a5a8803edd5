"""Names and towns for planted identifiers that the finder's own lists do not hold.

    pip install --no-deps faker==40.63.0
    python -m corpora.generate.identifier_values

From locales of ``faker`` (MIT) far from those of the lists; what stands in the English lists of
names, towns or words, or has other than plain letters, is left out.
"""

from importlib import import_module
from pathlib import Path

import numpy as np

from clinnlp.core.files import atomic_write
from clinnlp.text.identifier_lexicon import Kind, lexicon
from clinnlp.text.tables import read_table

__all__ = ["values"]

PATH = Path(__file__).parent / "identifier_values.tsv"
LOCALES = ("de_DE", "fr_FR", "it_IT", "pl_PL", "nl_NL", "sv_SE", "fi_FI", "cs_CZ", "hr_HR", "ro_RO",
           "tr_TR", "hu_HU", "en_IN", "lt_LT", "et_EE", "pt_PT", "id_ID")  # fmt: skip
LISTS = {
    "given": ("first_names_male", "first_names_female", "first_names"),
    "family": ("last_names",),
}
N_EACH = {"given": 40, "family": 50, "city": 20}  # of a locale


def values(kind: str) -> list[str]:
    """Return the values of a kind: ``given``, ``family`` or ``city``."""
    return [value for _, (of, value) in read_table(PATH, ("kind", "value")) if of == kind]


def main() -> None:
    """Write the table anew."""
    rng = np.random.default_rng(26)
    rows = []
    for locale in LOCALES:
        person = import_module(f"faker.providers.person.{locale}").Provider
        found = {
            kind: [name for of in lists for name in getattr(person, of, ())]
            for kind, lists in LISTS.items()
        }
        try:
            address = import_module(f"faker.providers.address.{locale}").Provider
        except ModuleNotFoundError:
            address = None
        found["city"] = [*getattr(address, "cities", ()), *getattr(address, "city_names", ())]
        for kind, named in found.items():
            new = sorted({name for name in named if isinstance(name, str) and is_new(name)})
            drawn = sorted(new, key=lambda _: rng.random())[: N_EACH[kind]]
            rows += [(kind, name) for name in drawn]
    rows = sorted(set(rows))
    with atomic_write(PATH) as handle:
        handle.write(
            "# Names and towns of locales of Faker (MIT) that no English list of the finder has.\n"
        )
        handle.write("kind\tvalue\n")
        handle.writelines(f"{kind}\t{value}\n" for kind, value in rows)


def is_new(name: str) -> bool:
    """Return whether a name of one word, in plain letters, stands in no list."""
    bits = lexicon("en").kinds.get(name.lower(), 0)
    known = Kind.GIVEN | Kind.FAMILY | Kind.WORD | Kind.CITY | Kind.STOP | Kind.EPONYM | Kind.REGION
    return (
        name.isascii() and name.isalpha() and len(name) > 3 and name.istitle() and not bits & known
    )


if __name__ == "__main__":
    main()
