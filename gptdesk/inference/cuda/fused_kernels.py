"""Triton kernels of a decode step: each reads its weights once and does all that is next to them.

The first axis of every grid is the text, of which there are T; a text's programs are the same whatever else is computed
beside it. Vectors between kernels are float32. A product's programs take some rows of the weight each, (ROWS, columns)
at a time. The order of every sum is fixed. Keys and values stay in each text's own cache: kernels get their addresses,
(T) int64.

A kernel first loads all that no kernel of the same step writes: weights, biases, where the caches are, keys and values
of earlier steps. With OVERLAP it is started for that while the kernels before it still run (programmatic dependent
launch, from Hopper on), and waits for their end before it reads or writes anything else. Each lets the next one start
at once, so that as many weights are on their way as there is room for. A step is bound by such delays, not by the
memory's bandwidth.

Names: C width, H heads, D head size, S spans of keys that attention reads apart, P positions of the cache, V size of
the vocabulary.
"""

# Triton reads the annotations, so they must not be strings.
import triton
import triton.language as tl

try:
    from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait
except ImportError:  # before Triton 3.3; then no kernel can be launched with OVERLAP
    gdc_launch_dependents = gdc_wait = None

SPAN = 128
"""Keys that one program of `attention` reads."""


@triton.jit
def embed(tokens, positions, following, wte, wpe, x, C, BLOCK: tl.constexpr):
    """x = wte[token] + wpe[position], (T, C); to ``following`` the positions after these, (T)."""
    text, columns = tl.program_id(0), tl.arange(0, BLOCK)
    inside, position = columns < C, tl.load(positions + text)
    word = tl.load(wte + tl.load(tokens + text) * C + columns, mask=inside).to(tl.float32)
    place = tl.load(wpe + position * C + columns, mask=inside).to(tl.float32)
    tl.store(x + text * C + columns, word + place, mask=inside)
    tl.store(following + text, position + 1)


@triton.jit
def await_kernels_before(OVERLAP: tl.constexpr):
    """Lets the next kernel start, and waits until those before have ended and all that they wrote can be read."""
    if OVERLAP:
        gdc_launch_dependents()
        gdc_wait()


@triton.jit
def _rows(ROWS: tl.constexpr):
    return tl.program_id(1) * ROWS + tl.arange(0, ROWS)


@triton.jit
def _weights(weight, row, rows, columns, width):
    inside = (row < rows)[:, None] & (columns < width)[None, :]
    return tl.load(weight + row[:, None].to(tl.int64) * width + columns[None, :], mask=inside, other=0.0)


@triton.jit
def _norm(weight, columns, C):
    return tl.load(weight + columns, mask=columns < C, other=0.0).to(tl.float32)


@triton.jit
def _bias(bias, row, rows, HAS_BIAS: tl.constexpr):
    values = tl.zeros_like(row).to(tl.float32)
    if HAS_BIAS:
        values = tl.load(bias + row, mask=row < rows, other=0.0).to(tl.float32)
    return values


@triton.jit
def _product(tile, vector):
    return tl.sum(tile.to(tl.float32) * vector[None, :], axis=1)


@triton.jit
def _add_pairs(a, b, c, d):
    return a + c, b + d


@triton.jit
def _normalized_product(tile, x, columns, C, eps, gain, sums, shifts):
    """tile @ layer norm(x), with one pass over x instead of one after the other for mean, variance and product.

    With the norm's weight g and bias b: tile @ (g (x - mean) / std + b) = (tile @ (g x) - mean sums) / std + shifts,
    where sums = tile @ g and shifts = tile @ b.
    """
    v = tl.load(x + columns, mask=columns < C, other=0.0)
    total, squares = tl.reduce((v, v * v), 0, _add_pairs)
    y = _product(tile, v * gain)
    mean = total / C
    return (y - mean * sums) / tl.sqrt(squares / C - mean * mean + eps) + shifts


