"""Exact area of pixels inside polygons, by the even-odd rule."""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["cover_planes", "cover_slices", "mark_tiles", "sample_slabs"]

#: Coverage this close to 0 or 1 is rounding of the running sum.
_SNAP = 1e-12


@njit(cache=True, nogil=True)
def _add_line(row: NDArray[Any], xa: float, xb: float, height: float) -> None:
    """Add the area to the right of a line of this height, as differences along the row.

    The running sum of ``row`` is the area in each pixel; ``row`` is one longer than the pixels.
    """
    width = row.size - 1
    if xb < xa:
        xa, xb = xb, xa
    if xb <= 0.0:
        row[0] += height
        return
    if xa >= width:
        return
    run = xb - xa
    if run <= 1e-12:
        # Upright but for rounding, which may put its ends on both sides of the first pixel's border.
        xa = max(xa, 0.0)
        column = int(xa)
        row[column] += height * (1.0 - (xa - column))
        row[column + 1] += height * (xa - column)
        return
    height_per_run = height / run
    if xa < 0.0:
        row[0] += height_per_run * -xa
        xa = 0.0
    column = int(xa)
    while xa < xb and column < width:
        end = min(xb, column + 1.0)
        part = height_per_run * (end - xa)
        middle = 0.5 * (xa + end) - column
        row[column] += part * (1.0 - middle)
        row[column + 1] += part * middle
        xa = end
        column += 1


@njit(cache=True, nogil=True)
def _add_band(
    row: NDArray[Any], low: float, high: float, at_low: NDArray[Any], at_high: NDArray[Any], n: int
) -> None:
    """Add the inside of a band in which no line ends and no two cross: every second gap between lines."""
    for i in range(1, n):
        a, b = at_low[i], at_high[i]
        j = i - 1
        while j >= 0 and at_low[j] + at_high[j] > a + b:
            at_low[j + 1], at_high[j + 1] = at_low[j], at_high[j]
            j -= 1
        at_low[j + 1], at_high[j + 1] = a, b
    for i in range(0, n - 1, 2):
        _add_line(row, at_low[i], at_high[i], high - low)
        _add_line(row, at_low[i + 1], at_high[i + 1], low - high)


@njit(cache=True, nogil=True)
def _add_span(
    row: NDArray[Any], low: float, high: float, at_low: NDArray[Any], at_high: NDArray[Any], n: int
) -> None:
    """Add the inside of a band in which no line ends: cut it where lines cross."""
    crossings = 0
    for i in range(n):
        for j in range(i):
            if (at_low[i] - at_low[j]) * (at_high[i] - at_high[j]) < 0.0:
                crossings += 1
    if crossings == 0:
        _add_band(row, low, high, at_low, at_high, n)
        return
    cut = np.empty(crossings + 2)
    cut[0], cut[1] = 0.0, 1.0
    crossings = 2
    for i in range(n):
        for j in range(i):
            below, above = at_low[i] - at_low[j], at_high[i] - at_high[j]
            if below * above < 0.0:
                cut[crossings] = below / (below - above)
                crossings += 1
    cut.sort()
    part_low, part_high = np.empty(n), np.empty(n)
    for k in range(cut.size - 1):
        if cut[k + 1] <= cut[k]:
            continue
        for i in range(n):
            part_low[i] = at_low[i] + cut[k] * (at_high[i] - at_low[i])
            part_high[i] = at_low[i] + cut[k + 1] * (at_high[i] - at_low[i])
        _add_band(row, low + cut[k] * (high - low), low + cut[k + 1] * (high - low), part_low, part_high, n)


