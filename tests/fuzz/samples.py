"""What is mutated: small whole inputs of every reader, with words in them that nobody may see.

A sample is a file or a folder of files. The text of its notes, the ids of its patients and the free
words of its tables hold a word of `CANARIES`; what a fault, a stream or a stray file says of an
input must hold none.
"""

import base64
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.notes import Note
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.formats import FORMATS
from clinnlp.io.notes.index import NoteIndex
from clinnlp.io.record.events import write_events
from clinnlp.io.tables.mentions import write_entity_table
from clinnlp.io.tables.parts import PartWriter
from tests.common.format_samples import (
    BROKEN,
    BROKEN_FOLDERS,
    CANARY,
    CLOSING,
    DESCRIBED,
    DISCONTINUOUS,
    FOLDERS,
    FULL,
    GOOD,
    LINK,
    META,
    TEXT,
)
from tests.unit.io.record.fhir_files import xml_of
from tests.unit.io.tables.terminologies import releases

__all__ = ["CANARIES", "PATIENT", "Sample", "load_samples", "write_samples"]

PATIENT = "Quokkahill"
# in small letters; the last are these words as base64, as FHIR holds text
CANARIES = (
    CANARY.lower(),
    PATIENT.lower(),
    base64.b64encode(CANARY.encode()).decode().rstrip("=").lower(),
)


class Sample(NamedTuple):
    """The files of an input by their place in a folder, and the one that is read, or ``""``."""

    main: str
    files: dict[str, bytes]


