import pytest

from clinnlp.core.errors import DataError
from clinnlp.study.reading import TableReading, check_sources, events_of

ROW = "p,718-7,2024-01-02T10:00:00,lab,9.5,g/dL\n"


def only(path, **columns):
    [part] = events_of(path, TableReading(columns=columns))
    return {name: part[name][0] for name in ("patient", "code", "kind", "value", "unit", "known")}


def test_where_some_columns_are_named_the_others_are_those_called_so(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("patient,code,known,kind,value,unit\n" + ROW)
    usual = only(path)
    path.write_text("patient,item,known,Kind,value,unit\n" + ROW)
    assert only(path, code="item") == usual
    # a column that is another thing by the user's word is not that of its name
    path.write_text("code,value,known,kind,valuenum,unit\n" + ROW)
    assert only(path, patient="code", code="value", value="valuenum") == usual


def test_a_study_without_sources_is_told_what_is_not_read():
    with pytest.raises(DataError, match="other columns of the table of outcomes are not read"):
        check_sources(None, None)
    check_sources("e.csv", None)
