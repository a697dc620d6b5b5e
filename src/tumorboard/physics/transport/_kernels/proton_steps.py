"""One proton, deuteron or alpha particle through voxels: condensed histories.

A step is a piece of scattering: it ends when the scattering power, summed over the path, reaches a budget,
whichever voxels that takes, and the direction changes once, at a point drawn evenly over the budget (random
hinge, as [sempau2000dpm] does for electrons). So steps do not end at voxels' faces, and results do not
depend on how finely matter is divided. Energy is kept as residual range in water.
"""

import math

from numba import njit

from tumorboard.numerics._kernels.random_streams import uniform
from tumorboard.physics.transport._kernels.geometry import to_face, turned
from tumorboard.physics.transport._kernels.proton_reactions import (
    bracket,
    react,
    scatter_hydrogen,
    scatter_nucleus,
)

STOPPED, ESCAPED, STUCK = 0, 1, 2

#: What a ledger's places hold [MeV], but for the last two.
DEPOSITED, CUT, ESCAPED_ENERGY, HANDED_ON, REACTIONS, STEPS = 0, 1, 2, 3, 4, 5
LEDGER = 6

#: Of proton, deuteron, alpha: nucleons; charge squared per nucleon; and per nucleon squared.
_NUCLEONS = (1.0, 2.0, 4.0)
_STOPPING = (1.0, 0.5, 1.0)
_SCATTERING = (1.0, 0.25, 0.25)
_MOST_SEGMENTS = 1_000_000
_TWO_PI = 2.0 * math.pi
_LOG10_E = 0.4342944819032518


@njit(cache=True, nogil=True, error_model="numpy")
def yield_emission(emission, voxel, n, energy, yields, per_mev):
    """Add what a reaction on nucleus ``n`` emits, as expected values."""
    at = min(energy * per_mev, yields.shape[1] - 1.001)
    i = int(at)
    part = at - i
    for c in range(emission.shape[1]):
        emission[voxel, c] += (1.0 - part) * yields[n, i, c] + part * yields[n, i + 1, c]


@njit(cache=True, nogil=True, error_model="numpy")
def keep(tally, voxel, energy):
    """Leave energy in a voxel at once; to water, whose stopping power it would need, it counts the same."""
    tally[voxel, 0] += energy
    if tally.shape[1] > 1:
        tally[voxel, 5] += energy


