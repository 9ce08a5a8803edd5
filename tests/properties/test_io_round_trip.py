"""Read what was written: equal notes, for anything a format can hold."""

import re
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.notes import AXES, Assertion, Coverage, Entity, Note, Relation, Section
from clinnlp.core.spans import Span, cover, merge
from clinnlp.io.files.source import Document
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.datasets import from_dataset, to_dataset
from clinnlp.io.notes.formats import FORMATS
from clinnlp.io.notes.index import NoteIndex
from clinnlp.io.notes.offsets import REPAIRS, place
from clinnlp.io.notes.records import note_from_record, note_to_record

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")  # both refused
ODD = st.sampled_from(
    ["\r\n", "\n", "\t", "👩‍⚕️", "e\u0301", "\u2028", "\x85", "\ufeff", " ", '"', "\\", "|"]
)
WORDS = st.text(CHARACTERS, max_size=8)
TEXTS = st.lists(ODD | st.text(CHARACTERS, max_size=12), max_size=12).map("".join)
LINES = TEXTS.map(lambda text: text.replace("\r", "").replace("\n", ""))
PLAIN = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=6)
ATTRIBUTES = st.dictionaries(
    WORDS | st.sampled_from([*AXES, "AnnotatorNotes", "clinnlp", "dose"]),
    WORDS
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none(),
    max_size=3,
)
SCORES = st.none() | st.floats(0, 1)
COUNTS = st.integers(0, 2**63 - 1)  # as Arrow holds them
COVERAGES = st.builds(Coverage, n_seen=COUNTS, n_total=COUNTS) | st.builds(
    Coverage,
    n_seen=COUNTS,
    n_total=COUNTS,
    n_new=COUNTS,
    n_new_pairs=COUNTS,
    unlike=st.none() | st.booleans(),
)
TIMES = st.none() | st.datetimes(datetime(1900, 1, 1)) | st.datetimes(timezones=st.just(UTC))
MAYBE = st.none() | WORDS

FAST = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def spans(draw, n_chars):
    start = draw(st.integers(0, n_chars - 1))
    return Span(start, draw(st.integers(start + 1, n_chars)))


@st.composite
def assertions(draw, n_chars):
    axes = {axis: draw(st.none() | st.booleans()) for axis in AXES}
    return Assertion(**axes, cues=draw(st.dictionaries(st.sampled_from(AXES), spans(n_chars))))


@st.composite
def entities(draw, n_chars, id):
    parts = merge(draw(st.lists(spans(n_chars), min_size=1, max_size=3)))
    return Entity(
        id=id,
        span=cover(parts),
        label=draw(WORDS),
        parts=parts if len(parts) > 1 else (),
        concepts=tuple(draw(st.lists(WORDS, max_size=3))),
        assertion=draw(assertions(n_chars)),
        attributes=draw(ATTRIBUTES),
        score=draw(SCORES),
        source=draw(MAYBE),
    )


@st.composite
def annotated(draw, id="n"):
    """A note with overlapping and discontinuous entities of any ids, and relations of BRAT."""
    text = draw(TEXTS)
    ids = draw(
        st.lists(PLAIN | st.sampled_from(["T1", "T2", "R1", "E1", "*1"]), unique=True, max_size=5)
    )
    n_entities = draw(st.integers(0, len(ids))) if text else 0
    made = tuple(draw(entities(len(text), name)) for name in ids[:n_entities])
    links = []
    for name in ids[n_entities:] if made else ():
        ends = st.sampled_from(ids[: n_entities + len(links)])
        roles = draw(
            st.fixed_dictionaries({"a": ends, "b": ends})
            | st.fixed_dictionaries({"trigger": st.sampled_from(ids[:n_entities]), "Theme": ends})
            | st.fixed_dictionaries({"members": ends})
        )
        links.append(
            Relation(
                id=name,
                label=draw(WORDS),
                roles={role: (end,) for role, end in roles.items()},
                attributes=draw(ATTRIBUTES),
                score=draw(SCORES),
                source=draw(MAYBE),
            )
        )
    return Note(id=id, text=text, entities=made, relations=tuple(links))


