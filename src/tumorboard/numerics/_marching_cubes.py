"""The case table of marching cubes, derived rather than copied.

A corner of the cube has the number ``4 dz + 2 dy + dx``; bit ``c`` of a case is set when corner
``c`` is inside. On each face the crossed edges are joined in pairs; where a face has two inside
corners on a diagonal, each is cut off by itself (inside corners touch by faces, not by edges).
The joined edges close into loops, and the surface of the case spans these loops.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["EDGES", "loop_table"]

#: The two corners of each of the twelve edges.
EDGES = tuple((a, a | bit) for bit in (1, 2, 4) for a in range(8) if not a & bit)

_EDGE_NUMBER = {frozenset(pair): i for i, pair in enumerate(EDGES)}

#: Corners of the six faces, each in cyclic order.
_FACES = tuple(
    tuple(side | corner for corner in (0, u, u | v, v))
    for u, v, across in ((1, 2, 4), (1, 4, 2), (2, 4, 1))
    for side in (0, across)
)


@lru_cache(maxsize=1)
def loop_table() -> NDArray[np.int8]:
    """Return the loops of all cases, shape ``(256, 17)``.

    A row reads: number of edges of a loop, the edges in order, and so on; 0 ends it.
    """
    table = np.zeros((256, 17), np.int8)
    for case in range(256):
        row = [number for loop in _loops(case) for number in (len(loop), *loop)]
        table[case, : len(row)] = row
    table.setflags(write=False)
    return table


def _loops(case: int) -> list[list[int]]:
    joined: dict[int, list[int]] = {}
    for face in _FACES:
        for first, second in _segments(case, face):
            joined.setdefault(first, []).append(second)
            joined.setdefault(second, []).append(first)
    loops = []
    while joined:
        edge = min(joined)
        loop = []
        while edge in joined:
            loop.append(edge)
            neighbours = joined.pop(edge)
            edge = next((e for e in neighbours if e in joined), loop[0])
        loops.append(loop)
    return loops


def _segments(case: int, face: tuple[int, ...]) -> list[tuple[int, int]]:
    inside = [bool(case >> corner & 1) for corner in face]
    edges = [_EDGE_NUMBER[frozenset((face[i], face[(i + 1) % 4]))] for i in range(4)]
    crossed = [edges[i] for i in range(4) if inside[i] != inside[(i + 1) % 4]]
    if len(crossed) == 4:
        return [(edges[i - 1], edges[i]) for i in range(4) if inside[i]]
    return [(crossed[0], crossed[1])] if crossed else []
