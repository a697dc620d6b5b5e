"""One proton, deuteron or alpha particle through voxels: condensed histories.

A step is a piece of scattering: it ends when the scattering power, summed over the path, reaches a budget,
whichever voxels that takes, and the direction changes once, at a point drawn evenly over the budget (random
hinge, as [sempau2000dpm] does for electrons). So steps do not end at voxels' faces, and results do not
depend on how finely matter is divided. Energy is kept as residual range in water.

The loop over steps and voxels is one function: cut in parts it took a quarter longer, for numba counts
references of arrays at each call.
"""

import math

from numba import njit

from tumorboard.numerics._kernels.random_streams import uniform
from tumorboard.physics.transport._kernels.geometry import point_in_circle, small_angle, to_faces, turned
from tumorboard.physics.transport._kernels.proton_data import (
    BUDGET,
    CUT,
    DEPOSITED,
    ENERGY,
    ENERGY_LET,
    HANDED_ON,
    IN_WATER,
    LENGTH,
    LENGTH_LET,
    NUCLEAR,
    NUCLEONS,
    OF_PROTONS,
    REACTIONS,
    ROW_OF_LOSS,
    SCATTERING,
    SPREAD,
    STOPPING,
    TO_WATER,
)
from tumorboard.physics.transport._kernels.proton_reactions import (
    bracket,
    react,
    scatter_hydrogen,
    scatter_nucleus,
)

#: How a particle ends.
AT_REST, OUTSIDE, GIVEN_UP = range(3)

#: Of proton, deuteron, alpha: charge squared per nucleon, and per nucleon squared.
_STOPPING_OF = (1.0, 0.5, 1.0)
_SCATTERING_OF = (1.0, 0.25, 0.25)
#: More voxels than any grid has along any path.
_MOST_SEGMENTS = 1_000_000
_TWO_PI = 2.0 * math.pi
_LOG10_E = 0.4342944819032518
_SLOWEST = 0.02
#: How a piece of a step ends.
_BUDGET_SPENT, _REACTION, _STOPPED = 1, 2, 3


@njit(cache=True, nogil=True, error_model="numpy")
def keep(scores, voxel, energy):
    """Leave energy in a voxel at once; to water, whose stopping power it would need, it counts the same."""
    scores.tally[voxel, ENERGY] += energy
    scores.ledger[DEPOSITED] += energy
    if scores.tally.shape[1] > 1:
        scores.tally[voxel, IN_WATER] += energy


@njit(cache=True, nogil=True, error_model="numpy")
def emit_expected(emission, n, energy, yields):
    """Add what a reaction on nucleus ``n`` emits, as expected values, to a voxel's channels."""
    at = min(energy * yields.per_mev, yields.values.shape[1] - 1.001)
    i = int(at)
    part = at - i
    for c in range(emission.size):
        emission[c] += (1.0 - part) * yields.values[n, i, c] + part * yields.values[n, i + 1, c]


@njit(cache=True, nogil=True, error_model="numpy")
def range_of(energy, energy_table, largest_range):
    """Return the place in the fine tables of an energy per nucleon, and the residual range [g/cm2]."""
    i, part = bracket(energy_table, energy_table.size, energy)
    # The last node has no next one to interpolate to.
    fine = min(i + part, energy_table.size - 1 - 1e-6)
    return fine, largest_range * (fine / (energy_table.size - 1)) ** 2


@njit(cache=True, nogil=True, error_model="numpy")
def at(table, fine):
    """Return the value at a place in a fine table."""
    i = min(int(fine), table.size - 2)
    return table[i] + (fine - i) * (table[i + 1] - table[i])


@njit(cache=True, nogil=True, error_model="numpy")
def rest_of_let(scores, voxel, density, rates, energy, range_in_water, let_energy):
    """Add what a proton that is given up has left to LET, which is that of protons to their end."""
    if density > 0.0:
        row = scores.tally[voxel]
        row[OF_PROTONS] += energy
        row[ENERGY_LET] += let_energy
        row[LENGTH] += 10.0 * range_in_water / (rates[STOPPING] * density)
        row[LENGTH_LET] += energy * rates[TO_WATER] / density


