"""How electrons lose energy along a straight way through voxels, and how a step turns them.

The state of an electron is ``s``: x, y, z [mm], direction, energy [MeV], range under soft losses [g/cm2] and
the energy that belongs to it; and ``c``: its voxel's i, j, k, number in the flat arrays, and material. Within
a step the energy falls by a factor faster or slower than the one that belongs to the range: straggling.
"""

import math

import numpy as np
from numba import njit

from tumorboard.numerics._kernels.random_streams import uniform
from tumorboard.physics.transport._kernels.electron_data import (
    COLUMNS,
    ENERGY,
    RANGE_FIRST,
    RANGE_ROWS,
    STRENGTH_FIRST,
    STRENGTH_ROWS,
)

_E, _R, _MEAN = 6, 7, 8
_MATERIAL, _VOXEL = 4, 3
#: Bits of a double that are its place within a factor of two, less those that number the rows.
_RANGE_SHIFT = np.int64(52 - round(math.log2(RANGE_ROWS)))
_RANGE_BASE = np.int64((1023 + RANGE_FIRST) * RANGE_ROWS)
_RANGE_PART = 1.0 / 2.0 ** float(_RANGE_SHIFT)
_STRENGTH_SHIFT = np.int64(52 - round(math.log2(STRENGTH_ROWS)))
_STRENGTH_BASE = np.int64((1023 + STRENGTH_FIRST) * STRENGTH_ROWS)
_STRENGTH_PART = 1.0 / 2.0 ** float(_STRENGTH_SHIFT)
_MOST_CROSSINGS = 1_000_000


@njit(cache=True, nogil=True, error_model="numpy")
def place(value, shift, base, part, n):
    """Return the row before a value in a table whose rows share factors of two evenly, and how far beyond."""
    bits = np.float64(value).view(np.int64)
    row = (bits >> shift) - base
    if row < 0:
        return 0, 0.0
    if row > n - 2:
        return n - 2, 1.0
    return row, np.float64(bits & ((np.int64(1) << shift) - np.int64(1))) * part


@njit(cache=True, nogil=True, error_model="numpy")
def energy_of(table, reach):
    """Return the energy that belongs to a range."""
    row, part = place(reach, _RANGE_SHIFT, _RANGE_BASE, _RANGE_PART, table.shape[0])
    return table[row, ENERGY] + part * (table[row + 1, ENERGY] - table[row, ENERGY])


@njit(cache=True, nogil=True, error_model="numpy")
def all_of(table, reach, out):
    """Write every column at a range to ``out``."""
    row, part = place(reach, _RANGE_SHIFT, _RANGE_BASE, _RANGE_PART, table.shape[0])
    for column in range(COLUMNS):
        out[column] = table[row, column] + part * (table[row + 1, column] - table[row, column])


@njit(cache=True, nogil=True, error_model="numpy")
def range_of(table, energy):
    """Return the range that belongs to an energy: the exact inverse of :func:`energy_of`."""
    low, high = 0, table.shape[0] - 1
    if energy <= table[0, ENERGY]:
        return 2.0**RANGE_FIRST
    while high - low > 1:
        middle = (low + high) >> 1
        if table[middle, ENERGY] <= energy:
            low = middle
        else:
            high = middle
    octave, row = low // RANGE_ROWS, low % RANGE_ROWS
    first = 2.0 ** (RANGE_FIRST + octave) / RANGE_ROWS
    part = (energy - table[low, ENERGY]) / (table[low + 1, ENERGY] - table[low, ENERGY])
    return first * (RANGE_ROWS + row + part)


@njit(cache=True, nogil=True, error_model="numpy")
def deflection(rng, strength, shape, tables):
    """Return 1 - cosine of the angle by which many collisions turn an electron.

    Between rows of the table one is drawn, such that the mean cosine is right; between quantiles the number v
    in 1 - cos = 2 a v / (1 + a - v) is linear.
    """
    angle = tables.angle
    row, part = place(strength, _STRENGTH_SHIFT, _STRENGTH_BASE, _STRENGTH_PART, angle.shape[0])
    if uniform(rng) < part:
        row += 1
    column = min(int(shape + uniform(rng)), angle.shape[1] - 1)
    t = uniform(rng) * (angle.shape[2] - 1)
    i = int(t)
    low = angle[row, column, i]
    v = low + (t - i) * (angle[row, column, i + 1] - low)
    a = tables.angle_scale[row, column]
    return min(2.0 * a * v / (1.0 + a - v), 2.0)


@njit(cache=True, nogil=True, error_model="numpy")
def turn(rng, s, less):
    """Turn the direction in ``s`` by an angle whose cosine is 1 - ``less``, at any azimuth."""
    sine = math.sqrt(max(less * (2.0 - less), 0.0))
    # A point in the unit disc is as good as an azimuth's cosine and sine, and cheaper.
    while True:
        a = 2.0 * uniform(rng) - 1.0
        b = 2.0 * uniform(rng) - 1.0
        square = a * a + b * b
        if 1e-12 < square <= 1.0:
            break
    scale = sine / math.sqrt(square)
    across, up = a * scale, b * scale
    cosine = 1.0 - less
    u, v, w = s[3], s[4], s[5]
    # Duff and others' basis: no case of a direction along an axis.
    sign = 1.0 if w >= 0.0 else -1.0
    p = -1.0 / (sign + w)
    q = u * v * p
    x = cosine * u + across * (1.0 + sign * u * u * p) + up * q
    y = cosine * v + across * sign * q + up * (sign + v * v * p)
    z = cosine * w - across * sign * u - up * v
    length = 1.5 - 0.5 * (x * x + y * y + z * z)
    s[3], s[4], s[5] = x * length, y * length, z * length