FAERS = {
    "ascii/DEMO20Q1.txt": [
        "primaryid$caseid$caseversion$event_dt$fda_dt",
        "1001$100$1$20200105$20200110",
        "1002$100$2$202001$20200210",
        "2001$200$1$$20200111",
        "3001$300$1$$20200111",
    ],
    "ascii/DRUG20Q1.txt": [
        "primaryid$caseid$drug_seq$role_cod$drugname$prod_ai$dose_vbm$dose_amt$dose_unit",
        "1001$100$1$PS$OLD NAME$OLD$$$",
        f"1002$100$1$PS$PERCOCET$ACETAMINOPHEN\\OXYCODONE${CANARY} 10 MG$10$MG",
        "1002$100$2$C$Aspirin  forte$$$5$MG",
        "2001$200$1$I$WARFARIN$WARFARIN SODIUM$$$",
    ],
    "ascii/REAC20Q1.txt": ["primaryid$caseid$pt$drug_rec_act", "1002$100$Nausea$", "2001$200$$"],
    "ascii/INDI20Q1.txt": ["primaryid$caseid$indi_drug_seq$indi_pt", "1002$100$1$Back pain"],
    "deleted/ADR20Q1DeletedCases.txt": ["300"],
}
MIMIC = {
    "PATIENTS.csv": f"row_id,subject_id,gender,dob\n1,{PATIENT},F,2100-03-05 00:00:00\n",
    "ADMISSIONS.csv": "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,ethnicity\n"
    f"{PATIENT},70,2164-10-23 21:09:00,2164-11-01 17:15:00,,EMERGENCY,WHITE\n",
    "DIAGNOSES_ICD.csv": f"row_id,subject_id,hadm_id,seq_num,icd9_code\n5,{PATIENT},70,1,99591\n",
    "PRESCRIPTIONS.csv": "row_id,subject_id,hadm_id,startdate,enddate,drug,dose_val_rx,"
    f"dose_unit_rx\n9,{PATIENT},70,2164-10-24 00:00:00,2164-10-29 00:00:00,Aspirin  EC,81,mg\n",
}
MIMIC_4 = {
    "hosp/patients.csv": "subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod\n"
    f"{PATIENT},F,52,2180,2014 - 2016,2181-01-01\n",
    "hosp/admissions.csv": "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,race\n"
    f"{PATIENT},900,2180-05-06 22:23:00,2180-05-09 17:15:00,,URGENT,WHITE\n",
    "hosp/diagnoses_icd.csv": "subject_id,hadm_id,seq_num,icd_code,icd_version\n"
    f"{PATIENT},900,1,K7290,10\n",
    "hosp/labevents.csv": "labevent_id,subject_id,hadm_id,itemid,charttime,storetime,value,"
    "valuenum,valueuom,ref_range_lower,ref_range_upper\n"
    f"1,{PATIENT},900,50912,2180-05-07 06:00:00,2180-05-07 07:30:00,<0.5,,mg/dL,0.4,1.1\n"
    f"2,{PATIENT},900,50912,2180-05-07 06:00:00,,{CANARY},1.2,mg/dL,,\n",
    "note/radiology.csv": "note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text\n"
    f"10-RR-1,{PATIENT},900,RR,1,2180-05-07 02:00:00,,No {CANARY}.\n",
}
SYNTHEA = {
    "patients.csv": "Id,BIRTHDATE,DEATHDATE,RACE,GENDER\n"
    f"{PATIENT},1960-05-01,2020-02-01,white,F\n",
    "encounters.csv": "Id,START,STOP,PATIENT,ENCOUNTERCLASS\n"
    f"e,2020-01-01T08:00:00Z,2020-01-03T09:30:00Z,{PATIENT},inpatient\n",
    "conditions.csv": f"START,STOP,PATIENT,ENCOUNTER,CODE\n2020-01-01,,{PATIENT},e,44054006\n",
    "medications.csv": "START,STOP,PATIENT,ENCOUNTER,CODE\n"
    f"2020-01-01T10:00:00+02:00,2020-01-08T10:00:00+02:00,{PATIENT},e,860975\n",
    "observations.csv": "DATE,PATIENT,ENCOUNTER,CODE,VALUE,UNITS,TYPE\n"
    f"2020-01-01T09:00:00Z,{PATIENT},e,8302-2,170.5,cm,numeric\n"
    f"2020-01-01T09:00:00Z,{PATIENT},e,72166-2,{CANARY},,text\n",
}
OMOP = {
    "PERSON.csv": "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth\n"
    f"{PATIENT},8532,1950,2,3\n2,0,1960,,\n",
    "VISIT_OCCURRENCE.csv": "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,"
    f"visit_end_datetime\n9,{PATIENT},9201,2024-01-01,2024-01-05T10:00:00\n",
    "DRUG_EXPOSURE.csv": "person_id,visit_occurrence_id,drug_concept_id,drug_source_value,"
    f"drug_exposure_start_date\n{PATIENT},9,1125315,{CANARY},2024-01-02\n",
    "CONDITION_OCCURRENCE.csv": "person_id,visit_occurrence_id,condition_concept_id,"
    f"condition_start_datetime\n{PATIENT},9,316866,2024-01-02T08:00:00\n",
    "MEASUREMENT.csv": "person_id,visit_occurrence_id,measurement_concept_id,measurement_date,"
    "operator_concept_id,value_as_number,range_low,value_source_value\n"
    f"{PATIENT},9,3004501,2024-01-02,4171756,5,1.5,{CANARY}\n",
    "DEATH.csv": f"person_id,death_date\n{PATIENT},2024-03-01\n",
}
_WHO = {"reference": f"Patient/{PATIENT}"}
FHIR = [
    {"resourceType": "Patient", "id": PATIENT, "birthDate": "1950", "gender": "female"},
    {"resourceType": "Encounter", "id": "e1", "subject": _WHO,
     "period": {"start": "2024-03-01T00:00:00Z"}},
    {"resourceType": "Condition", "id": "c1", "subject": _WHO,
     "code": {"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}], "text": CANARY},
     "onsetDateTime": "2020-01-01", "recordedDate": "2024-03-01T12:00:00+02:00"},
    {"resourceType": "MedicationRequest", "id": "m1", "subject": _WHO, "authoredOn": "2024-03-01",
     "medicationCodeableConcept": {"coding": [{"system": "x", "code": "198405"}]},
     "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": 2, "unit": "mg"}}]}]},
    {"resourceType": "Observation", "id": "o1", "subject": _WHO, "issued": "2024-03-02",
     "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
     "valueQuantity": {"value": 120, "unit": "mmHg"}, "note": [{"text": CANARY}]},
    {"resourceType": "MedicationAdministration", "id": "a1", "subject": _WHO, "status": "completed",
     "medicationReference": {"reference": "#m"}, "effectivePeriod": {"start": "2024-03-01"},
     "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": CANARY}}]},
    {"resourceType": "DiagnosticReport", "id": "r1", "subject": _WHO, "status": "final",
     "meta": {"versionId": "2", "lastUpdated": "2024-03-01T12:00:00Z"}, "conclusion": CANARY,
     "presentedForm": [{"contentType": "text/html; charset=utf-8", "data": "PGI+bm88L2I+"}]},
    {"resourceType": "Composition", "id": "k1", "subject": _WHO, "date": "2024-03-01",
     "section": [{"title": "Plan", "text": {"div": f"<div><p>{CANARY}</p></div>"}}]},
]  # fmt: skip
TABLES = {
    "events-csv": "patient,encounter,start,end,known,code,vocabulary,kind,value,unit,dose\n"
    f"{PATIENT},e,2024-01-01,2024-01-03T10:00:00+02:00,2024-01-01,x,RxNorm,drug,1.5,mg,{CANARY}\n"
    f"{PATIENT}2,,2024-01-01,,,y,MedDRA,outcome,,,\n",
    "patients": "patient,birth_date,sex,ethnicity,site\n"
    f"{PATIENT},1950-02-03,F,white,a\n{PATIENT}2,,,,\n",
    "outcome": "patient,index_time,outcome,time\n"
    f"{PATIENT},2024-01-01,1,2024-02-01\n{PATIENT}2,2024-01-01T10:00:00Z,0,\n",
    "wide": f"id,rash,fever,cough\n{PATIENT},yes,no,1\n{PATIENT}2,0,x,?\n",
}
WORDS = {
    "vocabulary": "code,system,name,synonyms,label\nd1,RxNorm,lisinopril,Prinivil|Zestril,Drug\n"
    "p1,,fever,pyrexia,Problem\n",
    "drugbank": "DrugBank ID,Accession Numbers,Common name,CAS,UNII,Synonyms,Standard InChI Key\n"
    "DB1,B1,Lepirudin,1-2,Y4,Hirudin | Desulfatohirudin,\n",
    "icd10cm": "code,short,long\nA00,Cholera,Cholera due to Vibrio\n",
}
CONCEPTS = {
    "CONCEPT.csv": "concept_id\tconcept_name\tdomain_id\tvocabulary_id\tstandard_concept\t"
    "invalid_reason\n1\tfever\tCondition\tSNOMED\tS\t\n",
    "CONCEPT_SYNONYM.csv": "concept_id\tconcept_synonym_name\n1\tpyrexia\n",
}
CUES = (
    "# cues\ncue\taxis\tdirection\tkind\tscope\tsource\nwas | were\tbe\t\tword\t\t\n"
    "no\tnegated\tforward\t\t\town\n{be} not {be?} seen\tnegated\tbackward\t\t5\t\n"
    "no increase\tnegated\t\tpseudo\t\t\nbut\t*\tboth\tterminator\t\t\n"
    "negative\tnegated\tphrase\t\t\t\n"
)
HEADINGS = "heading\tkind\twithin\nchief complaint\tchief_complaint\t\nplan\tplan\thistory\n"
PRIORS = "kind\taxis\twhen\tsource\nplan\thypothetical\talways\town\nhistory\thistorical\tcue\t\n"
TERMS = "term\tfield\tvalue\ntablet\tform\t\nmg\tunit\tmg\nby mouth\troute\toral\n"
SETTINGS = 'unit = "note"\nmin_count = 3\nalpha = 0.05\nstrict = false\nlabel = ["Drug"]\n'


