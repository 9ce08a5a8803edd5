"""Identifiers: one line for each kind, what is none, what finders say united, laws of the pipe."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.identifier_rules import Find
from clinnlp.text.identifiers import (
    Identifiers,
    KnownPatient,
    identifier_labels,
    trimmed,
    united,
    zip3,
)
from tests.common.test_linear_time import n_steps

PIPES = {language: Identifiers(language=language, labels="all") for language in ("en", "es")}
KINDS = {  # text with ⟦LABEL|mention⟧
    "en": """
Mr. ⟦NAME|Ockham⟧ was seen by Dr. ⟦NAME_CLINICIAN|Wenceslas Hruby⟧ on ⟦DATE|3/4/2021⟧.
NAME: ⟦NAME_PATIENT|JAN NOWAKOWSKI⟧, DOB ⟦DATE|04-11-1950⟧
Dictated by: ⟦NAME_CLINICIAN|Imre Szalai⟧, M.D. on ⟦DATE|January 5th, 2020⟧
dr. ⟦NAME_CLINICIAN|smith⟧ saw ⟦NAME|mary jones⟧ in clinic
His daughter, ⟦NAME|Svetla⟧, called; ⟦NAME|Ito⟧'s wife agrees.
Seen ⟦DATE|05JAN2020⟧ and ⟦DATE|2020-01-05⟧, again in ⟦DATE|March 2021⟧ and on ⟦DATE|3/14⟧.
A ⟦AGE_OVER_89|93⟧-year-old; his father died at age ⟦AGE_OVER_89|101⟧. A ⟦AGE|72⟧-year-old friend.
Lives at ⟦STREET|1234 Elm St.⟧, ⟦PLACE|Elmville⟧, ⟦REGION|OH⟧ ⟦ZIP|43604⟧
Mail: ⟦STREET|P.O. Box 221⟧, ⟦PLACE|Chicago⟧
Admitted to ⟦HOSPITAL|St. Quillan Memorial Hospital⟧ from ⟦ORGANISATION|Hartwell High School⟧.
MRN: ⟦MRN|0123456⟧, SSN ⟦SSN|412-55-9087⟧, policy number ⟦HEALTH_PLAN|XKJ99120442⟧
Account No. ⟦ACCOUNT|44-120982⟧, card ⟦ACCOUNT|4556 7375 8689 9855⟧
Medical license no. ⟦LICENCE|A1234567⟧, DEA ⟦LICENCE|BH1234563⟧
VIN ⟦VEHICLE|1HGCM82633A004352⟧ and license plate ⟦VEHICLE|KLT 4821⟧
Pacemaker serial number ⟦DEVICE|PKM204411H⟧
Accession ⟦ENCOUNTER|S21-10442⟧
Phone: ⟦PHONE|(419) 555-0142⟧ Fax: ⟦FAX|419-555-0143⟧ pager ⟦PHONE|44120⟧
Write to ⟦EMAIL|jan.nowak@example.org⟧ or see ⟦URL|https://www.nowak.example/care⟧
Logged in from ⟦IP|192.168.10.44⟧ as username: ⟦USERNAME|jnowak77⟧
Fingerprint ID ⟦BIOMETRIC|FP-204411⟧, photo saved as ⟦PHOTO|face-0012.jpg⟧
Study subject ID ⟦ID|ABX-0042⟧
Transferred from ⟦HOSPITAL|MGH⟧ to the SICU.
Her children ⟦NAME|silvana⟧, ⟦NAME|adam⟧ and ⟦NAME|kristina⟧ are well.
Hit by a car at ⟦STREET|the corner of Harbor Road and Mill Street⟧.
He flew to ⟦PLACE|RYSSBY⟧ and works for ⟦ORGANISATION|Nautilytics⟧.
Mail: ⟦STREET|928 Rue de Gafsa Apt. 981⟧, ⟦PLACE|Lyss⟧, ⟦REGION|OH⟧ ⟦ZIP|50662⟧
At home: ⟦PHONE|0489 25 37 29⟧, ⟦STREET|Sludevej 13⟧
⟦NAME|Hartvigsson⟧ and ⟦NAME|Adams⟧ were late on ⟦WEEKDAY|Friday⟧, and left for a youth orchestra.
⟦NAME|Svetlana⟧ is well.
She wrote from ⟦PLACE|Bjert⟧ ⟦ZIP|6091⟧ about a large investment bank.
"No," says ⟦NAME|Hartvigsson⟧. Her maiden name is ⟦NAME|nyberg⟧.
Scans ⟦ID|HALVORSEN_ERIK_0091827⟧.pdf and ⟦ID|\\\\srv2\\echo\\774_HENNESSY⟧.docx, see the report.pdf
Ordering: ⟦NAME|HALVORSEN,ERIK T⟧  Acct: ⟦ACCOUNT|V0091827⟧, pid ⟦NAME|Holloway^Brent^Q⟧
His son: +44 ⟦PHONE|20 7946 0958⟧, her aunt: ⟦PHONE|0033 1 99 00 12 34⟧, office x⟦PHONE|5-2210⟧
Number: ⟦PHONE|six one two, five five five, zero one nine nine⟧
Or by email: ⟦EMAIL|jan(dot)no(at)aol.com⟧
K was 4.1 on ⟦DATE|03/04⟧ 0610 and 5.0 ⟦DATE|03/05⟧ @ 0615; BCx ⟦DATE|3/2⟧ grew nothing.
Stent in ⟦DATE|Q1 2019⟧
Seen the ⟦DATE|fifth of March⟧ and ⟦DATE|March third⟧, on ⟦DATE|Mother's Day⟧
She was born in ⟦DATE|1926⟧.
It is spelled ⟦ID|S-Z-C-Z-E-P⟧, that is ⟦ID|Z as in zebra, B as in boy, I, G⟧.
⟦NAME|Will⟧ (son) phoned, ⟦NAME|Rose⟧ (wife) came.
Mom ⟦NAME|Chidinma⟧ holds baby boy ⟦NAME_PATIENT|Okafor⟧.
Seen by ⟦USERNAME|slq2⟧: write @⟦USERNAME|chen_wei⟧
Signed: ⟦NAME_CLINICIAN|Imre Szalai⟧ MD / ⟦USERNAME|iszalai⟧
DISCUSSED WITH RESIDENT ⟦NAME_CLINICIAN|TOMASZ WOJCIK⟧. HOSPITALIST: ⟦NAME_CLINICIAN|ABERNATHY⟧
Ms. ⟦NAME|van der Westhuizen⟧ lives at ⟦STREET|312 W Huron⟧.
NHI: ⟦MRN|ZAC5361⟧, hosp no ⟦MRN|204 8817⟧, DL ⟦LICENCE|S530-4216-0982⟧, plate ⟦VEHICLE|DXK 4821⟧
Acc ⟦ENCOUNTER|CT24018837⟧, path ⟦ENCOUNTER|S24-3391⟧, insurance BCBS ⟦HEALTH_PLAN|XYH883920174⟧
""",
    "es": """