@njit(cache=True, nogil=True, error_model="numpy")
def collide(rng, here, x, y, z, u, v, w, e, shares, nuclei, cut, scores, yields, stack, height):
    """Let a proton meet a nucleus: return its energy (0: it is no more), direction, and the stack's height.

    ``shares`` are the cumulative ones of the reactions.
    """
    chance = uniform(rng)
    channel = 0
    while channel < shares.size - 1 and shares[channel] <= chance:
        channel += 1
    if channel < 5:
        if scores.emission.shape[1]:
            emit_expected(scores.emission[here], channel, e, yields)
        local, gone, height = react(rng, channel, x, y, z, u, v, w, e, nuclei, stack, height, cut)
        keep(scores, here, local)
        scores.ledger[HANDED_ON] += gone
        scores.ledger[REACTIONS] += 1.0
        return 0.0, u, v, w, height
    if channel == shares.size - 1:
        return 0.0, u, v, w, scatter_hydrogen(rng, x, y, z, u, v, w, e, stack, height)
    cosine, recoil = scatter_nucleus(rng, channel - 5, e, nuclei)
    keep(scores, here, recoil)
    phi = _TWO_PI * uniform(rng)
    sine = math.sqrt(max(1.0 - cosine * cosine, 0.0))
    u, v, w = turned(u, v, w, cosine, sine, math.cos(phi), math.sin(phi))
    return e - recoil, u, v, w, height