@njit(cache=True, nogil=True, error_model="numpy")
def follow(
    state, kind, rng, shape, spacing, density, material, largest_range, energy_table, let_table, rates, speed,
    channels, straggling, first_skewness, per_log_skewness, nuclear, steps, tally, emission, yields,
    yields_per_mev, stack, height, ledger,
):  # fmt: skip
    """Follow a particle until it stops or leaves: return how it ended and the stack's height.

    ``state``: position, direction, energy per nucleon, pv at its birth; written back when it leaves.
    ``steps``: longest step, its share of the range, shortest step [g/cm2], cut [MeV per nucleon].
    """
    x, y, z, u, v, w, e, first_pv = state[:8]
    nucleons, stopping, scattering = _NUCLEONS[kind], _STOPPING[kind], _SCATTERING[kind]
    nx, ny, nz = shape
    hx, hy, hz = spacing
    n_fine, n_coarse = energy_table.size - 1, rates.shape[1]
    longest, share, shortest, cut = steps
    full = tally.shape[1] > 1
    ix = min(max(int(x / hx), 0), nx - 1)
    iy = min(max(int(y / hy), 0), ny - 1)
    iz = min(max(int(z / hz), 0), nz - 1)
    tx, ty, tz = to_face(x, ix, hx, u), to_face(y, iy, hy, v), to_face(z, iz, hz, w)
    ux, uy, uz = hx / max(abs(u), 1e-12), hy / max(abs(v), 1e-12), hz / max(abs(w), 1e-12)
    here = (iz * ny + iy) * nx + ix
    i, part = bracket(energy_table, n_fine + 1, e)
    fine = i + part
    r = largest_range * (fine / n_fine) ** 2
    i, part = bracket(energy_table, n_fine + 1, cut)
    last_r = largest_range * ((i + part) / n_fine) ** 2
    optical = -math.log(uniform(rng)) if kind == 0 else math.inf
    moved = 0.0
    segments = 0
    while True:
        if e <= cut:
            keep(tally, here, e * nucleons)
            ledger[0] += e * nucleons
            ledger[1] += e * nucleons
            return 0, height
        # One step. Its rates are those in its middle.
        m = material[here]
        step = min(max(share * r, shortest), longest, r)
        k = min(int(math.sqrt((r - 0.5 * step) / largest_range) * n_coarse), n_coarse - 1)
        thickness = step / (stopping * rates[m, k, 2])
        budget = rates[m, k, 0] * scattering * thickness
        slower = stopping
        if kind == 0:
            skewness = rates[m, k, 5] / math.sqrt(thickness)
            row = min(max(int((math.log(skewness) - first_skewness) * per_log_skewness + 1.5), 0),
                      straggling.shape[0] - 1)  # fmt: skip
            z_score = straggling[row, int(uniform(rng) * straggling.shape[1])]
            slower *= max(1.0 + math.sqrt(rates[m, k, 3] / thickness) * z_score, 0.02)
        hinge = budget * uniform(rng)
        event = 0
        for phase in range(2):
            left = hinge if phase == 0 else budget - hinge
            while True:
                segments += 1
                m = material[here]
                per_mm = 0.1 * density[here]
                s = min(tx, ty, tz)
                t = per_mm * s
                event = 0
                # In vacuum nothing happens.
                if per_mm > 0.0 and rates[m, k, 0] * scattering * t >= left:
                    t = left / (rates[m, k, 0] * scattering)
                    event = 1
                if kind == 0 and rates[m, k, 1] * t >= optical:
                    t = optical / rates[m, k, 1]
                    event = 2
                loss = slower * rates[m, k, 2] * t
                if per_mm > 0.0 and loss >= r - last_r:
                    t *= (r - last_r) / loss
                    loss = r - last_r
                    event = 3
                if event:
                    s = t / per_mm
                left -= rates[m, k, 0] * scattering * t
                if kind == 0:
                    optical -= rates[m, k, 1] * t
                r -= loss
                before = fine
                fine = math.sqrt(r / largest_range) * n_fine
                i = int(fine)
                after = energy_table[i] + (fine - i) * (energy_table[i + 1] - energy_table[i])
                lost = (e - after) * nucleons
                e = after
                tally[here, 0] += lost
                ledger[0] += lost
                if full:
                    if kind == 0:
                        let = let_table[int(0.5 * (before + fine))]
                        tally[here, 1] += lost
                        tally[here, 2] += lost * let
                        tally[here, 3] += s
                        tally[here, 4] += s * let
                    tally[here, 5] += lost * rates[m, k, 4]
                moved += s
                if event:
                    tx -= s
                    ty -= s
                    tz -= s
                    break
                # Across the nearest face.
                if tx <= ty and tx <= tz:
                    ty -= tx
                    tz -= tx
                    tx = ux
                    ix += 1 if u > 0 else -1
                    outside = ix < 0 or ix >= nx
                elif ty <= tz:
                    tx -= ty
                    tz -= ty
                    ty = uy
                    iy += 1 if v > 0 else -1
                    outside = iy < 0 or iy >= ny
                else:
                    tx -= tz
                    ty -= tz
                    tz = uz
                    iz += 1 if w > 0 else -1
                    outside = iz < 0 or iz >= nz
                if outside or segments > _MOST_SEGMENTS:
                    state[0], state[1], state[2] = x + u * moved, y + v * moved, z + w * moved
                    state[3], state[4], state[5], state[6] = u, v, w, e
                    ledger[5] += segments
                    return (1 if outside else 2), height
                here = (iz * ny + iy) * nx + ix
            if event == 2 or event == 3:
                break
            if phase == 0:
                # The hinge: the whole step's scattering at once.
                x += u * moved
                y += v * moved
                z += w * moved
                moved = 0.0
                pv = speed[k, 0] / first_pv
                factor = speed[k, 1] + speed[k, 2] * _LOG10_E * math.log(max(1.0 - pv * pv, 1e-12))
                square = -2.0 * budget * max(factor, 0.0) * math.log(uniform(rng))
                angle = min(math.sqrt(square), math.pi)
                phi = _TWO_PI * uniform(rng)
                u, v, w = turned(u, v, w, math.cos(angle), math.sin(angle), math.cos(phi), math.sin(phi))
                tx, ty, tz = to_face(x, ix, hx, u), to_face(y, iy, hy, v), to_face(z, iz, hz, w)
                ux, uy, uz = hx / max(abs(u), 1e-12), hy / max(abs(v), 1e-12), hz / max(abs(w), 1e-12)
        if event == 3:
            keep(tally, here, e * nucleons)
            ledger[0] += e * nucleons
            ledger[1] += e * nucleons
            ledger[5] += segments
            return 0, height
        if event == 2:
            x += u * moved
            y += v * moved
            z += w * moved
            moved = 0.0
            chance = uniform(rng)
            m = material[here]
            channel = 0
            while channel < 10 and channels[m, k, channel] <= chance:
                channel += 1
            if channel < 5:
                if emission.shape[1]:
                    yield_emission(emission, here, channel, e, yields, yields_per_mev)
                local, gone, height = react(rng, channel, x, y, z, u, v, w, e, nuclear, stack, height, cut)
                keep(tally, here, local)
                ledger[0] += local
                ledger[3] += gone
                ledger[4] += 1.0
                ledger[5] += segments
                return 0, height
            if channel == 10:
                ledger[5] += segments
                return 0, scatter_hydrogen(rng, x, y, z, u, v, w, e, stack, height)
            cosine, recoil = scatter_nucleus(
                rng, channel - 5, e, nuclear[7], nuclear[8], nuclear[9], nuclear[10]
            )
            keep(tally, here, recoil)
            ledger[0] += recoil
            e -= recoil
            phi = _TWO_PI * uniform(rng)
            sine = math.sqrt(max(1.0 - cosine * cosine, 0.0))
            u, v, w = turned(u, v, w, cosine, sine, math.cos(phi), math.sin(phi))
            tx, ty, tz = to_face(x, ix, hx, u), to_face(y, iy, hy, v), to_face(z, iz, hz, w)
            ux, uy, uz = hx / max(abs(u), 1e-12), hy / max(abs(v), 1e-12), hz / max(abs(w), 1e-12)
            i, part = bracket(energy_table, n_fine + 1, e)
            fine = i + part
            r = largest_range * (fine / n_fine) ** 2
            optical = -math.log(uniform(rng))
