"""For every format of an annotation tool what `format_samples` has: full notes, good and broken."""

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.notes import Assertion, Entity, Note, Relation
from clinnlp.core.spans import Span

CANARY = "Zebraperson"
TEXT = f"{CANARY} had naïve 💊 fever"  # code points: 0-11, 12-15, 16-21, 22-23, 24-29


def entity(id, start, end, label="Drug", **more):
    return Entity(id=id, span=Span(start, end), label=label, **more)


def link(id, label, **roles):
    return Relation(id=id, label=label, roles={role: (end,) for role, end in roles.items()})


def sample(text=TEXT + "\r\n", **more):
    return Note(id="a", text=text, **more)


def full(meta, tokens):
    """Return per format a note that fills it; `meta` is what a note says of itself."""
    about = {key: value for key, value in meta.items() if key != "labels"}
    return {
        "doccano": sample(
            **about,
            entities=(
                entity("T1", 24, 29),
                entity("T7", 0, 29, "Two words"),
                entity("T2", 22, 23, ""),
            ),
            relations=(
                Relation(id="R1", label="for", roles={"from": ("T7",), "to": ("T1",)}),
                Relation(id="R4", label="", roles={"from": ("T1",), "to": ("T1",)}),
            ),
        ),
        "prodigy": sample(
            **meta,
            tokens=tokens,
            entities=(
                entity("T1", 24, 29, concepts=("D1",), score=0.5, source="rules"),
                entity("T2", 0, 29, "Two words"),
                entity("T3", 22, 23, ""),
            ),
            relations=(link("R1", "for", head="T2", child="T1"),),
        ),
        "label-studio": sample(
            **meta,
            entities=(
                entity("x1", 24, 29, score=0.5),
                entity("T2", 0, 29, "Two words"),
                entity("T3", 22, 23, ""),
            ),
            relations=(Relation(id="R1", label="for", roles={"from": ("T2",), "to": ("x1",)}),),
        ),
        "medcat": sample(
            entities=(
                entity(
                    "7",
                    24,
                    29,
                    "Concept",
                    concepts=("386661006",),
                    score=0.5,
                    assertion=Assertion(
                        negated=True,
                        uncertain=False,
                        hypothetical=False,
                        historical=True,
                        experiencer=False,
                    ),
                ),
                entity("1", 0, 29, "Concept", concepts=("C1",)),
            ),
            relations=(link("R1", "treats", start="1", end="7"),),
        ),
        "conllu": sample(
            f" {CANARY} had naïve💊\r\n\t\\|fever .\u2028 ",
            tokens=(
                *(Span(1, 12), Span(13, 16), Span(17, 22), Span(22, 23), Span(26, 33)),
                Span(34, 35),
            ),
            sentences=(Span(1, 23), Span(26, 35)),
            entities=(entity("T1", 1, 16), entity("T2", 22, 23, "Effect"), entity("T3", 26, 33)),
        ),
    }


EMPTY = {"conllu": Note(id="8", text="", tokens=(), sentences=())}


def conllu(*words):
    lines = (f"{k}\t{word}" + "\t_" * 7 + f"\t{misc}" for k, (word, misc) in enumerate(words, 1))
    return "".join(f"{line}\n" for line in lines) + "\n"


TWICE = '{"name": "b", "text": "", "annotations": []}'
HEAD = "# newdoc id = b\n"
CAS = (
    '{"%%TYPES": {}, "%%FEATURE_STRUCTURES": [{"%%ID": 1, "%%TYPE": "uima.cas.Sofa", '
    f'"sofaString": "{CANARY}"}}%s], "%%VIEWS": {{}}}}'
)


def structure(inside):
    return CAS % f', {{"%ID": 7, "%TYPE": "custom.Finding", "@sofa": 1, {inside}}}'


GOOD = {
    "doccano": f'{{"id": "a", "text": "{TEXT}", "label": [[0, 11, "Name"]]}}\n',
    "doccano-1.4": f'{{"id": "a", "data": "{TEXT}", "label": [[24, 29, "Sign"]]}}\n',
    "prodigy": f'{{"meta": {{"id": "a"}}, "text": "{TEXT}", "spans": []}}\n',
    "label-studio": f'[{{"id": "a", "data": {{"text": "{TEXT}"}}, "annotations": []}}\n',
    "medcat": '{"projects": [\n{"documents": [{"name": "a", "text": "' + TEXT + '", '
    '"annotations": []}]}\n',
    "spacy-json": f'[{{"id": "a", "text": "{TEXT}", "ents": []}}\n',
    "conllu": f"# newdoc id = a\n\n{conllu((CANARY + '💊', 'NE=B-Name'))}",
}
CLOSING = {"label-studio": "]\n", "medcat": "]}\n", "spacy-json": "]\n"}
TSV = (
    "#FORMAT=WebAnno TSV 3.3\n#T_SP=custom.Finding|kind\n#T_SP=custom.Frame|ROLE_custom.Frame:to_L|"
    f"custom.Finding\n#T_RL=custom.Link|BT_custom.Finding\n\n\n#Text={CANARY} had\n"
    f"1-1\t0-11\t{CANARY}\tname\t_\t_\t_\n"
)


