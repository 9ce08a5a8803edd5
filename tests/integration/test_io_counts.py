"""Every corpus through its readers: counts, forms of one corpus equal, every round trip equal.

The counts were taken without the readers here: by splitting lines at tabs (PubTator, BRAT, CoNLL,
``.con``), by `xml.etree` (BioC, DDI, i2b2, XMI), by `json` and by `csv`; they equal the tables that
come with the corpora where these give them.
"""

import json
import tarfile
import zipfile
from collections import Counter
from functools import cache
from xml.etree import ElementTree as ET

import pytest

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.formats import FORMATS
from clinnlp.io.record.fhir import read_fhir

pytestmark = pytest.mark.slow

GOLD = "BC5CDR_Evaluation-0.0.3/data/gold/CDR_sample.gold"
BIORED_TRAIN = (
    {"CellLine": 103, "ChemicalEntity": 2853, "DiseaseOrPhenotypicFeature": 3646,
     "GeneOrGeneProduct": 4430, "OrganismTaxon": 1429, "SequenceVariant": 890},
    {"Association": 2192, "Bind": 61, "Comparison": 28, "Conversion": 3, "Cotreatment": 31,
     "Drug_Interaction": 11, "Negative_Correlation": 763, "Positive_Correlation": 1089},
)  # fmt: skip
BIORED_DEV = (
    {"CellLine": 22, "ChemicalEntity": 822, "DiseaseOrPhenotypicFeature": 982,
     "GeneOrGeneProduct": 1087, "OrganismTaxon": 370, "SequenceVariant": 250},
    {"Association": 560, "Bind": 19, "Comparison": 5, "Cotreatment": 10,
     "Negative_Correlation": 216, "Positive_Correlation": 352},
)  # fmt: skip
NCBI_TRAIN = {"CompositeMention": 115, "DiseaseClass": 769, "Modifier": 1289,
              "SpecificDisease": 2972}  # fmt: skip
NCBI_DEV = {"CompositeMention": 35, "DiseaseClass": 126, "Modifier": 214, "SpecificDisease": 412}
MEDDOCAN_DEV = {
    "CALLE": 434, "CENTRO_SALUD": 2, "CORREO_ELECTRONICO": 241, "EDAD_SUJETO_ASISTENCIA": 521,
    "FAMILIARES_SUJETO_ASISTENCIA": 92, "FECHAS": 724, "HOSPITAL": 140, "ID_ASEGURAMIENTO": 194,
    "ID_CONTACTO_ASISTENCIAL": 32, "ID_EMPLEO_PERSONAL_SANITARIO": 1, "ID_SUJETO_ASISTENCIA": 292,
    "ID_TITULACION_PERSONAL_SANITARIO": 226, "INSTITUCION": 72, "NOMBRE_PERSONAL_SANITARIO": 497,
    "NOMBRE_SUJETO_ASISTENCIA": 503, "NUMERO_FAX": 6, "NUMERO_TELEFONO": 25,
    "OTROS_SUJETO_ASISTENCIA": 6, "PAIS": 347, "PROFESION": 4, "SEXO_SUJETO_ASISTENCIA": 455,
    "TERRITORIO": 987,
}  # fmt: skip
NUBES = (
    {"BODY": 10, "CoordItem": 1056, "DISO": 7237, "NegLexMarker": 1458, "NegMorMarker": 715,
     "NegSynMarker": 5364, "OTHER": 1054, "PROC": 646, "Phrase": 3500, "PolItem": 301, "SUBS": 513,
     "UncertLexMarker": 1997, "UncertSynMarker": 16},
    {"DiscMarker": 74, "DiscScope": 502, "Scope": 8496},
)  # fmt: skip
E3C = (
    {"ACTOR": 282, "BODYPART": 411, "CLINENTITY": 463, "EVENT": 2042, "RML": 211, "TIMEX3": 177},
    {"ALINK": 50, "PERTAINSTO": 233, "TLINK": 1875, "timexLink": 229},
)
EVENTS = {"Adverse_event": 886, "Potential_therapeutic_event": 117}
SECTION = {"text": "section_text", "label": "section_header"}
VISIT = {"text": "note", "id": "encounter_id"}
SAMPLES = {"text": "transcription", "label": "medical_specialty"}
REPAIR, NUMBER = {"repair": True}, {"number_repeated": True}

