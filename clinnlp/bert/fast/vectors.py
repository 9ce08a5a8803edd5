"""Sixteen lanes at a time: two steps of attention that the compiler does not vectorise well.

They are called inside kernels of `clinnlp.core.compiled`, on processors with AVX-512 VNNI, which
multiply 32 pairs of 16-bit integers and add them up in one instruction. Compiled code that was
kept is not made anew when this file alone changes.
"""

# ruff: noqa: ARG001 (numba hands over the types of all arguments, used or not)

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

__all__ = ["N_COLUMNS", "N_ROWS", "has_vectors", "multiply_pairs", "round_exp2"]

N_ROWS, N_COLUMNS = 8, 32  # of the tile of `multiply_pairs`: sixteen registers of sums

_LANES = 16
_I16, _I32, _I64, _F32 = (*(ir.IntType(size) for size in (16, 32, 64)), ir.FloatType())
_SHORTS, _INTS, _FLOATS = (ir.VectorType(kind, _LANES) for kind in (_I16, _I32, _F32))
_LANE_NUMBERS = ir.Constant(_INTS, list(range(_LANES)))
_LOWEST = -(2**31)

Generated = tuple[Any, Callable[..., Any]]

# The one that saturates: no sum comes that far, and compilers take the other one apart again.
_ADD_PRODUCTS = "llvm.x86.avx512.vpdpwssds.512"
_SCALE = "llvm.x86.avx512.mask.scalef.ps.512"  # x · 2^k

# 2^f for -1 < f <= 0, interpolated in Chebyshev's points; the error is below 2e-5.
_POINTS = np.cos((np.arange(5) + 0.5) * np.pi / 5) / 2 - 0.5
_EXP2 = np.polyfit(_POINTS, 2.0**_POINTS, 4)


@cache
def has_vectors() -> bool:
    """Return whether kernels are compiled for a processor that has these instructions."""
    return "+avx512vnni" in cpu_target.target_context.codegen().magic_tuple()[2]


@intrinsic  # type: ignore[untyped-decorator]
def multiply_pairs(
    typing: Any,
    a: Any,
    row: Any,
    b: Any,
    column: Any,
    out: Any,
) -> Generated:
    """Multiply 8 rows of `a` by 32 columns of `b`, both pairs of 16-bit integers.

    Parameters
    ----------
    a : array of int32, shape (n_rows, n)
        Pairs that stand side by side.
    row : int
        The first of the rows.
    b : array of int32, shape (n, n_columns)
        Pairs that stand one above the other.
    column : int
        The first of the columns, and of those of `out` that are filled.
    out : array of int32, shape (8, n_columns)
        The sums; they must stay within 32 bits.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        code = _Code(context, builder, signature.args, values)
        a, b, out = (code.array(i) for i in (0, 2, 4))
        columns = [builder.add(values[3], _I64(at)) for at in range(0, N_COLUMNS, _LANES)]
        rows = [a.address(builder.add(values[1], _I64(r)), _I64(0)) for r in range(N_ROWS)]
        sums = [[code.variable(0) for _ in columns] for _ in rows]
        with cgutils.for_range(builder, a.n_columns) as loop:
            below = [b.load(loop.index, column) for column in columns]
            for start, of_row in zip(rows, sums, strict=True):
                pair = code.spread(builder.load(builder.gep(start, [loop.index])))
                for total, pairs in zip(of_row, below, strict=True):
                    more = code.call(_ADD_PRODUCTS, _INTS, builder.load(total), pair, pairs)
                    builder.store(more, total)
        for r, of_row in enumerate(sums):
            for column, total in zip(columns, of_row, strict=True):
                out.store(builder.load(total), _I64(r), column)
        return context.get_dummy_value()

    return types.void(a, types.int64, b, types.int64, out), generate


@intrinsic  # type: ignore[untyped-decorator]
def round_exp2(
    typing: Any,
    x: Any,
    row: Any,
    n: Any,
    scale: Any,
    most: Any,
    out: Any,
) -> Generated:
    """Write ``most * 2 ** (scale * (x - max(x)))`` of a row, rounded; return their sum.

    Parameters
    ----------
    x : array of int32, shape (n_rows, n_columns)
        No two of the first `n` of a row differ by 2^31 or more.
    row, n : int
        Of what follows the first `n` nothing is read, and 0 written up to the next multiple of 16.
    scale, most : float32
    out : array of int16, shape (n_rows, n_columns)
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        code = _Code(context, builder, signature.args, values)
        x, out, row = code.array(0), code.array(5), values[1]
        n_groups = builder.udiv(builder.add(values[2], _I64(_LANES - 1)), _I64(_LANES))
        end = code.spread(builder.trunc(values[2], _I32))

        def group(number: Any) -> tuple[Any, Any, Any]:
            """Return the first column, which lanes are within the first n, and the values."""
            at = builder.mul(number, _I64(_LANES))
            lanes = builder.add(code.spread(builder.trunc(at, _I32)), _LANE_NUMBERS)
            return at, builder.icmp_signed("<", lanes, end), x.load(row, at)

        largest, total = code.variable(_LOWEST), code.variable(0)
        with cgutils.for_range(builder, n_groups) as loop:
            _, inside, found = group(loop.index)
            found, before = builder.select(inside, found, _all(_LOWEST)), builder.load(largest)
            more = builder.icmp_signed(">", found, before)
            builder.store(builder.select(more, found, before), largest)
        top = code.spread(code.call("llvm.vector.reduce.smax.v16i32", _I32, builder.load(largest)))
        scale, most = code.spread(values[3]), code.spread(values[4])
        powers = [builder.fmul(_all(c), most) for c in _EXP2]
        with cgutils.for_range(builder, n_groups) as loop:
            at, inside, found = group(loop.index)
            t = builder.fmul(builder.sitofp(builder.sub(found, top), _FLOATS), scale)
            whole = code.call("llvm.trunc.v16f32", _FLOATS, t)
            made = code.scaled(code.polynomial(powers, builder.fsub(t, whole)), whole)
            made = builder.fptosi(builder.fadd(made, _all(0.5)), _INTS)
            made = builder.select(inside, made, _all(0))
            builder.store(builder.add(builder.load(total), made), total)
            out.store(builder.trunc(made, _SHORTS), row, at)
        return code.call("llvm.vector.reduce.add.v16i32", _I32, builder.load(total))

    numbers = (types.int64, types.int64, types.float32, types.float32)
    return types.int32(x, *numbers, out), generate


