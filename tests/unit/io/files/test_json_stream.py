"""Objects of an array are cut by brackets, whatever stands in their texts."""

import json

import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.files.json_stream import json_items

ITEMS = [
    {"a": ']}[{\\"', "b": [[1, {"c": "x"}], []]},
    {},
    {"documents": [{"d": 1}], "long": "y" * 200_000},
]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("keys", [None, ("documents",), ("other", "documents")])
def test_items(tmp_path, indent, keys):
    path = tmp_path / "a.json"
    whole = ITEMS if keys is None else {"x": [{"no": 1}], "documents": ITEMS, "z": [{"no": 1}]}
    path.write_text(json.dumps(whole, indent=indent))
    found = list(json_items(path, keys))
    assert [json.loads(raw) for _, raw in found] == ITEMS
    lines = path.read_text().split("\n")
    assert all(lines[line - 1].lstrip().startswith("{") or indent is None for line, _ in found)


@pytest.mark.parametrize(
    "text",
    ['{"documents": [{}', '{"documents": [{}, 1]}', '{"documents": [1]}', '{"documents": [{} {}]}',
     '{"documents": {}}', "[]", "", "]", '{"documents": ["', '{"documents": [[]]}'],
)  # fmt: skip
def test_another_form_is_refused(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"a.json:1: a JSON file must be an object with documents"):
        list(json_items(path, ("documents",)))


def test_a_broken_item_does_not_hide_the_next(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"a": nonsense},\n{"b": 1}]')
    assert [line for line, _ in json_items(path, None)] == [1, 2]