# corpus, archive or None, path, options, notes, entities per label or in all, relations
COUNTS = {
    "bc5cdr train": ("bc5cdr", None, "CDR_TrainingSet.PubTator.txt", {}, 500,
                     {"Chemical": 5203, "Disease": 4182}, {"CID": 1038}),
    "bc5cdr dev": ("bc5cdr", None, "CDR_DevelopmentSet.PubTator.txt", {}, 500,
                   {"Chemical": 5347, "Disease": 4244}, {"CID": 1012}),
    "bc5cdr sample": ("bc5cdr", None, "CDR_sample.txt", {}, 50,
                      {"Chemical": 502, "Disease": 423}, {"CID": 124}),
    # the evaluator's copy of the sample differs: 9 mentions more, a relation less
    "bc5cdr gold": ("bc5cdr", None, f"{GOLD}.PubTator", {"format": "pubtator"}, 50,
                    {"Chemical": 510, "Disease": 424}, {"CID": 123}),
    # and its BioC has the 11 parts of its 5 composite mentions as mentions of their own
    "bc5cdr bioc": ("bc5cdr", None, f"{GOLD}.BioC.xml", REPAIR, 50,
                    {"Chemical": 510, "Disease": 435}, {"CID": 123}),
    # PMID 8528200 stands there twice, with other mentions: published counts have both
    "ncbi train": ("ncbi_disease", None, "NCBItrainset_corpus.txt", NUMBER, 593, NCBI_TRAIN, {}),
    "ncbi dev": ("ncbi_disease", None, "NCBIdevelopset_corpus.txt", {}, 100, NCBI_DEV, {}),
    "ncbi train brat": ("ncbi_disease", "standoff.tar.xz", "standoff/train", {}, 593,
                        NCBI_TRAIN, {}),
    "ncbi dev brat": ("ncbi_disease", "standoff.tar.xz", "standoff/devel", {}, 100, NCBI_DEV, {}),
    "ncbi train conll": ("ncbi_disease", None, "conll/train.tsv", {}, 5432, {"Disease": 5145}, {}),
    "ncbi dev conll": ("ncbi_disease", None, "conll/devel.tsv", {}, 923, {"Disease": 787}, {}),
    "biored train": ("biored", None, "Train.PubTator", {}, 400, *BIORED_TRAIN),
    "biored train bioc": ("biored", None, "Train.BioC.XML", {}, 400, *BIORED_TRAIN),
    "biored dev": ("biored", None, "Dev.PubTator", {}, 100, *BIORED_DEV),
    "biored dev bioc": ("biored", None, "Dev.BioC.XML", {}, 100, *BIORED_DEV),
    "biored dev json": ("biored", None, "Dev.BioC.JSON", {}, 100, *BIORED_DEV),
    # one interaction has no type; one piece in Eszopiclone_ddi stands one too early
    "ddi": ("ddi2013", "DDICorpus-2013.zip", "DDICorpus/Train", REPAIR, 714,
            {"brand": 1437, "drug": 9425, "drug_n": 504, "group": 3399},
            {"": 1, "advise": 826, "effect": 1687, "int": 188, "mechanism": 1319}),
    "ddi brat": ("ddi2013", "DDICorpus-2013(BRAT).zip", "DDICorpusBrat/Train", {}, 714,
                 {"BRAND": 1437, "DRUG": 9425, "DRUG_N": 504, "GROUP": 3399},
                 {"ADVISE": 826, "EFFECT": 1687, "INT": 189, "MECHANISM": 1319}),
    "phee train": ("phee", "phee_clean_brat.tar.xz", "train", {}, 2898, 18044,
                   {"Adverse_Effect": 1, "Adverse_event": 2710, "Combination": 380, "has": 144,
                    "Potential_therapeutic_event": 296, "has_child": 22, "has_cue": 36, "is_a": 1}),
    "phee dev": ("phee", "phee_clean_brat.tar.xz", "dev", {}, 961, 6098,
                 {**EVENTS, "Combination": 152, "has": 54, "has_child": 2, "has_cue": 15}),
    # the JSON has combinations and R lines as arguments of the events
    "phee train json": ("phee", None, "json/train.json", {}, 2898, 18044,
                        {"Adverse_event": 2710, "Potential_therapeutic_event": 296}),
    "phee dev json": ("phee", None, "json/dev.json", {}, 961, 6098, EVENTS),
    # 7,652 mentions, of which 639 have no place in this re-format of the corpus
    "spl": ("spl_adr_200db", None, "demner-fushman-train-labels.json", {}, 239,
            {"AdverseReaction": 7013}, {"AdverseReaction": 639}),
    "meddocan dev": ("meddocan", "meddocan_dev.tar.xz", "corpus/dev/xml", {}, 250, MEDDOCAN_DEV,
                     {}),
    "meddocan dev brat": ("meddocan", "meddocan_dev.tar.xz", "corpus/dev/brat", {}, 250,
                          MEDDOCAN_DEV, {}),
    "meddocan train": ("meddocan", "meddocan_train.tar.xz", "corpus/train/xml", {}, 500, 11333,
                       {}),
    "meddocan train brat": ("meddocan", "meddocan_train.tar.xz", "corpus/train/brat", {}, 500,
                            11333, {}),
    "nubes": ("nubes", "nubes_brat.tar.xz", "NUBes", {}, 503, *NUBES),
    "e3c": ("e3c_english", "e3c_english_layer1.tar.xz", "data_annotation/English/layer1", {}, 36,
            *E3C),
    # discontinuous entities are dropped by its authors: 437 of 463
    "e3c conll": ("e3c_english", None, "iob_train.txt", {"format": "conll"}, 669, {"ety": 437}, {}),
    "i2b2": ("i2b2_sample_cliner", None, ".", {}, 1, {"problem": 28, "test": 13, "treatment": 17},
             {}),
    "medmentions": ("medmentions_sample", None, "med_mentions.txt", {}, 3, 115, {}),
    "mts_dialog train": ("mts_dialog", None, "MTS-Dialog-TrainingSet.csv", SECTION, 1201, 0, {}),
    "mts_dialog dev": ("mts_dialog", None, "MTS-Dialog-ValidationSet.csv", SECTION, 100, 0, {}),
    "mts_dialog test": ("mts_dialog", None, "MTS-Dialog-TestSet-1-MEDIQA-Chat-2023.csv", SECTION,
                        200, 0, {}),
    "aci_bench train": ("aci_bench", None, "train.csv", VISIT, 67, 0, {}),
    "aci_bench dev": ("aci_bench", None, "valid.csv", VISIT, 20, 0, {}),
    "aci_bench test": ("aci_bench", None, "clinicalnlp_taskB_test1.csv", VISIT, 40, 0, {}),
    "mtsamples": ("mtsamples", None, "mtsamples.csv.xz", SAMPLES, 3415, 0, {}),
    "synthea": ("synthea_csv_fhir", "fhir_bundles.tar.xz", "fhir", {}, 74, 0, {}),
}  # fmt: skip