Nombre: ⟦NAME_PATIENT|Blanca⟧.
Apellidos: ⟦NAME_PATIENT|Ramos Ibañez⟧.
NHC: ⟦MRN|150679⟧.
NASS: ⟦HEALTH_PLAN|78 99876411 31⟧.
Domicilio: ⟦STREET|Avenida Melchor Fernández, 59, 4 B⟧.
Localidad/ Provincia: ⟦PLACE|Barcelona⟧.
CP: ⟦ZIP|08022⟧.
Fecha de nacimiento: ⟦DATE|05/03/1996⟧.
País: ⟦COUNTRY|España⟧.
Edad: ⟦AGE|22 años⟧ Sexo: ⟦SEX|M⟧.
Episodio: ⟦ENCOUNTER|7435075⟧.
Médico: ⟦NAME_CLINICIAN|Josep de la Rubia Palau⟧ NºCol: ⟦LICENCE|08 08 25574⟧.
Tiene ⟦RELATIVE|dos hermanos mayores⟧ y fuma desde los ⟦AGE|17 años⟧.
Operado a la edad de ⟦AGE|6 meses⟧.
Ingresó en ⟦DATE|marzo de 2011⟧ y en ⟦YEAR|2014⟧, acompañada por su ⟦RELATIVE|madre⟧.
Servicio de Urología. ⟦HOSPITAL|Hospital Universitario 12 de Octubre⟧.
⟦STREET|Avda. de Córdoba, s/n⟧ - ⟦ZIP|28041⟧ ⟦PLACE|Madrid⟧.
Tel.: ⟦PHONE|913 908 121⟧ Fax: ⟦FAX|913 908 122⟧
Remitido por: Dra. ⟦NAME_CLINICIAN|Amparo Manzano Juárez⟧ E-mail: ⟦EMAIL|amanzano@example.es⟧
""",
}
NONE = {  # what stays, whatever is looked for
    "en": """
