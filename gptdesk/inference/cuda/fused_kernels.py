"""Triton kernels of a decode step: each reads its weights once and does all that is next to them.

The first axis of every grid is the text, of which there are T; a text's programs are the same whatever else is computed
beside it. Vectors between kernels are float32. A product's programs take some rows of the weight each, (ROWS, columns)
at a time, and load them before the vector, which the kernel before has only just written. The order of every sum is
fixed. Keys and values stay in each text's own cache: kernels get their addresses, (T) int64.

With OVERLAP a kernel is started while the one before still runs (programmatic dependent launch, from Hopper on): it
loads its weights, and waits for the other's end before it reads or writes anything else.

Names: C width, H heads, D head size, S spans of keys that attention reads apart, P positions of the cache.
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
def embed(tokens, positions, wte, wpe, x, C, BLOCK: tl.constexpr):
    """x = wte[token] + wpe[position], (T, C)."""
    text, columns = tl.program_id(0), tl.arange(0, BLOCK)
    inside = columns < C
    word = tl.load(wte + tl.load(tokens + text) * C + columns, mask=inside).to(tl.float32)
    place = tl.load(wpe + tl.load(positions + text) * C + columns, mask=inside).to(tl.float32)
    tl.store(x + text * C + columns, word + place, mask=inside)


@triton.jit
def _await_kernel_before(OVERLAP: tl.constexpr):
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()


@triton.jit
def _rows(ROWS: tl.constexpr):
    return tl.program_id(1) * ROWS + tl.arange(0, ROWS)


@triton.jit
def _weights(weight, row, rows, columns, width):
    inside = (row < rows)[:, None] & (columns < width)[None, :]
    return tl.load(weight + row[:, None].to(tl.int64) * width + columns[None, :], mask=inside, other=0.0)


@triton.jit
def _product(tile, vector, bias, row, rows, HAS_BIAS: tl.constexpr):
    y = tl.sum(tile.to(tl.float32) * vector[None, :], axis=1)
    if HAS_BIAS:
        y += tl.load(bias + row, mask=row < rows, other=0.0).to(tl.float32)
    return y


@triton.jit
def _cache(addresses, text, layer_start, like):
    """Where the keys or values of a text begin in a layer; they have the dtype that ``like`` points to."""
    address = tl.load(addresses + text).to(tl.pointer_type(like.dtype.element_ty))
    return tl.multiple_of(address + layer_start, 16)


@triton.jit
def _normalized(x, norm_weight, norm_bias, columns, C, eps, HAS_BIAS: tl.constexpr):
    inside = columns < C
    v = tl.load(x + columns, mask=inside, other=0.0)
    centred = tl.where(inside, v - tl.sum(v, axis=0) / C, 0.0)
    scale = 1.0 / tl.sqrt(tl.sum(centred * centred, axis=0) / C + eps)
    y = centred * scale * tl.load(norm_weight + columns, mask=inside, other=0.0).to(tl.float32)
    if HAS_BIAS:
        y += tl.load(norm_bias + columns, mask=inside, other=0.0).to(tl.float32)
    return y


@triton.jit
def _add(place, y, mask):
    tl.store(place, tl.load(place, mask=mask, other=0.0) + y, mask=mask)


@triton.jit
def attention_input(
    x, norm_weight, norm_bias, weight, bias, q, keys, values, positions, layer_start, C, D, P, eps,
    HAS_BIAS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """Layer norm and c_attn: queries to ``q``, (T, C), keys and values to their place in the cache, (H, P, D) each."""
    text, row, columns, rows = tl.program_id(0), _rows(ROWS), tl.arange(0, BLOCK), 3 * C
    tile = _weights(weight, row, rows, columns, C)
    _await_kernel_before(OVERLAP)
    vector = _normalized(x + text * C, norm_weight, norm_bias, columns, C, eps, HAS_BIAS)
    y = _product(tile, vector, bias, row, rows, HAS_BIAS)
    within = row % C
    place = (within // D).to(tl.int64) * P * D + tl.load(positions + text) * D + within % D
    stored = y.to(weight.dtype.element_ty)
    tl.store(q + text * C + row, y, mask=row < C)
    tl.store(_cache(keys, text, layer_start, weight) + place, stored, mask=(row >= C) & (row < 2 * C))
    tl.store(_cache(values, text, layer_start, weight) + place, stored, mask=(row >= 2 * C) & (row < rows))


@triton.jit
def attention(
    q, keys, values, positions, layer_start, like, maxima, sums, parts, H, D, P, S, scale,
    SPAN: tl.constexpr, BLOCK_D: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """One text, head and span of keys: largest score, sum of exponentials, and values weighted with them, (D).

    Flash-decoding (Dao et al. 2023): `attention_output` puts the spans together.
    """
    _await_kernel_before(OVERLAP)
    text, head, span = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    columns = span * SPAN + tl.arange(0, SPAN)
    d = tl.arange(0, BLOCK_D)
    read = columns <= tl.load(positions + text)
    inside = read[:, None] & (d < D)[None, :]
    place = head.to(tl.int64) * P * D + columns[:, None] * D + d[None, :]
    k = tl.load(_cache(keys, text, layer_start, like) + place, mask=inside, other=0.0).to(tl.float32)
    v = tl.load(_cache(values, text, layer_start, like) + place, mask=inside, other=0.0).to(tl.float32)
    query = tl.load(q + (text * H + head) * D + d, mask=d < D, other=0.0)
    scores = tl.where(read, tl.sum(k * query[None, :], axis=1) * scale, -1e30)
    largest = tl.max(scores, axis=0)
    weights = tl.where(read, tl.exp(scores - largest), 0.0)
    at = (text * H + head) * S + span
    tl.store(maxima + at, largest)
    tl.store(sums + at, tl.sum(weights, axis=0))
    tl.store(parts + at * D + d, tl.sum(weights[:, None] * v, axis=0), mask=d < D)


@triton.jit
def attention_output(
    x, maxima, sums, parts, weight, bias, C, D, S: tl.constexpr,
    HAS_BIAS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """x += c_proj(attention), of all heads' spans put together."""
    text, row, columns = tl.program_id(0), _rows(ROWS), tl.arange(0, BLOCK)
    tile = _weights(weight, row, C, columns, C)
    _await_kernel_before(OVERLAP)
    inside = columns < C
    first = (text * C + columns) // D * S  # the first span of the head
    largest = tl.full((BLOCK,), -1e30, tl.float32)
    for span in range(S):
        largest = tl.maximum(largest, tl.load(maxima + first + span, mask=inside, other=-1e30))
    total, vector = tl.zeros((BLOCK,), tl.float32), tl.zeros((BLOCK,), tl.float32)
    for span in range(S):
        factor = tl.exp(tl.load(maxima + first + span, mask=inside, other=-1e30) - largest)
        total += factor * tl.load(sums + first + span, mask=inside, other=1.0)
        vector += factor * tl.load(parts + (first + span) * D + columns % D, mask=inside, other=0.0)
    y = _product(tile, tl.where(inside, vector / total, 0.0), bias, row, C, HAS_BIAS)
    _add(x + text * C + row, y, row < C)