@st.composite
def complete(draw, id="n"):
    """A note with everything a note can hold."""
    note = draw(annotated(id))
    some = (
        st.none()
        if not note.text
        else st.none() | st.lists(spans(len(note.text)), max_size=3).map(tuple)
    )
    found = draw(some)
    return note.with_(
        patient=draw(MAYBE),
        encounter=draw(MAYBE),
        time=draw(TIMES),
        known=draw(TIMES),
        kind=draw(MAYBE),
        tokens=draw(some),
        sentences=draw(some),
        sections=None
        if found is None
        else tuple(Section(span=s, kind="k", heading=s) for s in found),
        labels=tuple(draw(st.lists(WORDS, max_size=3))),
        coverage=draw(st.none() | COVERAGES),
    )


@st.composite
def flat(draw, id="n"):
    """A note that PubTator can hold."""
    text = draw(LINES | st.tuples(LINES, LINES).map("\n".join))
    usable = [k for k, c in enumerate(text) if c != "\t"]
    concepts = st.lists(PLAIN.map(lambda p: f"D{p}"), max_size=3).map(tuple)
    found = []
    for _ in range(draw(st.integers(0, 4)) if usable else 0):
        start = draw(st.sampled_from(usable))
        stop = next((k for k in range(start, len(text)) if text[k] == "\t"), len(text))
        end = draw(st.integers(start + 1, stop))
        mentions = draw(st.none() | PLAIN)
        found.append(
            Entity(
                id=f"T{len(found) + 1}",
                span=Span(start, end),
                label=draw(PLAIN),
                concepts=draw(concepts),
                attributes={} if mentions is None else {"mentions": mentions},
            )
        )
    pairs = draw(
        st.lists(st.tuples(PLAIN, concepts.filter(bool), concepts.filter(bool)), max_size=2)
    )
    links = tuple(
        Relation(id=f"R{k}", label=label, roles={"Arg1": one, "Arg2": two})
        for k, (label, one, two) in enumerate(((f"r{p}", a, b) for p, a, b in pairs), 1)
    )
    return Note(id=id, text=text, entities=tuple(found), relations=links)


@st.composite
def tagged(draw, id="n"):
    """A note that CoNLL can hold, as it comes back: words, sentences, disjoint mentions."""
    words = st.text(st.characters(categories=["L", "N", "P", "S", "M"]), min_size=1, max_size=6)
    sentences = draw(st.lists(st.lists(words, min_size=1, max_size=6), max_size=3))
    tokens, bounds, found, at = [], [], [], 0
    for sentence in sentences:
        first = len(tokens)
        for word in sentence:
            tokens.append(Span(at, at + len(word)))
            at += len(word) + 1
        bounds.append(Span(tokens[first].start, tokens[-1].end))
        cuts = sorted(draw(st.sets(st.integers(first, len(tokens)), max_size=4)))
        for a, b in zip(cuts[::2], cuts[1::2], strict=False):
            span = Span(tokens[a].start, tokens[b - 1].end)
            found.append(Entity(id=f"T{len(found) + 1}", span=span, label=draw(PLAIN)))
    return Note(
        id=id,
        text="\n".join(map(" ".join, sentences)),
        tokens=tuple(tokens),
        sentences=tuple(bounds),
        entities=tuple(found),
    )


@st.composite
def row(draw, id="n"):
    """A note that a table can hold."""
    filled = st.none() | st.text(CHARACTERS, min_size=1, max_size=8)
    label = draw(filled)
    return Note(
        id=id,
        text=draw(TEXTS),
        patient=draw(filled),
        time=draw(st.none() | st.datetimes(datetime(1900, 1, 1))),
        kind=draw(filled),
        labels=() if label is None else (label,),
    )