def token(line):
    return TSV + f"1-2\t{line}\n"


FOLDERS = {"cas-json": {"a.json": CAS % ""}, "webanno-tsv": {"a.tsv": TSV}}


def doccano(inside, text=CANARY):
    return f'{{"id": "b", "text": "{text}", {inside}}}\n'


def region(value, more=""):
    return (
        f', {{"id": "b", "data": {{"text": "{CANARY}"}}, "annotations": [{{"id": 1, "result": '
        f'[{{"id": "r", "type": "labels", "value": {{{value}}}}}{more}]}}]}}\n'
    )


def annotation(inside, more=""):
    return (
        f', {{"documents": [{{"name": "b", "text": "{CANARY}", "annotations": '
        f'[{{"id": 1, "cui": "C1", {inside}}}]{more}}}]}}\n'
    )


def doc(inside):
    return f', {{"id": "b", "text": "{CANARY}", {inside}}}\n'


def paragraph(sentences):
    paragraphs = f'[{{"raw": "{CANARY}", "sentences": {sentences}}}]'
    return f', {{"id": 1, "paragraphs": {paragraphs}}}\n'


def example():
    token = f'"token_annotation": {{"ORTH": ["{CANARY}"]}}'
    return f', {{"doc_annotation": {{"entities": ["{CANARY}"]}}, {token}}}\n'


