"""Reading and writing one long note takes work in proportion to its length, in every format.

Work is counted: steps of Python between 20 and 40 kB, which shows each loop inside a loop at any
load of the machine. What a single step does inside a library (a copy of all that came before, a
pattern that looks through it again) is told by CPU time alone, on notes of megabytes: that law is
long, and generous.
"""

import base64
import json
import re
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.files import xml_stream
from clinnlp.io.files.source import Document
from clinnlp.io.files.xml_stream import root_of
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.formats import FORMATS
from clinnlp.io.notes.offsets import place

LINE = "Patient denies fever  takes aspirin 81 mg daily. No cough since 1998, naïve 💊.\n"
AT = LINE.index("fever")
NOT_HELD = {  # of the note below
    "pubtator": {"sentences", "relations"},
    "brat": {"sentences"},
    "conll": {"relations"},
    "i2b2": {"sentences"},
    "i2b2-xml": {"sentences", "relations"},
    "omop": {"sentences", "relations"},
    **{key: {"sentences", "relations"} for key in ("doccano", "prodigy", "label-studio", "medcat")},
    "conllu": {"relations"},
    **{key: {"sentences", "relations", "entities"} for key in ("csv", "tsv", "parquet")},
}


def long_note(name, n):
    """Return a note of `n` lines, with a mention in each and a relation in every other."""
    line = LINE.replace("\n", " ") if name == "pubtator" else LINE
    step = len(line)
    mentions = [
        Entity(id=f"T{k + 1}", span=Span(k * step + AT, k * step + AT + 5), label="Problem")
        for k in range(n)
    ]
    links = [
        Relation(
            id=f"R{k + 1}",
            label="same",
            roles={"Arg1": (f"T{k + 1}",), "Arg2": (f"T{k + (1 if name == 'ddi' else 2)}",)},
        )
        for k in range(0 if name == "ddi" else n // 2)
    ]
    if name == "medcat":
        mentions = [replace(m, id=m.id[1:], label="Concept", concepts=("C1",)) for m in mentions]
    note = Note(
        id="7",
        text=line * n,
        entities=tuple(mentions),
        relations=tuple(links),
        sentences=tuple(Span(k * step, (k + 1) * step) for k in range(n)),
    )
    empty = {"sentences": None, "relations": (), "entities": ()}
    return note.with_(**{field: empty[field] for field in NOT_HELD.get(name, ())})


def raw(name, n):
    """Return the same note as a file of a format that is only read."""
    text, step = LINE * n, len(LINE)
    starts = [k * step + AT for k in range(n)]
    if name == "phee-json":
        events = [
            {"event_id": f"E{a}", "event_type": "A",
             "Trigger": {"text": [["fever"]], "start": [[a]], "entity_id": [f"T{a}"]}}
            for a in starts
        ]  # fmt: skip
        return json.dumps({"id": "7", "context": text, "annotations": [{"events": events}]})
    if name == "doccano-1.4":
        return json.dumps({"id": 7, "data": text, "label": [[a, a + 5, "Problem"] for a in starts]})
    if name == "webanno-tsv":
        return "#FORMAT=WebAnno TSV 3.3\n#T_SP=custom.Span|label\n\n" + "".join(
            webanno_sentence(k) for k in range(n)
        )
    if name == "mimic":
        return f'ROW_ID,SUBJECT_ID,TEXT\n7,1,"{text}"\n'
    if name == "spl-adr":
        events = [["fever", None, None, None, None, str(a), "5", "h"] for a in starts]
        named = {"label_id": "7", "section_name": "s", "section_text": text}
        return json.dumps([{**named, "adverse_events": events}])
    data = base64.b64encode(text.encode()).decode()
    content = [{"attachment": {"contentType": "text/plain", "data": data}}]
    note = {"resourceType": "DocumentReference", "id": "7", "content": content}
    return json.dumps({"resourceType": "Bundle", "entry": [{"resource": note}]})


def webanno_sentence(k):
    """Return the rows of line `k`; offsets count UTF-16, in which the emoji is two units."""
    line, step = LINE.removesuffix("\n"), len(LINE) + 1
    rows = [f"\n#Text={line}\n"]
    for i, match in enumerate(re.finditer(r"\w+|[^\w\s]", line), 1):
        start = k * step + match.start() + (match.start() > line.index("💊"))
        end = start + len(match[0]) + (match[0] == "💊")
        label = "Problem" if match[0] == "fever" else "_"
        rows.append(f"{k + 1}-{i}\t{start}-{end}\t{match[0]}\t{label}\t\n")
    return "".join(rows)


def write(name, n, path):
    if name == "spans":
        path.mkdir()
        rows = (f"7,{k * len(LINE) + AT},{k * len(LINE) + AT + 5},Problem\n" for k in range(n))
        (path / "texts.csv").write_text(f'id,text\n7,"{LINE * n}"\n')
        (path / "spans.csv").write_text("doc,start,end,label\n" + "".join(rows))
    elif FORMATS[name].write is None:
        path.write_text(raw(name, n))
    else:
        write_notes([long_note(name, n)], path, format=name)


def read(name, path):
    (note,) = read_notes(path, format=name)
    return note


def path_of(name, folder, n):
    return folder / (f"{n}.csv" if name == "mimic" else f"{n}")


def n_steps(work):
    """Return how many steps of the interpreter a piece of work takes, those of loops each time."""
    n = 0

    def step(frame, event, _):
        nonlocal n
        n += 1
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        work()
    finally:
        sys.settrace(before)
    return n


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_steps_grow_with_the_note(name, tmp_path):
    write(name, 1, path_of(name, tmp_path, 1))  # imports what is imported once
    read(name, path_of(name, tmp_path, 1))
    counts = []
    for n in (250, 500):
        path = path_of(name, tmp_path, n)
        written = n_steps(lambda n=n, path=path: write(name, n, path))
        found = n_steps(lambda path=path: read(name, path))
        counts.append((written, found))
    assert len(read(name, path).text) >= len(LINE) * 500 - 1  # a last line may have no end
    for small, large in zip(*counts, strict=True):
        assert large < 2.2 * small + 5_000


def test_steps_of_repairs_do_not_grow_with_the_text():
    counts = []
    for n in (300, 600):
        text = LINE * n
        here = Document(Path("a"), 1, None, repairs=Counter())
        where = [k * len((LINE).encode()) + AT for k in range(n)]  # offsets in bytes

        def work(text=text, here=here, where=where):
            for at in where:
                place(here, text, [(at, at + 5)], "fever")

        counts.append(n_steps(work))
        assert sum(here.repairs.values()) > 0.9 * n
    assert counts[1] < 2.2 * counts[0]


def test_repeated_names_are_numbered_once_each(tmp_path):
    counts = []
    for n in (300, 600):
        folder = tmp_path / str(n)
        folder.mkdir()
        (folder / "a.txt").write_text("fever")
        lines = (f"A{k}\tsure T1 yes\n" for k in range(n))
        (folder / "a.ann").write_text("T1\tX 0 5\tfever\n" + "".join(lines))
        (folder / "b.pubtator").write_text("1|t|x\n\n" * n)
        counts.append(n_steps(lambda folder=folder: list(read_notes(folder, format="brat"))))
        source = read_notes(folder / "b.pubtator", number_repeated=True)
        counts[-1] += n_steps(lambda source=source: list(source))
        assert [note.id for note in source][-1] == f"1#{n}"
    assert counts[1] < 2.2 * counts[0]


def test_a_long_tag_is_not_looked_through_again_for_each_piece(tmp_path, monkeypatch):
    path = tmp_path / "a.xml"
    path.write_text(f'<a b="{"x" * 2_000_000}"/>')
    sizes = []
    feed = xml_stream._Reader.feed
    monkeypatch.setattr(
        xml_stream._Reader, "feed", lambda self, raw: (sizes.append(len(raw)), feed(self, raw))
    )
    assert len(root_of(path).attributes["b"]) == 2_000_000
    assert len(sizes) < 20, "each piece is as long as all before it"


def seconds(work):
    start = time.process_time()
    work()
    return time.process_time() - start


@pytest.mark.long
@pytest.mark.parametrize("name", FORMATS)
def test_time_grows_with_the_note(name, tmp_path):
    """From 2 to 8 MB; a step that looks at all that came before would take 16 times as long."""
    taken = []
    for n_mib in (1, 2, 8):  # the first imports and compiles
        path = path_of(name, tmp_path, n_mib)
        n = (n_mib << 20) // len(LINE)
        taken.append(
            (seconds(lambda n=n, path=path: write(name, n, path)),
             seconds(lambda path=path: read(name, path)))
        )  # fmt: skip
    for small, large in zip(*taken[1:], strict=True):
        assert large < 4 * 2.5 * max(small, 0.05)