@pytest.fixture(scope="module")
def corpus(data_dir, tmp_path_factory):
    """Give a function from a name in COUNTS to its source."""
    scratch = tmp_path_factory.mktemp("corpora")
    return lambda name: source_of(name, data_dir, scratch)


@pytest.fixture(scope="module")
def notes_of(corpus):
    """Give a function from a name in COUNTS to its notes, read once: many tests ask for them."""
    return cache(lambda name: tuple(corpus(name)))


def source_of(name, data_dir, scratch):
    """Return the source of a corpus, its archive unpacked once below `scratch`."""
    folder, archive, path, options, *_ = COUNTS[name]
    root = data_dir(folder)
    if archive is not None:
        target = scratch / archive
        if not target.exists():
            opener = zipfile.ZipFile if archive.endswith(".zip") else tarfile.open
            with opener(root / archive) as packed:
                packed.extractall(target, **FILTER[opener])
        root = target
    return read_notes(root / path, **options)


FILTER = {zipfile.ZipFile: {}, tarfile.open: {"filter": "data"}}


def labels(notes):
    return dict(sorted(Counter(e.label for note in notes for e in note.entities).items()))


@pytest.mark.parametrize("name", COUNTS)
def test_counts(notes_of, name):
    *_, n_notes, entities, relations = COUNTS[name]
    notes = notes_of(name)
    found = labels(notes)
    assert len(notes) == n_notes
    assert (sum(found.values()) if isinstance(entities, int) else found) == entities
    assert dict(sorted(Counter(r.label for n in notes for r in n.relations).items())) == relations


