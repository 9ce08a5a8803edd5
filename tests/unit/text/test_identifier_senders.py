"""Who sends a note: at its end all that is no ordinary word is of the address."""

import pytest

from clinnlp.core.notes import Note
from clinnlp.text.identifier_lexicon import lexicon, words_of
from clinnlp.text.identifier_rules import Find
from clinnlp.text.identifier_senders import N_ADDRESS, find_senders
from clinnlp.text.identifiers import Identifiers

ES = lexicon("es")


def found(text, finds=()):
    of = find_senders(text, words_of(text, ES.kinds), ES, finds)
    return [(find.label, text[find.start : find.end]) for find in of]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Remitido por: Zubiandri Oxt, 46. Unidad", [("STREET", "Zubiandri Oxt, 46")]),
        ("Remitido por: 1426 Quaggaville", [("ZIP", "1426"), ("PLACE", "Quaggaville")]),
        ("Remitido por: Zubiandri. Fax: Correo electrónico", [("ORGANISATION", "Zubiandri")]),
        ("Zubiandri Oxt, 46. Servicio de Urología.", []),
        ("Remitido por: Zubiandri" + " y" * N_ADDRESS, []),
    ],
)  # fmt: skip
def test_what_stands_in_an_address(text, expected):
    assert found(text) == expected


def test_it_goes_on_with_a_street_that_was_found_and_leaves_what_was():
    text = "Remitido por: Calle Mayor 3, Edf. Quagga, 6A. Vigo"
    street, town = text.index("Calle"), text.index("Vigo")
    finds = [Find(street, street + 13, "STREET", "rule:x"), Find(town, town + 4, "PLACE", "rule:x")]
    assert found(text, finds) == [("STREET", "Calle Mayor 3, Edf. Quagga, 6A")]


def test_a_pipe_finds_the_whole_address():
    text = "Remitido por: Dr. Juan Pérez Ruiz. Quaggazul 465, Col. Zebrales. Servicio de Urología"
    note = Identifiers(language="es", labels="all")(Note(id="n", text=text))
    held = {k for e in note.entities for k in range(*e.span)}
    assert all(k in held for w in ("Quaggazul 465", "Zebrales") for k in
               range(text.index(w), text.index(w) + len(w)))  # fmt: skip
    assert text.index("Urología") not in held
