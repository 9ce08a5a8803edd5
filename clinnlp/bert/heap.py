"""Memory that training in bfloat16 on a CPU would hold without using it.

oneDNN keeps the code that it made for each shape of product, of up to 1,024 shapes, and the batches
of a training hardly have a shape in common. And what it lays out anew for each product is of many
sizes, between which the heap of the C library keeps holes. In float32 both are small.

Of minilm, 100 notes of BC5CDR, an epoch: peak 1.54 GB; with code of 60 shapes 1.34 GB, and with the
holes given back after each step 1.21 GB, after every third 1.26 GB, where float32 takes 1.15 GB.
"""

import os

__all__ = ["STEPS", "VARIABLE", "keep_few_products"]

VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
STEPS = 4  # between two times that memory is given back: each costs a tenth of a step
_SHAPES = 60  # more than the layers of a model have in one step


def keep_few_products() -> None:
    """Let oneDNN keep code of few shapes in this process, unless it was told how many.

    It asks once, at its first product, so what computed before stays as it was.
    """
    os.environ.setdefault(VARIABLE, str(_SHAPES))