@njit(cache=True, nogil=True, error_model="numpy")
def shell(x, y, z, cells, deposit):
    """Return the number of the shell about the origin that a point is in; the last is all beyond."""
    return min(int(math.sqrt(x * x + y * y + z * z) / cells.dx), deposit.size - 1)


@njit(cache=True, nogil=True, error_model="numpy")
def leave(s, c, energy, cells, deposit):
    """Leave energy where the electron is."""
    if cells.nx == 0:
        deposit[shell(s[0], s[1], s[2], cells, deposit)] += energy
    else:
        deposit[c[_VOXEL]] += energy


@njit(cache=True, nogil=True, error_model="numpy")
def settle(s, c, cells):
    """Find the voxel of a point in the box; return whether it is in it: always, in a medium without end."""
    if cells.nx == 0:
        c[:] = 0
        c[4] = cells.material[0]
        return True
    i, j, k = int(s[0] / cells.dx), int(s[1] / cells.dy), int(s[2] / cells.dz)
    if s[0] < 0.0 or s[1] < 0.0 or s[2] < 0.0 or i >= cells.nx or j >= cells.ny or k >= cells.nz:
        return False
    c[0], c[1], c[2] = i, j, k
    c[3] = (k * cells.ny + j) * cells.nx + i
    c[4] = cells.material[c[3]]
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def nearest_face(s, c, cells):
    """Return the distance to the nearest face of the voxel [mm]."""
    x, y, z = s[0] - c[0] * cells.dx, s[1] - c[1] * cells.dy, s[2] - c[2] * cells.dz
    across = min(min(x, cells.dx - x), min(y, cells.dy - y))
    return min(across, min(z, cells.dz - z))


@njit(cache=True, nogil=True, error_model="numpy")
def to_face(position, index, size, direction):
    """Return the way to the next face across an axis [mm], from face to face, and the step of the index."""
    if direction > 0.0:
        return max(((index + 1) * size - position) / direction, 0.0), size / direction, 1
    if direction < 0.0:
        return max((index * size - position) / direction, 0.0), -size / direction, -1
    return math.inf, math.inf, 0


@njit(cache=True, nogil=True, error_model="numpy")
def glide(rng, s, energy, reach, factor, cells, deposit):
    """Do what :func:`fly` does in a medium without end, and score in shells.

    All that is lost is left at one point of the way, any as likely.
    """
    way = 10.0 * (s[_R] - reach) / cells.density[0]
    at = way * uniform(rng)
    point = shell(s[0] + at * s[3], s[1] + at * s[4], s[2] + at * s[5], cells, deposit)
    lost = factor * (s[_MEAN] - energy)
    deposit[point] += lost
    s[0] += way * s[3]
    s[1] += way * s[4]
    s[2] += way * s[5]
    s[_E] -= lost
    s[_R], s[_MEAN] = reach, energy


@njit(cache=True, nogil=True, error_model="numpy")
def fly(s, c, energy, reach, factor, kind, cells, tables, deposit):
    """Move straight on until the range is ``reach``, of ``energy``; return 0, 1 outside, 2 when stuck.

    ``factor`` is how much more than the mean is lost.
    """
    along_x, every_x, step_x = to_face(s[0], c[0], cells.dx, s[3])
    along_y, every_y, step_y = to_face(s[1], c[1], cells.dy, s[4])
    along_z, every_z, step_z = to_face(s[2], c[2], cells.dz, s[5])
    gone = 0.0
    for _ in range(_MOST_CROSSINGS):
        voxel = c[_VOXEL]
        density = cells.density[voxel]
        nearest = min(along_x, min(along_y, along_z))
        needed = 10.0 * (s[_R] - reach)
        if needed <= density * (nearest - gone):
            gone += needed / density if needed > 0.0 else 0.0
            lost = factor * (s[_MEAN] - energy)
            deposit[voxel] += lost
            s[0] += gone * s[3]
            s[1] += gone * s[4]
            s[2] += gone * s[5]
            s[_E] -= lost
            s[_R], s[_MEAN] = reach, energy
            return 0
        if density > 0.0:
            rest = s[_R] - 0.1 * density * (nearest - gone)
            left = max(energy_of(tables.by_range[kind, c[_MATERIAL]], rest), energy)
            left = min(left, s[_MEAN])
            lost = factor * (s[_MEAN] - left)
            deposit[voxel] += lost
            s[_E] -= lost
            s[_R], s[_MEAN] = rest, left
        gone = nearest
        if nearest == along_x:
            c[0] += step_x
            along_x += every_x
            outside = c[0] < 0 or c[0] >= cells.nx
        elif nearest == along_y:
            c[1] += step_y
            along_y += every_y
            outside = c[1] < 0 or c[1] >= cells.ny
        else:
            c[2] += step_z
            along_z += every_z
            outside = c[2] < 0 or c[2] >= cells.nz
        if outside:
            return 1
        c[_VOXEL] = (c[2] * cells.ny + c[1]) * cells.nx + c[0]
        material = cells.material[c[_VOXEL]]
        if material != c[_MATERIAL]:
            c[_MATERIAL] = material
            table = tables.by_range[kind, material]
            s[_R], reach = range_of(table, s[_MEAN]), range_of(table, energy)
    return 2
