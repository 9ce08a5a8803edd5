"""A dose that takes the place of another: the new one counts, the old one is `dose_before`."""

import pytest

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.medication import Medications

DEFAULT = Medications()


def said(text):
    """The attributes of the drug in braces."""
    start = text.index("{")
    end = text.index("}") - 1
    plain = text.replace("{", "").replace("}", "")
    entity = Entity(id="T1", span=Span(start, end), label="Drug")
    return dict(DEFAULT(Note(id="n", text=plain, entities=(entity,))).entities[0].attributes)


CHANGED = [  # text, dose, dose_before, dose_mg, daily_mg
    ("{Lasix} increased from 20 mg daily to 40 mg daily", "40 mg", "20 mg", 40, 40),
    ("Increase {Lasix} from 20 mg to 40 mg daily", "40 mg", "20 mg", 40, 40),
    ("Increase {Lasix} from 20 to 40 mg daily", "40 mg", "20", 40, 40),
    ("{Lasix} increased from 20-40 mg daily", "40 mg", "20", 40, 40),
    ("{Lasix} increased from 20-40 mg daily to 60 mg daily", "60 mg", "20-40 mg", 60, 60),
    ("Change {Lasix} from 20 mg to 40 mg daily", "40 mg", "20 mg", 40, 40),
    ("{Lasix} switched from 20 to 40 mg", "40 mg", "20", 40, None),
    ("{Lasix} titrated from 5 mg daily to 20 mg daily", "20 mg", "5 mg", 20, 20),
    ("{Toprol} decreased from 40 mg daily to 20 mg daily", "20 mg", "40 mg", 20, 20),
    ("{Toprol} reduced from 40 to 20 mg", "20 mg", "40", 20, None),
    ("{prednisone} weaned from 40 mg to 20 mg daily", "20 mg", "40 mg", 20, 20),
    ("{prednisone} tapered from 40 mg daily to 20 mg daily", "20 mg", "40 mg", 20, 20),
    ("{Toprol} changed from 5 mg bid to 10 mg daily", "10 mg", "5 mg", 10, 10),
    ("{Keppra} increased from 500 mg bid to 750 mg", "750 mg", "500 mg", 750, None),
    ("{Lasix} 40 mg daily, up from 20 mg daily", "40 mg", "20 mg", 40, 40),
    ("{Lasix} 40 mg daily (down from 80 mg daily)", "40 mg", "80 mg", 40, 40),
    ("{Lasix} increased to 40 mg daily from 20 mg daily", "40 mg", "20 mg", 40, 40),
    ("{Lasix} increased to 40 mg from 20 mg daily", "40 mg", "20 mg", 40, 40),
    ("{Lasix} 20 mg daily was increased to 40 mg daily", "40 mg", "20 mg", 40, 40),
    ("patient's 20 mg {Lasix} was increased to 40 mg daily", "40 mg", "20 mg", 40, 40),
    ("{Lasix} was 20 mg, now 40 mg", "40 mg", "20 mg", 40, None),
    ("{Lasix} previously 20 mg daily, now 40 mg daily", "40 mg", "20 mg", 40, 40),
    ("{Lasix} 40 mg daily, previously 20 mg", "40 mg", "20 mg", 40, 40),
    ("{Coumadin} 5 mg daily; was 2.5 mg daily", "5 mg", "2.5 mg", 5, 5),
    ("{Lasix} 40 mg daily instead of 20 mg daily", "40 mg", "20 mg", 40, 40),
    ("take 40 mg of {Lasix} instead of 20 mg daily", "40 mg", "20 mg", 40, 40),
    ("{Toprol} 25 mg BID (previously on 50 mg BID)", "25 mg", "50 mg", 25, 50),
    ("{Lasix} raised from his home dose of 20 mg daily to 40 mg daily", "40 mg", "20 mg", 40, 40),
    ("Increase {Lasix} 20 mg daily to 40 mg daily", "40 mg", "20 mg", 40, 40),
    ("{Lasix} 20 mg daily, increased the dose to 40 mg daily", "40 mg", "20 mg", 40, 40),
    ("↑ {Lasix} from 20 to 40 mg daily", "40 mg", "20", 40, 40),
    ("{Lasix} 20 mg -> 40 mg daily", "40 mg", "20 mg", 40, 40),
    ("{Lasix} 20 → 40 mg", "40 mg", "20", 40, None),
    ("{Lasix} 20mg => 40mg", "40mg", "20mg", 40, None),
    ("{Lasix} 40 mg -> 20", "20", "40 mg", 20, None),
    ("{Toprol} 25 -> 50 mg bid", "50 mg", "25", 50, 100),
    ("{Keppra} 500 mg bid --> 750 mg bid", "750 mg", "500 mg", 750, 1500),
    ("{Synthroid} 50 ug -> 75 ug daily", "75 ug", "50 ug", 0.075, 0.075),
    ("{Lasix} 20 mg tablets, increased from 1 tablet to 2 tablets daily",
     "2 tablets", "1 tablet", 40, 40),
    ("{Lasix} reduced from 40 mg daily.", None, "40 mg", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "dose", "before", "mg", "daily"), CHANGED)