def test_mtsamples_texts(notes_of):
    assert len({note.text for note in notes_of("mtsamples") if note.text.strip()}) == 1627


# --- forms of one corpus -------------------------------------------------------------------


def said(note, *, relations=True):
    entities = sorted((e.label.upper(), e.pieces, sorted(e.concepts)) for e in note.entities)
    links = sorted(
        (r.label, tuple(r.roles.values()), tuple(r.attributes.values())) for r in note.relations
    )
    return (note.text, entities, links if relations else None)


@pytest.mark.parametrize(
    "names",
    [
        ("biored train", "biored train bioc"),
        ("biored dev", "biored dev bioc", "biored dev json"),
        ("meddocan dev", "meddocan dev brat"),
        ("meddocan train", "meddocan train brat"),
    ],
)
def test_forms_of_a_corpus_are_equal(notes_of, names):
    first, *others = ({note.id: said(note) for note in notes_of(name)} for name in names)
    assert all(other == first for other in others)


def test_ncbi_forms_are_equal_but_for_white_space_in_the_doubled_one(notes_of):
    for split in ("dev", "train"):
        ours, other = (
            {n.id: [(e.span, e.label) for e in n.entities] for n in notes_of(f"ncbi {split}{form}")}
            for form in ("", " brat")
        )
        assert [k for k in ours if ours[k] != other.get(k)] in ([], ["8528200#2"])


def test_phee_forms_are_equal(notes_of):
    for split in ("dev", "train"):
        brat, other = (
            {n.id.rpartition("/")[2]: {(e.id.partition("/")[0], e.pieces) for e in n.entities}
             for n in notes_of(f"phee {split}{form}")}
            for form in ("", " json")
        )  # fmt: skip
        assert brat == other


def test_ddi_forms_are_equal_but_for_white_space(corpus, notes_of):
    root = corpus("ddi").files[0][0]
    brat = {note.id: note for note in notes_of("ddi brat")}
    differ = []
    for path in sorted(root.rglob("*.xml")):
        (note,) = read_notes(path, repair=True)
        name = path.relative_to(root).with_suffix("").as_posix()
        if squeezed(note) != squeezed(brat[name]):
            differ.append(name)
    assert not differ


def squeezed(note):
    """Return text, mentions and relations, offsets without white space."""
    places = [0]
    for character in note.text:
        places.append(places[-1] + (not character.isspace()))
    entities = {
        e.id: (e.label.upper(), *((places[p.start], places[p.end]) for p in e.pieces))
        for e in note.entities
    }
    links = sorted(
        (r.label.upper() or "INT", *(entities[end] for ends in r.roles.values() for end in ends))
        for r in note.relations
    )
    return "".join(note.text.split()), sorted(entities.values()), links


# --- what is wrong in them -----------------------------------------------------------------


