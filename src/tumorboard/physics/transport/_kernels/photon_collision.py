"""What a collision does to a photon, and what it leaves."""

import math

from numba import njit

from tumorboard.numerics._kernels.random_streams import uniform
from tumorboard.physics.transport._kernels.photon_data import (
    CODE,
    COLLISIONS,
    CUT,
    DEPOSITED,
    ENERGY,
    HANDED_ON,
    HISTORY,
    MOST_COLLISIONS,
    NODE,
    OPTIONS,
    PART,
    VOXEL,
    WAITING,
    WAITING_U,
    WAITING_V,
    WAITING_W,
    WAITING_X,
    WAITING_Y,
    WAITING_Z,
    WANTED,
    U,
    V,
    W,
    X,
    Y,
    Z,
)
from tumorboard.physics.transport._kernels.photon_sampling import (
    ELECTRON_MASS_MEV,
    azimuth,
    compton,
    energy_node,
    lepton_cosine,
    pair_part,
    photoelectron_cosine,
    rayleigh,
    turned,
)

ELECTRON, POSITRON = 1, 2


@njit(**OPTIONS)
def hand_on(secondaries, kind, number, history, direction, energy):
    """Write down a secondary that leaves where the photon is."""
    n = secondaries.count[0]
    row = secondaries.state[n]
    row[0], row[1], row[2] = number[X], number[Y], number[Z]
    row[3], row[4], row[5] = direction
    row[6] = energy
    secondaries.label[n, 0] = kind
    secondaries.label[n, 1] = history
    secondaries.count[0] = n + 1


@njit(**OPTIONS)
def around(rng, number, cosine):
    """Return a direction at an angle with the photon's."""
    across, up = azimuth(rng)
    sine_squared = max(1.0 - cosine * cosine, 0.0)
    return turned(number[U], number[V], number[W], cosine, sine_squared, across, up)


@njit(**OPTIONS)
def absorbed(rng, number, history, binding, secondaries, cut):
    """Return the energy that an absorbed photon leaves here: what its electron does not take away."""
    energy = number[ENERGY]
    kinetic = energy - binding
    if kinetic < cut:
        return energy
    direction = around(rng, number, photoelectron_cosine(rng, kinetic))
    hand_on(secondaries, ELECTRON, number, history, direction, kinetic)
    return binding


@njit(**OPTIONS)
def recoiled(number, history, before, after, energy, left, secondaries):
    """Hand on a Compton electron: it takes what momentum the photon loses."""
    a = energy * before[0] - left * after[0]
    b = energy * before[1] - left * after[1]
    c = energy * before[2] - left * after[2]
    size = math.sqrt(a * a + b * b + c * c)
    hand_on(secondaries, ELECTRON, number, history, (a / size, b / size, c / size), energy - left)


@njit(**OPTIONS)
def paired(rng, number, whole, table, secondaries, cut):
    """Return the kinetic energy that a pair leaves here; a positron that stays sends out two photons."""
    kinetic = number[ENERGY] - 2.0 * ELECTRON_MASS_MEV
    positive = kinetic * pair_part(rng, whole[NODE], number[PART], table)
    stays = 0.0
    for kind, own in ((ELECTRON, kinetic - positive), (POSITRON, positive)):
        if own >= cut:
            direction = around(rng, number, lepton_cosine(rng, own))
            hand_on(secondaries, kind, number, whole[HISTORY], direction, own)
            number[HANDED_ON] += own
        else:
            stays += own
    if positive >= cut:
        number[HANDED_ON] += 2.0 * ELECTRON_MASS_MEV
        number[ENERGY] = 0.0
        return stays
    number[ENERGY] = ELECTRON_MASS_MEV
    w = 2.0 * uniform(rng) - 1.0
    s = math.sqrt(max(1.0 - w * w, 0.0))
    across, up = azimuth(rng)
    number[U], number[V], number[W] = s * across, s * up, w
    whole[WAITING] = 1
    number[WAITING_X], number[WAITING_Y], number[WAITING_Z] = number[X], number[Y], number[Z]
    number[WAITING_U], number[WAITING_V], number[WAITING_W] = -s * across, -s * up, -w
    return stays