@st.composite
def for_xml(draw, id="n"):
    """A note with everything, in characters that XML has."""

    def cleaned(value):
        if isinstance(value, str):
            return FORBIDDEN.sub("x", value)
        if isinstance(value, list):
            return [cleaned(each) for each in value]
        if isinstance(value, dict):
            return {cleaned(key): cleaned(each) for key, each in value.items()}
        return value

    return note_from_record(cleaned(note_to_record(draw(complete(id)))))


FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
HELD = {
    "jsonl": complete,
    "bioc-json": complete,
    "bioc-xml": for_xml,
    "docbin": complete,
    "spacy-json": complete,
    "xmi": for_xml,
    "cas-json": complete,
    "conllu": tagged,
    "fhir": complete,
    "brat": annotated,
    "pubtator": flat,
    "conll": tagged,
    "csv": row,
    "tsv": row,
    "parquet": row,
}


@pytest.mark.parametrize("name", HELD)
def test_round_trip(name):
    @FAST
    @given(st.tuples(HELD[name]("n1"), HELD[name]("n2")))
    def law(notes):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a"
            assert write_notes(notes, path, format=name) == 2
            source = read_notes(path, format=name)
            assert tuple(source) == notes
            index = NoteIndex.build(source)
            assert index.note_at("n2") == notes[1]

    law()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name, entry in FORMATS.items() if entry.write is not None]
)
def test_any_note_comes_back_with_a_sidecar(name):
    """Either the text cannot stand in the format, which is said, or the note comes back whole."""

    @settings(FAST, max_examples=8)
    @given(complete("7"), st.booleans())
    def law(note, clean):
        if clean:  # a text that every format can hold
            note = note_from_record(
                {
                    **note_to_record(note),
                    "text": "ab cd. " * (len(note.text) // 7 + 1),
                    "patient": "1",
                }
            )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a"
            try:
                write_notes([note], path, format=name, on_loss="sidecar")
                refused = ""
            except DataError as error:
                refused = str(error)
            if refused:
                assert not clean
                assert "must fit its format" in refused
                assert not any(Path(folder).iterdir())
            else:
                assert list(read_notes(path, format=name)) == [note]

    law()


def test_datasets_round_trip():
    @settings(FAST, max_examples=15)
    @given(st.tuples(complete("n1"), complete("n2")))
    def law(notes):
        assert tuple(from_dataset(to_dataset(notes))) == notes

    law()


@pytest.mark.parametrize("rule", REPAIRS)
def test_what_a_repair_gives_is_the_mention(rule):
    """Offsets spoilt by each way of counting come back, or another rule explains them too."""

    @FAST
    @given(st.data())
    def law(data):
        text = data.draw(TEXTS.filter(lambda text: text.strip()))
        span = data.draw(spans(len(text)).filter(lambda s: text[s.start : s.end].strip()))
        # a bound between CR and LF has no place where both count as one
        assume(
            rule != "CRLF as one"
            or "\r\n" not in {text[k - 1 : k + 1] for k in (span.start, span.end)}
        )
        mention = text[span.start : span.end]
        spoilt = SPOIL[rule](text, span)
        repairs = Counter()
        document = Document(Path("a"), 1, None, repairs=repairs)
        try:
            (found,) = place(document, text, [spoilt], mention)
        except OffsetError:
            assert min(spoilt) < 0 or spoilt[0] >= spoilt[1]  # no offsets at all
            return
        assert text[found.start : found.end].split() == mention.split()

    law()


SPOIL = {
    "bytes": lambda t, s: tuple(len(t[:k].encode()) for k in s),
    "UTF-16": lambda t, s: tuple(len(t[:k].encode("utf-16-le")) // 2 for k in s),
    "CRLF as one": lambda t, s: tuple(k - t[:k].count("\r\n") for k in s),
    "CRLF for LF": lambda t, s: tuple(k + t[:k].count("\n") for k in s),
    "end included": lambda t, s: (s.start, s.end - 1),
    "one too late": lambda t, s: (s.start + 1, s.end + 1),
    "one too early": lambda t, s: (s.start - 1, s.end - 1),
}
