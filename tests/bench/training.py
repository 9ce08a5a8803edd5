"""Fine-tuning beside transformers' Trainer, same notes and epochs: scripts/bench training.

Both see the same bc5cdr training notes once per epoch, on the same encoder, in float32, on as
many threads as torch has; wall and CPU time are told. Trainer is at its usual settings: whole
notes cut at 512 tokens, batches of 8 padded to the longest; its step size is ours. Ours is
`fine_tune_ner` at its defaults without selection. `--f1` scores both on bc5cdr dev, read and
decoded alike.
"""

import argparse
import tempfile
import time

import torch
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
    TrainingArguments,
)

import clinnlp
from clinnlp.bert.encoders import find_encoder, load_tokenizer, quiet
from clinnlp.bert.model import tag_names
from clinnlp.bert.network import Network
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.tasks import tagged
from tests.bench import record
from tests.bench.ner import read


def rows_for_trainer(notes, tokenizer, tags) -> list[dict]:
    """The recipe of the tutorials: the tag of a word on its first token, -100 elsewhere."""
    at = {name: i for i, name in enumerate(tags)}
    rows = []
    for note in notes:
        made = tokenizer(note.text, truncation=True, max_length=512, return_offsets_mapping=True)
        labels = []
        words = made.word_ids()
        for i, (word, (start, end)) in enumerate(zip(words, made["offset_mapping"], strict=True)):
            if word is None or (i and words[i - 1] == word):
                labels.append(-100)
                continue
            hit = next(
                (e for e in note.entities if e.span.start < end and start < e.span.end), None
            )
            prefix = "B" if hit is not None and start <= hit.span.start else "I"
            labels.append(at[f"{prefix}-{hit.label}"] if hit is not None else 0)
        rows.append({"input_ids": made["input_ids"], "attention_mask": made["attention_mask"],
                     "labels": labels})  # fmt: skip
    return rows


def train_with_trainer(
    notes, epochs, rate, bf16, *, encoder="minilm", use_cpu=True
) -> tuple[EntityTagger, float, float]:
    """Return a tagger, seconds of the clock and of the processors."""
    source = find_encoder(encoder)
    labels = tuple(sorted({e.label for n in notes for e in n.entities}))
    tags = tag_names([labels])
    tokenizer = AutoTokenizer.from_pretrained(source)
    with quiet():
        model = AutoModelForTokenClassification.from_pretrained(
            source, id2label=dict(enumerate(tags))
        )
    rows = rows_for_trainer(notes, tokenizer, tags)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                folder, num_train_epochs=epochs, learning_rate=rate, bf16=bf16, use_cpu=use_cpu,
                per_device_train_batch_size=8, save_strategy="no", report_to=[],
                disable_tqdm=True, dataloader_pin_memory=False,
            ),
            train_dataset=rows,
            data_collator=DataCollatorForTokenClassification(tokenizer),
        )  # fmt: skip
        wall, cpu = time.perf_counter(), time.process_time()
        trainer.train()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    network = Network(model, load_tokenizer(source), max_tokens=512, stride=64, bf16="off")
    return EntityTagger(labels=labels, network=network), wall, cpu


def train_ours(notes, epochs, bf16) -> tuple[EntityTagger, float, float]:
    """Return a tagger, seconds of the clock and of the processors."""
    cpu = time.process_time()  # loading and writing the model included
    with tempfile.TemporaryDirectory() as folder:
        tagger = clinnlp.fine_tune_ner(
            notes, out=f"{folder}/m", epochs=epochs, selection_fraction=0.0, progress=False,
            bf16="on" if bf16 else "off",
        )  # fmt: skip
        return tagger, tagger.card["train_seconds"], time.process_time() - cpu


def f1_on_dev(tagger: EntityTagger) -> float:
    dev = read("bc5cdr", 1)
    return round(clinnlp.score_spans(dev, tagged(tagger, dev), n_boot=0).micro.f1, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--f1", action="store_true", help="score both on the development set")
    args = parser.parse_args()
    notes = read("bc5cdr", 0)[: args.notes]
    our_tagger, *ours = train_ours(notes, args.epochs, args.bf16)
    their_tagger, *theirs = train_with_trainer(notes, args.epochs, 3e-4, args.bf16)
    f1 = {"f1": f1_on_dev(our_tagger), "trainer_f1": f1_on_dev(their_tagger)} if args.f1 else {}
    words = args.epochs * sum(len(n.text.split()) for n in notes)
    record(
        "training", notes=args.notes, epochs=args.epochs, bf16=args.bf16,
        threads=torch.get_num_threads(), clinnlp_words_per_s=round(words / ours[0]),
        trainer_words_per_s=round(words / theirs[0]), times_faster=round(theirs[0] / ours[0], 2),
        clinnlp_cpu_s=round(ours[1], 1), trainer_cpu_s=round(theirs[1], 1),
        **f1,
    )  # fmt: skip


if __name__ == "__main__":
    main()
