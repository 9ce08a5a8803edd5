"""For every format: a note that fills it, a good document, and what is wrong in broken ones."""

import base64
from datetime import datetime

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.notes import Assertion, Coverage, Entity, Note, Relation, Section
from clinnlp.core.spans import Span
from tests.common import tool_samples

CANARY = "Zebraperson"
DATA = base64.b64encode(CANARY.encode()).decode()
ENDS = "</sentence></document>"


def bioc_xml(inside):
    return (
        f"<document><id>b</id>\n<passage><offset>0</offset><text>{CANARY}</text>"
        f"<annotation>{inside}</annotation></passage></document>"
    )


def bioc_json(inside):
    return (
        f',{{"id": "b", "passages": [{{"offset": 0, "text": "{CANARY}",'
        f'"annotations": [{{{inside}}}]}}]}}\n'
    )


def phee(text, start):
    return (
        f'{{"id": "b", "context": "{CANARY}", "annotations": [{{"events": [{{"event_id": "E1", '
        f'"event_type": "A", "Trigger": {{"text": {text}, "start": {start}, '
        '"entity_id": ["T1"]}}]}]}\n'
    )


def spl(event):
    return (
        f', {{"label_id": "b", "section_name": "s", "section_text": "{CANARY}", '
        f'"adverse_events": [{event}]}}\n'
    )


def fhir(inside):
    return f', {{"resource": {{"resourceType": "DocumentReference", "id": "b", {inside}}}}}\n'


TEXT = f"{CANARY} had naïve 💊 fever"  # code points: 0-11, 12-15, 16-21, 22-23, 24-29


def entity(id, start, end, label="Drug", **more):
    return Entity(id=id, span=Span(start, end), label=label, **more)


DISCONTINUOUS = entity("T2", 0, 15, "Effect", parts=(Span(0, 11), Span(12, 15)))
META = {
    "patient": "p1",
    "encounter": "e1",
    "time": datetime(2024, 3, 1, 8),
    "known": datetime(2024, 3, 5, 12, 30),
    "kind": "discharge",
    "labels": ("cardiology",),
}
DESCRIBED = entity(
    "T1",
    16,
    23,
    concepts=("D1", "MeSH:D2"),
    assertion=Assertion(negated=True, historical=False, cues={"negated": Span(12, 15)}),
    attributes={"dose": "10 mg", "n": 2, "prn": True, "negated": "maybe", "AnnotatorNotes": "why?"},
    score=0.98,
    source="tagger",
)
LINK = Relation(
    id="R1",
    label="Causes",
    roles={"drug": ("T1",), "effect": ("T2",)},
    attributes={"sure": True},
    score=0.5,
    source="linker",
)
CONCEPT_LINK = Relation(
    id="R1", label="CID", roles={"Arg1": ("D1",), "Arg2": ("D2",)}, attributes={"novelty": "No"}
)
TOKENS = (Span(0, 11), Span(12, 15), Span(16, 21), Span(22, 23), Span(24, 29))

