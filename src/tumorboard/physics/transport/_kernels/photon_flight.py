"""From one collision to the next through voxels."""

import math

import numpy as np
from numba import njit

from tumorboard.numerics._kernels.random_streams import uniform
from tumorboard.physics.transport._kernels.photon_data import (
    BLOCK,
    CODE,
    ENERGY,
    ESCAPED,
    NODE,
    NODES_PER_BAND,
    OPTIONS,
    PART,
    VOXEL,
    WANTED,
    U,
    V,
    W,
    X,
    Y,
    Z,
)

#: Direction cosines below this take longer to cross a voxel than to leave any medium.
_ALONG = 1e-12


@njit(**OPTIONS)
def enter(x, y, z, u, v, w, voxels):
    """Return where a photon is once it is in the box [mm], and whether it gets there; inside it stays put."""
    near, far = 0.0, math.inf
    sizes = (voxels.nx * voxels.dx, voxels.ny * voxels.dy, voxels.nz * voxels.dz)
    at, along = (x, y, z), (u, v, w)
    for axis in range(3):
        if along[axis] != 0.0:
            first = -at[axis] / along[axis]
            last = (sizes[axis] - at[axis]) / along[axis]
            near = max(near, min(first, last))
            far = min(far, max(first, last))
        elif not 0.0 <= at[axis] < sizes[axis]:
            far = -1.0
    if far <= near:
        return x, y, z, False
    if near > 0.0:
        # Rounding must not leave it a hair outside.
        x = min(max(x + near * u, 0.0), sizes[0] * (1.0 - 1e-15))
        y = min(max(y + near * v, 0.0), sizes[1] * (1.0 - 1e-15))
        z = min(max(z + near * w, 0.0), sizes[2] * (1.0 - 1e-15))
    return x, y, z, True


@njit(**OPTIONS)
def escape(number, energy, tallies):
    """Let a photon leave the medium, and count it in its bin of energy, if there are bins."""
    number[ESCAPED] += energy
    number[ENERGY] = 0.0
    edges = tallies.escaped_edges
    if edges.size and edges[0] <= energy < edges[-1]:
        tallies.escaped[np.searchsorted(edges, energy, side="right") - 1] += 1.0


@njit(**OPTIONS)
def crossing(x, u, i, size):
    """Return the ways to the next face and from face to face on an axis [mm], and the step of the voxel.

    Written without branches: which way a photon goes cannot be foretold. Along a face it never crosses.
    """
    forward = 1 if u > -_ALONG else 0
    across = u if abs(u) > _ALONG else _ALONG
    inverse = 1.0 / across
    return ((i + forward) * size - x) * inverse, size * abs(inverse), 2 * forward - 1


@njit(**OPTIONS)
def advance(flights, voxels, tables, tallies):
    """Move each photon to its next possible collision, by delta tracking [woodcock1965] from block to block.

    Free paths are drawn as if each block attenuated everywhere as much as where it does most; collisions are
    real in proportion to what the voxel attenuates.
    """
    number, whole, stream = flights.number, flights.whole, flights.stream
    ceiling, majorants = voxels.ceiling, tables.majorant
    nx, ny, nz = voxels.nx, voxels.ny, voxels.nz
    lx, ly, lz = nx * voxels.dx, ny * voxels.dy, nz * voxels.dz
    sx, sy, sz = BLOCK * voxels.dx, BLOCK * voxels.dy, BLOCK * voxels.dz
    ix, iy, iz = 1.0 / voxels.dx, 1.0 / voxels.dy, 1.0 / voxels.dz
    bx, by, bz = (nx + BLOCK - 1) // BLOCK, (ny + BLOCK - 1) // BLOCK, (nz + BLOCK - 1) // BLOCK
    rng = flights.rng
    for n in range(number.shape[0]):
        if number[n, ENERGY] <= 0.0:
            continue
        x, y, z = number[n, X], number[n, Y], number[n, Z]
        u, v, w = number[n, U], number[n, V], number[n, W]
        node, part = whole[n, NODE], number[n, PART]
        rng[0], rng[1] = stream[n, 0], stream[n, 1]
        step = (majorants[node] + part * (majorants[node + 1] - majorants[node])) / 255.0
        band = node // NODES_PER_BAND
        depth = -math.log(uniform(rng))
        choice = uniform(rng)
        stream[n, 0] = rng[0]
        i = min(int(x * ix), nx - 1) // BLOCK
        j = min(int(y * iy), ny - 1) // BLOCK
        k = min(int(z * iz), nz - 1) // BLOCK
        next_x, every_x, step_x = crossing(x, u, i, sx)
        next_y, every_y, step_y = crossing(y, v, j, sy)
        next_z, every_z, step_z = crossing(z, w, k, sz)
        gone = 0.0
        while True:
            here = step * ceiling[band, (k * by + j) * bx + i]
            following = min(next_x, next_y, next_z)
            crossed = here * (following - gone)
            if crossed >= depth:
                gone += depth / here
                x, y, z = x + gone * u, y + gone * v, z + gone * w
                # The last block may reach out of the box.
                if not (0.0 <= x < lx and 0.0 <= y < ly and 0.0 <= z < lz):
                    escape(number[n], number[n, ENERGY], tallies)
                    break
                # Not into the next block by rounding, whose voxels may attenuate more.
                a = min(max(int(x * ix), i * BLOCK), min(i * BLOCK + BLOCK, nx) - 1)
                b = min(max(int(y * iy), j * BLOCK), min(j * BLOCK + BLOCK, ny) - 1)
                c = min(max(int(z * iz), k * BLOCK), min(k * BLOCK + BLOCK, nz) - 1)
                number[n, X], number[n, Y], number[n, Z] = x, y, z
                whole[n, VOXEL] = (c * ny + b) * nx + a
                number[n, WANTED] = choice * here
                break
            depth -= max(crossed, 0.0)
            gone = following
            # One axis is crossed, in arithmetic: a branch would be guessed wrong half of the time.
            by_x = 1 if following == next_x else 0
            by_y = (1 - by_x) * (1 if following == next_y else 0)
            by_z = 1 - by_x - by_y
            i += by_x * step_x
            j += by_y * step_y
            k += by_z * step_z
            next_x += by_x * every_x
            next_y += by_y * every_y
            next_z += by_z * every_z
            out = not (0 <= i < bx and 0 <= j < by and 0 <= k < bz)
            if out:
                escape(number[n], number[n, ENERGY], tallies)
                break


