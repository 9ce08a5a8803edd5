"""What no file may put into a note or a record, whatever its format: refused by file and line."""

import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinnlp.core.errors import ClinnlpError, DataError, OffsetError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.files.source import Document
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.formats import FORMATS
from clinnlp.io.notes.frames import from_pandas
from clinnlp.io.notes.offsets import place
from clinnlp.io.record.event_stream import stream_events
from clinnlp.io.record.events import read_events
from clinnlp.io.record.faers import read_faers
from clinnlp.io.record.fhir import read_fhir
from clinnlp.io.record.mimic import read_mimic3
from clinnlp.io.record.synthea import read_synthea
from clinnlp.io.tables.wide import read_wide
from tests.common.error_chains import check_free_of
from tests.common.format_samples import CANARY, FULL

WRITTEN = [name for name, entry in FORMATS.items() if entry.write is not None]


def check_refused(read, path, line):
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    check_free_of(CANARY, caught.value)


def read_all(path):
    return list(read_notes(path))


# --- values of notes -----------------------------------------------------------------------

ENTITY = '"entities":[{"start":0,"end":2,"label":"D",%s}]'
RELATION = '"relations":[{"label":"R","roles":%s}]'


@pytest.mark.parametrize("bad", [r"\u0000", r"\ud800", r"a\udfffb"])
@pytest.mark.parametrize(
    "inside",
    ['"patient":"%s"', '"encounter":"%s"', '"kind":"%s"', '"labels":["%s"]', ENTITY % '"id":"%s"',
     ENTITY % '"source":"%s"', ENTITY % '"concepts":["a","%s"]', ENTITY % '"attributes":{"%s":1}',
     ENTITY % '"attributes":{"x":"%s"}', RELATION % '{"%s":["T1"]}', RELATION % '{"a":["%s"]}',
     '"sections":[{"start":0,"end":1,"kind":"%s"}]'],
)  # fmt: skip
def test_no_name_holds_a_nul_or_half_a_character(inside, bad, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(f'\n{{"id":"a","text":"{CANARY}",{inside.replace("%s", bad)}}}\n')
    check_refused(read_all, path, 2)


@pytest.mark.parametrize("bad", [r"\u0000", r"\ud800"])
def test_nor_do_id_and_text(bad, tmp_path):
    path = tmp_path / "a.jsonl"
    for record in (f'{{"id":"{bad}","text":"{CANARY}"}}', f'{{"id":"a","text":"{CANARY}{bad}"}}'):
        path.write_text(record)
        check_refused(read_all, path, 1)


@pytest.mark.parametrize(
    "inside",
    [ENTITY % f'"score":{number}' for number in ("1e999", "-1e999", "Infinity", "9" * 4_000)]
    + [ENTITY % f'"attributes":{{"x":{number}}}' for number in ("1e999", "NaN", "-Infinity")]
    + [f'"coverage":[0,{"9" * 4_000}]', '"coverage":[-1,5]'],
)
def test_numbers_are_finite(inside, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"id":"a","text":"{CANARY}",{inside}}}\n')
    check_refused(read_all, path, 1)


