"""Small releases in the layouts of their publishers; codes and rows invented."""

from pathlib import Path

RXNCONSO = """\
100|ENG||||||A1|||100|RXNORM|IN|100|simvastatin||N|4096|
100|ENG||||||A2|||100|ATC|PT|C10AA01|Simvastatin||N||
100|ENG||||||A3|||100|MTHSPL|SU|X|old simvastatin||O||
100|SPA||||||A4|||100|MSHSPA|PT|X|simvastatina||N||
101|ENG||||||A5|||101|RXNORM|BN|101|Zocor||N|4096|
101|ENG||||||A6|||101|RXNORM|SY|101|Zocor brand||N||
102|ENG||||||A7|||102|RXNORM|PIN|102|simvastatin sodium||N||
103|ENG||||||A8|||103|RXNORM|IN|103|ezetimibe||N||
104|ENG||||||A9|||104|RXNORM|BN|104|Vytorin||N||
105|ENG||||||B1|||105|RXNORM|MIN|105|ezetimibe / simvastatin||N||
106|ENG||||||B2|||106|RXNORM|SCD|106|simvastatin 20 MG Oral Tablet||N||
107|ENG||||||B3|||107|RXNORM|SCDC|107|simvastatin 20 MG||N||
108|ENG||||||B4|||108|RXNORM|IN|108|gonedrug||O||
"""
RXNREL = """\
100||CUI|RN|101||CUI|tradename_of|1||RXNORM|||||4096|
101||CUI|RB|100||CUI|has_tradename|2||RXNORM|||||4096|
100||CUI|RN|102||CUI|form_of|3||RXNORM|||||4096|
100||CUI|RN|104||CUI|tradename_of|4||RXNORM|||||4096|
103||CUI|RN|104||CUI|tradename_of|5||RXNORM|||||4096|
100||CUI|RB|105||CUI|has_part|6||RXNORM|||||4096|
103||CUI|RB|105||CUI|has_part|7||RXNORM|||||4096|
107||CUI|RO|106||CUI|consists_of|8||RXNORM|||||4096|
100||CUI|RO|107||CUI|has_ingredient|9||RXNORM|||||4096|
"""
RXNSAT = """\
106||||CUI|106|AT1||NDC|RXNORM|00006074031|N|4096|
106||||CUI|106|AT2||NDC|MTHSPL|99999999999|N||
106||||CUI|106|AT3||NDC|RXNORM|00006074032|O||
106||||CUI|106|AT4||RXN_HUMAN_DRUG|RXNORM|US|N|4096|
"""
MRCONSO = """\
C0000001|ENG|S|L1|PF|S1|Y|A1||||SRC_A|SY|1|Heart attack|0|N||
C0000001|ENG|P|L2|PF|S2|Y|A2||||SRC_A|PT|1|Myocardial infarction|0|N||
C0000001|ENG|S|L3|PF|S3|Y|A3||||SRC_B|SY|1|MI|0|N||
C0000001|SPA|P|L4|PF|S4|Y|A4||||SRC_C|PT|1|Infarto de miocardio|0|N||
C0000001|ENG|S|L5|PF|S5|Y|A5||||SRC_A|OP|1|Cardiac infarction NOS|0|O||
C0000002|ENG|P|L6|PF|S6|Y|A6||||SRC_A|PT|2|Heart disease|0|N||
C0000003|ENG|P|L7|PF|S7|Y|A7||||SRC_B|PT|3|Aspirin|0|N||
C0000004|ENG|P|L8|PF|S8|Y|A8||||SRC_B|PT|4|Walking|0|N||
"""
MRSTY = """\
C0000001|T047|B2|Disease or Syndrome|AT1||
C0000002|T047|B2|Disease or Syndrome|AT2||
C0000003|T109|A1|Organic Chemical|AT3||
C0000003|T121|A1|Pharmacologic Substance|AT4||
C0000004|T056|B1|Daily or Recreational Activity|AT5||
"""
MRREL = """\
C0000001|A2|AUI|PAR|C0000002|A6|AUI|inverse_isa|R1||SRC_A|SRC_A|||N||
C0000002|A6|AUI|CHD|C0000001|A2|AUI|isa|R2||SRC_A|SRC_A|||N||
C0000001|A2|AUI|RO|C0000003|A7|AUI|may_be_treated_by|R3||SRC_B|SRC_B|||N||
C0000003|A7|AUI|PAR|C9999999|A9|AUI||R4||SRC_B|SRC_B|||N||
"""
_CORE, _ROOT = "900000000000207008", "138875005"
US, GB = "900000000000509007", "900000000000508004"
FULL, SYNONYM = "900000000000003001", "900000000000013009"
PREFERRED, ACCEPTABLE = "900000000000548007", "900000000000549004"