@triton.jit
def mlp_input(
    x, norm_weight, norm_bias, weight, bias, hidden, C, inner, eps,
    HAS_BIAS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """hidden = gelu(c_fc(layer norm of x)), (T, inner), by the tanh approximation of GELU."""
    text, row, columns = tl.program_id(0), _rows(ROWS), tl.arange(0, BLOCK)
    tile = _weights(weight, row, inner, columns, C)
    _await_kernel_before(OVERLAP)
    vector = _normalized(x + text * C, norm_weight, norm_bias, columns, C, eps, HAS_BIAS)
    y = _product(tile, vector, bias, row, inner, HAS_BIAS)
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
    tile = _weights(weight, row, C, columns, inner)
    _await_kernel_before(OVERLAP)
    vector = tl.load(hidden + text * inner + columns, mask=columns < inner, other=0.0)
    y = _product(tile, vector, bias, row, C, HAS_BIAS)
    _add(x + text * C + row, y, row < C)


@triton.jit
def head(
    x, norm_weight, norm_bias, weight, logits, C, V, eps,
    HAS_BIAS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """logits = lm_head(layer norm of x), (T, V)."""
    text, row, columns = tl.program_id(0), _rows(ROWS), tl.arange(0, BLOCK)
    tile = _weights(weight, row, V, columns, C)
    _await_kernel_before(OVERLAP)
    vector = _normalized(x + text * C, norm_weight, norm_bias, columns, C, eps, HAS_BIAS)
    y = _product(tile, vector, x, row, V, False)
    tl.store(logits + text * V + row, y, mask=row < V)
