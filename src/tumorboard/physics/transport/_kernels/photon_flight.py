"""From one collision to the next through voxels."""

import math

from numba import njit

from tumorboard.numerics._kernels.random_streams import uniform
from tumorboard.physics.transport._kernels.photon_sampling import NODES_PER_OCTAVE

#: Voxels along each side of a block.
BLOCK = 4


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True, inline="always")
def fly(
    rng, x, y, z, u, v, w, majorant, node, part, density, material, ceiling, attenuation, counts, sizes
):
    """Return the point of the next collision [mm] and its voxel, -1 outside, by delta tracking [woodcock1965].

    Free paths are drawn as if the medium attenuated everywhere as much as where it does most; collisions are
    accepted in proportion to what the voxel attenuates. Where no voxel of the block does so much, the voxel
    need not be looked up: memory is what takes time.
    """
    mean_path = 1.0 / majorant
    nx, ny, nz = counts
    lx, ly, lz = nx * sizes[0], ny * sizes[1], nz * sizes[2]
    ix, iy, iz = 1.0 / sizes[0], 1.0 / sizes[1], 1.0 / sizes[2]
    bx, by = (nx + BLOCK - 1) // BLOCK, (ny + BLOCK - 1) // BLOCK
    octave = node // NODES_PER_OCTAVE
    voxel = -1
    while True:
        t = -math.log(uniform(rng)) * mean_path
        x += t * u
        y += t * v
        z += t * w
        if not (0.0 <= x < lx and 0.0 <= y < ly and 0.0 <= z < lz):
            break
        # A point a hair below the far face may round up to the number of voxels.
        i = min(int(x * ix), nx - 1)
        j = min(int(y * iy), ny - 1)
        k = min(int(z * iz), nz - 1)
        choice = uniform(rng)
        block = ((k // BLOCK) * by + j // BLOCK) * bx + i // BLOCK
        if choice * 255.0 < ceiling[octave, block]:
            n = (k * ny + j) * nx + i
            m = material[n]
            here = attenuation[node, m] + part * (attenuation[node + 1, m] - attenuation[node, m])
            if choice * majorant < density[n] * here:
                voxel = n
                break
    return x, y, z, voxel


@njit(cache=True, nogil=True)
def march(rng, x, y, z, u, v, w, energy, node, part, voxels, tables, deposit):
    """Return what :func:`fly` does, voxel by voxel, and add energy times transfer times length to ``deposit``."""
    depth = -math.log(uniform(rng))
    i = min(int(x / voxels.dx), voxels.nx - 1)
    j = min(int(y / voxels.dy), voxels.ny - 1)
    k = min(int(z / voxels.dz), voxels.nz - 1)
    next_x, every_x, step_x = crossing(x, u, i, voxels.dx)
    next_y, every_y, step_y = crossing(y, v, j, voxels.dy)
    next_z, every_z, step_z = crossing(z, w, k, voxels.dz)
    row, layer = voxels.nx, voxels.nx * voxels.ny
    voxel = k * layer + j * row + i
    low, high = tables.attenuation[node], tables.attenuation[node + 1]
    give_low, give_high = tables.transfer[node], tables.transfer[node + 1]
    gone = 0.0
    while True:
        following = min(next_x, next_y, next_z)
        length = max(following - gone, 0.0)
        m, density = voxels.material[voxel], voxels.density[voxel]
        here = density * (low[m] + part * (high[m] - low[m]))
        gives = energy * density * (give_low[m] + part * (give_high[m] - give_low[m]))
        if here * length >= depth:
            length = depth / here
            deposit[voxel] += gives * length
            gone += length
            return x + gone * u, y + gone * v, z + gone * w, voxel
        depth -= here * length
        deposit[voxel] += gives * length
        gone = following
        if following == next_x:
            i += step_x
            if not 0 <= i < voxels.nx:
                return x + gone * u, y + gone * v, z + gone * w, -1
            next_x += every_x
            voxel += step_x
        elif following == next_y:
            j += step_y
            if not 0 <= j < voxels.ny:
                return x + gone * u, y + gone * v, z + gone * w, -1
            next_y += every_y
            voxel += step_y * row
        else:
            k += step_z
            if not 0 <= k < voxels.nz:
                return x + gone * u, y + gone * v, z + gone * w, -1
            next_z += every_z
            voxel += step_z * layer


@njit(cache=True, nogil=True)
def crossing(x, u, i, size):
    """Return the ways to the next face across an axis and from face to face [mm], and the step of the voxel."""
    if u > 0.0:
        return ((i + 1) * size - x) / u, size / u, 1
    if u < 0.0:
        return (i * size - x) / u, -size / u, -1
    return math.inf, math.inf, 0