def write_rxnorm(folder: Path) -> Path:
    (folder / "rrf").mkdir(parents=True)
    for name, text in (("RXNCONSO", RXNCONSO), ("RXNREL", RXNREL), ("RXNSAT", RXNSAT)):
        (folder / "rrf" / f"{name}.RRF").write_text(text, encoding="utf-8")
    return folder


def write_umls(folder: Path) -> Path:
    (folder / "META").mkdir(parents=True)
    for name, text in (("MRCONSO", MRCONSO), ("MRSTY", MRSTY), ("MRREL", MRREL)):
        (folder / "META" / f"{name}.RRF").write_text(text, encoding="utf-8")
    return folder


def write_snomed(folder: Path) -> Path:
    """Write concepts 1 (root), 2 (disorder), 3 (below 2), 4 (inactive), 5 (substance)."""
    terminology = folder / "Snapshot" / "Terminology"
    language = folder / "Snapshot" / "Refset" / "Language"
    terminology.mkdir(parents=True)
    language.mkdir(parents=True)
    concepts = [("1", "1"), ("2", "1"), ("3", "1"), ("4", "0"), ("5", "1")]
    _tabs(
        terminology / "sct2_Concept_Snapshot_INT_20240101.txt",
        "id effectiveTime active moduleId definitionStatusId",
        [(code, "20240101", flag, _CORE, "0") for code, flag in concepts],
    )
    terms = [
        ("d1", "1", "1", "en", FULL, "Clinical finding (finding)"),
        ("d2", "1", "1", "en", SYNONYM, "Clinical finding"),
        ("d3", "1", "2", "en", FULL, "Anaemia (disorder)"),
        ("d4", "1", "2", "en", SYNONYM, "Anaemia"),
        ("d5", "1", "2", "en", SYNONYM, "Anemia"),
        ("d6", "0", "2", "en", SYNONYM, "Bloodlessness"),
        ("d7", "1", "3", "en", FULL, "Iron deficiency anaemia (disorder)"),
        ("d8", "1", "3", "en", SYNONYM, 'Iron deficiency "anaemia"'),
        ("d9", "1", "4", "en", FULL, "Gone (disorder)"),
        ("d10", "1", "5", "en", FULL, "Iron (substance)"),
    ]
    _descriptions(terminology / "sct2_Description_Snapshot-en_INT_20240101.txt", terms)
    spanish = [("s1", "1", "2", "es", SYNONYM, "anemia ferrosa"), ("s2", "1", "2", "es", FULL,
               "anemia (trastorno)")]  # fmt: skip
    _descriptions(terminology / "sct2_Description_Snapshot-es_INT_20240101.txt", spanish)
    preferred = [("d2", US), ("d4", GB), ("d5", US), ("d8", US)]
    _tabs(
        language / "der2_cRefset_LanguageSnapshot-en_INT_20240101.txt",
        "id effectiveTime active moduleId refsetId referencedComponentId acceptabilityId",
        [("r", "20240101", "1", _CORE, refset, term, PREFERRED) for term, refset in preferred]
        + [("r", "20240101", "1", _CORE, US, "d4", ACCEPTABLE)],
    )
    relations = [("1", "2", "1", "116680003"), ("1", "3", "2", "116680003"),
                 ("0", "3", "5", "116680003"), ("1", "3", "5", "363698007"),
                 ("1", "5", "4", "116680003")]  # fmt: skip
    _tabs(
        terminology / "sct2_Relationship_Snapshot_INT_20240101.txt",
        "id effectiveTime active moduleId sourceId destinationId relationshipGroup typeId "
        "characteristicTypeId modifierId",
        [("x", "20240101", flag, _CORE, child, parent, "0", kind, "c", "m")
         for flag, child, parent, kind in relations],
    )  # fmt: skip
    return folder


def _descriptions(path: Path, rows) -> None:
    _tabs(
        path,
        "id effectiveTime active moduleId conceptId languageCode typeId term caseSignificanceId",
        [(i, "20240101", flag, _CORE, code, tongue, kind, term, "c")
         for i, flag, code, tongue, kind, term in rows],
    )  # fmt: skip


def _tabs(path: Path, header: str, rows) -> None:
    lines = ["\t".join(header.split()), *("\t".join(row) for row in rows)]
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8", newline="")