@njit(**OPTIONS)
def empty(flights, filled, deposit):
    """Add gathered amounts to their voxels: loads that do not wait for each other overlap."""
    for n in range(filled):
        deposit[flights.places[n]] += flights.amounts[n]


@njit(**OPTIONS)
def real(number, whole, voxels, table):
    """Return whether a possible collision is one: the voxel attenuates enough."""
    wanted = number[WANTED]
    code = whole[CODE]
    m = code >> voxels.bits
    node = whole[NODE]
    here = table[node, m] + number[PART] * (table[node + 1, m] - table[node, m])
    lowest = voxels.cells[m, 0] + voxels.cells[m, 1] * (code & ((1 << voxels.bits) - 1))
    if wanted < lowest * here:
        return True
    if wanted >= (lowest + voxels.cells[m, 1]) * here:
        return False
    return wanted < voxels.density[whole[VOXEL]] * here


@njit(**OPTIONS)
def collide(flights, voxels, tables, settings, tallies, secondaries):
    """Let each photon that is at a real collision interact."""
    rng = flights.rng
    scratch, bits = flights.scratch, flights.bits
    shares = tables.shares
    cut = settings.electron_cut_mev
    filled = 0
    for n in range(flights.number.shape[0]):
        number, whole = flights.number[n], flights.whole[n]
        energy = number[ENERGY]
        if energy <= 0.0 or not real(number, whole, voxels, tables.attenuation):
            continue
        whole[COLLISIONS] += 1
        m, node, part = whole[CODE] >> voxels.bits, whole[NODE], number[PART]
        rng[0], rng[1] = flights.stream[n, 0], flights.stream[n, 1]
        choice = uniform(rng)
        here = 0.0
        if choice < shares[node, m, 0] + part * (shares[node + 1, m, 0] - shares[node, m, 0]):
            keeps, half = compton(
                rng, energy, node, part, m, tables.compton, tables.scattering, scratch, bits
            )
            left = energy * keeps
            here = energy - left
            u, v, w = number[U], number[V], number[W]
            a, b, c = around(rng, number, 1.0 - 2.0 * half)
            number[U], number[V], number[W] = a, b, c
            number[ENERGY] = left
            if here >= cut:
                recoiled(number, whole[HISTORY], (u, v, w), (a, b, c), energy, left, secondaries)
                number[HANDED_ON] += here
                here = 0.0
        elif choice < shares[node, m, 1] + part * (shares[node + 1, m, 1] - shares[node, m, 1]):
            here = energy
            if energy >= cut:
                binding = min(float(tables.binding[node, m]), energy)
                here = absorbed(rng, number, whole[HISTORY], binding, secondaries, cut)
                number[HANDED_ON] += energy - here
            number[ENERGY] = 0.0
        elif (
            choice < shares[node, m, 2] + part * (shares[node + 1, m, 2] - shares[node, m, 2])
            or energy <= 2.0 * ELECTRON_MASS_MEV
        ):
            half = rayleigh(rng, energy, m, tables.rayleigh, scratch, bits)
            number[U], number[V], number[W] = around(rng, number, 1.0 - 2.0 * half)
        else:
            here = paired(rng, number, whole, tables.pair, secondaries, cut)
        flights.stream[n, 0] = rng[0]
        number[DEPOSITED] += here
        scored = 0.0 if settings.marching else here
        left = number[ENERGY]
        if 0.0 < left < settings.cut_mev or whole[COLLISIONS] > MOST_COLLISIONS:
            number[DEPOSITED] += left
            number[CUT] += left
            number[ENERGY] = 0.0
            scored += left
        elif left != energy:
            whole[NODE], number[PART] = energy_node(left, scratch, bits)
        if scored > 0.0:
            flights.places[filled] = whole[VOXEL]
            flights.amounts[filled] = scored
            filled += 1
    empty(flights, filled, tallies.deposit)
