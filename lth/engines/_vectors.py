"""Rows of float32 values of any width as one value of compiled code: the arithmetic of sparse convolutions.

As in lth.engines._simd, LLVM splits such a value into the machine's registers. The width is part of a value's type, so
that one loop serves every width: each function takes a value `like` of the width that is meant.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

PART = 16  # images that always lie side by side: one register of AVX-512
_FLOAT = ir.FloatType()
_INDEX = ir.IntType(32)


class _Lanes(types.Type):
    def __init__(self, width: int):
        self.width = width
        super().__init__(name=f"Lanes({width})")


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(_FLOAT, kind.width))


def _pointer(context, builder, signature, args, place, kind):
    """Address of the values of `kind` that begin at args[place + 1] of the flat array args[place]."""
    data = context.make_array(signature.args[place])(context, builder, args[place]).data
    start = context.cast(builder, args[place + 1], signature.args[place + 1], types.intp)
    return builder.bitcast(builder.gep(data, [start], source_etype=_FLOAT), kind.as_pointer())


def _splat(builder, scalar, width):
    kind = ir.VectorType(_FLOAT, width)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, _INDEX(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(_INDEX, width), [0] * width))


def _part(builder, vector, i):
    picks = list(range(i * PART, (i + 1) * PART))
    return builder.shuffle_vector(vector, vector, ir.Constant(ir.VectorType(_INDEX, PART), picks))


def _product(builder, a, b):
    return builder.fmul(a, b, flags=("contract",))


def _sum(builder, a, b):
    """A + b, in one rounding with the product that one of them is, where the machine can."""
    return builder.fadd(a, b, flags=("contract",))


@intrinsic(prefer_literal=True)
def zeros(typing, width):
    """`width` zeros; the width is a number in the code."""

    def build(context, builder, signature, args):
        return ir.Constant(ir.VectorType(_FLOAT, width.literal_value), [0.0] * width.literal_value)

    return _Lanes(width.literal_value)(width), build


@intrinsic
def splat(typing, like, value):
    """The float32 `value` in every lane."""

    def build(context, builder, signature, args):
        return _splat(builder, args[1], like.width)

    return like(like, types.float32), build


@intrinsic
def load(typing, like, values, start):
    """What begins at `start` of a flat float32 array."""

    def build(context, builder, signature, args):
        kind = ir.VectorType(_FLOAT, like.width)
        return builder.load(_pointer(context, builder, signature, args, 1, kind), align=4, typ=kind)

    return like(like, values, start), build


@intrinsic
def store(typing, values, start, value):
    """Write `value` to a flat float32 array, from `start` on."""

    def build(context, builder, signature, args):
        builder.store(args[2], _pointer(context, builder, signature, args, 0, args[2].type), align=4)
        return context.get_dummy_value()

    return types.none(values, start, value), build


@intrinsic
def prefetch(typing, values, start):
    """Begin to bring the cache line at `start` of a flat array into the second-level cache."""

    def build(context, builder, signature, args):
        place = _pointer(context, builder, signature, args, 0, ir.IntType(8))
        kinds = [place.type, *[_INDEX] * 3]
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [place.type], ir.FunctionType(ir.VoidType(), kinds)
        )
        builder.call(function, [place, _INDEX(0), _INDEX(2), _INDEX(1)])  # to read, nearly as near as can be, data
        return context.get_dummy_value()

    return types.none(values, start), build


@intrinsic
def add_scaled(typing, total, scalar, value):
    """Total + scalar × value."""

    def build(context, builder, signature, args):
        return _sum(builder, _product(builder, _splat(builder, args[1], total.width), args[2]), args[0])

    return total(total, types.float32, value), build


@intrinsic
def add(typing, a, b):
    """Lane by lane."""

    def build(context, builder, signature, args):
        return _sum(builder, *args)

    return a(a, b), build


@intrinsic
def multiply(typing, a, b):
    """Lane by lane."""

    def build(context, builder, signature, args):
        return _product(builder, *args)

    return a(a, b), build


@intrinsic
def where_above(typing, value, a, b):
    """`value` where a > b, else 0."""

    def build(context, builder, signature, args):
        zero = ir.Constant(args[0].type, [0.0] * args[0].type.count)
        return builder.select(builder.fcmp_ordered(">", args[1], args[2]), args[0], zero)

    return value(value, a, b), build


@intrinsic
def larger(typing, a, b):
    """The larger of both, lane by lane."""

    def build(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered(">", args[1], args[0]), args[1], args[0])

    return a(a, b), build


@intrinsic
def add_products(typing, sums, start, a, b):
    """Add the products of a and b, PART by PART, to the PART sums that begin at `start` of a flat array."""

    def build(context, builder, signature, args):
        kind = ir.VectorType(_FLOAT, PART)
        place = _pointer(context, builder, signature, args, 0, kind)
        chains = [builder.load(place, align=4, typ=kind), None]  # two, so that one need not wait for the other
        for i in range(a.width // PART):
            product = _product(builder, _part(builder, args[2], i), _part(builder, args[3], i))
            chains[i % 2] = product if chains[i % 2] is None else _sum(builder, product, chains[i % 2])
        total = chains[0] if chains[1] is None else _sum(builder, *chains)
        builder.store(total, place, align=4)
        return context.get_dummy_value()

    return types.none(sums, start, a, b), build


@intrinsic
def total(typing, value):
    """The sum of PART lanes."""

    def build(context, builder, signature, args):
        (part,), width = args, PART
        while width > 1:
            width //= 2
            low, high = list(range(width)), list(range(width, 2 * width))
            halves = [
                builder.shuffle_vector(part, part, ir.Constant(ir.VectorType(_INDEX, width), picks))
                for picks in (low, high)
            ]
            part = builder.fadd(*halves)
        return builder.extract_element(part, _INDEX(0))

    return types.float32(value), build
