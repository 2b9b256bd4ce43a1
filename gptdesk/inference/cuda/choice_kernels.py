"""Triton kernels that choose a token from logits, (V) float32, after temperature, top-k, top-p and min-p.

The k most likely of V logits are found in four steps, without sorting them all: each part of the logits tells the
largest of every `BLOCK` of them (`summarise_parts`); the k-th largest of these is at most the k-th largest logit
(`find_bound`); the few logits from there on are gathered (`gather`) and sorted (`draw`). In whichever order they are
gathered, they are sorted by logit and id, so that the same logits give the same token.

Packed results are float64, which holds ids and float32 without loss: see `sampling.packed_choice`.
"""

# Triton reads the annotations, so they must not be strings.
import triton
import triton.language as tl

from gptdesk.inference.cuda.fused_kernels import await_kernels_before

PART = 1024
"""Logits that one program reads."""

BLOCK = 128
"""Logits of which the largest is noted."""

CANDIDATES = (256, 1024)
"""Logits that `draw` can sort: few in a third of the time."""

ROUNDS = tl.constexpr(2.0**-53)
"""Numbers that decide are multiples of it."""


@triton.jit
def summarise_parts(
    logits, maxima, ids, sums, products, block_maxima, V,
    PART: tl.constexpr, BLOCK: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """Of each part: the largest logit m, its id, and with w = exp(l - m) the sums of w and of w (l - m); and the
    largest logit of each block."""
    part = tl.program_id(0)
    columns = part * PART + tl.arange(0, PART)
    inside = columns < V
    await_kernels_before(OVERLAP)
    logit = tl.load(logits + columns, mask=inside, other=-float("inf"))
    largest = tl.max(logit, axis=0)
    less = tl.where(inside, logit - largest, 0.0)
    w = tl.where(inside, tl.exp(less), 0.0).to(tl.float64)
    tl.store(maxima + part, largest)
    tl.store(ids + part, part * PART + tl.argmax(logit, axis=0))
    tl.store(sums + part, tl.sum(w, axis=0))
    tl.store(products + part, tl.sum(w * less.to(tl.float64), axis=0))
    blocks = part * (PART // BLOCK) + tl.arange(0, PART // BLOCK)
    tl.store(block_maxima + blocks, tl.max(tl.reshape(logit, (PART // BLOCK, BLOCK)), axis=1))


@triton.jit
def _summary(maxima, ids, sums, products, parts, PARTS: tl.constexpr):
    """The most likely id, its logit, log-sum-exp and entropy, log(sum w) - sum w (l - m) / sum w, of all parts."""
    part = tl.arange(0, PARTS)
    inside = part < parts
    m = tl.load(maxima + part, mask=inside, other=-float("inf"))
    largest, best = tl.max(m, axis=0), tl.argmax(m, axis=0)
    id = tl.sum(tl.where(part == best, tl.load(ids + part, mask=inside, other=0), 0), axis=0)
    less = tl.where(inside, m - largest, 0.0).to(tl.float64)
    share = tl.where(inside, tl.exp(less), 0.0)
    sum_of_part = tl.load(sums + part, mask=inside, other=0.0)
    product_of_part = tl.load(products + part, mask=inside, other=0.0)
    total = tl.sum(share * sum_of_part, axis=0)
    product = tl.sum(share * (product_of_part + less * sum_of_part), axis=0)
    return id, largest, largest.to(tl.float64) + tl.log(total), tl.log(total) - product / total


@triton.jit
def _hand_over(packed, token, position, following, id, next, logit, normalizer, entropy, AHEAD: tl.constexpr):
    """Packs the choice; with AHEAD also puts ``next`` and its position where the next step reads them."""
    tl.store(packed, id.to(tl.float64))
    tl.store(packed + 1, logit.to(tl.float64))
    tl.store(packed + 2, normalizer)
    tl.store(packed + 3, entropy)
    if AHEAD:
        tl.store(token, next.to(tl.int64))
        tl.store(position, tl.load(following))


@triton.jit
def choose_most_likely(
    maxima, ids, sums, products, packed, token, position, following, parts,
    PARTS: tl.constexpr, AHEAD: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """The most likely token, packed, (4)."""
    await_kernels_before(OVERLAP)
    id, largest, normalizer, entropy = _summary(maxima, ids, sums, products, parts, PARTS)
    _hand_over(packed, token, position, following, id, id, largest, normalizer, entropy, AHEAD)


@triton.jit(do_not_specialize=["blocks", "most"])
def find_bound(block_maxima, bound, count, blocks, most, WIDTH: tl.constexpr, OVERLAP: tl.constexpr):
    """A number that is at most the ``most``-th largest logit; minus infinity if there are not so many blocks."""
    place = tl.arange(0, WIDTH)
    await_kernels_before(OVERLAP)
    m = tl.sort(tl.load(block_maxima + place, mask=place < blocks, other=-float("inf")), descending=True)
    tl.store(bound, tl.max(tl.where(place == most - 1, m, -float("inf")), axis=0))
    tl.store(count, 0)


@triton.jit
def gather(
    logits, bound, count, values, ids, V, PART: tl.constexpr, CANDIDATES: tl.constexpr, OVERLAP: tl.constexpr
):  # fmt: skip
    """Logits from ``bound`` on, and their ids, in any order; ``count`` of them, of which `CANDIDATES` are kept."""
    columns = tl.program_id(0) * PART + tl.arange(0, PART)
    inside = columns < V
    await_kernels_before(OVERLAP)
    logit = tl.load(logits + columns, mask=inside, other=-float("inf"))
    likely = inside & (logit >= tl.load(bound))
    marks = likely.to(tl.int32)
    slot = tl.atomic_add(count, tl.sum(marks, axis=0)) + tl.cumsum(marks, axis=0) - 1
    tl.store(values + slot, logit, mask=likely & (slot < CANDIDATES))
    tl.store(ids + slot, columns, mask=likely & (slot < CANDIDATES))


@triton.jit
def _in_order(bits):
    """The bits of a float32 as an integer that is larger for a larger number; and back."""
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


@triton.jit(do_not_specialize=["drawn", "top_k", "top"])
def draw(
    values, ids, count, maxima, part_ids, sums, products, packed, token, position, following, parts,
    drawn, temperature, least_mass, min_p, top_k, top,
    PARTS: tl.constexpr, CANDIDATES: tl.constexpr, AHEAD: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    """Draws one of the ``top_k`` most likely tokens, packed with the ``top`` most likely ones, (4 + 2 top).

    Args:
        drawn: the number in [0, 1) that decides, times 2^53, int64.
        least_mass: 1 - top_p: the least likely tokens that together have no more are left out.
        top_k, top: no more than were looked for. The packed id is -1 if there are more candidates than fit.
    """
    rank = tl.arange(0, CANDIDATES)
    await_kernels_before(OVERLAP)
    best, _, normalizer, entropy = _summary(maxima, part_ids, sums, products, parts, PARTS)
    found = tl.load(count)
    there = rank < found
    bits = tl.load(values + rank, mask=there, other=-float("inf")).to(tl.int32, bitcast=True)
    id = tl.load(ids + rank, mask=there, other=0x7FFFFFFF)
    key = (_in_order(bits).to(tl.int64) << 32) | (0x7FFFFFFF - id).to(tl.int64)
    key = tl.sort(key, descending=True)  # those that are not there come last
    logit = _in_order((key >> 32).to(tl.int32)).to(tl.float32, bitcast=True)
    id = 0x7FFFFFFF - (key & 0x7FFFFFFF).to(tl.int32)

    scaled = logit / temperature
    kept = there & (rank < top_k)
    weight = tl.where(kept, tl.exp(scaled - tl.max(scaled, axis=0)), 0.0)
    # Summed in float64, because the order of sums varies; compared in float32, as `sampling` does.
    mass = (weight / tl.sum(weight, axis=0)).to(tl.float64)
    mass_from_here = tl.sum(mass, axis=0) - tl.cumsum(mass, axis=0) + mass
    enough = kept & ((mass_from_here.to(tl.float32) > least_mass) | (rank == 0))
    kept = kept & (logit >= tl.min(tl.where(enough, logit, float("inf")), axis=0))
    weight = tl.where(kept, weight, 0.0)
    p = weight / tl.sum(weight, axis=0)
    kept = kept & (p >= min_p * tl.max(p, axis=0))
    weight = tl.where(kept, weight, 0.0)
    p = weight / tl.sum(weight, axis=0)

    in_order = (tl.where(kept, id, 0x7FFFFFFF).to(tl.int64) << 32) | p.to(tl.int32, bitcast=True).to(tl.int64)
    in_order = tl.sort(in_order)
    p = (in_order & 0xFFFFFFFF).to(tl.int32).to(tl.float32, bitcast=True)
    reached = tl.cumsum(p.to(tl.float64), axis=0)
    number = tl.max(reached, axis=0) * (drawn.to(tl.float64) * ROUNDS)
    place = tl.minimum(tl.sum((reached <= number).to(tl.int32), axis=0), tl.sum(kept.to(tl.int32), axis=0) - 1)
    chosen = tl.sum(tl.where(rank == place, (in_order >> 32).to(tl.int32), 0), axis=0)
    own = tl.max(tl.where(there & (id == chosen), logit, -float("inf")), axis=0)
    fits = found <= CANDIDATES
    id_or_none, next = tl.where(fits, chosen, -1), tl.where(fits, chosen, best)
    _hand_over(packed, token, position, following, id_or_none, next, own, normalizer, entropy, AHEAD)
    listed = rank < top
    tl.store(packed + 4 + rank, id.to(tl.float64), mask=listed)
    tl.store(packed + 4 + top + rank, logit.to(tl.float64), mask=listed)