@pytest.mark.parametrize("time", ["0001-01-01T00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_times_lie_in_the_years_of_utc(time, tmp_path):
    lines = {
        "a.jsonl": f'\n{{"id":"a","text":"{CANARY}","time":"{time}"}}\n',
        "a.csv": f"id,text,known\na,{CANARY},{time}\n",
        "a.fhir.ndjson": "\n" + json.dumps(
            {"resourceType": "DocumentReference", "id": "a", "date": time,
             "content": [{"attachment": {"contentType": "text/plain", "data": "YQ=="}}]}
        ),
    }  # fmt: skip
    for name, content in lines.items():
        (tmp_path / name).write_text(content)
        check_refused(read_all, tmp_path / name, 2)
    for read in (read_events, lambda path: list(stream_events(path))):
        for column in ("start", "known"):
            (tmp_path / "e.csv").write_text(f"patient,code,{column}\na,b,\na,b,{time}\n")
            check_refused(read, tmp_path / "e.csv", 3)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_no_reader_takes_no_writer_writes(name, tmp_path):
    for bad in ({"id": "7\0"}, {"text": CANARY + "\0"}, {"id": "\ud800"}):
        note = Note(**{"id": "7", "text": CANARY, **bad})
        for on_loss in ("error", "sidecar"):
            with pytest.raises(DataError, match="must hold no NUL or lone surrogate"):
                write_notes([note], tmp_path / "out", format=name, on_loss=on_loss)
            assert not list(tmp_path.iterdir())


def test_rows_of_a_frame_are_held_to_the_same():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError, match=r"row 1: .*must hold no NUL") as caught:
        from_pandas(pandas.DataFrame({"note": ["fine", CANARY + "\0"]}), text="note")
    check_free_of(CANARY, caught.value)


@pytest.mark.parametrize("name", ["a.jsonl", "a.pubtator", "a.conll", "a.csv", "a.tsv"])
def test_utf16_without_its_mark_is_told_by_its_nul(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(f"id,text\na,{CANARY}\n".encode("utf-16-le"))
    with pytest.raises(DataError, match=r":1: text must be UTF-8, got a NUL .* name its encoding"):
        read_all(path)


@pytest.mark.parametrize("format", ["jsonl", "bioc-json", "phee-json", "spl-adr", "brat"])
def test_depth_is_no_traceback(format, tmp_path):
    for depth in (900, 100_000):
        deep = '{"a":' * depth + "1" + "}" * depth
        content = {
            "jsonl": f'{{"id":"a","text":"{CANARY}","attributes":{deep}}}\n',
            "bioc-json": f'{{"documents":[{{"id":"a","passages":{deep}}}]}}',
            "phee-json": f'{{"id":"a","context":"","annotations":[{{"events":[{deep}]}}]}}\n',
            "spl-adr": f'[{{"label_id":"a","section_name":"","section_text":"","x":{deep}}}]',
            "brat": f"T1\tX 0 1\tZ\n#1\tclinnlp T1\t{deep}\n",
        }[format]
        path = tmp_path / ("a.ann" if format == "brat" else "a.json")
        (tmp_path / "a.txt").write_text(CANARY)
        path.write_text(content)
        with pytest.raises(DataError) as caught:
            list(read_notes(path, format=format))
        check_free_of(CANARY, caught.value)


@pytest.mark.parametrize("field", range(1, 8))
@pytest.mark.parametrize("value", ["1e999", '"²"', "[]", '{"a": 1}', "9" * 5_000, "true"])
def test_fields_of_another_type(field, value, tmp_path):
    fields = [f'"{CANARY}"', '"t"', "1", '"l"', "2", "0", str(len(CANARY)), '"h"']
    fields[field] = value
    path = tmp_path / "a.spl.json"
    said = f'"section_text":"{CANARY}","adverse_events":[[{",".join(fields)}]]'
    path.write_text(f'[{{"label_id":"1","section_name":"s",{said}}}]')
    try:
        (note,) = read_notes(path)
    except DataError as error:
        check_free_of(CANARY, error)
    else:
        write_notes([note], tmp_path / "b.jsonl")
        assert read_all(tmp_path / "b.jsonl") == [note]


# --- values of records ---------------------------------------------------------------------


def observation(**more):
    return {
        "resourceType": "Observation",
        "id": "o",
        "subject": {"reference": "Patient/1"},
        "code": {"text": "x"},
        **more,
    }


@pytest.mark.parametrize(
    "value", ["²", "0x1", "", CANARY, "1_0", "inf", True, [1], {"a": 1}, None, 10**400, 1e200]
)
def test_a_quantity_is_a_finite_number(value, tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text("\n" + json.dumps(observation(valueQuantity={"value": value})) + "\n")
    check_refused(read_fhir, path, 2)
    path.write_text(json.dumps(observation(valueQuantity={"value": 1})).replace("1}", "1e999}"))
    check_refused(read_fhir, path, 1)


@pytest.mark.parametrize("value", [7, [CANARY], {"a": 1}, True])
def test_names_in_fhir_are_text(value, tmp_path):
    path = tmp_path / "a.ndjson"
    quantity = {"value": 1, "unit": value}
    for resource in (
        observation(valueQuantity={"value": 1}, id=value),
        observation(valueQuantity={"value": 1}, code={"coding": [{"code": value}]}),
        observation(valueQuantity={"value": 1}, code={"text": value}),
        observation(valueQuantity=quantity),
    ):
        path.write_text("\n" + json.dumps(resource))
        check_refused(read_fhir, path, 2)


@pytest.mark.parametrize(
    "cell", ["inf", "-inf", "Infinity", "9" * 5_000, "1e999", "1e200", "-2e100"]
)
def test_values_of_events_are_finite(cell, tmp_path):
    path = tmp_path / "e.csv"
    path.write_text(f"patient,code,value\na,b,1\na,b,{cell}\n")
    check_refused(read_events, path, 3)
    check_refused(lambda path: list(stream_events(path)), path, 3)
    table = pa.table({"patient": ["a"], "code": ["b"], "value": [float(cell)]})
    pq.write_table(table, tmp_path / "e.parquet")
    for read in (read_events, lambda path: list(stream_events(path))):
        with pytest.raises(DataError, match=r"e.parquet: column 'value' must hold finite numbers"):
            read(tmp_path / "e.parquet")


def test_ids_of_events_hold_no_nul(tmp_path):
    pq.write_table(pa.table({"patient": ["a\0"], "code": ["b"]}), tmp_path / "e.parquet")
    (tmp_path / "e.csv").write_bytes(b"patient,code\na\0,b\n")
    for name in ("e.parquet", "e.csv"):
        for read in (read_events, lambda path: list(stream_events(path))):
            with pytest.raises(DataError, match=rf"{name}.*NUL"):
                read(tmp_path / name)


def synthea(folder, **tables):
    given = {
        "patients": "Id,BIRTHDATE,DEATHDATE,RACE,GENDER\np,2000-01-01,,w,M\n",
        "encounters": "Id,START,STOP,PATIENT,ENCOUNTERCLASS\ne,2020-01-01,,p,x\n",
        **tables,
    }
    for name, content in given.items():
        (folder / f"{name}.csv").write_text(content)


@pytest.mark.parametrize("cell", ["1_0", "²", "inf", "9" * 5_000, "1e999", "1e200"])
def test_observations_are_finite_numbers(cell, tmp_path):
    head = "DATE,PATIENT,ENCOUNTER,CODE,VALUE,UNITS,TYPE\n"
    synthea(tmp_path, observations=f"{head}2020-01-01,p,e,c,{cell},u,numeric\n")
    with pytest.raises(DataError, match=r"observations.csv:2: VALUE of a numeric observation"):
        read_synthea(tmp_path)


def test_what_is_known_on_the_last_day_is_never_known_before(tmp_path):
    """Some systems write 9999-12-31 for never."""
    synthea(tmp_path, conditions="START,STOP,PATIENT,ENCOUNTER,CODE\n9999-12-31,,p,e,c\n")
    never = [row["known"] for row in read_synthea(tmp_path).events.rows() if row["code"] == "c"]
    assert [str(time) for time in never] == ["9999-12-31 23:59:59"]


def test_a_quarter_that_was_unpacked_beside_its_zip_counts_once(tmp_path):
    tables = {
        "DEMO24Q1.TXT": "primaryid$caseid\n1$1\n",
        "DRUG24Q1.TXT": "primaryid$role_cod$drugname\n1$PS$a\n",
        "REAC24Q1.TXT": "primaryid$pt\n1$b\n",
    }
    with zipfile.ZipFile(tmp_path / "q.zip", "w") as packed:
        for name, content in tables.items():
            packed.writestr(f"ascii/{name}", content)
    assert len(read_faers(tmp_path).events) == 2
    for name, content in tables.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match="must stand in one place, got a second"):
        read_faers(tmp_path)


# --- links, pipes, devices -----------------------------------------------------------------


def linked(folder, name, content=CANARY):
    outside = folder.parent / f"outside-{name}"
    outside.write_text(content)
    (folder / name).symlink_to(outside)


def test_a_link_out_of_a_folder_is_not_followed(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text(CANARY)
    (folder / "a.ann").write_text(f"T1\tX 0 11\t{CANARY}\n")
    (folder / "same.txt").symlink_to("a.txt")
    assert [note.id for note in read_notes(folder)] == ["a", "same"]
    for name in ("b.txt", "c.ann"):
        linked(folder, name)
        with pytest.raises(DataError, match="got a link out of it") as caught:
            read_all(folder)
        assert str(caught.value).startswith(str(folder / name))
        (folder / name).unlink()
    named = tmp_path / "named.txt"
    named.symlink_to(folder / "a.txt")
    assert [note.text for note in read_notes(named)] == [CANARY], "the user names this link"


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (read_all, "b.jsonl"),
        (read_fhir, "b.ndjson"),
        (read_synthea, "patients.csv"),
        (read_mimic3, "ADMISSIONS.csv"),
        (read_events, "part-0.parquet"),
        (lambda path: list(stream_events(path)), "part-0.parquet"),
        (read_faers, "DEMO24Q1.TXT"),
    ],
)
def test_nor_by_other_readers_of_folders(read, name, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    linked(folder, name)
    with pytest.raises(DataError, match="got a link out of it"):
        read(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_or_a_device_is_refused_at_once(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.jsonl", "in/a.txt", "a.csv", "a.zip"):
        os.mkfifo(tmp_path / name)
    program = (
        "import sys\nfrom clinnlp.core.errors import DataError\n"
        "from clinnlp.io.notes.corpora import read_notes\n"
        "from clinnlp.io.record.events import read_events\n"
        "from clinnlp.io.tables.wide import read_wide\n"
        "for read, path in ((read_notes, 'a.jsonl'), (read_notes, '/dev/zero'),\n"
        "        (lambda p: list(read_notes(p, format='brat')), 'in'), (read_events, 'a.csv'),\n"
        "        (lambda p: read_wide(p, ['a']), 'a.zip')):\n"
        "    try:\n        read(path)\n    except DataError as error:\n        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=120,
        check=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.stdout.count("got a pipe or a device; save it as a file") == 5


# --- claims that cost time -----------------------------------------------------------------


def test_a_mention_of_many_pieces_is_refused_in_short():
    here = Document(Path("a.ann"), 3, None, repairs=Counter())
    bounds = [(k, k + 1) for k in range(0, 20_000, 2)]
    with pytest.raises(OffsetError) as caught:
        place(here, "ab" * 10_000, bounds, "x" * 10_000)
    assert len(str(caught.value)) < 200


def test_columns_are_named_in_short(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"c{k}" for k in range(5_000)) + "\n")
    with pytest.raises(DataError, match="and 4950 more") as caught:
        read_wide(path, ["none"])
    assert len(str(caught.value)) < 1_000


def test_a_sentence_of_too_many_pairs_is_refused(tmp_path):
    text = "a " * 1_001
    mentions = [Entity(id=f"e{k}", span=Span(2 * k, 2 * k + 1), label="X") for k in range(1_001)]
    note = Note(id="a", text=text, entities=tuple(mentions))
    with pytest.raises(DataError, match="1000 mentions in a sentence at most"):
        write_notes([note], tmp_path / "out", format="ddi")


@pytest.mark.parametrize("name", FULL)
def test_hostile_bytes_in_the_middle_are_no_traceback(name, tmp_path):
    good = tmp_path / "good"
    write_notes([FULL[name]], good, format=name)
    files = sorted(good.iterdir()) if good.is_dir() else [good]
    rng = np.random.default_rng(0)
    for path in files:
        raw = path.read_bytes()
        for at in rng.integers(0, len(raw), 8):
            path.write_bytes(raw[:at] + b"\xff\0" + raw[at + 2 :])
            try:
                list(read_notes(good, format=name))
            except ClinnlpError as error:
                check_free_of(CANARY, error)
        path.write_bytes(raw)