Parkinson disease, Bell's palsy, Stevens-Johnson syndrome and a positive Romberg sign.
A Foley catheter and a Jackson-Pratt drain were placed with 3-0 Vicryl.
Lisinopril 10 mg daily, Zoloft 50 mg, insulin 20 units; 1/2 tablet p.o. b.i.d.
BP 120/80, pulse 72, strength 5/5, murmur 3/6, pH 7.35, WBC 12.4, platelets 281,000.
PAST MEDICAL HISTORY: Hypertension. PLAN: 1000 mg daily. FINDINGS: L4-L5, T2-weighted, C5-6.
Sodium 140, potassium 4.5, glucose 110 mg/dL, creatinine 1.2; EF 55%-60%, 3 x 4 cm.
The patient may return in 2 weeks; will follow up with cardiology.
E. coli and C. difficile; HbA1c 7.2, CD4 350, COVID-19, HLA-B27, 5-FU, vitamin B12.
MS was diagnosed. EMS was called. CC: HA. RE: BLE weakness.
Fundi benign, a McIvor mouth gag, 12.8 METs. PCM said AFib is a concern; works for a bank.
Bovie and Kocher were used. Iris is normal. Seen in Room 4021 and in Unit 1204; in Week 1200 at bay.
Li-induced diabetes insipidus, Emery-Dreifuss muscular dystrophy, Potter's facies, Peters anomaly.
More fell in the mexiletine group than in the pergolide group.
Morse fall 45, Beck 12, Wechsler, a Holter, Cockcroft-Gault, an Atkins diet, St. John's wort.
Consultant Neurologist. Attending attestation: seen. Dear Colleague, thank you.
Strength 4/5, 5/5 throughout; 1/2 ppd, 5/325 Norco, 20 W, 1800 cal, NCT01234567, LY2835219, x5.
Rest @home, up by 10 points, by mouth, MD/patient talk, RN, LPN. P-Q-R-S-T, one two three.
""",
    "es": """