# per format: a note that fills everything the format holds
FULL = {
    "jsonl": Note(
        id="a",
        text=TEXT + "\r\n",
        **META,
        tokens=TOKENS,
        sections=(Section(span=Span(0, 31), kind="plan", heading=Span(0, 11)),),
        sentences=(Span(0, 29),),
        entities=(DESCRIBED, DISCONTINUOUS, entity("x", 0, 29)),
        relations=(LINK, CONCEPT_LINK.__class__(id="R2", label="none", roles={})),
        coverage=Coverage(n_seen=4, n_total=5, n_new=2, n_new_pairs=3, unlike=True),
    ),
    "pubtator": Note(
        id="a",
        text="Title 💊\n" + TEXT,
        entities=(
            entity("T1", 6, 7, concepts=("D1", "D2"), attributes={"mentions": "one|two"}),
            entity("T2", 0, 19, "Effect"),
            entity("T3", 0, 19, "Effect", concepts=("p|SUB|E|333|D", "D3")),
        ),
        relations=(CONCEPT_LINK,),
        labels=("cardiology", "Species:9606", "label:one", "12:3", "a:b:c"),
    ),
    "brat": Note(
        id="a",
        text=TEXT + "\r\nend",
        entities=(DESCRIBED, DISCONTINUOUS, entity("E1", 0, 29, "Two words"), entity("T9", 28, 32)),
        relations=(
            LINK,
            Relation(id="E5", label="Event", roles={"trigger": ("T2",), "Theme": ("T1", "E1")}),
            Relation(id="same", label="Equiv", roles={"members": ("T1", "T2", "T9")}),
        ),
    ),
    "conll": Note(
        id="a",
        text=f"{CANARY} had naïve\n💊 fever",
        tokens=TOKENS,
        sentences=(Span(0, 21), Span(22, 29)),
        entities=(entity("T1", 0, 15), entity("T2", 22, 23, "Effect")),
    ),
    "csv": Note(id="a", text=TEXT + '\r\n"quoted", 2\n', **META),
    "tsv": Note(id="a", text=TEXT + '\r\n"quoted"\t2\n', **META),
    "parquet": Note(id="a", text=TEXT + "\r\n", **META),
    "ddi": Note(
        id="a",
        text=f"{CANARY} had naïve\r\n💊 fever.",
        sentences=(Span(0, 23), Span(23, 31)),
        entities=(entity("e0", 0, 15, parts=(Span(0, 11), Span(12, 15))), entity("x", 16, 21, "?")),
        relations=(Relation(id="p", label="", roles={"Arg1": ("x",), "Arg2": ("e0",)}),),
    ),
    "i2b2": Note(
        id="a",
        text=f"\n {CANARY} had\r\n\nnaïve 💊 fever\n",
        entities=(
            entity("T1", 2, 17, "problem", assertion=Assertion(negated=True)),
            entity("T2", 20, 25, "two words", attributes={"assertion": "conditional"}),
            entity("T3", 14, 27, "test"),
        ),
        relations=(Relation(id="R1", label="TrAP", roles={"Arg1": ("T3",), "Arg2": ("T1",)}),),
    ),
    "i2b2-xml": Note(
        id="a",
        text=TEXT + "\r\n]]> <&",
        entities=(
            entity("P0", 16, 23, "CITY", attributes={"category": "LOCATION", "comment": 'a "b"'}),
            entity("x", 0, 15, "DATE"),
        ),
        relations=(Relation(id="D", label="SMOKER", roles={}, attributes={"status": "past"}),),
    ),
    "omop": Note(
        id="7",
        text=TEXT + '\r\n"quoted", 2\n',
        patient="12",
        encounter="3",
        time=datetime(2024, 3, 1, 8),
        kind="discharge",
        entities=(
            entity(
                "T1",
                16,
                23,
                concepts=("441", "MeSH:D2"),
                assertion=Assertion(negated=True, historical=False),
                attributes={"dose": "10 mg"},
                source="tagger",
            ),
            entity("T2", 0, 15, "Term"),
        ),
    ),
}
FULL |= dict.fromkeys(
    ("bioc-xml", "bioc-json", "docbin", "fhir", "spacy-json", "xmi", "cas-json"), FULL["jsonl"]
)
FULL |= tool_samples.full(META, TOKENS)
EMPTY = {name: Note(id="8", text="") for name in FULL}
EMPTY["conll"] = Note(id="8", text="", tokens=(), sentences=())
EMPTY["ddi"] = Note(id="8", text="", sentences=())
EMPTY |= tool_samples.EMPTY