def test_what_is_wrong_is_refused_and_repaired_on_request(corpus, data_dir):
    with pytest.raises(
        OffsetError, match=r"Eszopiclone_ddi.xml:180: .*by the rule 'one too early'"
    ):
        list(read_notes(corpus("ddi").files[0][0]))
    source = corpus("ddi")
    list(source)
    assert source.repairs == {"one too early": 1}
    with pytest.raises(OffsetError, match="the mention must be the text"):
        list(read_notes(data_dir("bc5cdr") / f"{GOLD}.BioC.xml"))
    source = corpus("bc5cdr bioc")
    list(source)
    assert source.repairs == {"offset of a passage": 5, "one too early": 1}


def test_the_doubled_pmid_can_be_skipped(data_dir):
    source = read_notes(data_dir("ncbi_disease") / "NCBItrainset_corpus.txt", skip_bad=True)
    assert len(list(source)) == 592
    assert [type(error) for error in source.skipped] == [DataError]


def test_synthea_record(corpus):
    record = read_fhir(corpus("synthea").files[0][0])
    assert (len(record.patients), len(record.encounters)) == (5, 74)
    kinds = Counter(record.events["kind"].tolist())
    assert (kinds["condition"], kinds["drug"]) == (19, 9)
    assert kinds["measurement"] + kinds["observation"] == 578  # 533, some of several components


def test_every_resource_of_synthea_is_accounted_for(corpus):
    """Counted a second way, by parsing the files as plain JSON."""
    folder = corpus("synthea").files[0][0]
    entries = [
        entry["resource"]
        for path in sorted(folder.glob("*.json"))
        for entry in json.loads(path.read_bytes())["entry"]
    ]
    kinds = Counter(resource["resourceType"] for resource in entries)
    record, notes = read_fhir(folder), read_notes(folder)
    of_notes = [note.id for note in notes]
    of_events = {row["source_id"] for row in record.events.rows()}
    assert sorted(of_notes) == sorted(
        r["id"] for r in entries if r["resourceType"] == "DocumentReference"
    )
    assert of_events == {
        r["id"]
        for r in entries
        if r["resourceType"] in ("Condition", "MedicationRequest", "Observation")
    }
    texts = {r["content"][0]["attachment"]["data"] for r in entries if "content" in r}
    forms = [r.get("presentedForm", []) for r in entries if r["resourceType"] == "DiagnosticReport"]
    copies = sum(bool(form) and form[0]["data"] in texts for form in forms)
    not_read = {"CarePlan", "CareTeam", "Claim", "Device", "ExplanationOfBenefit", "ImagingStudy",
                "Immunization", "Location", "Organization", "Practitioner", "PractitionerRole",
                "Procedure", "Provenance"}  # fmt: skip
    assert record.n_excluded == {
        "DiagnosticReport of the same text as a DocumentReference": copies,
        "DiagnosticReport without text": sum(not form for form in forms),
        **{f"{kind} not read": kinds[kind] for kind in not_read},
    }
    n_out = len(record.patients) + len(record.encounters) + len(of_events) + len(of_notes)
    assert len(entries) == n_out + sum(record.n_excluded.values()) == 1816


def test_pddi_cds_is_read_whole(data_dir, tmp_path):
    """FHIR in XML, a resource a file; counted a second way, by Python's own parser of XML."""
    with zipfile.ZipFile(data_dir("pddi_cds") / "pddi_cds.zip") as packed:
        packed.extractall(tmp_path)
    roots = [ET.parse(path).getroot() for path in tmp_path.rglob("*.xml")]
    fhir = "{http://hl7.org/fhir}"
    kinds = Counter(root.tag.removeprefix(fhir) for root in roots)
    record = read_fhir(tmp_path)
    assert len(record.patients) == kinds["Patient"] == 3
    assert record.n_excluded == {
        "Encounter of no patient": kinds["Encounter"],  # they name none
        "Procedure not read": kinds["Procedure"],
        "file without resources": 1,  # settings of CQL
    }
    rows = list(record.events.rows())
    of_events = [r for r in roots if r.tag.removeprefix(fhir) not in (
        "Patient", "Encounter", "Procedure")]  # fmt: skip
    ids = {root.find(f"{fhir}id").get("value"): root for root in of_events}
    assert {row["source_id"] for row in rows} == set(ids)
    assert (len(roots), len(rows)) == (36, 24), "one Observation has two components"
    for row in rows:
        codes = {e.get("value") for e in ids[row["source_id"]].iter(f"{fhir}code")}
        values = {e.get("value") for e in ids[row["source_id"]].iter(f"{fhir}value")}
        assert row["code"].split("=")[0] in codes
        assert row["kind"] != "measurement" or str(row["value"]).removesuffix(".0") in values
    bounds = [(row["code"], row["comparator"], row["value"]) for row in rows if row["comparator"]]
    assert bounds == [("48643-1", ">", 60.0)]


