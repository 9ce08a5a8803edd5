"""Fine-tuning on annotated notes: mentions, relations between them, classes of notes.

The order is the same for all: check that train and dev share nothing, split off a fixed tenth
of train for selection (by patient, or by text where there is no patient), train, keep the
last epoch or a better one, score dev once, write the folder.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Unpack

from clinnlp.bert.classifier_recipe import ClassifierRecipe
from clinnlp.bert.classify import NoteClassifier
from clinnlp.bert.corpus import TrainingSource
from clinnlp.bert.fields import ClassifierFields, RelationFields, TaggerFields
from clinnlp.bert.job import Job
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.relate import RelationExtractor
from clinnlp.bert.relate_recipe import RelationRecipe
from clinnlp.bert.settings import ClassifierSettings, RelationSettings, TaggerSettings
from clinnlp.bert.tagger_recipe import TaggerRecipe, settings_of_refit
from clinnlp.core.notes import Note

__all__ = [
    "ClassifierSettings",
    "RelationSettings",
    "TaggerSettings",
    "fine_tune_classifier",
    "fine_tune_ner",
    "fine_tune_relations",
]


def fine_tune_ner(
    train: TrainingSource,
    dev: TrainingSource | None = None,
    *,
    encoder: str | Path = "minilm",
    out: str | Path,
    settings: TaggerSettings | None = None,
    refit: EntityTagger | None = None,
    progress: bool | Callable[[int, int], None] = True,
    resume: bool = True,
    **overrides: Unpack[TaggerFields],
) -> EntityTagger:
    """Train a tagger on notes with entities, and write it to a folder.

    Parameters
    ----------
    train : re-iterable of Note, or mapping of corpus name to such
        Of mentions that overlap the longest is learned, discontinuous ones are left out, both
        counted in the card (``n_dropped``). A corpus of a mapping teaches only the labels it has
        mentions of: where it annotates no genes, nothing is a non-gene there.
    dev : re-iterable of Note, or mapping of corpus name to such, optional
        Scored once, at the end, by strict micro F1; never used to choose anything. A corpus is
        scored on the labels that its namesake in `train` annotates. A label that train lacks is
        scored as missed, and told in the log and the card (``unseen``).
    encoder : str or Path
        ``"minilm"`` (embedded), a folder, or a hub id.
    out : str or Path
        Folder to write; replaced where it exists.
    settings : TaggerSettings, optional
    refit : EntityTagger, optional
        One that was trained on these notes less its selection tenth: train anew on all of them,
        with its encoder and settings, for as many epochs as were best, and take its calibration
        and least scores, which notes that it did not see have chosen.
    progress : bool, or function
        Show a bar on stderr; or tell a function the steps that are done, and of how many.
    resume : bool
        Go on from ``<out>-checkpoint``, which this very training leaves behind where it is
        interrupted (SIGINT, SIGTERM, `KeyboardInterrupt`) or killed; the weights become those of
        an uninterrupted training. Without such a folder, begin. With False it is removed.
    **overrides
        Fields of `TaggerSettings`, such as ``epochs=4``.

    Returns
    -------
    EntityTagger
        With the weights of the last epoch, or of an earlier one that is better beyond chance on
        the selection tenth. There scores are calibrated, and the least score of each label is
        chosen. Its `card` holds counts and scores.

    Raises
    ------
    ArgumentError, DataError
        Unusable arguments, settings or notes; with ``strict_labels`` a dev label that train lacks.
    LeakageError
        A dev note stands in train.
    StoreError
        The encoder cannot be found or read, or the checkpoint is of another training.
    RunError
        The folder cannot be written, another process trains into it, or training diverged.

    Examples
    --------
    >>> train = clinnlp.read_notes("CDR_TrainingSet.PubTator.txt")         # doctest: +SKIP
    >>> tagger = fine_tune_ner(train, out="models/drugs", epochs=4)        # doctest: +SKIP
    >>> import tempfile
    >>> from clinnlp.core.notes import Entity
    >>> from clinnlp.core.spans import Span
    >>> drug = Entity(id="T1", span=Span(8, 15), label="Drug")
    >>> train = [Note(id=f"n{k}", text="Started aspirin.", entities=(drug,)) for k in range(4)]
    >>> folder = tempfile.TemporaryDirectory()
    >>> tagger = fine_tune_ner(
    ...     train, out=f"{folder.name}/drugs", epochs=1, selection_fraction=0.0, progress=False
    ... )
    >>> tagger.labels, tagger.card["n_notes"]
    (('Drug',), 4)
    >>> folder.cleanup()
    """
    if refit is not None:
        settings = settings_of_refit(refit, settings, overrides)
        encoder = refit.card["encoder"]
    job = Job(TaggerSettings, settings, overrides,
              encoder=encoder, out=out, progress=progress, resume=resume)  # fmt: skip
    return job.run(TaggerRecipe(train, dev, job.settings, refit))


def fine_tune_classifier(
    train: Iterable[Note],
    dev: Iterable[Note] | None = None,
    *,
    encoder: str | Path = "minilm",
    out: str | Path,
    settings: ClassifierSettings | None = None,
    progress: bool = True,
    resume: bool = True,
    **overrides: Unpack[ClassifierFields],
) -> NoteClassifier:
    """Train a classifier on notes with one label each, and write it to a folder.

    The best head on the encoder as it is comes first, and with few notes it is hard to beat. With
    ``tune_encoder=True`` all weights are then trained for some epochs. A long note is read in
    overlapping windows that are pooled (``pooling``): in training a few random ones per epoch
    (``windows_per_note``), for the head and in prediction all of them. With
    ``multi_label=True`` a note may have any number of labels; the threshold of each is the best
    on the selection notes.

    Parameters
    ----------
    train : re-iterable of Note
        ``note.labels`` holds exactly one label, or with ``multi_label`` any number.
    dev : re-iterable of Note, optional
        Scored once, at the end, by accuracy and macro F1 (with ``multi_label`` by micro F1);
        never used to choose anything.
    encoder, out, progress, resume
        As for `fine_tune_ner`.
    settings : ClassifierSettings, optional
    **overrides
        Fields of `ClassifierSettings`, such as ``pooling="max"``.

    Returns
    -------
    NoteClassifier
        Its `card` holds counts and scores.

    Raises
    ------
    ArgumentError, DataError, LeakageError, StoreError, RunError
        As for `fine_tune_ner`.

    Examples
    --------
    >>> train = clinnlp.read_notes("notes.csv", text="text", label="kind")  # doctest: +SKIP
    >>> model = fine_tune_classifier(train, out="models/kind")              # doctest: +SKIP
    >>> import tempfile
    >>> texts = ["Started aspirin.", "ECG shows sinus rhythm."] * 4
    >>> labels = [("drug",), ("heart",)] * 4
    >>> train = [
    ...     Note(id=f"n{k}", text=text, labels=label)
    ...     for k, (text, label) in enumerate(zip(texts, labels))
    ... ]
    >>> folder = tempfile.TemporaryDirectory()
    >>> model = fine_tune_classifier(train, out=f"{folder.name}/kind", progress=False)
    >>> model(Note(id="n", text="Started aspirin.")).labels
    ('drug',)
    >>> folder.cleanup()
    """
    job = Job(ClassifierSettings, settings, overrides,
              encoder=encoder, out=out, progress=progress, resume=resume)  # fmt: skip
    return job.run(ClassifierRecipe(train, dev, job.settings))


def fine_tune_relations(
    train: TrainingSource,
    dev: TrainingSource | None = None,
    *,
    encoder: str | Path = "minilm",
    out: str | Path,
    settings: RelationSettings | None = None,
    progress: bool | Callable[[int, int], None] = True,
    resume: bool = True,
    **overrides: Unpack[RelationFields],
) -> RelationExtractor:
    """Train a model of relations on notes with mentions and relations, and write it to a folder.

    Pairs of mentions in a sentence are learned, or pairs of concepts in a document: what the
    relations of train join (``ends``, ``within``). Labels of mentions that no relation joins in
    train are never related. A relation of more than two ends is the pairs of its ends (``roles``
    chooses some). Unrelated pairs are drawn anew in each epoch (``negatives``).

    Parameters
    ----------
    train : re-iterable of Note, or mapping of corpus name to such
        A corpus of a mapping teaches only the labels it has relations of: where it annotates no
        interactions, nothing is a non-interaction there. Pairs in sentences need notes with
        sentences, as `clinnlp.Sentences` gives them.
    dev : re-iterable of Note, or mapping of corpus name to such, optional
        Scored once, at the end, on its own mentions: strict micro F1 with labels and without
        (``detection_f1``), and what naive Bayes and a linear SVM on the words before, between and
        behind the ends reach, with paired intervals (``baselines``). Never used to choose.
    encoder, out, progress, resume
        As for `fine_tune_ner`.
    settings : RelationSettings, optional
    **overrides
        Fields of `RelationSettings`, such as ``reading="appended"``.

    Returns
    -------
    RelationExtractor
        Scores are calibrated, and the threshold of each label is chosen, on the selection tenth.
        Its `card` holds counts and scores.

    Raises
    ------
    ArgumentError, DataError, LeakageError, StoreError, RunError
        As for `fine_tune_ner`.

    Examples
    --------
    >>> train = clinnlp.read_notes("DDICorpus/Train", repair=True)          # doctest: +SKIP
    >>> model = fine_tune_relations(train, out="models/interactions")       # doctest: +SKIP
    >>> import tempfile
    >>> from clinnlp.core.notes import Entity, Relation
    >>> from clinnlp.core.spans import Span
    >>> ends = (Entity(id="T1", span=Span(0, 4), label="Effect"),
    ...         Entity(id="T2", span=Span(11, 18), label="Drug"))
    >>> said = Relation(id="R1", label="causes", roles={"drug": ("T2",), "effect": ("T1",)})
    >>> text = "Rash after aspirin."
    >>> train = [
    ...     Note(id=f"n{k}", text=text, sentences=(Span(0, 19),), entities=ends, relations=(said,))
    ...     for k in range(4)
    ... ]
    >>> folder = tempfile.TemporaryDirectory()
    >>> model = fine_tune_relations(
    ...     train, out=f"{folder.name}/causes", epochs=1, selection_fraction=0.0, progress=False
    ... )
    >>> model.labels, model.card["n_related"]
    (('causes',), 4)
    >>> folder.cleanup()
    """
    job = Job(RelationSettings, settings, overrides,
              encoder=encoder, out=out, progress=progress, resume=resume)  # fmt: skip
    return job.run(RelationRecipe(train, dev, job.settings))