def test_the_new_dose_counts_and_the_old_one_is_told(text, dose, before, mg, daily):
    found = said(text)
    names = ("dose", "dose_before", "dose_mg", "daily_mg")
    assert tuple(found.get(name) for name in names) == (dose, before, mg, daily)
    assert "schedule" not in found
    assert not {"dose_mg_low", "daily_mg_low"} & found.keys()


@pytest.mark.parametrize(
    ("text", "dose"),
    [
        ("{Lasix} 20 to 40 mg daily", "20 to 40 mg"),
        ("{Lasix} 20-40 mg daily", "20-40 mg"),
        ("{Lasix} from 20 to 40 mg daily", "20 to 40 mg"),
        ("doses of {Lasix} ranged from 20 mg to 40 mg daily", "20 mg to 40 mg"),
        ("Increase {Lasix} to 20-40 mg daily", "20-40 mg"),
    ],
)
def test_a_range_stays_a_range(text, dose):
    found = said(text)
    ends = [found[name] for name in ("dose_mg_low", "dose_mg_high", "daily_mg_low")]
    assert (found["dose"], ends) == (dose, [20, 40, 20])
    assert not {"dose_before", "dose_mg", "schedule"} & found.keys()


def test_from_may_be_of_a_range_or_an_origin():
    assert said("Take {Lasix} from 1/2 to 3/4 tablet daily")["dose"] == "1/2 to 3/4 tablet"
    assert "dose_before" not in said("{Lasix} 40 mg from home daily")
    assert said("{Lasix} 40 mg daily from 6/3 to 6/10")["daily_mg"] == 40
    assert said("Her {Lasix} dose was 20 mg daily.")["dose"] == "20 mg"


@pytest.mark.parametrize(
    ("text", "schedule", "daily"),
    [
        ("{Lasix} 20 mg in the morning and 40 mg at night",
         "20 mg in the morning and 40 mg at night", 60),
        ("{prednisone} 40 mg x 3 days then 20 mg x 3 days", "40 mg x 3 days then 20 mg x 3 days",
         None),
        ("{prednisone} 60->40->20 mg", "60->40->20 mg", None),
        ("taper {prednisone} from 60 mg to 10 mg over 2 weeks", "60 mg to 10 mg over 2 weeks",
         None),
        ("{prednisone} 40 mg daily for 5 days, decreased to 20 mg daily",
         "40 mg daily for 5 days, decreased to 20 mg daily", None),
        ("{Lasix} 20 mg daily, increase to 40 mg daily", "20 mg daily, increase to 40 mg daily",
         None),
        ("{Lasix} 20 mg daily to 40 mg daily", "20 mg daily to 40 mg daily", None),
        ("{Lasix} 10 mg, may increase this to 20 mg", "10 mg, may increase this to 20 mg", None),
        ("{Lasix} 20 mg qam with 40 mg qpm", "20 mg qam with 40 mg qpm", 60),
        ("{Lasix} increased from 20 mg qam to 20 mg qam and 10 mg qpm", "20 mg qam and 10 mg qpm",
         30),
        ("{Lasix} cut from 40 mg daily to 20 mg daily for 5 days then 10 mg daily",
         "20 mg daily for 5 days then 10 mg daily", None),
    ],
)  # fmt: skip
def test_a_schedule_stays_a_schedule(text, schedule, daily):
    found = said(text)
    assert (found["schedule"], found.get("daily_mg")) == (schedule, daily)


def test_a_reason_is_no_indication():
    for text in ("{warfarin} held for surgery", "Hold {warfarin} for surgery",
                 "{warfarin} held x 2 days for bleeding"):  # fmt: skip
        assert "indication" not in said(text)
    assert said("{warfarin} 5 mg daily for stroke prevention")["indication"] == "stroke prevention"


def test_of_two_rates_the_one_in_force_is_the_strength():
    for text in ("{heparin} increased from 10 to 12 units/kg/hr", "{heparin} 10 -> 12 units/kg/hr"):
        assert said(text)["strength"] == "12 units/kg/hr"


def test_the_words_of_a_change_come_from_the_table(tmp_path):
    rows = ["mg\tunit\t1", "bis\tto", "täglich\tfrequency\t1", "von\tbefore", "auf\tinto"]
    rows += ["erhöht\tchange\tincrease", "↦\tnow"]
    table = tmp_path / "de.tsv"
    table.write_text("\n".join(["term\tfield\tvalue", *rows]), encoding="utf-8")
    pipe = Medications(table)
    for text in ("Lasix erhöht von 20 mg täglich auf 40 mg täglich", "Lasix 20 ↦ 40 mg täglich"):
        entity = Entity(id="T", span=Span(0, 5), label="Drug")
        (drug,) = pipe(Note(id="n", text=text, entities=(entity,))).entities
        assert (drug.attributes["dose"], drug.attributes["daily_mg"]) == ("40 mg", 40)