def _all(value: float) -> Any:
    """Return a constant vector; of integers where `value` is one."""
    return ir.Constant(_INTS if isinstance(value, int) else _FLOATS, [value] * _LANES)


class _Array:
    """The entries of an array of two dimensions whose rows have no gaps, sixteen at a time."""

    def __init__(self, builder: Any, array: Any) -> None:
        self._builder, self._data = builder, array.data
        self._step = builder.sdiv(builder.extract_value(array.strides, 0), array.itemsize)
        self.n_columns = builder.extract_value(array.shape, 1)

    def address(self, row: Any, column: Any) -> Any:
        builder = self._builder
        return builder.gep(self._data, [builder.add(builder.mul(row, self._step), column)])

    def load(self, row: Any, column: Any) -> Any:
        at = self._builder.bitcast(self.address(row, column), _INTS.as_pointer())
        return self._builder.load(at, align=2)

    def store(self, value: Any, row: Any, column: Any) -> None:
        at = self._builder.bitcast(self.address(row, column), value.type.as_pointer())
        self._builder.store(value, at, align=2)


class _Code:
    """The code of a function that is being written."""

    def __init__(self, context: Any, builder: Any, kinds: Sequence[Any], values: Any) -> None:
        self._context, self._builder, self._kinds, self._values = context, builder, kinds, values

    def array(self, i: int) -> _Array:
        made = self._context.make_array(self._kinds[i])
        return _Array(self._builder, made(self._context, self._builder, self._values[i]))

    def variable(self, value: int) -> Any:
        """Return where a vector of integers is kept, in a register."""
        made = cgutils.alloca_once(self._builder, _INTS)
        self._builder.store(_all(value), made)
        return made

    def spread(self, value: Any) -> Any:
        """Return a vector of one value."""
        nothing = ir.Constant(ir.VectorType(value.type, _LANES), ir.Undefined)
        first = self._builder.insert_element(nothing, value, _I32(0))
        return self._builder.shuffle_vector(first, nothing, _all(0))

    def polynomial(self, coefficients: Sequence[Any], x: Any) -> Any:
        """Return the polynomial of `x`; the coefficient of its highest power comes first."""
        out, *rest = coefficients
        for c in rest:
            out = self.call("llvm.fma.v16f32", _FLOATS, out, x, c)
        return out

    def scaled(self, x: Any, power: Any) -> Any:
        """Return ``x * 2 ** power``, which may be 0."""
        everywhere, to_nearest = ir.IntType(16)(-1), _I32(4)
        return self.call(_SCALE, _FLOATS, x, power, x, everywhere, to_nearest)

    def call(self, name: str, kind: Any, *values: Any) -> Any:
        asked = ir.FunctionType(kind, [value.type for value in values])
        return self._builder.call(self._builder.module.declare_intrinsic(name, (), asked), values)
