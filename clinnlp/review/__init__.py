"""What people judged: a store where nothing is overwritten, and the rules of judging.

``tables``     what the store holds; ``database`` SQLite or PostgreSQL, reading and writing
``forms``      notes, mentions and relations as JSON, in one spelling, so that hashes mean something
``people``     users, roles, passwords; ``sessions`` who is logged in, ``throttle`` who may try
``projects``   notes to judge, in an order; ``planted`` suggestions that are wrong on purpose
``readings``   a note as one person sees it, and what each action makes of it
``tasks``      who judges what; ``judging`` appends; ``chain`` finds what was altered
``disputes``   where two read differently; ``corpus`` what was judged, as notes
``agreement``  of people with each other, with themselves, and with wrong suggestions

Text of notes stands in the store and nowhere else: errors and logs name ids, numbers and offsets.
"""

from importlib.util import find_spec

from clinnlp.core.errors import MissingExtra

for _module, _package in {"sqlalchemy": "sqlalchemy", "argon2": "argon2-cffi"}.items():
    if find_spec(_module) is None:
        raise MissingExtra(_package, extra="review")
