"""Every reader and writer of notes: nothing lost, nothing read ahead, no text in an error."""

import json
from datetime import datetime

import pytest

from clinnlp.core.errors import ArgumentError, DataError, OffsetError, RunError
from clinnlp.core.notes import Assertion, Coverage, Entity, Note, Relation, Section
from clinnlp.core.spans import Span
from clinnlp.io.corpora import FORMATS, read_notes, write_notes

CANARY = "Zebraperson"
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
        coverage=Coverage(n_seen=4, n_total=5),
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
}
EMPTY = {
    "conll": Note(id="b", text="", tokens=(), sentences=()),
    **{name: Note(id="b", text="") for name in FORMATS if name != "conll"},
}
SUFFIX = {"brat": ""}

GOOD = {
    "jsonl": f'{{"id":"a","text":"{TEXT}"}}\n',
    "pubtator": f"1|t|{TEXT}\n1|a|more\n1\t0\t11\t{CANARY}\tName\t-1\n\n",
    "conll": f"-DOCSTART- (a)\tO\n\n{CANARY}\tB-Name\n\n",
    "csv": f"id,text,time,patient\na,{TEXT},2024-01-01,p\n",
    "tsv": f"id\ttext\ttime\tpatient\na\t{TEXT}\t2024-01-01\tp\n",
}
JSON = '{"id":"b","text":"' + CANARY + '",'
BRAT = "T1\tName 0 11\t" + CANARY + "\n"
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
        (f'{{"id":7,"text":"{CANARY}"}}\n', 2, DataError),
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
    "brat": [
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
}
BROKEN["tsv"] = [(tail.replace(",", "\t"), line, kind) for tail, line, kind in BROKEN["csv"]]
CASES = [(name, k) for name, cases in BROKEN.items() for k in range(len(cases))]


def write_raw(name, folder, tail=""):
    """Write a good document and then `tail` in which a lone surrogate stands for a raw byte."""
    if name == "brat":
        target = folder / "corpus"
        target.mkdir()
        for stem, ann in (("a", BRAT), ("b", tail)):
            (target / f"{stem}.txt").write_text(CANARY)
            (target / f"{stem}.ann").write_bytes(ann.encode("utf-8", "surrogateescape"))
        return target
    path = folder / f"notes.{name}"
    path.write_bytes((GOOD[name] + tail).encode("utf-8", "surrogateescape"))
    return path


def chain_of(error):
    """Yield everything an error drags along."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("name", FORMATS)
def test_round_trip(name, tmp_path):
    notes = [FULL[name], EMPTY[name]]
    path = tmp_path / f"out{'' if name == 'brat' else '.' + name}"
    assert write_notes(iter(notes), path, format=name) == 2
    source = read_notes(path)
    assert list(source) == notes
    assert list(source) == notes, "a second pass must open the file anew"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("packed", [".gz", ".xz"])
def test_packed_round_trip(name, packed, tmp_path):
    if name in ("brat", "parquet"):
        return
    path = tmp_path / f"out.{name}{packed}"
    write_notes([FULL[name]], path)
    assert list(read_notes(path)) == [FULL[name]]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="compressed data must be whole"):
        list(read_notes(path))


@pytest.mark.parametrize("name", FORMATS)
def test_no_notes(name, tmp_path):
    path = tmp_path / f"out{'' if name == 'brat' else '.' + name}"
    assert write_notes([], path, format=name) == 0
    assert list(read_notes(path, format=name)) == []
    if name != "brat":
        path.write_bytes(b"")
        assert list(read_notes(path)) == []


@pytest.mark.parametrize(("name", "k"), CASES)
def test_malformed(name, k, tmp_path):
    tail, line, kind = BROKEN[name][k]
    path = write_raw(name, tmp_path, tail)
    notes = iter(read_notes(path))
    next(notes)  # the reader holds one document at a time: the first one is not at fault
    with pytest.raises(DataError) as caught:
        list(notes)
    where = path / "b.ann" if name == "brat" else path
    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"{where}:{line}: ")
    for error in chain_of(caught.value):
        assert CANARY not in str(error)
        assert CANARY not in repr(vars(error))
        assert not isinstance(error, json.JSONDecodeError | UnicodeError)


@pytest.mark.parametrize("name", GOOD)
def test_byte_order_mark_and_crlf(name, tmp_path):
    plain = write_raw(name, tmp_path)
    (tmp_path / "marked").mkdir()
    marked = tmp_path / "marked" / plain.name
    marked.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes().replace(b"\n", b"\r\n"))
    assert list(read_notes(marked)) == list(read_notes(plain))


@pytest.mark.parametrize("name", FORMATS)
def test_losses_are_refused(name, tmp_path):
    path = tmp_path / f"out.{name}"
    lossy = {
        "conll": FULL["csv"],
        "brat": FULL["csv"],
        "pubtator": FULL["jsonl"],
        "csv": FULL["pubtator"],
        "tsv": FULL["conll"],
        "parquet": FULL["brat"],
    }
    if name == "jsonl":
        return
    with pytest.raises(DataError, match=f"note 'a': {name} cannot hold") as caught:
        write_notes([lossy[name]], path, format=name)
    assert CANARY not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FORMATS)
def test_failure_leaves_nothing(name, tmp_path):
    def failing():
        yield FULL[name]
        raise OSError(28, "No space left on device")

    path = tmp_path / f"out{'' if name == 'brat' else '.' + name}"
    with pytest.raises(RunError, match="the disk is full"):
        write_notes(failing(), path, format=name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FORMATS)
def test_lone_surrogates_are_refused(name, tmp_path):
    with pytest.raises(DataError, match="surrogate") as caught:
        write_notes([Note(id="a", text=CANARY + "\ud83d")], tmp_path / "out", format=name)
    assert all(CANARY not in repr(vars(e)) for e in chain_of(caught.value))
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_kept(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(ArgumentError, match="new or empty"):
        write_notes([FULL["brat"]], tmp_path, format="brat")
    assert (tmp_path / "mine.txt").read_text() == "kept"
