"""What the flows write, attacked: no patient can be found in it, and no rare word can be read.

All flows run on small files. Whatever they leave is searched for ids of patients, texts of notes
and words of one patient, raw and by every hash there is. Files that hold patients because that is
what they are for are named in SECURITY.md, as all others are.
"""

import base64
import fnmatch
import hashlib
import json
import re
import zipfile
from pathlib import Path

import ahocorasick_rs
import pytest
import xxhash

from clinnlp.bert.checkpoint import Checkpoint
from clinnlp.bert.corpus import corpus_sha256
from clinnlp.bert.pretrain import pretrain
from clinnlp.bert.store import load
from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner
from clinnlp.cli import main
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import write_notes
from tests.unit.bert.conftest import make_encoder

pytestmark = pytest.mark.slow

N = 60
PATIENTS = [f"mrn-{7919 * k % 100003:06d}" for k in range(N)]
RARE = ["quuxozine", "Zyxtown", "quuxvoc", "quuxdrops", "quuxsex", "quuxward"]  # of one patient
LENGTHS = (6, 8, 12, 16, 20, 24, 28, 32)
N_FIRST = 8  # bytes of a hash: cut to these or to more, it is found
TRAINING = {
    "max_tokens": 32,
    "stride": 8,
    "tokens_per_batch": 256,
    "epochs": 2,
    "progress": False,
    "bf16": "off",
}
ALWAYS = 1e-9  # minutes: a checkpoint after every step


class Killed(BaseException):
    pass


def note_of(k):
    """Return a note that follows a template, as many do; those of one patient hold rare words."""
    drug = "quuxozine" if k == 7 else "aspirin"
    text = f"Started {drug} {k + 5} mg for chest pain{' in Zyxtown' if k == 7 else ''}."
    spans = [(text.index(drug), len(drug), "Drug"), (text.index("chest pain"), 10, "Problem")]
    entities = [
        Entity(id=f"T{i}", span=Span(at, at + n), label=label)
        for i, (at, n, label) in enumerate(spans)
    ]
    return Note(
        id=f"visit-{k:04d}", text=text, patient=PATIENTS[k], entities=tuple(entities),
        labels=("drug" if k % 2 else "none",),
    )  # fmt: skip


NOTES = [note_of(k) for k in range(N)]


def write_cohort(folder):
    events = ["patient,encounter,start,known,code,kind,vocabulary,value,unit"]
    outcome, people = ["patient,index_time,outcome"], ["patient,birth_date,sex"]
    seen = ["patient,index_time,time,follow_up_end"]
    for k, who in enumerate(PATIENTS):
        odd = k == 7
        start = f"{who},enc-{who},2019-06-01,2019-06-02"
        unit = "quuxdrops" if odd else "mg/dL"
        events.append(f"{start},creatinine,lab,{'quuxvoc' if odd else 'LOINC'},{1 + k % 5},{unit}")
        events.append(
            f"{start},{'quuxozine' if odd else 'warfarin' if k % 2 else 'insulin'},drug,,,"
        )
        events.append(f"{start},{'quuxward' if odd else 'surgery'},ward,,,")
        if k % 3 == 0:
            events.append(f"{start},bleed,outcome,,,")
        outcome.append(f"{who},2020-01-01,{int(k % 3 == 0)}")
        came = f"2020-01-{10 + k % 9}" if k % 3 == 0 else ""
        seen.append(f"{who},2020-01-01,{came},2020-12-31")
        people.append(f"{who},{1940 + k % 40}-01-01,{'quuxsex' if odd else 'fm'[k % 2]}")
    tables = {"events": events, "outcome": outcome, "seen": seen, "patients": people}
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    write_notes(NOTES, folder / "notes.jsonl")
    (folder / "vocabulary.csv").write_text(
        "name,code,label\naspirin,A,Drug\nquuxozine,Q,Drug\nchest pain,C,Problem\n"
    )


def run(*words):
    assert main([str(word) for word in words]) == 0