@njit(cache=True, nogil=True, error_model="numpy")
def follow(state, kind, rng, voxels, matter, nuclei, cut, scores, yields, stack, height):  # one hot loop
    """Follow a particle until it stops or leaves: return how it ended, and the stack's height.

    ``state``: position, direction, energy per nucleon, pv at birth; written back where it leaves.
    """
    x, y, z, u, v, w = state[0], state[1], state[2], state[3], state[4], state[5]
    e, first_pv = state[6], state[7]
    nx, ny, nz, hx, hy, hz = voxels.nx, voxels.ny, voxels.nz, voxels.hx, voxels.hy, voxels.hz
    density, material = voxels.density, voxels.material
    energy, let_energy, rates, speed = matter.energy, matter.let_energy, matter.rates, matter.speed
    middle, planned, straggling = matter.middle, matter.planned, matter.straggling
    tally, ledger = scores.tally, scores.ledger
    full = tally.shape[1] > 1
    nucleons, stopping, scattering = NUCLEONS[kind], _STOPPING_OF[kind], _SCATTERING_OF[kind]
    n_coarse = rates.shape[1]
    to_coarse = n_coarse / (energy.size - 1)
    to_fine = (energy.size - 1) / math.sqrt(matter.largest_range)
    ix = min(max(int(x / hx), 0), nx - 1)
    iy = min(max(int(y / hy), 0), ny - 1)
    iz = min(max(int(z / hz), 0), nz - 1)
    here = (iz * ny + iy) * nx + ix
    tx, ux = to_faces(x, ix, hx, u)
    ty, uy = to_faces(y, iy, hy, v)
    tz, uz = to_faces(z, iz, hz, w)
    fine, r = range_of(e, energy, matter.largest_range)
    _, last_range = range_of(cut, energy, matter.largest_range)
    optical = -math.log(uniform(rng)) if kind == 0 else math.inf
    moved = 0.0
    segments = 0
    k = 0
    while True:
        end = _STOPPED
        if e > cut:
            # One step. Its rates are those in its middle.
            m = material[here]
            begin = min(int(fine * to_coarse), n_coarse - 1)
            k = middle[begin]
            # Both stopping and scattering scale alike with the charge, but for the mass.
            budget = planned[m, begin, BUDGET] * scattering / stopping
            slower = stopping
            if kind == 0:
                row = int(planned[m, begin, ROW_OF_LOSS])
                deviation = straggling[row, int(uniform(rng) * straggling.shape[1])]
                slower *= max(1.0 + planned[m, begin, SPREAD] * deviation, _SLOWEST)
            hinge = budget * uniform(rng)
            for phase in range(2):
                left = hinge if phase == 0 else budget - hinge
                end = 0
                while True:
                    # One voxel, or what of it ends the piece.
                    segments += 1
                    m = material[here]
                    per_mm = 0.1 * density[here]
                    s = min(tx, ty, tz)
                    if per_mm > 0.0:
                        t = per_mm * s
                        power = rates[m, k, SCATTERING] * scattering
                        nuclear = rates[m, k, NUCLEAR]
                        if power * t >= left:
                            t = left / power
                            end = _BUDGET_SPENT
                        if kind == 0 and nuclear * t >= optical:
                            t = optical / nuclear
                            end = _REACTION
                        loss = slower * rates[m, k, STOPPING] * t
                        if loss >= r - last_range:
                            t *= (r - last_range) / loss
                            loss = r - last_range
                            end = _STOPPED
                        if end:
                            s = t / per_mm
                        left -= power * t
                        if kind == 0:
                            optical -= nuclear * t
                        r -= loss
                        before = fine
                        fine = math.sqrt(r) * to_fine
                        i = int(fine)
                        after = energy[i] + (fine - i) * (energy[i + 1] - energy[i])
                        lost = (e - after) * nucleons
                        e = after
                        ledger[DEPOSITED] += lost
                        tally[here, ENERGY] += lost
                        if full:
                            tally[here, IN_WATER] += lost * rates[m, k, TO_WATER]
                            if kind == 0:
                                tally[here, OF_PROTONS] += lost
                                tally[here, ENERGY_LET] += at(let_energy, before) - at(let_energy, fine)
                                tally[here, LENGTH] += s
                                tally[here, LENGTH_LET] += lost * rates[m, k, TO_WATER] / density[here]
                    elif full and kind == 0:
                        tally[here, LENGTH] += s
                    moved += s
                    if end:
                        tx, ty, tz = tx - s, ty - s, tz - s
                        break
                    # Across the nearest face.
                    if tx <= ty and tx <= tz:
                        ty, tz, tx = ty - tx, tz - tx, ux
                        ix += 1 if u > 0 else -1
                        outside = ix < 0 or ix >= nx
                    elif ty <= tz:
                        tx, tz, ty = tx - ty, tz - ty, uy
                        iy += 1 if v > 0 else -1
                        outside = iy < 0 or iy >= ny
                    else:
                        tx, ty, tz = tx - tz, ty - tz, uz
                        iz += 1 if w > 0 else -1
                        outside = iz < 0 or iz >= nz
                    if outside or segments > _MOST_SEGMENTS:
                        state[0], state[1], state[2] = x + u * moved, y + v * moved, z + w * moved
                        state[3], state[4], state[5], state[6] = u, v, w, e
                        return (OUTSIDE if outside else GIVEN_UP), height
                    here = (iz * ny + iy) * nx + ix
                if end != _BUDGET_SPENT:
                    break
                if phase == 0:
                    # The hinge: the whole step's scattering at once, Gauss by Gottschalk's formula.
                    x, y, z, moved = x + u * moved, y + v * moved, z + w * moved, 0.0
                    pv = speed[k, 0] / first_pv
                    depth = _LOG10_E * math.log(max(1.0 - pv * pv, 1e-12))
                    factor = max(speed[k, 1] + speed[k, 2] * depth, 0.0)
                    # A point in the unit circle has an even azimuth, and a square that is even too.
                    a, b, square = point_in_circle(rng)
                    angle2 = -2.0 * budget * factor * math.log(square)
                    root = 1.0 / math.sqrt(square)
                    cosine, sine = small_angle(angle2)
                    u, v, w = turned(u, v, w, cosine, sine, a * root, b * root)
                    tx, ux = to_faces(x, ix, hx, u)
                    ty, uy = to_faces(y, iy, hy, v)
                    tz, uz = to_faces(z, iz, hz, w)
        if end == _STOPPED:
            keep(scores, here, e * nucleons)
            ledger[CUT] += e * nucleons
            if full and kind == 0:
                rest_of_let(scores, here, density[here], rates[material[here], 0], e, r, at(let_energy, fine))
            return AT_REST, height
        if end == _REACTION:
            x, y, z, moved = x + u * moved, y + v * moved, z + w * moved, 0.0
            e, u, v, w, height = collide(
                rng, here, x, y, z, u, v, w, e, matter.channels[material[here], k], nuclei, cut, scores,
                yields, stack, height,
            )  # fmt: skip
            if e <= 0.0:
                return AT_REST, height
            fine, r = range_of(e, energy, matter.largest_range)
            optical = -math.log(uniform(rng))
            tx, ux = to_faces(x, ix, hx, u)
            ty, uy = to_faces(y, iy, hy, v)
            tz, uz = to_faces(z, iz, hz, w)
