"""What displays itself in a notebook: no text of a note, no script, nothing fetched, a few kB."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import clinnlp
from clinnlp.core.notes import Assertion, Entity, Note, Section
from clinnlp.core.spans import Span
from clinnlp.core.tables import EntityTable, EventTable

CANARY = "zyxomab"
BAD = "<img src=x onerror=alert(1)>"
VOID = {"br", "meta"}


class Tags(HTMLParser):
    """Keeps the tags that are open, and all that there were."""

    def __init__(self, page):
        super().__init__()
        self.open, self.seen = [], set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen |= {tag, *(f"{name}=" for name, _ in attrs)}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def note(k, words=CANARY):
    text = f"Denies {words} and aspirin."
    spans = (Span(7, 7 + len(words)), Span(12 + len(words), 19 + len(words)))
    entities = tuple(
        Entity(
            id=f"T{j}", span=span, label=BAD, concepts=("C1",) * j, source=BAD,
            assertion=Assertion(negated=True, cues={"negated": Span(0, 6)}),
            attributes={"dose": CANARY, "indication": CANARY, "change": "start"},
        )
        for j, span in enumerate(spans)
    )  # fmt: skip
    return Note(
        id=f"{k}{BAD}", text=text, patient=f"{CANARY} {k}", encounter=CANARY, entities=entities,
        sections=(Section(span=Span(0, 5), kind="other"),), sentences=(Span(0, 5),),
    )  # fmt: skip


def study(n_positive=60):
    rng = np.random.default_rng(0)
    y = np.arange(240) < n_positive
    patients = np.array([f"{CANARY}{k}" for k in range(240)])
    rows = clinnlp.rows_of_table({"x": y + rng.normal(size=240)}, outcome=y, groups=patients)
    settings = clinnlp.RiskStudySettings(models=("naive_bayes",), n_boot=20)
    return clinnlp.risk_study(rows, settings=settings)


@pytest.fixture(scope="module")
def displayed():
    """Return an example of each, by its class."""
    notes = [note(k) for k in range(4)]
    table = clinnlp.entity_table(notes)
    loose = clinnlp.baskets(table, unit="note", axes=())
    reports = signal_baskets(np.random.default_rng(0))
    pairs = clinnlp.mine_interactions(reports, min_count=1, min_margin=1)
    singles = clinnlp.mine_signals(reports, min_count=1, min_margin=1)
    assert len(pairs)
    assert len(singles)
    return {
        "Note": notes[0],
        "EntityTable": table,
        "EventTable": EventTable(
            {
                "patient": [CANARY], "code": [BAD], "kind": ["drug"], "dose": [CANARY],
                "result": [CANARY], "source_id": [CANARY], "value": [1.5],
            }
        ),
        "Baskets": loose,
        "Itemsets": clinnlp.mine_itemsets(loose, min_count=1),
        "Rules": clinnlp.mine_rules(loose, min_count=1),
        "Signals": pairs,
        "Signals of single drugs": singles,
        "Pipeline": clinnlp.Pipeline([lambda note: note]),
        "RiskStudy": study(),
        "RiskStudy without a score": study(n_positive=3),
        "Shown": clinnlp.show(notes),
    }  # fmt: skip


def signal_baskets(rng):
    held = rng.random((200, 4)) < 0.4
    names = np.array(["warfarin", "ibuprofen", "aspirin", BAD])
    rows, columns = np.nonzero(held)
    return clinnlp.event_baskets(
        EventTable(
            {
                "patient": [f"{CANARY}{k}" for k in rows], "encounter": [f"e{k}" for k in rows],
                "code": names[columns].tolist(),
                "kind": np.where(columns == 3, "outcome", "drug").tolist(),
            }
        ),
        unit="encounter",
    )  # fmt: skip


def test_each_is_whole_small_and_silent(displayed):
    for name, value in displayed.items():
        page = value._repr_html_()
        tags = Tags(page)
        assert not tags.open, name
        assert not tags.seen & {"script", "img", "link", "iframe", "src=", "href=", "onerror="}, (
            name
        )
        assert "http" not in page, name
        assert len(page) < 20_000, name
        assert page == value._repr_html_(), name


def test_none_shows_the_text_of_a_note_or_a_patient(displayed):
    for name, value in displayed.items():
        assert CANARY not in value._repr_html_(), name
        assert CANARY not in repr(value), name


def test_what_they_show(displayed):
    page = {name: re.sub(r"<[^>]*>", "|", v._repr_html_()) for name, v in displayed.items()}
    assert "characters 27 · mentions 2 · sections 1 · sentences 1" in page["Note"]
    assert "rows 8" in page["EntityTable"]
    assert "baskets 4 · unit note · items 2" in page["Baskets"]
    assert "||C1||" in page["Baskets"]
    assert all("item " in page[name] for name in ("Baskets", "Itemsets", "Rules"))
    assert "ibuprofen" in page["Signals"]
    assert "warfarin" in page["Signals of single drugs"]
    assert re.search(r"\|naive_bayes\|\|0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]\|", page["RiskStudy"])
    assert "no score is given" in page["RiskStudy without a score"]
    assert "|&lt;lambda&gt;|" in page["Pipeline"]


def test_words_that_many_baskets_hold_are_named():
    table = clinnlp.entity_table([note(k, "aspirine") for k in range(6)])
    rules = clinnlp.mine_rules(clinnlp.baskets(table, unit="note", axes=()), min_count=1)
    assert "aspirine" in rules._repr_html_()


def test_a_million_rows_are_as_quick_as_twenty():
    n = 1_000_000
    table = EntityTable({"note": ["n"] * n, "label": ["L"] * n, "start": [0] * n, "end": [1] * n}
        | dict.fromkeys(("entity", "n_concepts"), [0] * n)
    )  # fmt: skip
    page = table._repr_html_()
    assert "The first 20 of 1,000,000 rows." in page
    assert len(page) < 10_000


def test_what_was_written_and_read_displays_itself_too(displayed, tmp_path):
    for name, read in (("Rules", clinnlp.read_rules), ("Signals", clinnlp.read_signals)):
        clinnlp.write_mined(displayed[name], tmp_path / f"{name}.parquet")
        page = read(tmp_path / f"{name}.parquet")._repr_html_()
        assert f"<strong>{name}</strong>" in page
        assert page.count("<tr><td>") == min(20, len(displayed[name]))
