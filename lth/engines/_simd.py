"""Sixty-four float32 values as one value of compiled code, kept in registers: the arithmetic of the sparse engine.

Numba does not keep a row of sums in registers by itself, nor share the work of folding dot products; these intrinsics
spell out the few LLVM instructions that do. LLVM splits a value into whatever registers the machine has (four with
AVX-512, whose four sums in flight hide the latency of a multiply-add).
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

LANES = 64  # one image a lane: a batch of 60 fits
_BYTE = ir.IntType(8)
_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_PART = ir.VectorType(_FLOAT, 16)
_INDEX = ir.IntType(32)


class _Lanes(types.Type):
    def __init__(self):
        super().__init__(name="Lanes")


_lanes = _Lanes()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _VECTOR)


def _row_pointer(context, builder, signature, args, element):
    """Address of row args[1] of the C-contiguous array args[0] with LANES columns."""
    data = context.make_array(signature.args[0])(context, builder, args[0]).data
    row = context.cast(builder, args[1], signature.args[1], types.intp)
    start = builder.gep(data, [builder.mul(row, row.type(LANES))], source_etype=element)
    return builder.bitcast(start, ir.VectorType(element, LANES).as_pointer())


def _splat(builder, scalar):
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, _INDEX(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES))


def _shuffle(builder, a, b, picks):
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_INDEX, len(picks)), picks))


def _multiply_add(builder, a, b, c):
    """A × b + c, as one rounding where the machine can."""
    return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))


def _interleave(builder, a, b):
    """a[0], b[0], a[1], b[1], … in vectors of at most LANES."""
    picks = [lane for i in range(a.type.count) for lane in (i, a.type.count + i)]
    return [_shuffle(builder, a, b, picks[i : i + LANES]) for i in range(0, len(picks), LANES)]


@intrinsic
def splat(typing, value):
    """The float32 `value` in every lane."""

    def build(context, builder, signature, args):
        return _splat(builder, args[0])

    return _lanes(types.float32), build


@intrinsic
def load(typing, rows, row):
    """Row `row` of a float32 array (n, LANES)."""

    def build(context, builder, signature, args):
        return builder.load(_row_pointer(context, builder, signature, args, _FLOAT), align=4, typ=_VECTOR)

    return _lanes(rows, row), build


@intrinsic
def load_bytes(typing, rows, row):
    """Row `row` of a uint8 array (n, LANES), as floats."""

    def build(context, builder, signature, args):
        pointer = _row_pointer(context, builder, signature, args, _BYTE)
        return builder.uitofp(builder.load(pointer, align=1, typ=ir.VectorType(_BYTE, LANES)), _VECTOR)

    return _lanes(rows, row), build


@intrinsic
def gather_bytes(typing, images, chosen, pixel, rows):
    """Transpose 16 bytes of 64 images: rows[pixel + p, lane] = images[chosen[lane], pixel + p] for p from 0 to 15.

    `images` uint8 (n, inputs), `chosen` int64 (LANES,), `rows` uint8 (inputs, LANES). Byte by byte this would take
    longer than the rest of a step at a density of 1 %.
    """

    def build(context, builder, signature, args):
        images, chosen, rows = (context.make_array(signature.args[i])(context, builder, args[i]) for i in (0, 1, 3))
        pixel = context.cast(builder, args[2], signature.args[2], types.intp)
        piece, row = ir.VectorType(_BYTE, 16), ir.VectorType(_BYTE, LANES)
        inputs = builder.extract_value(images.shape, 1)
        parts = []
        for lane in range(LANES):
            image = builder.load(builder.gep(chosen.data, [pixel.type(lane)]))
            start = builder.gep(images.data, [builder.add(builder.mul(image, inputs), pixel)])
            parts.append(builder.load(builder.bitcast(start, piece.as_pointer()), align=1, typ=piece))
        # Interleaving vector i with vector i + n/2, again and again, brings each pixel's images together, in order.
        while len(parts) > 16:
            half = len(parts) // 2
            parts = [_interleave(builder, a, b)[0] for a, b in zip(parts[:half], parts[half:], strict=True)]
        for _ in range(4):
            pairs = zip(parts[:8], parts[8:], strict=True)
            parts = [part for a, b in pairs for part in _interleave(builder, a, b)]
        for p, part in enumerate(parts):
            start = builder.gep(rows.data, [builder.mul(builder.add(pixel, pixel.type(p)), pixel.type(LANES))])
            builder.store(part, builder.bitcast(start, row.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.none(images, chosen, pixel, rows), build


@intrinsic
def store(typing, rows, row, value):
    """Write `value` to row `row` of a float32 array (n, LANES)."""

    def build(context, builder, signature, args):
        builder.store(args[2], _row_pointer(context, builder, signature, args, _FLOAT), align=4)
        return context.get_dummy_value()

    return types.none(rows, row, value), build


@intrinsic
def add_scaled(typing, total, scalar, value):
    """Total + scalar × value."""

    def build(context, builder, signature, args):
        return _multiply_add(builder, _splat(builder, args[1]), args[2], args[0])

    return _lanes(total, types.float32, value), build


@intrinsic
def multiply(typing, a, b):
    """Lane by lane."""

    def build(context, builder, signature, args):
        return builder.fmul(*args)

    return _lanes(a, b), build


@intrinsic
def where_positive(typing, value, condition):
    """`value` where `condition` > 0, else 0."""

    def build(context, builder, signature, args):
        zero = ir.Constant(_VECTOR, [0.0] * LANES)
        return builder.select(builder.fcmp_ordered(">", args[1], zero), args[0], zero)

    return _lanes(value, condition), build


def _partial_dot(builder, a, b):
    """16 partial sums of a · b."""
    total = None
    for start in range(0, LANES, 16):
        picks = list(range(start, start + 16))
        x, y = _shuffle(builder, a, a, picks), _shuffle(builder, b, b, picks)
        total = builder.fmul(x, y, flags=("contract",)) if total is None else _multiply_add(builder, x, y, total)
    return total


def _fold(builder, a, b, group):
    """Halve the groups of `group` partial sums in `a`, then those in `b`."""
    lanes = [range(start, start + group // 2) for start in range(0, 32, group)]
    low = [lane for half in lanes for lane in half]
    high = [lane + group // 2 for lane in low]
    return builder.fadd(_shuffle(builder, a, b, low), _shuffle(builder, a, b, high))


@intrinsic
def add_dots(typing, sums, k, value, rows, source):
    """sums[k + i] += value · rows[source[k + i]] for i from 0 to 15: sixteen dot products share their folding."""

    def build(context, builder, signature, args):
        sums, rows, source = (context.make_array(signature.args[i])(context, builder, args[i]).data for i in (0, 3, 4))
        k = context.cast(builder, args[1], signature.args[1], types.intp)
        parts = []
        for i in range(16):
            row = builder.load(builder.gep(source, [builder.add(k, k.type(i))]))
            start = builder.gep(rows, [builder.mul(builder.zext(row, k.type), k.type(LANES))])
            vector = builder.load(builder.bitcast(start, _VECTOR.as_pointer()), align=4, typ=_VECTOR)
            parts.append(_partial_dot(builder, args[2], vector))
        group = 16
        while len(parts) > 1:
            parts = [_fold(builder, parts[i], parts[i + 1], group) for i in range(0, len(parts), 2)]
            group //= 2
        target = builder.bitcast(builder.gep(sums, [k]), _PART.as_pointer())
        builder.store(builder.fadd(builder.load(target, align=4, typ=_PART), parts[0]), target, align=4)
        return context.get_dummy_value()

    return types.none(sums, k, value, rows, source), build


@intrinsic
def dot(typing, a, b):
    """Sum over the lanes of a × b."""

    def build(context, builder, signature, args):
        part, width = _partial_dot(builder, *args), 16
        while width > 1:
            width //= 2
            low, high = list(range(width)), list(range(width, 2 * width))
            part = builder.fadd(_shuffle(builder, part, part, low), _shuffle(builder, part, part, high))
        return builder.extract_element(part, _INDEX(0))

    return types.float32(a, b), build