BROKEN = {
    "doccano": [
        (f'{{"id": "b", "text": "{CANARY}"}}\n', 2, DataError),
        (f'{{"id": "b", "text": "{CANARY}\n', 2, DataError),
        (doccano(f'"label": "{CANARY}"'), 2, DataError),
        (doccano(f'"label": [[0, "{CANARY}", "D"]]'), 2, DataError),
        (doccano('"label": [[0, 12, "D"]]'), 2, OffsetError),
        (doccano('"label": [[5, 5, "D"]]'), 2, OffsetError),
        (doccano('"label": [[1, 3, "D"]]', f"💊{CANARY}"), 2, OffsetError),
        (doccano('"entities": [{"id": 1, "label": "D", "start_offset": 0}]'), 2, DataError),
        (doccano(f'"entities": [], "relations": [{{"from_id": "{CANARY}"}}]'), 2, DataError),
        (GOOD["doccano"], 2, DataError),
    ],
    "doccano-1.4": [
        (f'{{"id": "b", "data": "{CANARY}"}}\n', 2, DataError),
        (doccano('"label": [[0, 12, "D"]]'), 2, OffsetError),
        (doccano('"label": [[5, 13, "D"]]', f"💊{CANARY}"), 2, OffsetError),
        (doccano(f'"label": [[0, "{CANARY}", "D"]]'), 2, DataError),
    ],
    "prodigy": [
        (f'{{"meta": {{"id": "b"}}, "text": "{CANARY}"}}\n', 2, DataError),
        (f'{{"spans": [], "text": "{CANARY}\n', 2, DataError),
        (doccano('"spans": [{"start": 0, "end": 12, "label": "D"}]'), 2, OffsetError),
        (doccano('"spans": [{"start": 1, "end": 2, "label": "D", "text": "x"}]'), 2, OffsetError),
        (doccano(f'"spans": [{{"start": "{CANARY}", "end": 2, "label": "D"}}]'), 2, DataError),
        (doccano('"spans": [], "relations": [{"head": 0, "child": 1}]'), 2, DataError),
        (doccano('"spans": [], "tokens": [{"start": 0, "end": 12}]'), 2, OffsetError),
        (GOOD["prodigy"], 2, DataError),
    ],
    "label-studio": [
        (f', {{"id": "b", "data": "{CANARY}", "annotations": []}}\n', 2, DataError),
        (f', {{"id": "b", "data": {{"a": "{CANARY}", "b": "x"}}, "annotations": []}}\n', 2,
         DataError),
        (region('"start": 0, "end": 12, "labels": ["D"]'), 2, OffsetError),
        (region('"start": 1, "end": 3, "text": "x", "labels": ["D"]'), 2, OffsetError),
        (region(f'"start": "{CANARY}", "end": 3, "labels": ["D"]'), 2, DataError),
        (region('"start": "/p[1]", "startOffset": 3, "labels": ["D"]'), 2, DataError),
        (region('"start": 0, "end": 3, "labels": ["D"]', ', {"type": "relation"}'), 2, DataError),
        (f', {{"data": {{"text": "{CANARY}"}}, "annotations": [7]}}\n', 2, DataError),
        (f', {{"data": {{{CANARY}}}}}\n', 2, DataError),
        (GOOD["label-studio"].replace("[{", ", {", 1), 2, DataError),
    ],
    "medcat": [
        (f', {{"documents": "{CANARY}"}}\n', 3, DataError),
        (f', {{"documents": [{{"text": "{CANARY}"}}]}}\n', 3, DataError),
        (annotation('"start": 0, "end": 12'), 3, OffsetError),
        (annotation('"start": 0, "end": 3, "value": "x"'), 3, OffsetError),
        (annotation(f'"start": "{CANARY}", "end": 3'), 3, DataError),
        (annotation('"start": 0, "end": 3, "meta_anns": [7]'), 3, DataError),
        (annotation('"start": 0, "end": 3', ', "relations": [{"relation": "r"}]'), 3, DataError),
        (f', {{"documents": [{CANARY}]}}\n', 3, DataError),
        (f', {{"documents": [{TWICE}, {TWICE}]}}\n', 3, DataError),
    ],
    "spacy-json": [
        (doc('"x": 1'), 2, DataError),
        (doc('"ents": [{"start": 0, "end": 12, "label": "D"}]'), 2, OffsetError),
        (doc(f'"ents": [{{"start": "{CANARY}", "end": 12, "label": "D"}}]'), 2, DataError),
        (paragraph('[{"tokens": [{"orth": "x"}]}]'), 2, DataError),
        (example(), 2, DataError),
        (doc(f'"ents": [], "clinnlp": "{CANARY}"'), 2, DataError),
        (f', {{"ents": [{CANARY}]}}\n', 2, DataError),
        (GOOD["spacy-json"].replace("[{", ", {", 1), 2, DataError),
    ],
    "conllu": [
        (f"{HEAD}{CANARY}\n", 6, DataError),
        (f"{HEAD}1\t{CANARY}\tO\n", 6, DataError),
        (f"{HEAD}{conllu((CANARY, '_'))}x\t{CANARY}" + "\t_" * 8 + "\n", 8, DataError),
        (f"{HEAD}1\t" + "\t_" * 8 + "\n", 6, DataError),
        (f"{HEAD}2-2\t{CANARY}" + "\t_" * 8 + "\n", 6, DataError),
        (f"{HEAD}{conllu((CANARY, 'Entity=e1)'))}", 6, DataError),
        (f"{HEAD}{conllu((CANARY, 'Entity=(e1-person'))}", 5, DataError),
        (f"# newdoc id = a\n{conllu((CANARY, '_'))}", 5, DataError),
        (f"{HEAD}1\t\udcff{CANARY}" + "\t_" * 8 + "\n", 6, DataError),
    ],
}  # fmt: skip
BROKEN_FOLDERS = {
    "cas-json": [
        ({"b.json": text}, "b.json", 1, kind)
        for text, kind in (
            (CAS[:-9] % "", DataError),
            ('{"%FEATURE_STRUCTURES": []}', DataError),
            (f'{{"a": "{CANARY}"}}', DataError),
            (structure('"begin": 0, "end": 12'), OffsetError),
            (structure(f'"begin": "{CANARY}", "end": 3'), DataError),
            (structure('"begin": 0, "end": 3, "@Governor": 9, "@Dependent": 7'), DataError),
            (structure('"begin": 0, "end": 3, "@ontologyConceptArr": 9'), DataError),
            (structure('"begin": 0, "end": 3, "x": {"y": 1}'), DataError),
        )
    ],
    "webanno-tsv": [
        ({"b.tsv": text}, "b.tsv", line, kind)
        for text, line, kind in (
            (token(f"12-15\t{CANARY}\t_\t_\t_\t_"), 9, OffsetError),
            (token("12-16\thad\t_\t_\t_\t_"), 9, OffsetError),
            (token("12\thad\t_\t_\t_\t_"), 9, DataError),
            (token("12-15\thad\t_\t_\t_"), 9, DataError),
            (token("12-15\thad\t_\t*\t3-1\t_"), 9, DataError),
            (token("12-15\thad\t_\ta;b\t1-1\t_"), 9, DataError),
            (token("12-15\thad\tx\t_\t_\t1-1[7_0]"), 9, DataError),
            (f"{TSV}{CANARY}\n", 9, DataError),
            (f"{TSV}\n#Text={CANARY}\n2-1\t3-14\t{CANARY}\t_\t_\t_\t_\n", 11, DataError),
            (f"#FORMAT=WebAnno TSV 3.1\n#Text={CANARY}\n", 1, DataError),
            (f"{CANARY}\n", 1, DataError),
            (f"{TSV}\udcff{CANARY}\n", 9, DataError),
        )
    ],
}
