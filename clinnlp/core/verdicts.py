"""What a person may think of a rule that was mined.

=============== ==============================================================================
verdict         means
=============== ==============================================================================
``plausible``   it may be so, and was not known
``known``       it is known
``confounded``  something else explains both sides
``artefact``    it rests on mentions that are none: a fault of the extraction
``coding``      it shows how things are written down, not how they are
``needs study`` it cannot be said from here
=============== ==============================================================================
"""

__all__ = ["ARTEFACT", "VERDICTS"]

ARTEFACT = "artefact"
VERDICTS = ("plausible", "known", "confounded", ARTEFACT, "coding", "needs study")
