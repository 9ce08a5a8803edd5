"""What tools write that people or programs annotate text with: a file per tool.

Each says in its docstring which forms it reads and writes, what maps to what, and what its offsets
count: code points, as this library does, or units of UTF-16, of which an emoji is two.
"""