def write_samples(folder: Path) -> None:
    """Write every sample to a folder of its own below `folder`."""
    for name in FORMATS:
        _write_notes(name, folder)
    texts = {f"{name}/a.csv": text for name, text in (TABLES | WORDS).items()}
    folders = {"mimic": MIMIC, "mimic-4": MIMIC_4, "synthea": SYNTHEA, "omop-record": OMOP,
               "concepts": CONCEPTS}  # fmt: skip
    for name, tables in folders.items():
        texts |= {f"{name}/{file}": text for file, text in tables.items()}
    texts |= {f"faers/{name}": "\r\n".join(lines) + "\r\n" for name, lines in FAERS.items()}
    texts |= {"cues/cues.tsv": CUES, "headings/headings.tsv": HEADINGS, "priors/p.tsv": PRIORS,
              "terms/terms.tsv": TERMS, "settings/mine.toml": SETTINGS}  # fmt: skip
    entries = [{"resource": resource} for resource in FHIR]
    texts["fhir-record/b.json"] = json.dumps({"resourceType": "Bundle", "entry": entries})
    texts["fhir-xml/b.xml"] = xml_of({"resourceType": "Bundle", "entry": entries}, top=True)
    texts["fhir-lines/b.ndjson"] = "".join(json.dumps(one) + "\n" for one in FHIR)
    for name, text in texts.items():
        _put(folder / name, text)
    _write_packed(folder)
    _write_terminologies(folder)
    _write_tables(folder)
    _write_beside(folder)


