"""Reports a person wants to read: blocks in, one HTML page, Markdown or CSV out.

``blocks`` are values (tables, plots, verdicts, examples); ``html``, ``markdown`` and ``csvs``
render them and compute nothing. HTML comes from ``templates``, which escape every value; SVG is
drawn by ``markup.element``, which escapes too, and nothing else may be put on a page unescaped.
To add a kind of block, write its dataclass in ``blocks``, its view in ``views`` and a template.
"""
