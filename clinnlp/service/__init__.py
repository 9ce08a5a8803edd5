"""The HTTP service: requests to study, answers back; routes and pages, no logic.

``settings``   every limit with its default
``requests``   what a request may hold, and what an answer says; ``refusals`` why there is none
``accept``     which form of answer a caller takes
``batches``    notes of all callers, read together
``models``     the pipeline that answers, tried before it is used, and exchanged while others run
``gate``       before each route: key, host, size, how many at once; one line and numbers after
``keys``       keys and what they may ask for
``shared``     what the routes share; ``routes`` and ``streams`` of notes, ``more_routes`` of risks
               and signals; ``app`` puts them together
``described``  what /openapi.json and /docs say
``server``     listens, and drains when told to; ``bodies``, ``connection``: who is slow

Nothing of a note, no id of a patient and no key gets into a line of the log, a number, an error or
an address. Nothing is kept: what a request brings is forgotten when it is answered.
"""

from importlib.util import find_spec

from clinnlp.core.errors import MissingExtra

for _module, _package in {
    "fastapi": "fastapi",
    "prometheus_client": "prometheus-client",
    "pydantic": "pydantic",
    "uvicorn": "uvicorn",
}.items():
    if find_spec(_module) is None:
        raise MissingExtra(_package, extra="serve")