def run_flows(given, out):
    """Run everything that writes, each into a folder or file of `out`."""
    run(
        "extract", given / "notes.jsonl", out / "entities", "--vocabulary", given / "vocabulary.csv"
    )
    (given / "arriving").mkdir()
    write_notes(NOTES, given / "arriving" / "notes.jsonl")
    (given / "arriving" / "other.bin").write_bytes(b"poison")
    run("watch", given / "arriving", "--out", out / "watched", "--once", "--vocabulary",
        given / "vocabulary.csv")  # fmt: skip
    run("convert", given / "notes.jsonl", out / "converted.pubtator", "--on-loss", "sidecar")
    write_notes([note.with_(entities=note.entities[1:]) for note in NOTES], given / "found.jsonl")
    found = given / "found.jsonl"
    run("score", given / "notes.jsonl", found, "--n-boot", "5", "--report", out / "errors.html")
    for name in ("naive_bayes", "random_forest", "svm_rbf"):
        run("risk", given / "outcome.csv", "--events", given / "events.csv", "--entities",
            out / "entities", "--patients", given / "patients.csv", "--out", out / name,
            "--models", name, "--keep", name, "--n-boot", "5", "--n-folds", "2")  # fmt: skip
    (given / "index.csv").write_text(f"patient,index_time\n{PATIENTS[3]},2020-01-01\n")
    run("risk", "apply", out / "svm_rbf" / "model", given / "index.csv", "--events",
        given / "events.csv", "--entities", out / "entities", "--patients",
        given / "patients.csv", "--out", out / "applied")  # fmt: skip
    run("risk", "survival", given / "seen.csv", "--events", given / "events.csv", "--patients",
        given / "patients.csv", "--out", out / "survival", "--horizon-days", "30", "--n-boot", "5",
        "--n-folds", "2", "--penalties", "3")  # fmt: skip
    run("mine", given / "events.csv", "--out", out / "mined")
    run("deidentify", given / "notes.jsonl", out / "left.jsonl", "--key", given / "key",
        "--new-key", "--audit", "5", "--tables", given / "events.csv", out / "left.csv",
        "--vault", out / "vault", "--vault-key", given / "vault-key")  # fmt: skip
    run("mine", out / "entities", "--unit", "note", "--out", out / "mined-notes")
    store = out / "review.db"
    run("review", "create", store, given / "notes.jsonl", "--suggest", "notes")
    run("review", "user", store, "anna", "--generate")
    run("review", "export", store, out / "judged.jsonl")
    run("review", "verdicts", store, out / "verdicts.csv")


def train_models(given, out, patch):
    """Train every kind of model and keep one checkpoint of a killed training."""
    encoder = make_encoder(given / "encoder")
    options = {"encoder": encoder, **TRAINING}
    tagger = fine_tune_ner(NOTES, out=out / "tagger", **options)
    fine_tune_ner(NOTES, refit=tagger, out=out / "refitted", progress=False)
    fine_tune_classifier(NOTES, out=out / "classifier", tune_encoder=True, **options)
    pages = [note.with_(entities=(), labels=()) for note in NOTES]
    words = {name: TRAINING[name] for name in ("max_tokens", "epochs", "progress")}
    pretrain(pages, encoder=encoder, out=out / "pretrained", **words)
    try:
        from clinnlp.bert.export import export_onnx

        export_onnx(load(out / "tagger"), out / "exported")
    except ImportError:
        pass
    write = Checkpoint.write

    def write_then_die(self, standing, tensors):
        write(self, standing, tensors)
        if standing.step == 4:
            raise Killed

    patch.setattr(Checkpoint, "write", write_then_die)
    with pytest.raises(Killed):
        fine_tune_ner(NOTES, out=out / "killed", checkpoint_minutes=ALWAYS, **options)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    given, out = tmp_path_factory.mktemp("given"), tmp_path_factory.mktemp("out")
    write_cohort(given)
    run_flows(given, out)
    with pytest.MonkeyPatch.context() as patch:
        train_models(given, out, patch)
    return given, out


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


