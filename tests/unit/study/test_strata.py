"""Strata by name: columns of what was mined, reports of FAERS, items; else refused."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.study.reading import TableReading
from clinnlp.study.settings import MineSettings
from clinnlp.study.sources import read_baskets
from clinnlp.study.strata import read_strata

LONG = (
    "report,code,kind,sex,year\n"
    "1,a,drug,F,2020\n1,x,outcome,F,2020\n2,a,drug,M,2020\n3,b,drug,,2021\n4,b,drug,F,2021\n"
    "4,b,drug,,\n"
)
COLUMNS = ("patient=report", "code=code", "kind=kind")


def strata_of(path, *, skip_bad=False, **settings):
    chosen = MineSettings(**settings)
    sets = read_baskets(path, chosen, TableReading(skip_bad=skip_bad))
    return sets, read_strata(path, chosen, sets, TableReading(skip_bad=skip_bad))


def groups_of(sets, strata):
    """Return the sets of baskets of each stratum."""
    ids = np.array(sets.ids.tolist())
    return sorted(sorted(ids[strata.groups == k].tolist()) for k in np.unique(strata.groups))


@pytest.fixture(params=["csv", "tsv", "parquet"])
def long(request, tmp_path):
    path = tmp_path / f"table.{request.param}"
    frame = pd.read_csv(pd.io.common.StringIO(LONG), dtype={"report": str})
    if request.param == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if request.param == "tsv" else ",")
    return path


def test_a_column_of_a_table_of_events(long):
    sets, strata = strata_of(long, columns=COLUMNS, strata=("sex",))
    assert groups_of(sets, strata) == [["1", "4"], ["2"], ["3"]]
    assert (strata.n_missing, str(strata)) == (1, "sex, 3 strata, 1 baskets without a value")


def test_several_columns_and_an_item_are_combined(long):
    sets, strata = strata_of(long, columns=COLUMNS, strata=("year", "SEX"))
    assert groups_of(sets, strata) == [["1"], ["2"], ["3"], ["4"]]
    sets, strata = strata_of(long, columns=COLUMNS, strata=("a", "year"))
    assert groups_of(sets, strata) == [["1", "2"], ["3", "4"]]


def test_a_column_of_a_wide_table_goes_by_row_or_by_id(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("case,a,b,sex\nu,1,0,F\nv,0,1,M\nw,1,1,F\n")
    for named in (None, ("unit=case",)):
        sets, strata = strata_of(path, items=("a", "b"), columns=named, strata=("sex",))
        assert strata.groups.tolist() == [0, 1, 0]
        assert len(sets) == 3


def test_rows_that_are_left_out_leave_no_stratum_behind(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("a,b,sex\n1,0,F\n1,0\n0,1,M\n")
    _, strata = strata_of(path, items=("a", "b"), strata=("sex",), skip_bad=True)
    assert strata.groups.tolist() == [0, 1]


def test_a_column_of_mentions_goes_by_note(tmp_path):
    path = tmp_path / "entities.csv"
    columns = "note,patient,entity,label,start,end,text,n_concepts,note_kind\n"
    path.write_text(columns + "n1,p1,T1,Drug,0,1,a,0,discharge\nn2,p1,T1,Drug,0,1,b,0,nursing\n")
    _, strata = strata_of(path, unit="note", strata=("note_kind",))
    assert strata.groups.tolist() == [0, 1]
    with pytest.raises(ArgumentError, match="several in column 'note_kind' for 1"):
        strata_of(path, unit="patient", strata=("note_kind",))


def test_faers_has_sex_age_and_year(tmp_path):
    demo = "primaryid$caseid$caseversion$fda_dt$age$age_cod$sex\n"
    rows = ["11$1$1$20170401$40$YR$F", "12$2$1$20170401$6$MON$M", "13$3$1$20160401$$$UNK",
            "14$4$1$20170401$900$YR$F", "15$5$1$20170401$8$DEC$m"]  # fmt: skip
    (tmp_path / "DEMO17Q2.txt").write_text(demo + "\n".join(rows) + "\n")
    drug = "primaryid$role_cod$drugname\n"
    (tmp_path / "DRUG17Q2.txt").write_text(drug + "".join(f"1{k}$PS$x\n" for k in range(1, 6)))
    reac = "primaryid$pt\n"
    (tmp_path / "REAC17Q2.txt").write_text(reac + "".join(f"1{k}$Pain\n" for k in range(1, 6)))
    for unit, ids in (("patient", "12345"), ("encounter", ("11", "12", "13", "14", "15"))):
        a, b, c, d, e = ids
        sets, strata = strata_of(tmp_path, unit=unit, strata=("sex",))
        assert groups_of(sets, strata) == [sorted([a, d]), sorted([b, e]), [c]]
        sets, strata = strata_of(tmp_path, unit=unit, strata=("age",))
        assert groups_of(sets, strata) == sorted([[a], [b], sorted([c, d]), [e]])
        assert strata.n_missing == 2
        sets, strata = strata_of(tmp_path, unit=unit, strata=("year",))
        assert groups_of(sets, strata) == sorted([sorted([a, b, d, e]), [c]])


def test_a_name_that_is_nothing_is_refused_by_those_there_are(long):
    with pytest.raises(ArgumentError, match=r"\(report, code, kind, sex, year\), got 'age'"):
        strata_of(long, columns=COLUMNS, strata=("age",))


def test_a_column_that_is_no_group_is_refused(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("a,weight\n" + "".join(f"1,{k}.5\n" for k in range(101)))
    with pytest.raises(ArgumentError, match="101 different values in 'weight'"):
        strata_of(path, items=("a",), strata=("weight",))


def test_no_strata_are_asked_for(long):
    assert strata_of(long, columns=COLUMNS)[1] is None
