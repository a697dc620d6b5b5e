"""Energy in shells about a point, given to the voxels about a voxel whose decays are evenly spread."""

import math

import numba

__all__ = ["splat_shells"]

#: Steps of a sequence that fills the unit square evenly [1]: inverse powers of the root of x^3 = x + 1.
_FIRST = 0.7548776662466927
_SECOND = 0.5698402909980532
#: And of those that turn each shell against the last.
_GOLDEN = 0.6180339887498949
_ROOT = 0.4142135623730951


@numba.njit(cache=True, nogil=True)
def splat_shells(
    edges_mm, energy_mev, spread_mev, spacing_mm, fewest, density, part, touched, energy, variance
):
    """Add the energy in one octant of voxels.

    Of two points evenly spread in two voxels, the displacement has a density that falls linearly from the
    displacement of the voxels' middles on: a share of energy at a displacement is given to the eight voxels
    around it with linear weights. Directions and radii come from a sequence that fills shells evenly.

    Parameters
    ----------
    edges_mm, energy_mev, spread_mev
        Radii of shells, shape (n + 1,); energy in each and its standard uncertainty, shape (n,).
    spacing_mm
        Of voxels, z, y, x.
    fewest, density
        Points in each shell: at least, and for each square of the shortest voxel side in r^2.
    part, touched
        Room for one shell: of the octant's size, zeroed, and for as many numbers.
    energy, variance
        Added to, shape of the octant, from the source's voxel on; only what falls in it.
    """
    nz, ny, nx = energy.shape
    shortest = min(spacing_mm[0], min(spacing_mm[1], spacing_mm[2]))
    for shell in range(energy_mev.size):
        if energy_mev[shell] <= 0.0:
            continue
        low, high = edges_mm[shell], edges_mm[shell + 1]
        n = max(fewest, int(density * (high / shortest) ** 2))
        turn, around = (shell * _GOLDEN) % 1.0, (shell * _ROOT) % 1.0
        weight = 0.125 / n
        count = 0
        for k in range(n):
            u = (k + turn) / n
            phi = 0.5 * math.pi * ((k * _FIRST + around) % 1.0)
            r = low + (high - low) * ((k * _SECOND + turn) % 1.0)
            across = r * math.sqrt(max(0.0, 1.0 - u * u))
            z = r * u / spacing_mm[0]
            y = across * math.sin(phi) / spacing_mm[1]
            x = across * math.cos(phi) / spacing_mm[2]
            iz, iy, ix = int(z), int(y), int(x)
            fz, fy, fx = z - iz, y - iy, x - ix
            for a in range(2):
                if iz + a >= nz:
                    continue
                wz = weight * (fz if a else 1.0 - fz)
                for b in range(2):
                    if iy + b >= ny:
                        continue
                    wy = wz * (fy if b else 1.0 - fy)
                    for c in range(2):
                        if ix + c >= nx:
                            continue
                        at = ((iz + a) * ny + iy + b) * nx + ix + c
                        if part[at] == 0.0:
                            touched[count] = at
                            count += 1
                        # So that a weight of 0 does not list the voxel twice.
                        part[at] += wy * (fx if c else 1.0 - fx) + 1e-300
        for i in range(count):
            at = touched[i]
            share = part[at]
            part[at] = 0.0
            z_ = at // (ny * nx)
            y_ = at // nx % ny
            x_ = at % nx
            # A voxel on a plane of symmetry lies in two octants, and in four, and in eight.
            share *= (2.0 if z_ == 0 else 1.0) * (2.0 if y_ == 0 else 1.0) * (2.0 if x_ == 0 else 1.0)
            energy[z_, y_, x_] += share * energy_mev[shell]
            variance[z_, y_, x_] += (share * spread_mev[shell]) ** 2