@njit(cache=True, nogil=True)
def _cover(edges: NDArray[Any], out: NDArray[Any]) -> None:
    """Write the share of every pixel that lies inside the polygons into ``out`` (rows, columns).

    ``edges`` are rows (x0, y0, x1, y1) with y0 < y1, sorted by y0, in pixels; pixel [r, c] is the
    square from (c, r) to (c + 1, r + 1). Exact to rounding for any polygons, crossing ones included:
    each row is cut at the ends and crossings of the edges, and in each band the inside alternates
    from edge to edge.
    """
    rows, columns = out.shape
    active = np.empty(len(edges), np.int64)
    at_low, at_high = np.empty(len(edges)), np.empty(len(edges))
    levels = np.empty(2 * len(edges) + 2)
    line = np.zeros(columns + 1)
    n_active, coming = 0, 0
    for r in range(rows):
        while coming < len(edges) and edges[coming, 1] < r + 1:
            active[n_active] = coming
            n_active += 1
            coming += 1
        levels[0], levels[1] = r, r + 1
        n_levels, kept = 2, 0
        for i in range(n_active):
            y0, y1 = edges[active[i], 1], edges[active[i], 3]
            if y1 <= r:
                continue
            active[kept] = active[i]
            kept += 1
            if y0 > r:
                levels[n_levels] = y0
                n_levels += 1
            if y1 < r + 1:
                levels[n_levels] = y1
                n_levels += 1
        n_active = kept
        if n_active == 0:
            out[r] = 0.0
            continue
        levels[:n_levels].sort()
        line[:] = 0.0
        for k in range(n_levels - 1):
            low, high = levels[k], levels[k + 1]
            if high <= low:
                continue
            n = 0
            for i in range(n_active):
                x0, y0, x1, y1 = edges[active[i]]
                if y0 <= low and y1 >= high:
                    slope = (x1 - x0) / (y1 - y0)
                    at_low[n], at_high[n] = x0 + slope * (low - y0), x0 + slope * (high - y0)
                    n += 1
            _add_span(line, low, high, at_low, at_high, n)
        inside = 0.0
        for c in range(columns):
            inside += line[c]
            out[r, c] = 0.0 if inside < _SNAP else (1.0 if inside > 1.0 - _SNAP else inside)


@njit(cache=True, nogil=True)
def cover_planes(
    edges: NDArray[Any], first_edge: NDArray[Any], start: int, stop: int, out: NDArray[Any]
) -> None:
    """Write the coverage of planes ``start`` to ``stop``; ``first_edge`` (n_planes + 1,) splits ``edges``."""
    cover = np.empty(out.shape[1:])
    for plane in range(start, stop):
        _cover(edges[first_edge[plane] : first_edge[plane + 1]], cover)
        out[plane] = cover


@njit(cache=True, nogil=True)
def cover_slices(
    edges: NDArray[Any],
    first_edge: NDArray[Any],
    slab_low: NDArray[Any],
    slab_high: NDArray[Any],
    corner: NDArray[Any],
    size: NDArray[Any],
    start: int,
    stop: int,
    out: NDArray[Any],
) -> None:
    """Add to slices ``start`` to ``stop`` what each slab covers of them.

    Slabs are in slice numbers (slice z is from z - 0.5 to z + 0.5); edges count from pixel ``corner``
    and fill at most ``size`` (rows, columns).
    """
    cover = np.empty((size[0], size[1]))
    drawn = -1
    for z in range(start, stop):
        for plane in range(slab_low.size):
            share = min(slab_high[plane], z + 0.5) - max(slab_low[plane], z - 0.5)
            if share <= _SNAP:
                continue
            if plane != drawn:
                _cover(edges[first_edge[plane] : first_edge[plane + 1]], cover)
                drawn = plane
            for r in range(size[0]):
                for c in range(size[1]):
                    if cover[r, c] > 0.0:
                        sum_ = out[z, corner[0] + r, corner[1] + c] + share * cover[r, c]
                        out[z, corner[0] + r, corner[1] + c] = min(sum_, 1.0)


@njit(cache=True, nogil=True)
def mark_tiles(cover: NDArray[Any], tile: int, start: int, stop: int, out: NDArray[Any]) -> None:
    """Write for each tile of planes ``start`` to ``stop``: 0 when it is empty, 1 when full, else 2."""
    _, rows, columns = cover.shape
    for plane in range(start, stop):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                part = cover[
                    plane, i * tile : min(rows, (i + 1) * tile), j * tile : min(columns, (j + 1) * tile)
                ]
                low, high = part.min(), part.max()
                out[plane, i, j] = 0 if high == 0.0 else (1 if low == 1.0 else 2)