ROW = re.compile(r"^\| (`.+?`(?:, `.+?`)*) \| (.+?) \| (.+?) \|$", re.MULTILINE)
TABLE = (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8")
LISTED = {name: (holds, learned) for names, holds, learned in ROW.findall(TABLE)
          for name in re.findall("`(.+?)`", names)}  # fmt: skip


def row_of(path):
    """Return what SECURITY.md says that a file holds, by the most particular of its names."""
    found = [name for name in LISTED if fnmatch.fnmatch(path, f"*/{name}")]
    return LISTED[max(found, key=len)] if found else None


def test_every_file_that_is_written_is_listed_with_what_it_holds(written):
    _, out = written
    names = [path.relative_to(out.parent).as_posix() for path in files_of(out)]
    assert [name for name in names if row_of(name) is None] == []
    assert {Path(name).name for name in names} >= {
        "card.json", "model.skops", "clinnlp.json", "model.safetensors", "state.safetensors",
        "report.html", "inputs.sha256", "manifest.json", "predictions.csv", "rules.csv",
    }  # fmt: skip


def contents(out):
    """Return all bytes that may be passed on, by file; packed ones also unpacked."""
    held = {}
    for path in files_of(out):
        name = path.relative_to(out.parent).as_posix()
        if any(cell.startswith("patients") for cell in row_of(name)):
            continue
        held[name] = path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                held |= {f"{name}:{n}": packed.read(n) for n in packed.namelist()}
    return held


def hashes(secret):
    """Return the digests of a text by every hash function there is, whatever their length."""
    raw = secret.encode()
    yield from (hashlib.blake2b(raw, digest_size=n).digest() for n in LENGTHS)
    yield from (hashlib.blake2s(raw, digest_size=n).digest() for n in LENGTHS)
    for name in sorted(hashlib.algorithms_available):
        made = hashlib.new(name, raw)
        yield made.digest() if made.digest_size else made.digest(32)
    yield from (make(raw).digest() for make in (xxhash.xxh64, xxhash.xxh3_64, xxhash.xxh3_128))
    own = hash(secret)
    yield from (own.to_bytes(8, order, signed=True) for order in ("little", "big"))


def forms(digest):
    """Return how the first bytes of a digest may be written."""
    first = digest[:N_FIRST]
    whole = len(first) // 3 * 3  # of base 64, four characters are three bytes
    yield from (first, first[::-1], first.hex().encode(), first.hex().upper().encode())
    yield from (base64.b64encode(digest)[: whole // 3 * 4 + 2],
                base64.urlsafe_b64encode(digest)[: whole // 3 * 4 + 2])  # fmt: skip
    yield from (str(int.from_bytes(first, order)).encode() for order in ("little", "big"))


def found_in(held, patterns):
    """Return which of the patterns stand in which file."""
    search = ahocorasick_rs.BytesAhoCorasick(list(patterns))
    whats = list(patterns.values())
    return sorted(
        {(name, whats[hit[0]]) for name, data in held.items()
         for each in (data, data.replace(b"\0", b""))  # numpy keeps text with 4 bytes a character
         for hit in search.find_matches_as_indexes(each, overlapping=True)}
    )  # fmt: skip


def test_no_id_no_text_and_no_rare_word_can_be_read(written):
    _, out = written
    held = contents(out)
    patterns = {word.encode(): word for word in [*PATIENTS, *(f"enc-{p}" for p in PATIENTS)]}
    patterns |= {form(word).encode(): word for word in RARE for form in (str, str.lower, str.upper)}
    patterns |= {note.text.encode(): note.id for note in NOTES}
    patterns |= {json.dumps(note.text)[1:-1].encode(): note.id for note in NOTES}
    assert found_in(held, patterns) == []


def test_no_hash_of_an_id_a_text_or_a_rare_word_can_be_found(written):
    _, out = written
    some = [3, 7, 30]
    secrets = [PATIENTS[k] for k in some] + [NOTES[k].text for k in some] + RARE
    secrets += [f"enc-{PATIENTS[k]}" for k in some]
    secrets += [f"{NOTES[k].id}\0{NOTES[k].text}" for k in some]
    secrets += [f"p\0{PATIENTS[k]}" for k in some] + [f"t\0{NOTES[k].text}" for k in some]
    patterns = {form: secret for s in secrets for secret in [s[:20]]
                for digest in hashes(s) for form in forms(digest)}  # fmt: skip
    assert len(patterns) > 5000
    assert found_in(contents(out), patterns) == []


def test_no_hash_of_all_notes_or_patients_or_of_a_file_can_be_found(written):
    """With one, whoever knows all but one could test whether that one is among them."""
    given, out = written
    joined = [sep.join(ids).encode() for sep in ("", "\n", ",", "\0", "\x1f", " ")
              for ids in (PATIENTS, sorted(PATIENTS))]  # fmt: skip
    whole = [hashlib.sha256(each).digest() for each in joined]
    labels = bytes(int(k % 3 == 0) for k in range(N))
    whole += [hashlib.sha256(each + labels).digest() for each in joined]
    whole += [bytes.fromhex(corpus_sha256(NOTES, annotations=gold)) for gold in (False, True)]
    for path in files_of(given):
        if path.parent == given and path.name != "vocabulary.csv":
            whole += [make(path.read_bytes()).digest()
                      for make in (hashlib.sha256, hashlib.md5, hashlib.sha1)]  # fmt: skip
    patterns = {form: digest.hex()[:8] for digest in whole for form in forms(digest)}
    assert found_in(contents(out), patterns) == []


def test_the_search_finds_what_is_hidden(tmp_path):
    for hide in (
        lambda d: d.hex().encode(),
        lambda d: d[:8],
        lambda d: base64.b64encode(d),
        lambda d: str(int.from_bytes(d[:8], "big")).encode(),
        lambda d: "".join(f"{c}\0\0\0" for c in d.hex()[:16]).encode(),
    ):
        for digest in hashes("secret"):
            if len(digest) >= N_FIRST:
                patterns = dict.fromkeys(forms(digest), "it")
                assert found_in({"f": b"x" + hide(digest) + b"y"}, patterns) == [("f", "it")]
