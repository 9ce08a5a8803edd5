"""Fine-tuning on annotated notes: a tagger for mentions, a classifier for notes.

The order is the same for both: check that train and dev share nothing, split off a fixed tenth
of train for selection (by patient, or by text where there is no patient), train, keep the
last epoch or a better one, score dev once, write the folder.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Unpack

from clinnlp.bert.classifier_recipe import ClassifierRecipe
from clinnlp.bert.classify import NoteClassifier
from clinnlp.bert.corpus import TrainingSource
from clinnlp.bert.fields import ClassifierFields, TaggerFields
from clinnlp.bert.job import Job
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.settings import ClassifierSettings, TaggerSettings
from clinnlp.bert.tagger_recipe import TaggerRecipe, settings_of_refit
from clinnlp.core.notes import Note

__all__ = ["ClassifierSettings", "TaggerSettings", "fine_tune_classifier", "fine_tune_ner"]


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
