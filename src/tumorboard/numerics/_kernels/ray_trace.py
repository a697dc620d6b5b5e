"""Lines through a volume of boxes: exact lengths in every voxel."""

import math
from typing import Any

from numba import njit
from numpy.typing import NDArray

__all__ = ["integrate_lines", "integrate_samples", "seek_first", "walk_line"]


@njit(cache=True, nogil=True, inline="always")
def _clip(p: float, d: float, n: int, low: float, high: float) -> tuple[float, float]:
    """Clip the part (low, high) of the line ``p + t d`` to -0.5 <= index <= n - 0.5."""
    if d == 0.0:
        if p < -0.5 or p >= n - 0.5:
            return 1.0, 0.0
        return low, high
    a, b = (-0.5 - p) / d, (n - 0.5 - p) / d
    return max(low, min(a, b)), min(high, max(a, b))


@njit(cache=True, nogil=True, inline="always")
def _cell(p: float, n: int) -> int:
    return min(max(math.floor(p + 0.5), 0), n - 1)


@njit(cache=True, nogil=True, inline="always")
def _next(cell: int, p: float, d: float) -> float:
    """Where the line leaves the cell along one axis.

    From the plane itself, not by adding steps, so that no error grows along the line.
    """
    if d > 0.0:
        return (cell + 0.5 - p) / d
    if d < 0.0:
        return (cell - 0.5 - p) / d
    return math.inf


@njit(cache=True, nogil=True)
def walk_line(
    values: NDArray[Any],
    start: NDArray[Any],
    end: NDArray[Any],
    n_samples: int,
    threshold: float,
    out: NDArray[Any],
) -> float:
    """Follow a line through its voxels.

    With ``n_samples`` > 0 the integral from the start to the middle of each of so many equal parts of the
    line goes to ``out``. With a finite ``threshold`` the walk ends where a value first exceeds it and the
    place (0 to 1, infinite for none) is returned; otherwise the integral over 0 <= t <= 1.
    """
    nz, ny, nx = values.shape
    pz, py, px = start[0], start[1], start[2]
    dz, dy, dx = end[0] - pz, end[1] - py, end[2] - px
    low, high = _clip(pz, dz, nz, 0.0, 1.0)
    low, high = _clip(py, dy, ny, low, high)
    low, high = _clip(px, dx, nx, low, high)
    seeking = threshold < math.inf
    total, taken = 0.0, 0
    if low < high:
        i, j, k = _cell(pz + low * dz, nz), _cell(py + low * dy, ny), _cell(px + low * dx, nx)
        tz, ty, tx = _next(i, pz, dz), _next(j, py, dy), _next(k, px, dx)
        t = low
        while taken < n_samples and (taken + 0.5) / n_samples <= low:
            out[taken] = 0.0
            taken += 1
        while t < high:
            ahead = min(tz, ty, tx, high)
            value = float(values[i, j, k])
            if seeking and value > threshold and ahead > t:
                return t
            while taken < n_samples and (taken + 0.5) / n_samples <= ahead:
                out[taken] = total + value * ((taken + 0.5) / n_samples - t)
                taken += 1
            if ahead > t:
                total += value * (ahead - t)
                t = ahead
            if tz <= ahead:
                i += 1 if dz > 0.0 else -1
                if i < 0 or i >= nz:
                    break
                tz = _next(i, pz, dz)
            elif ty <= ahead:
                j += 1 if dy > 0.0 else -1
                if j < 0 or j >= ny:
                    break
                ty = _next(j, py, dy)
            elif tx <= ahead:
                k += 1 if dx > 0.0 else -1
                if k < 0 or k >= nx:
                    break
                tx = _next(k, px, dx)
    while taken < n_samples:
        out[taken] = total
        taken += 1
    return math.inf if seeking else total


@njit(cache=True, nogil=True)
def integrate_lines(
    values: NDArray[Any],
    starts: NDArray[Any],
    ends: NDArray[Any],
    lengths: NDArray[Any],
    first: int,
    last: int,
    out: NDArray[Any],
) -> None:
    """Write the integral of lines ``first`` to ``last``: voxel indices (z, y, x), lengths [mm]."""
    for n in range(first, last):
        out[n] = lengths[n] * walk_line(values, starts[n], ends[n], 0, math.inf, out)


@njit(cache=True, nogil=True)
def integrate_samples(
    values: NDArray[Any],
    starts: NDArray[Any],
    ends: NDArray[Any],
    lengths: NDArray[Any],
    first: int,
    last: int,
    out: NDArray[Any],
) -> None:
    """Write the integral from the start of each line to the middles of its ``out.shape[1]`` equal parts."""
    for n in range(first, last):
        walk_line(values, starts[n], ends[n], out.shape[1], math.inf, out[n])
        for m in range(out.shape[1]):
            out[n, m] *= lengths[n]


@njit(cache=True, nogil=True)
def seek_first(
    values: NDArray[Any],
    starts: NDArray[Any],
    ends: NDArray[Any],
    lengths: NDArray[Any],
    first: int,
    last: int,
    threshold: float,
    out: NDArray[Any],
) -> None:
    """Write how far along each line a value first exceeds the threshold [mm]; infinite where none does."""
    for n in range(first, last):
        out[n] = lengths[n] * walk_line(values, starts[n], ends[n], 0, threshold, out)