def load_samples(folder: Path) -> dict[str, Sample]:
    """Return the samples that `write_samples` and others wrote below a folder, by name."""
    return {one.name: _loaded(one) for one in sorted(folder.iterdir()) if one.is_dir()}


def _loaded(folder: Path) -> Sample:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    alone = [name for name in files if f"{name}.sidecar.jsonl" in files] or list(files)
    return Sample(alone[0] if len(alone) == 1 else "", files)


def _put(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8", "surrogateescape"))


def _write_notes(name: str, folder: Path) -> None:
    """Write notes that fill a format, a document made by hand, and those known to be broken."""
    suffix = (FORMATS[name].suffixes or (f".{name}",))[0]
    if name in FULL:
        target = folder / f"{name}-full" / ("" if name in FOLDERS else f"a{suffix}")
        target.parent.mkdir(exist_ok=True)
        write_notes([FULL[name]], target, format=name)
    if name in GOOD:
        tails = ["", *(tail for tail, _, _ in BROKEN[name])]
        for k, tail in enumerate(tails):
            content = GOOD[name] + tail + CLOSING.get(name, "")
            _put(folder / f"{name}-{k}" / f"a{suffix}", content)
    if name in FOLDERS:
        more = [{}, *(files for files, _, _, _ in BROKEN_FOLDERS[name])]
        for k, files in enumerate(more):
            for file, content in {**FOLDERS[name], **files}.items():
                _put(folder / f"{name}-{k}" / file, content)


def _write_packed(folder: Path) -> None:
    (folder / "faers-zip").mkdir()
    (folder / "wide-zip").mkdir()
    with zipfile.ZipFile(folder / "faers-zip" / "faers_ascii_2020q1.zip", "w") as packed:
        for name, lines in FAERS.items():
            packed.writestr(zipfile.ZipInfo(name), "\r\n".join(lines) + "\r\n")
    with zipfile.ZipFile(folder / "wide-zip" / "wide.zip", "w") as packed:
        packed.writestr(zipfile.ZipInfo("wide.csv"), TABLES["wide"])


def _write_terminologies(folder: Path) -> None:
    releases.write_rxnorm(folder / "terminology-rxnorm")
    releases.write_umls(folder / "terminology-umls")
    releases.write_snomed(folder / "terminology-snomed")
    releases.write_loinc(folder / "terminology-loinc")
    alone = {"mesh/desc.xml": releases.MESH_XML, "ascii/d2025.bin": releases.MESH_ASCII,
             "atc/atc.csv": releases.ATC}  # fmt: skip
    for name, text in alone.items():
        _put(folder / f"terminology-{name}", text)


def _write_tables(folder: Path) -> None:
    when = datetime(2024, 1, 1)
    events = EventTable.from_rows(
        [{"patient": PATIENT, "code": "x", "kind": "drug", "start": when, "known": when,
          "value": 1.5, "dose": CANARY}] * 3
    )  # fmt: skip
    mentions = EntityTable.from_rows(
        [{"note": "n", "patient": PATIENT, "label": label, "text": CANARY, "start": 0, "end": 11,
          "n_concepts": 0, "known": when} for label in ("Drug", "Problem")]
    )  # fmt: skip
    for name, table, write in (("events", events, write_events),
                               ("entities", mentions, write_entity_table)):  # fmt: skip
        for suffix in ("csv", "tsv", "parquet"):
            (folder / f"{name}-made-{suffix}").mkdir()
            write(table, folder / f"{name}-made-{suffix}" / f"a.{suffix}")
        write(table, folder / f"{name}-parts")
    with PartWriter(folder / "entities-begun", settings={"model": "m"}, notes_per_part=1) as parts:
        parts.add("n", mentions)


def _write_beside(folder: Path) -> None:
    """Write formats with a sidecar, and an index of notes beside its notes."""
    note = Note(id="a", text=TEXT, **META, entities=(DESCRIBED, DISCONTINUOUS), relations=(LINK,))
    for name in ("pubtator", "csv", "conll", "brat"):
        suffix = (FORMATS[name].suffixes or ("",))[0]
        (folder / f"sidecar-{name}").mkdir()
        target = folder / f"sidecar-{name}" / f"a{suffix}"
        write_notes([note], target, format=name, on_loss="sidecar")
    (folder / "index").mkdir()
    write_notes([FULL["jsonl"]], folder / "index" / "a.jsonl")
    NoteIndex.build(read_notes(folder / "index" / "a.jsonl")).save(folder / "index" / "i.parquet")