# per format: one good document, what closes a file, and what stands in a folder
GOOD = {
    "jsonl": f'{{"id":"a","text":"{TEXT}"}}\n',
    "pubtator": f"1|t|{TEXT}\n1|a|more\n1\t0\t11\t{CANARY}\tName\t-1\n\n",
    "conll": f"-DOCSTART- (a)\tO\n\n{CANARY}💊\tB-Name\n\n",
    "csv": f"id,text,time,patient\na,{TEXT},2024-01-01,p\n",
    "tsv": f"id\ttext\ttime\tpatient\na\t{TEXT}\t2024-01-01\tp\n",
    "bioc-xml": "<collection><source/>\n<document><id>a</id><passage><offset>0</offset>"
    f"<text>{TEXT}</text></passage></document>\n",
    "bioc-json": '{"source": "[{", "documents": [\n{"id": "a", "passages": [{"offset": 0, '
    f'"text": "{TEXT}"}}]}}\n',
    "phee-json": f'{{"id": "a", "context": "{TEXT}", "annotations": []}}\n',
    "spl-adr": f'[{{"label_id": "a", "section_name": "s", "section_text": "{TEXT}",\n'
    f'"adverse_events": [["{CANARY.lower()}", null, null, null, null, "0", "11", "human"]]}}\n',
    "fhir": '{"resourceType": "Bundle", "entry": [\n{"resource": {"resourceType": '
    '"DocumentReference", "id": "a", "content": [{"attachment": {"contentType": "text/plain", '
    f'"data": "{DATA}"}}}}]}}}}\n',
}
CLOSING = {"bioc-xml": "</collection>\n", "bioc-json": "]}\n", "spl-adr": "]\n", "fhir": "]}\n"}
XML = '<?xml version="1.0"?>\n'
BRAT = "T1\tName 0 11\t" + CANARY + "\n"
CON = f'c="{CANARY.lower()}" 1:0 1:0||t="problem"\n'
TAGS = f"{XML}<deIdi2b2>\n<TEXT>{CANARY}</TEXT>\n<TAGS>\n"
SENTENCE = f'{XML}<document id="b">\n<sentence id="s" text="{CANARY}">\n'
SOFA = f'{XML}<xmi:XMI>\n<cas:Sofa sofaString="{CANARY}"/>\n'
OMOP_NOTE = "note_id,person_id,note_text,note_date\n"
MIMIC_NOTES = "row_id,subject_id,hadm_id,chartdate,text\n"
OMOP_NLP = "note_id,offset,lexical_variant,term_modifiers,term_exists\n"
FOLDERS = {
    "brat": {"a.txt": f"{CANARY} 💊", "a.ann": BRAT},
    "i2b2": {"a.txt": f"{CANARY} 💊", "a.con": CON},
    "i2b2-xml": {"a.xml": f"{TAGS}</TAGS></deIdi2b2>"},
    "ddi": {"a.xml": SENTENCE.replace('"b"', '"a"') + "</sentence></document>"},
    "xmi": {"a.xml": f"{SOFA}</xmi:XMI>"},
    "mimic": {"NOTEEVENTS.csv": f"{MIMIC_NOTES}1,2,3,2101-01-01,{CANARY} 💊\n"},
    "omop": {"NOTE.csv": f"{OMOP_NOTE}1,2,{CANARY},2024-01-01\n", "NOTE_NLP.csv": OMOP_NLP},
}
FOLDERS["spans"] = {
    "texts.csv": f"id,text\na,{CANARY} 💊\n",
    "spans.csv": f"doc,start,end,label,mention\na,0,11,Name,{CANARY}\n",
}
ANNS = [
    (BRAT + f"T2\tName 0 12\t{CANARY}\n", 2, OffsetError),
    (f"T2\tName 1 11\t{CANARY}\n", 1, OffsetError),
    (f"T2\tName 5 5\t{CANARY}\n", 1, OffsetError),
    (f"T2\tName 0 4;2 11\t{CANARY[:4]} {CANARY[2:]}\n", 1, OffsetError),
    (f"T2\tName {CANARY}\t{CANARY}\n", 1, DataError),
    (BRAT + BRAT, 2, DataError),
    (BRAT + f"{CANARY}\n", 2, DataError),
    (BRAT + "R1\tCauses Arg1:T1 Arg2:T7\n", 2, DataError),
    (BRAT + f"R1\tCauses {CANARY}\n", 2, DataError),
    (BRAT + "A1\tnegated T7\n", 2, DataError),
    (BRAT + "A1\tnegated\n", 2, DataError),
    (BRAT + "N1\tReference T1\n", 2, DataError),
    (BRAT + f"#1\tclinnlp T1\t{{{CANARY}\n", 2, DataError),
    (BRAT + f'#1\tclinnlp T1\t{{"cues":"{CANARY}"}}\n', 1, DataError),
    (BRAT + '#1\tclinnlp T1\t{"cues":{"negated":[0]}}\n', 1, DataError),
    (BRAT + "\udcff\n", 2, DataError),
]
JSON = '{"id":"b","text":"' + CANARY + '",'
HEAD = "-DOCSTART- (b)\tO\n"
# per format: what follows a good document, and the line of the whole file at fault
BROKEN = {
    "jsonl": [
        (f'{{"id":"b","text":"{CANARY}\n', 2, DataError),
        (f'["{CANARY}"]\n', 2, DataError),
        (JSON + f'"{CANARY}":1}}\n', 2, DataError),
        (JSON + f'"time":"{CANARY}"}}\n', 2, DataError),
        (JSON + f'"patient":["{CANARY}"]}}\n', 2, DataError),
        (JSON + '"entities":[{"start":5,"end":12,"label":"D"}]}\n', 2, OffsetError),
        (JSON + '"entities":[{"start":5,"end":5,"label":"D"}]}\n', 2, OffsetError),
        (JSON + '"entities":[{"start":"5","end":7,"label":"D"}]}\n', 2, DataError),
        (JSON + '"entities":[{"start":true,"end":7,"label":"D"}]}\n', 2, DataError),
        (JSON + '"entities":[{"start":0,"end":2,"label":"D","score":NaN}]}\n', 2, DataError),
        (
            JSON
            + f'"entities":[{{"start":0,"end":2,"label":"D","assertion":{{"{CANARY}":true}}}}]}}\n',
            2,
            DataError,
        ),
        (JSON + '"sentences":[[0,1,2]]}\n', 2, DataError),
        (JSON + '"coverage":[1]}\n', 2, DataError),
        (JSON + '"coverage":[]}\n', 2, DataError),
        (JSON + '"relations":[{"label":"R","roles":{"a":"T1"}}]}\n', 2, DataError),
        (f'{{"id":"b","text":"{CANARY}\\ud83d"}}\n', 2, DataError),
        ('{"id":"b"}\n', 2, DataError),
        (f'{{"id":7.5,"text":"{CANARY}"}}\n', 2, DataError),
        (f'{{"id":"b","text":"{CANARY}","spans":[]}}\n', 2, DataError),
        (f'{{"id":"b","text":"{CANARY}","label":[]}}\n', 2, DataError),
        (GOOD["jsonl"], 2, DataError),
        (f'\n\n{{"id":"b","text":"{CANARY}\udcff"}}\n', 4, DataError),
    ],
    "pubtator": [
        (f"2|t|{CANARY}\n2\t0\t12\t{CANARY}\tName\t-1\n", 6, OffsetError),
        (f"2|t|{CANARY}\n2\t1\t11\t{CANARY}\tName\t-1\n", 6, OffsetError),
        (f"2|t|{CANARY}\n2\t5\t5\t{CANARY}\tName\t-1\n", 6, OffsetError),
        (f"2|t|{CANARY}\n3\t0\t11\t{CANARY}\tName\t-1\n", 6, DataError),
        (f"2|t|{CANARY}\n3|a|{CANARY}\n", 6, DataError),
        (f"2|t|{CANARY}\n2|a|{CANARY}\n2\t{CANARY}\n", 7, DataError),
        (f"2|t|{CANARY}\n2\t0\t11\t{CANARY}\tName\t-1\t\t{CANARY}\n", 6, DataError),
        (f"2|t|{CANARY}\n{CANARY}\n", 6, DataError),
        (f"2|a|{CANARY}\n", 5, DataError),
        (f"1|t|{CANARY}\n", 5, DataError),
        (f"2|t|{CANARY}\n2|a|\udcff\n", 6, DataError),
    ],
    "conll": [
        (f"{HEAD}{CANARY}\n", 6, DataError),
        (f"{HEAD}{CANARY}\tO\n{CANARY}\t{CANARY}\n", 7, DataError),
        (f"{HEAD}{CANARY}\tX-Name\n", 6, DataError),
        (f"{HEAD}\tO\n{CANARY}\tO\n", 6, DataError),
        (f"-DOCSTART- (a)\tO\n\n{CANARY}\tO\n", 5, DataError),
        (f"{HEAD}{CANARY}\tO\n\udcff\tO\n", 7, DataError),
    ],
    "csv": [
        (f"b,{CANARY},2024-01-01\n", 3, DataError),
        (f"b,{CANARY},2024-01-01,p,{CANARY}\n", 3, DataError),
        (f"b,{CANARY},{CANARY},p\n", 3, DataError),
        (f",{CANARY},2024-01-01,p\n", 3, DataError),
        (f"a,{CANARY},2024-01-01,p\n", 3, DataError),
        (f'b,"{CANARY},2024-01-01,p\n', 3, DataError),
        (f'b,"{CANARY}"{CANARY},2024-01-01,p\n', 3, DataError),
        (f'b,"{CANARY}\n\n",x,p\n', 3, DataError),
        (f"b,{CANARY}\udcff,2024-01-01,p\n", 3, DataError),
    ],
    "bioc-xml": [
        (f"<document><id>b</id>\n<passage>{CANARY}</document>", 4, DataError),
        (
            f"<document><id>b</id>\n<passage><offset>{CANARY}</offset></passage></document>",
            4,
            DataError,
        ),
        (f"<document><passage>\n<text>{CANARY}</text></passage></document>", 3, DataError),
        (bioc_xml(f'<location offset="1" length="11"/><text>{CANARY}</text>'), 4, OffsetError),
        (bioc_xml(f'<location offset="0" length="12"/><text>{CANARY}</text>'), 4, OffsetError),
        (bioc_xml(f"<text>{CANARY}</text>"), 4, DataError),
        (
            bioc_xml(f'<infon key="clinnlp">{CANARY}</infon><location offset="0" length="1"/>'),
            3,
            DataError,
        ),
        (f"<document><id>{CANARY}&x;</id></document>", 3, DataError),
        ("<document><id>a</id></document>", 3, DataError),
    ],
    "bioc-json": [
        (f',{{"id": "b", "passages": [{{"{CANARY}"}}]}}\n', 3, DataError),
        (f',{{"id": "b",\n"passages": "{CANARY}"}}\n', 3, DataError),
        (f',{{"id": "b", "passages": [{{"text": "{CANARY}"}}]}}\n', 3, DataError),
        (f',{{"id": "b", "passages": [{{"offset": "{CANARY}", "text": ""}}]}}\n', 3, DataError),
        (
            bioc_json('"text": "' + CANARY + '", "locations": [{"offset": 1, "length": 11}]'),
            3,
            OffsetError,
        ),
        (bioc_json('"locations": []'), 3, DataError),
        (',{"id": "a", "passages": []}\n', 3, DataError),
        (f',{{"id": "\udcff{CANARY}", "passages": []}}\n', 3, DataError),
        (f', "{CANARY}"\n', 4, DataError),
    ],
    "phee-json": [
        (f'{{"id": "b", "context": "{CANARY}"\n', 2, DataError),
        (f'{{"id": "b", "context": "{CANARY}"}}\n', 2, DataError),
        (
            f'{{"id": "b", "context": "{CANARY}", "annotations": [{{"events": ["{CANARY}"]}}]}}\n',
            2,
            DataError,
        ),
        (phee('[["' + CANARY + '"]]', "[[1]]"), 2, OffsetError),
        (phee('[["' + CANARY + '"]]', "[[0], [1]]"), 2, DataError),
        (f'{{"id": "a", "context": "{CANARY}", "annotations": []}}\n', 2, DataError),
    ],
    "spl-adr": [
        (f', {{"label_id": "b", "section_text": "{CANARY}"}}\n', 3, DataError),
        (spl(f'["{CANARY}"]'), 3, DataError),
        (spl(f'["{CANARY}", null, null, null, null, "1", "11", "human"]'), 3, OffsetError),
        (spl(f'["{CANARY}", null, null, null, null, "{CANARY}", "11", "human"]'), 3, DataError),
        (spl(f'["{CANARY}", null, {CANARY}]'), 3, DataError),
    ],
    "fhir": [
        (fhir(f'"content": "{CANARY}"'), 3, DataError),
        (
            fhir('"content": [{"attachment": {"contentType": ["application/pdf"], "data": ""}}]'),
            3,
            DataError,
        ),
        (
            fhir('"content": [{"attachment": {"contentType": "text/plain", "data": "!"}}]'),
            3,
            DataError,
        ),
        (
            fhir('"content": [{"attachment": {"contentType": "text/plain", "url": ["http://x"]}}]'),
            3,
            DataError,
        ),
        (
            fhir(
                f'"date": "{CANARY}", "content": [{{"attachment": {{"contentType": "text/plain", '
                '"data": ""}}]'
            ),
            3,
            DataError,
        ),
        (f', {{"resource": {{"resourceType": "DocumentReference", {CANARY}}}}}\n', 3, DataError),
    ],
}
BROKEN["tsv"] = [(tail.replace(",", "\t"), line, kind) for tail, line, kind in BROKEN["csv"]]
# per format in a folder: files beside the good document, the one at fault and its line
BROKEN_FOLDERS = {
    "brat": [({"b.txt": CANARY, "b.ann": ann}, "b.ann", line, kind) for ann, line, kind in ANNS],
    "i2b2": [
        ({"b.txt": CANARY, "b.con": f"{CON}{line}"}, "b.con", 2, kind)
        for line, kind in (
            (f'c="{CANARY.lower()}" 1:1 1:1||t="problem"\n', OffsetError),
            (f'c="{CANARY.lower()}" 2:0 2:0||t="problem"\n', OffsetError),
            (f'c="x{CANARY.lower()}" 1:0 1:0||t="problem"\n', OffsetError),
            (f'c="{CANARY.lower()}" 1:0 1:0\n', DataError),
            (f"{CANARY}\n", DataError),
            ("\udcff\n", DataError),
        )
    ]
    + [
        ({"b.txt": CANARY, "b.con": CON, name: line}, name, 1, DataError)
        for name, line in (
            ("b.ast", CON.strip() + f'||a="{CANARY}"\n'),
            ("b.ast", CON.strip().replace("problem", "test") + '||a="present"\n'),
            ("b.rel", CON.strip() + "\n"),
        )
    ],
    "i2b2-xml": [
        ({"b.xml": text}, "b.xml", line, kind)
        for text, line, kind in (
            (f"{TAGS}</deIdi2b2>", 5, DataError),
            (f"{XML}<deIdi2b2><TEXT>{CANARY}</TEXT></deIdi2b2>", 2, DataError),
            (f'{TAGS}<A start="x" end="1"/></TAGS></deIdi2b2>', 5, DataError),
            (f'{TAGS}<A start="1" end="11" text="{CANARY}"/></TAGS></deIdi2b2>', 5, OffsetError),
            (f'{TAGS}<A start="0" end="12"/></TAGS></deIdi2b2>', 5, OffsetError),
            (f'{XML}<!DOCTYPE d [<!ENTITY x "{CANARY}">]><d><TEXT/><TAGS/></d>', 2, DataError),
            (f'<?xml version="1.0" encoding="x-{CANARY}"?><d/>', 1, DataError),
        )
    ],
    "ddi": [
        ({"b.xml": text}, "b.xml", line, kind)
        for text, line, kind in (
            (f"{SENTENCE}</document>", 4, DataError),
            (f"{XML}<d/>", 2, DataError),
            (f'{XML}<document id="b"><sentence/></document>', 2, DataError),
            (f'{SENTENCE}<entity id="e" charOffset="{CANARY}"/>{ENDS}', 4, DataError),
            (
                f'{SENTENCE}<entity id="e" charOffset="1-10" type="d" text="{CANARY}"/>{ENDS}',
                4,
                OffsetError,
            ),
            (f'{SENTENCE}<entity id="e" charOffset="0-11" type="d"/>{ENDS}', 4, OffsetError),
            (f'{SENTENCE}<pair id="p" e1="{CANARY}" e2="x" ddi="true"/>{ENDS}', 2, DataError),
            (SENTENCE.replace('"b"', '"a"') + ENDS, 1, DataError),
        )
    ],
    "xmi": [
        ({"b.xml": text}, "b.xml", line, kind)
        for text, line, kind in (
            (f"{SOFA}<custom:X", 4, DataError),
            (f"{XML}<xmi:XMI><a>{CANARY}</a></xmi:XMI>", 2, DataError),
            (f'{SOFA}<custom:X begin="{CANARY}" end="1"/></xmi:XMI>', 4, DataError),
            (f'{SOFA}<custom:X begin="0" end="12"/></xmi:XMI>', 4, OffsetError),
            (
                (
                    f'{SOFA}<custom:X xmi:id="1" begin="0" end="1" T="2"/>'
                    '<custom:L xmi:id="2" target="9"/></xmi:XMI>'
                ),
                1,
                DataError,
            ),
        )
    ],
    "mimic": [
        (
            {"NOTEEVENTS.csv": f"{MIMIC_NOTES}1,2,3,2101-01-01,{CANARY}\n{row}"},
            "NOTEEVENTS.csv",
            3,
            DataError,
        )
        for row in (
            f",2,3,2101-01-01,{CANARY}\n",
            f"2,2,3,{CANARY},x\n",
            f"1,2,3,2101-01-01,{CANARY}\n",
            f"2,2,3,2101-02-30,{CANARY}\n",
            f"2,{CANARY}\n",
        )
    ],
    "omop": [
        ({"NOTE.csv": f"{OMOP_NOTE}1,2,{CANARY},2024-01-01\n{row}"}, "NOTE.csv", 3, DataError)
        for row in (
            f",2,{CANARY},\n",
            f"2,2,{CANARY},{CANARY}\n",
            f"1,2,{CANARY},\n",
            f"2,2,{CANARY}\n",
        )
    ]
    + [
        (
            {"NOTE.csv": f"{OMOP_NOTE}1,2,,\n3,2,{CANARY},\n", "NOTE_NLP.csv": f"{OMOP_NLP}{row}"},
            "NOTE_NLP.csv",
            2,
            kind,
        )
        for row, kind in (
            (f"3,1,{CANARY},,\n", OffsetError),
            (f"3,{CANARY},x,,\n", DataError),
            ("3,0,,,\n", DataError),
        )
    ],
}
BROKEN_FOLDERS["spans"] = [
    ({"texts.csv": f"id,text\na,{CANARY}\n{row}"}, "texts.csv", 3, DataError)
    for row in (f"b,{CANARY},x\n", f",{CANARY}\n", f"a,{CANARY}\n")
] + [
    (
        {
            "texts.csv": f"id,text\na,{CANARY}\nb,{CANARY}\n",
            "spans.csv": f"doc,start,end,label,mention\na,0,11,Name,\n{row}",
        },
        "spans.csv",
        3,
        kind,
    )
    for row, kind in (
        ("b,0,12,Name,\n", OffsetError),
        (f"b,0,3,Name,{CANARY}\n", OffsetError),
        (f"b,{CANARY},3,Name,\n", DataError),
        ("b,0,3,,\n", DataError),
    )
]
GOOD |= tool_samples.GOOD
CLOSING |= tool_samples.CLOSING
FOLDERS |= tool_samples.FOLDERS
BROKEN |= tool_samples.BROKEN
BROKEN_FOLDERS |= tool_samples.BROKEN_FOLDERS