@triton.jit
def _cache(addresses, text, layer_start, like):
    """Where the keys or values of a text begin in a layer; they have the dtype that ``like`` points to."""
    address = tl.load(addresses + text).to(tl.pointer_type(like.dtype.element_ty))
    return tl.multiple_of(address + layer_start, 16)


@triton.jit
def attention_input(
    x, norm_weight, weight, sums, shifts, q, keys, values, positions, layer_start, C, D, P, eps,
    ROWS: tl.constexpr, BLOCK: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """Layer norm and c_attn: queries to ``q``, (T, C), keys and values to their place in the cache, (H, P, D) each."""
    text, row, columns, rows = tl.program_id(0), _rows(ROWS), tl.arange(0, BLOCK), 3 * C
    tile, gain = _weights(weight, row, rows, columns, C), _norm(norm_weight, columns, C)
    sums, shifts = _bias(sums, row, rows, True), _bias(shifts, row, rows, True)
    within = row % C
    place = (within // D).to(tl.int64) * P * D + tl.load(positions + text) * D + within % D
    key, value = _cache(keys, text, layer_start, weight) + place, _cache(values, text, layer_start, weight) + place
    await_kernels_before(OVERLAP)
    y = _normalized_product(tile, x + text * C, columns, C, eps, gain, sums, shifts)
    stored = y.to(weight.dtype.element_ty)
    tl.store(q + text * C + row, y, mask=row < C)
    tl.store(key, stored, mask=(row >= C) & (row < 2 * C))
    tl.store(value, stored, mask=(row >= 2 * C) & (row < rows))


@triton.jit
def attention(
    q, keys, values, positions, layer_start, like, weights, parts, H, D, P, S, scale,
    MOST_TEXTS: tl.constexpr, SPAN: tl.constexpr, BLOCK_D: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """One text, head and span of keys: the log of the sum of their exponentials, and the values so weighted, (D).

    Flash-decoding (Dao et al. 2023): `attention_output` puts the spans together.
    """
    text, head, span = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    columns, d = span * SPAN + tl.arange(0, SPAN), tl.arange(0, BLOCK_D)
    position = tl.load(positions + text)
    place = head.to(tl.int64) * P * D + columns[:, None] * D + d[None, :]
    key, value = _cache(keys, text, layer_start, like) + place, _cache(values, text, layer_start, like) + place
    read, wide = columns <= position, (d < D)[None, :]
    before = (
        columns <= position - MOST_TEXTS
    )  # what follows may be written in this step: by this text or by drafts of it
    older, newer = before[:, None] & wide, (read & ~before)[:, None] & wide
    k, v = tl.load(key, mask=older, other=0.0), tl.load(value, mask=older, other=0.0)
    await_kernels_before(OVERLAP)
    k = tl.where(newer, tl.load(key, mask=newer, other=0.0), k).to(tl.float32)
    v = tl.where(newer, tl.load(value, mask=newer, other=0.0), v).to(tl.float32)
    query = tl.load(q + (text * H + head) * D + d, mask=d < D, other=0.0)
    scores = tl.where(read, tl.sum(k * query[None, :], axis=1) * scale, -1e30)
    largest = tl.max(scores, axis=0)
    exponentials = tl.where(read, tl.exp(scores - largest), 0.0)
    total = tl.sum(exponentials, axis=0)
    total = tl.where(total == 0.0, 1.0, total)  # a span that begins after the token has no keys
    at = (text * H + head) * S + span
    tl.store(weights + at, largest + tl.log(total))
    tl.store(parts + at * D + d, tl.sum(exponentials[:, None] * v, axis=0) / total, mask=d < D)


@triton.jit
def attention_output(
    x, weights, parts, weight, bias, C, D, S: tl.constexpr,
    HAS_BIAS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """x += c_proj(attention), of all heads' spans put together."""
    text, row, columns = tl.program_id(0), _rows(ROWS), tl.arange(0, BLOCK)
    tile, added, inside = _weights(weight, row, C, columns, C), _bias(bias, row, C, HAS_BIAS), columns < C
    first = (text * C + columns) // D * S  # the first span of the head
    await_kernels_before(OVERLAP)
    before = tl.load(x + text * C + row, mask=row < C, other=0.0)
    largest = tl.full((BLOCK,), -1e30, tl.float32)
    for span in tl.static_range(S):
        largest = tl.maximum(largest, tl.load(weights + first + span, mask=inside, other=-1e30))
    total, vector = tl.zeros((BLOCK,), tl.float32), tl.zeros((BLOCK,), tl.float32)
    for span in tl.static_range(S):
        share = tl.exp(tl.load(weights + first + span, mask=inside, other=-1e30) - largest)
        total += share
        vector += share * tl.load(parts + (first + span) * D + columns % D, mask=inside, other=0.0)
    y = _product(tile, tl.where(inside, vector / total, 0.0)) + added
    tl.store(x + text * C + row, before + y, mask=row < C)


@triton.jit
def mlp_input(
    x, norm_weight, weight, sums, shifts, hidden, C, inner, eps,
    ROWS: tl.constexpr, BLOCK: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """hidden = gelu(c_fc(layer norm of x)), (T, inner), by the tanh approximation of GELU."""
    text, row, columns = tl.program_id(0), _rows(ROWS), tl.arange(0, BLOCK)
    tile, gain = _weights(weight, row, inner, columns, C), _norm(norm_weight, columns, C)
    sums, shifts = _bias(sums, row, inner, True), _bias(shifts, row, inner, True)
    await_kernels_before(OVERLAP)
    y = _normalized_product(tile, x + text * C, columns, C, eps, gain, sums, shifts)
    # 0.5 y (1 + tanh(z)) = y sigmoid(2 z)
    y = y * tl.sigmoid(1.5957691216057308 * (y + 0.044715 * y * y * y))
    tl.store(hidden + text * inner + row, y, mask=row < inner)


@triton.jit
def mlp_output(
    x, hidden, weight, bias, C, inner,
    HAS_BIAS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """x += c_proj(hidden)."""
    text, row, columns = tl.program_id(0), _rows(ROWS), tl.arange(0, BLOCK)
    tile, added = _weights(weight, row, C, columns, inner), _bias(bias, row, C, HAS_BIAS)
    await_kernels_before(OVERLAP)
    before = tl.load(x + text * C + row, mask=row < C, other=0.0)
    vector = tl.load(hidden + text * inner + columns, mask=columns < inner, other=0.0)
    tl.store(x + text * C + row, before + _product(tile, vector) + added, mask=row < C)


@triton.jit
def head(
    x, norm_weight, norm_bias, weight, logits, C, V, eps,
    HAS_BIAS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr, TILES: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """logits = lm_head(layer norm of x), (T, V): TILES times ROWS of them by each program."""
    text, columns = tl.program_id(0), tl.arange(0, BLOCK)
    row = tl.program_id(1) * (ROWS * TILES) + tl.arange(0, ROWS)
    tile = _weights(weight, row, V, columns, C)
    gain, shift, inside = _norm(norm_weight, columns, C), _bias(norm_bias, columns, C, HAS_BIAS), columns < C
    await_kernels_before(OVERLAP)
    v = tl.load(x + text * C + columns, mask=inside, other=0.0)
    centred = tl.where(inside, v - tl.sum(v, axis=0) / C, 0.0)
    vector = centred / tl.sqrt(tl.sum(centred * centred, axis=0) / C + eps) * gain + shift
    for following in tl.static_range(TILES):
        now, at = tile, row
        if following + 1 < TILES:
            row += ROWS
            tile = _weights(weight, row, V, columns, C)
        tl.store(logits + text * V + at, _product(now, vector), mask=at < V)