MESH_XML = """\
<?xml version="1.0"?>
<!DOCTYPE DescriptorRecordSet SYSTEM "https://www.nlm.nih.gov/databases/dtd/nlmdescriptor.dtd">
<DescriptorRecordSet LanguageCode="eng">
<DescriptorRecord DescriptorClass="1">
  <DescriptorUI>D1</DescriptorUI>
  <DescriptorName><String>Anemia</String></DescriptorName>
  <TreeNumberList><TreeNumber>C15.378.071</TreeNumber></TreeNumberList>
  <ConceptList><Concept PreferredConceptYN="Y"><ConceptUI>M1</ConceptUI>
    <ConceptName><String>Anemia</String></ConceptName>
    <TermList><Term><TermUI>T1</TermUI><String>Anemia</String></Term></TermList>
  </Concept></ConceptList>
</DescriptorRecord>
<DescriptorRecord DescriptorClass="1">
  <DescriptorUI>D2</DescriptorUI>
  <DescriptorName><String>Anemia, Iron-Deficiency</String></DescriptorName>
  <TreeNumberList><TreeNumber>C15.378.071.196</TreeNumber><TreeNumber>C18.452</TreeNumber>
  </TreeNumberList>
  <ConceptList><Concept PreferredConceptYN="Y"><ConceptUI>M2</ConceptUI>
    <TermList><Term><TermUI>T2</TermUI><String>Anemia, Iron-Deficiency</String></Term>
    <Term><TermUI>T3</TermUI><String>Iron-Deficiency Anemia</String></Term></TermList>
  </Concept><Concept PreferredConceptYN="N"><ConceptUI>M3</ConceptUI>
    <TermList><Term><TermUI>T4</TermUI><String>Sideropenia</String></Term></TermList>
  </Concept></ConceptList>
</DescriptorRecord>
<DescriptorRecord DescriptorClass="1">
  <DescriptorUI>D3</DescriptorUI>
  <DescriptorName><String>Iron</String></DescriptorName>
  <TreeNumberList><TreeNumber>D01.552</TreeNumber></TreeNumberList>
</DescriptorRecord>
</DescriptorRecordSet>
"""
MESH_ASCII = """\
*NEWRECORD
RECTYPE = D
MH = Anemia
MN = C15.378.071
MS = A reduction in the number of red cells.
UI = D1

*NEWRECORD
RECTYPE = D
MH = Anemia, Iron-Deficiency
PRINT ENTRY = Iron-Deficiency Anemia|T047|NON|EQV|NLM (1966)|660101|IRON DEFIC ANEMIA|abcdefv
ENTRY = Sideropenia
MN = C15.378.071.196
MN = C18.452
UI = D2

*NEWRECORD
RECTYPE = D
MH = Iron
MN = D01.552
UI = D3
"""
LOINC = (
    '"LOINC_NUM","COMPONENT","PROPERTY","TIME_ASPCT","SYSTEM","SCALE_TYP","METHOD_TYP","CLASS",'
    '"STATUS","CONSUMER_NAME","RELATEDNAMES2","SHORTNAME","LONG_COMMON_NAME","DisplayName"\n'
    '"11-1","Glucose","MCnc","Pt","Bld","Qn","","CHEM","ACTIVE","Glucose, Blood","Chem; Blood",'
    '"Glucose Bld-mCnc","Glucose [Mass/volume] in Blood","Glucose [Mass/Vol]"\n'
    '"12-9","Glucose","MCnc","Pt","Ser","Qn","","CHEM","DEPRECATED","","","x","Old ""glucose""",\n'
)
LOINC_HIERARCHY = (
    "PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT\n"
    ",1,,LP1-1,Laboratory\nLP1-1,1,LP1-1,LP2-2,Chemistry\nLP1-1.LP2-2,1,LP2-2,11-1,Glucose Bld\n"
)
ATC = (
    "ATC code,ATC level name,DDD,Uom,Adm.R,Note\n"
    "C,Cardiovascular system,,,,\nC10,Lipid modifying agents,,,,\n"
    'C10A,"Lipid modifying agents, plain",,,,\nC10AA,HMG CoA reductase inhibitors,,,,\n'
    "C10AA01,simvastatin,30,mg,O,\nC10AA01,simvastatin,15,mg,P,\nN02BA01,acetylsalicylic acid,,,,\n"
)  # fmt: skip


def write_loinc(folder: Path) -> Path:
    (folder / "LoincTable").mkdir(parents=True)
    (folder / "LoincTable" / "Loinc.csv").write_text(LOINC, encoding="utf-8")
    hierarchy = folder / "AccessoryFiles" / "ComponentHierarchyBySystem"
    hierarchy.mkdir(parents=True)
    (hierarchy / "ComponentHierarchyBySystem.csv").write_text(LOINC_HIERARCHY, encoding="utf-8")
    return folder
