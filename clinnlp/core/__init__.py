"""The nouns of clinnlp: standard library, numpy and scipy only.

``spans``, ``notes``    offsets, and notes with their mentions, relations and what is said of them
``tables``, ``counts``  columns of mentions, events and baskets; counts and what derives from them
``patients``, ``times`` persons, stays, time windows; times without zone
``pipeline``            pipes one after another, as a stream
``config``, ``checks``  settings from fields; one check per kind of argument
``errors``              one tree of errors that hold no text of a note
``files``, ``locks``    outputs that are whole or absent; one writer at a time
``places``, ``modes``   where an output goes, through links and pipes; who may read it
``arrays``              the names of array types
``formulas``            cells that a spreadsheet may open without harm
``visible``             hidden characters written out, for terminals, pages and messages

What two rooms need is a noun and stands here. A value is frozen and made whole by its constructor.
"""
