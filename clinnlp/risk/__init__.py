"""Risk models: naive Bayes, random forest, SVM, a network; calibrated, explained, leak-proof.

``splits`` deals patients into folds, by time or by site; ``models`` makes estimators from a name;
``crossfit`` fits everything inside the folds and refuses what has seen its test patients;
``calibrate`` maps scores to probabilities by ``maps`` that always rise; ``explain`` gives reasons
that add up (``shapley``, over ``trees``) and lead to mentions and events; ``store`` keeps a model
without naming a patient; ``schema`` refuses tables that differ from those of the training.
"""

from clinnlp.core.installed import needed

needed("sklearn", "skops")