@njit(cache=True, nogil=True)
def _uniform(
    tiles: NDArray[Any],
    tile: int,
    rows: int,
    columns: int,
    slab_low: NDArray[Any],
    slab_high: NDArray[Any],
    at: NDArray[Any],
    reach: NDArray[Any],
) -> int:
    """Return 0 or 1 when all of a box around ``at`` is empty or full, else 2: it must be sampled.

    Boxes across a gap between slabs, or across the border of the rasters, are only ever empty.
    """
    first = max(0, np.searchsorted(slab_low, at[0] - reach[0], side="right") - 1)
    last = np.searchsorted(slab_low, at[0] + reach[0], side="right") - 1
    r0, r1 = math.floor(at[1] - reach[1]), math.floor(at[1] + reach[1])
    q0, q1 = math.floor(at[2] - reach[2]), math.floor(at[2] + reach[2])
    may_be_full = False
    if slab_low[first] <= at[0] - reach[0] and last >= 0 and at[0] + reach[0] < slab_high[last]:
        if r0 >= 0 and q0 >= 0 and r1 < rows and q1 < columns:
            may_be_full = True
    for plane in range(first, last):
        if slab_low[plane + 1] - slab_high[plane] > 1e-9:
            may_be_full = False
    state = -1
    for plane in range(first, last + 1):
        for i in range(max(0, r0) // tile, min(rows - 1, r1) // tile + 1):
            for j in range(max(0, q0) // tile, min(columns - 1, q1) // tile + 1):
                here = tiles[plane, i, j]
                if here == 2 or (state >= 0 and here != state) or (here == 1 and not may_be_full):
                    return 2
                state = here
    return max(state, 0)


@njit(cache=True, nogil=True)
def sample_slabs(
    cover: NDArray[Any],
    tiles: NDArray[Any],
    tile: int,
    slab_low: NDArray[Any],
    slab_high: NDArray[Any],
    matrix: NDArray[Any],
    shift: NDArray[Any],
    points: NDArray[Any],
    box: NDArray[Any],
    start: int,
    stop: int,
    out: NDArray[Any],
) -> None:
    """Write the mean of ``cover`` over a lattice of ``points`` in each voxel of ``box`` (3, 2).

    ``matrix`` and ``shift`` take a voxel index to (mm along the normal, row, column of ``cover``).
    ``tiles`` of :func:`mark_tiles` spare the sampling of voxels that are empty or full throughout.
    """
    at, reach = np.empty(3), np.empty(3)
    for i in range(3):
        reach[i] = 0.5 * (abs(matrix[i, 0]) + abs(matrix[i, 1]) + abs(matrix[i, 2]))
    _, rows, columns = cover.shape
    n = points[0] * points[1] * points[2]
    for z in range(start, stop):
        for y in range(box[1, 0], box[1, 1]):
            for x in range(box[2, 0], box[2, 1]):
                for i in range(3):
                    at[i] = matrix[i, 0] * z + matrix[i, 1] * y + matrix[i, 2] * x + shift[i]
                state = _uniform(tiles, tile, rows, columns, slab_low, slab_high, at, reach)
                if state < 2:
                    out[z, y, x] = state
                    continue
                total = 0.0
                for a in range(points[0]):
                    sz = z + (a + 0.5) / points[0] - 0.5
                    for b in range(points[1]):
                        sy = y + (b + 0.5) / points[1] - 0.5
                        for c in range(points[2]):
                            sx = x + (c + 0.5) / points[2] - 0.5
                            w = matrix[0, 0] * sz + matrix[0, 1] * sy + matrix[0, 2] * sx + shift[0]
                            plane = np.searchsorted(slab_low, w, side="right") - 1
                            if plane < 0 or w >= slab_high[plane]:
                                continue
                            r = math.floor(
                                matrix[1, 0] * sz + matrix[1, 1] * sy + matrix[1, 2] * sx + shift[1]
                            )
                            q = math.floor(
                                matrix[2, 0] * sz + matrix[2, 1] * sy + matrix[2, 2] * sx + shift[2]
                            )
                            if 0 <= r < rows and 0 <= q < columns:
                                total += cover[plane, int(r), int(q)]
                out[z, y, x] = total / n
