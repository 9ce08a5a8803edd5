"""Fine-tuning and extraction with BERT encoders.

``encoders``      an encoder by name, folder or hub id; no code of a folder is ever run
``windows``       notes to overlapping token windows, and back to exact code points
``loop``          the one training loop: batches, rates, running average, checkpoints
``job``           one call of training: settings, encoder, recipe, card, folder
``trials``        a training for its selection score alone, for a search of settings
``predict``       `EntityTagger`, with its ``model`` (heads, decoding) and ``confidence``
``classify``      `NoteClassifier`, with its ``head``
``pretrain``      an encoder taught the language of one's own notes
``store``         saved models: the table ``KINDS`` and `load`; ``folder`` holds their files
``fast``          the kernels of reading on a CPU

To add a kind of model, write its pipe (a subclass of `Learned` that says its task, what it records
and how it comes back), its task (batches, loss, score), its settings and its recipe, then name the
pipe in ``KINDS`` and its command in the command line. Training, checkpoints, cards, export and
loading come with that.
"""

from clinnlp.core.installed import needed

needed("torch", "transformers", "accelerate", "safetensors")
