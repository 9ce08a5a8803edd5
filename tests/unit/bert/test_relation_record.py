"""Kinds as plain values and back."""

import json

from clinnlp.bert.relation_kinds import Kind, Kinds
from clinnlp.bert.relation_record import kinds_from, kinds_to, labels_of, output_names

KINDS = Kinds(
    kinds=(Kind("a (b)", "x", "y"), Kind("c", "x", "y"), Kind("c", "y", "x")),
    allowed={("L", "M"): (0, 1), ("M", "L"): (2,)},
    roles=("x", "y"),
    undirected=("c",),
)


def test_kinds_come_back_from_json():
    record = json.loads(json.dumps({"kinds": kinds_to(KINDS), "labels": ["a (b)", "c"]}))
    assert kinds_from(record, "clinnlp.json") == KINDS


def test_labels_are_read_from_the_names_of_outputs():
    names = output_names(KINDS.kinds)
    assert len(names) == len(set(names)) == 8
    assert labels_of(names) == ("a (b)", "c")
    assert labels_of(names[:-1]) == labels_of(["O", "B-Drug", "I-Drug"]) == labels_of([]) == ()
