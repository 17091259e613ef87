"""Randomness and time: what a pass draws depends on (seed, pass name, frame index) and on nothing else.

So any chunking of a clip gives the same frames, and removing one pass leaves the others as they were.
"""

import hashlib
import math

import torch


def key(*parts: object) -> int:
    """A 63-bit integer that depends on all parts and on nothing else (BLAKE2b, RFC 7693)."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def uniform(*parts: object) -> float:
    """A number in [0, 1) that depends on all parts and on nothing else."""
    return key(*parts) / 2**63


def generator(*parts: object) -> torch.Generator:
    """A fresh generator on the CPU, seeded from all parts."""
    return torch.Generator().manual_seed(key(*parts))


def drift(seed: int, name: str, index: int, period: float) -> float:
    """A smooth random walk in [0, 1]: uniform values at knots every ``period`` frames, cosine between them."""
    knot, fraction = divmod(index / period, 1.0)
    before, after = uniform(seed, name, int(knot)), uniform(seed, name, int(knot) + 1)
    weight = 0.5 - 0.5 * math.cos(math.pi * fraction)
    return before + (after - before) * weight


def burst(seed: int, name: str, index: int, period: float, share: float) -> float:
    """An intensity in [0, 1] that comes in bursts: 0 in about ``1 - share`` of all frames, else 0.3 to 1.

    Time is cut into blocks of ``period`` frames; each is damaged with probability ``share`` at a level of its own, and
    the first fifth of a block that follows another level ramps over from it.
    """

    def level(block: int) -> float:
        hit = uniform(seed, name, "hit", block) < share
        return 0.3 + 0.7 * uniform(seed, name, "level", block) if hit else 0.0

    block, fraction = divmod(index / period + uniform(seed, name, "phase"), 1.0)
    here = level(int(block))
    if fraction >= 0.2 or here == 0.0:
        return here
    before = level(int(block) - 1)
    return before + (here - before) * fraction / 0.2
