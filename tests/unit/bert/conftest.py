"""A BERT of two layers with a character vocabulary, made here: no network, no real weights."""

import string

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["aspirin", "pain", "chest", "fever", "mg", "started", "denies", "no", "for", "and"]


def make_encoder(folder):
    letters = string.ascii_lowercase + string.digits + string.punctuation
    pieces = [*SPECIAL, *letters, *(f"##{c}" for c in letters), *WORDS]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    backend.enable_truncation(8)  # as the embedded one: must be undone
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), SPECIAL, strict=True))
    PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=64,
        **{f"{name}_token": token for name, token in names.items()},
    ).save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        config = BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
        )
        BertModel(config).save_pretrained(folder)
    return folder


def note_of(number, text, *mentions):
    """Note with the given (mention, label) pairs, each at its first occurrence."""
    found = [(text.index(mention), mention, label) for mention, label in mentions]
    return Note(
        id=f"n{number}",
        text=text,
        entities=tuple(
            Entity(id=f"T{i}", span=Span(at, at + len(mention)), label=label)
            for i, (at, mention, label) in enumerate(found)
        ),
    )


DRUG, PROBLEM = "Drug", "Problem"
TRAIN = [
    note_of(0, "Started aspirin for chest pain.", ("aspirin", DRUG), ("chest pain", PROBLEM)),
    note_of(1, "No fever, no cough.", ("fever", PROBLEM), ("cough", PROBLEM)),
    note_of(2, "Heparin 5 mg and ibuprofen.", ("Heparin", DRUG), ("ibuprofen", DRUG)),
    note_of(3, "Denies chest pain and rash", ("chest pain", PROBLEM), ("rash", PROBLEM)),
    note_of(4, "Gave L-dopa; nausea after", ("L-dopa", DRUG), ("nausea", PROBLEM)),
    note_of(5, "Nothing to report."),
    note_of(6, "warfarin stopped, bleeding", ("warfarin", DRUG), ("bleeding", PROBLEM)),
    note_of(7, "Pain.\r\n\tAspirin!", ("Pain", PROBLEM), ("Aspirin", DRUG)),
]
FLOAT32 = {"bf16": "off"}  # where two answers must be equal
QUICK = {"max_tokens": 48, "stride": 8, "tokens_per_batch": 256, "progress": False, **FLOAT32}
OVERFIT = {**QUICK, "epochs": 60, "learning_rate": 0.01, "selection_fraction": 0.0}


@pytest.fixture(scope="session")
def encoder(tmp_path_factory):
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def tagger_folder(encoder, tmp_path_factory):
    from clinnlp.bert.train import fine_tune_ner

    folder = tmp_path_factory.mktemp("models") / "tagger"
    fine_tune_ner(TRAIN, encoder=encoder, out=folder, **OVERFIT)
    return folder


@pytest.fixture(scope="session")
def tagger(tagger_folder):
    from clinnlp.bert.store import load

    return load(tagger_folder, **FLOAT32)


LABELLED = [
    note.with_(labels=("drug" if any(e.label == DRUG for e in note.entities) else "none",))
    for note in TRAIN
]


@pytest.fixture(scope="session")
def classifier_folder(encoder, tmp_path_factory):
    from clinnlp.bert.train import fine_tune_classifier

    folder = tmp_path_factory.mktemp("models") / "classifier"
    fine_tune_classifier(LABELLED, encoder=encoder, out=folder, tune_encoder=True, **OVERFIT)
    return folder


@pytest.fixture(scope="session")
def classifier(classifier_folder):
    from clinnlp.bert.store import load

    return load(classifier_folder, **FLOAT32)