@njit(**OPTIONS)
def look_up(flights, voxels):
    """Read the codes of all photons' voxels: loads that do not wait for each other overlap."""
    for n in range(flights.number.shape[0]):
        if flights.number[n, ENERGY] > 0.0:
            flights.whole[n, CODE] = voxels.codes[flights.whole[n, VOXEL]]


@njit(**OPTIONS)
def march_all(flights, voxels, tables, tallies):
    """Move each photon to its next collision, voxel by voxel, and score the length of its track."""
    rng = flights.rng
    for n in range(flights.number.shape[0]):
        if flights.number[n, ENERGY] > 0.0:
            rng[0], rng[1] = flights.stream[n, 0], flights.stream[n, 1]
            depth = -math.log(uniform(rng))
            flights.stream[n, 0] = rng[0]
            flights.number[n, WANTED] = -1.0
            march(depth, flights.number[n], flights.whole[n], voxels, tables, tallies)


@njit(**OPTIONS)
def march(depth, number, whole, voxels, tables, tallies):
    """Move one photon by an optical depth."""
    x, y, z = number[X], number[Y], number[Z]
    u, v, w = number[U], number[V], number[W]
    energy, node, part = number[ENERGY], whole[NODE], number[PART]
    deposit, codes, densities = tallies.deposit, voxels.codes, voxels.density
    table, give = tables.attenuation, tables.transfer
    nx, ny, nz = voxels.nx, voxels.ny, voxels.nz
    i, j, k = (
        min(int(x / voxels.dx), nx - 1),
        min(int(y / voxels.dy), ny - 1),
        min(int(z / voxels.dz), nz - 1),
    )
    next_x, every_x, step_x = crossing(x, u, i, voxels.dx)
    next_y, every_y, step_y = crossing(y, v, j, voxels.dy)
    next_z, every_z, step_z = crossing(z, w, k, voxels.dz)
    gone = 0.0
    while True:
        voxel = (k * ny + j) * nx + i
        following = min(next_x, next_y, next_z)
        length = max(following - gone, 0.0)
        code, density = codes[voxel], densities[voxel]
        m = code >> voxels.bits
        here = density * (table[node, m] + part * (table[node + 1, m] - table[node, m]))
        gives = energy * density * (give[node, m] + part * (give[node + 1, m] - give[node, m]))
        stops = here * length >= depth
        if stops:
            length = depth / here
            following = gone + length
        deposit[voxel] += gives * length
        gone = following
        if stops:
            whole[VOXEL], whole[CODE] = voxel, code
            break
        depth -= here * length
        by_x = 1 if following == next_x else 0
        by_y = (1 - by_x) * (1 if following == next_y else 0)
        by_z = 1 - by_x - by_y
        i += by_x * step_x
        j += by_y * step_y
        k += by_z * step_z
        next_x += by_x * every_x
        next_y += by_y * every_y
        next_z += by_z * every_z
        if not (0 <= i < nx and 0 <= j < ny and 0 <= k < nz):
            escape(number, energy, tallies)
            break
    number[X], number[Y], number[Z] = x + gone * u, y + gone * v, z + gone * w