Enfermedad de Parkinson, signo de Murphy y síndrome de Cushing.
Hemoglobina 13,3 g/dl, Plaquetas 281.000/ul, Leucocitos 8.800/ul, creatinina 1,2 mg/dl.
Tratamiento con Nolotil 575 mg cada 8 horas. TA 120/80 mmHg.
""",
}


def cases(language):
    return [line for line in KINDS[language].splitlines() if line]


def marked(line):
    """Return a text and its identifiers, of a line with marks."""
    text, spans = "", []
    for piece in line.replace("⟦", "⟧").split("⟧"):
        label, bar, mention = piece.partition("|")
        if bar:
            spans.append((len(text), len(text) + len(mention), label))
        text += mention if bar else piece
    return text, spans


def found(pipe, text):
    entities = pipe(Note(id="n", text=text)).entities
    return sorted((*entity.span, entity.label) for entity in entities)


@pytest.mark.parametrize(
    ("language", "line"), [(language, line) for language in KINDS for line in cases(language)]
)
def test_each_kind_is_found(language, line):
    text, spans = marked(line)
    if language == "es":
        text += "\n"
    assert found(PIPES[language], text) == spans


@pytest.mark.parametrize(
    ("language", "line"),
    [(language, line) for language in NONE for line in NONE[language].splitlines() if line],
)
def test_eponyms_drugs_values_and_headings_stay(language, line):
    assert found(PIPES[language], line) == []


def test_all_letters_of_the_safe_harbor_have_a_label_and_a_case():
    of = identifier_labels()
    assert {row.hipaa for row in of.values() if row.hipaa} == set("ABCDEFGHIJKLMNOPQR")
    shown = {label for line in cases("en") for _, _, label in marked(line)[1]}
    assert {of[label].hipaa for label in shown} >= set("ABCDEFGHIJKLMNOPQR")


def test_all_labels_of_meddocan_have_one_of_ours():
    stands_for = {row.meddocan for row in identifier_labels().values()} - {""}
    assert len(stands_for) == 21


def test_by_default_only_what_the_safe_harbor_names_is_found():
    text = "A 72-year-old from Texas, treated in 2015 and on 3/4/2016."
    assert [label for *_, label in found(Identifiers(), text)] == ["DATE"]
    assert [x[2] for x in found(Identifiers(labels=("AGE", "YEAR")), text)] == ["AGE", "YEAR"]


@pytest.mark.parametrize("labels", ["everything", ("NAME", "SHOE_SIZE")])
def test_an_unknown_label_is_refused(labels):
    with pytest.raises(ArgumentError, match="must be 'safe_harbor', 'all' or among"):
        Identifiers(labels=labels)


def test_an_unknown_language_is_refused():
    with pytest.raises(ArgumentError, match="language must be"):
        Identifiers(language="xx")


def test_words_of_no_list_are_names_where_it_is_asked_for():
    text = "We used Qelwyn for the first time."
    assert found(Identifiers(), text) == []
    assert found(Identifiers(unknown=True), text) == [(8, 14, "NAME")]


def test_a_name_found_once_is_found_again_alone_and_not_as_a_word():
    text = "Dr. Brzezicki came. Later Brzezicki left. Dr. Long came. A long day."
    mentions = [text[a:b] for a, b, _ in found(PIPES["en"], text)]
    assert mentions == ["Brzezicki", "Brzezicki", "Long"]


def test_a_given_name_that_is_a_word_is_found_again_where_a_letter_ends_or_begins():
    text = "Rose, come.\n> Rose, see below\nA rose. Rose water.\nThanks,\nRose\nRose Grant, NP\n"
    mentions = [(a, text[a:b]) for a, b, _ in found(PIPES["en"], text)]
    assert mentions == [(0, "Rose"), (14, "Rose"), (58, "Rose"), (63, "Rose Grant")]


@pytest.mark.parametrize("text", ["Mr.\u00a0Ockham", "Mr. Ock\u00adham", "Mr. Ockham\u2019s wife"])
def test_text_as_word_processors_write_it(text):
    (one,) = [x for x in found(PIPES["en"], text) if x[2] == "NAME"]
    assert "Ock" in text[one[0] : one[1]]


def test_a_zip_code_keeps_three_digits_but_of_the_sparse_areas():
    assert [zip3(code) for code in ("60614", "60614-1234", "03601", "69201")] == [
        "606", "606", "000", "000",
    ]  # fmt: skip
    with pytest.raises(ArgumentError, match="three digits"):
        zip3("K1A 0B1")


FINDS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 12), st.sampled_from("ABC")).map(
        lambda x: Find(x[0], x[0] + x[1], x[2], x[2].lower())
    ),
    max_size=12,
)


@given(FINDS)
@settings(deadline=None)
def test_united_finds_are_disjoint_and_lose_little(finds):
    kept = united(finds)
    assert all(a.end <= b.start for a, b in zip(kept, kept[1:], strict=False))
    after = {k for find in kept for k in range(find.start, find.end)}
    assert after <= {k for find in finds for k in range(find.start, find.end)}
    for find in finds:  # what is left of it beside longer ones is kept from three characters on
        lost = set(range(find.start, find.end)) - after
        assert not any({k, k + 1, k + 2} <= lost for k in lost)
    if finds:
        longest = max(find.end - find.start for find in finds)
        assert any(find.end - find.start == longest for find in kept)


def test_what_the_record_says_comes_first():
    finds = [Find(0, 20, "STREET", "rule:street"), Find(5, 9, "NAME", "known:name")]
    assert [(x.start, x.end) for x in united(finds)] == [(0, 5), (5, 9), (9, 20)]


def test_signs_at_the_ends_are_no_part():
    text = " (Ito), -"
    assert trimmed(text, [Find(0, 6, "NAME", "a"), Find(6, 9, "NAME", "a")]) == [
        Find(2, 5, "NAME", "a")
    ]


def test_entities_of_others_stay_and_a_second_run_adds_nothing():
    gold = Entity(id="ID1", span=Span(0, 3), label="Title", source="gold")
    note = Note(id="n", text="Mr. Ockham", entities=(gold,))
    once = PIPES["en"](note)
    assert once.entities[0] == gold
    assert [e.id for e in once.entities] == ["ID1", "ID2"]
    assert once.entities[1].attributes["finder"] == "rule:title"
    assert PIPES["en"](once) == once


def test_known_patients_by_note_by_patient_or_for_all():
    jane = KnownPatient(names=("Qwyla Ventrix",))
    text = "qwyla is well"
    note = Note(id="n", text=text, patient="p1")
    for known in (jane, {"p1": jane}, lambda note: jane if note.patient == "p1" else None):
        assert found_in(Identifiers(known=known), note) == ["qwyla"]
    assert found_in(Identifiers(known={"p2": jane}), note) == []
    assert found_in(Identifiers(known={"p1": jane}), Note(id="n", text=text)) == []


def found_in(pipe, note):
    return [note.mention(entity) for entity in pipe(note).entities]


UNITS = (
    "A", "a ", "A ", "Dr. ", "1", "1/", "1-", "1 ", "1.1.", "@", "a@", "a.", "a-", "A-1", "St. ",
    "de ", "A, ", "12 Elm ", "MRN ", "id ", ":", "1:1:", "Mr ", "5 de ", "Calle ", "Hospital de ",
    "C/ ", "Jan ", "x.com/", "0", "a_", "seen by the ", "lives in the ", "Smith-", "Smith,Ana^",
    "Z as in zebra ", "+1 ", "/a_1.pdf", "one ", "A-",
)  # fmt: skip


@pytest.mark.parametrize("unit", UNITS[::3])
@pytest.mark.parametrize("language", PIPES)
def test_steps_grow_with_the_text(language, unit):
    """Steps of Python show each loop inside a loop, at any load of the machine."""
    counts = []
    for n in (500, 1000):
        note = Note(id="n", text=unit * (n // len(unit)))
        counts.append(n_steps(lambda note=note: PIPES[language](note)))
    assert counts[1] < 2.3 * counts[0] + 5_000


@pytest.mark.long
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("language", PIPES)
def test_time_grows_with_the_text(language, unit):
    """Between 5 and 20 kB: what looks at all that came before would take 16 times as long."""
    taken = []
    for n in (5_000, 20_000):
        note = Note(id="n", text=unit * (n // len(unit)))
        taken.append(min(cpu(PIPES[language], note) for _ in range(2)))
    assert taken[1] < 9 * taken[0] + 0.1


def cpu(pipe, note):
    start = time.process_time()
    pipe(note)
    return time.process_time() - start