# --- round trips ---------------------------------------------------------------------------

EVERYTHING = ("jsonl", "bioc-xml", "bioc-json", "docbin")
# each corpus in turn; scripts/bench formats --round-trips takes all of all
WHOLE = ("ncbi dev", "biored dev bioc", "e3c", "i2b2", "aci_bench dev")
SOME = ("bc5cdr dev", "ncbi dev brat", "biored dev bioc", "ddi", "phee dev", "meddocan dev",
        "nubes", "e3c", "i2b2", "aci_bench dev", "ncbi dev conll", "spl")  # fmt: skip
OWN = {"bc5cdr dev": "pubtator", "ncbi train": "pubtator", "biored dev": "pubtator",
       "ncbi dev brat": "brat", "phee dev": "brat", "nubes": "brat", "ddi": "ddi",
       "meddocan dev": "i2b2-xml", "i2b2": "i2b2", "ncbi dev conll": "conll",
       "e3c conll": "conll", "biored dev bioc": "bioc-xml", "biored dev json": "bioc-json",
       "mts_dialog train": "csv", "mtsamples": "parquet"}  # fmt: skip


def fits_pubtator(note):
    """Return whether the text is a title and an abstract."""
    return note.text.count("\n") < 2 and "\r" not in note.text


def check_back(notes, path, format, **options):
    assert write_notes(notes, path, format=format, **options) == len(notes)
    back = read_notes(path, format=format)
    if FORMATS[format].in_folder:
        assert {n.id: n for n in back} == {n.id: n for n in notes}
    else:
        assert list(back) == notes


@pytest.mark.parametrize(("name", "format"), OWN.items())
def test_each_comes_back_in_its_own_format(notes_of, tmp_path, name, format):
    check_back(list(notes_of(name)), tmp_path / "out", format)


@pytest.mark.parametrize("name", WHOLE)
def test_each_comes_back_in_the_formats_that_hold_everything(notes_of, tmp_path, name):
    notes = list(notes_of(name))
    for form in EVERYTHING:
        check_back(notes, tmp_path / form, form)


@pytest.mark.parametrize("name", SOME)
def test_each_comes_back_with_a_sidecar_in_the_others(notes_of, tmp_path, name):
    notes = list(notes_of(name)[:6])
    others = set(FORMATS) - set(EVERYTHING) - {"omop"}  # whose ids are numbers
    for form in sorted(f for f in others if FORMATS[f].write is not None):
        some = [note for note in notes if form != "pubtator" or fits_pubtator(note)]
        check_back(some, tmp_path / form, form, on_loss="sidecar")


@pytest.mark.parametrize("name", ["bc5cdr train", "bc5cdr dev"])
def test_a_chain_of_formats_gives_back_bc5cdr(notes_of, tmp_path, name):
    notes = list(notes_of(name))
    steps = ("pubtator", "bioc-xml", "brat", "jsonl", "docbin", "pubtator")
    now = notes
    for k, form in enumerate(steps):
        path = tmp_path / f"{k}"
        write_notes(now, path, format=form, on_loss="sidecar")
        now = read_notes(path, format=form)
    assert {note.id: note for note in now} == {note.id: note for note in notes}
    written = (tmp_path / "5").read_text().split("\n\n")
    assert sorted(written) == sorted((tmp_path / "0").read_text().split("\n\n"))
