"""Nuclear reactions of one proton: which, and what comes out."""

import math

from numba import njit

from tumorboard.numerics._kernels.random_streams import uniform
from tumorboard.physics.transport._kernels.geometry import turned
from tumorboard.physics.transport._kernels.proton_data import NUCLEONS

_PROTON_MEV = 938.27208816
_TWO_PI = 2.0 * math.pi
#: Deuterons first: a proton that picks up a neutron keeps nearly all its energy.
_ORDER = (1, 0, 2)


@njit(cache=True, nogil=True, error_model="numpy")
def momentum_speed(energy):
    """Return pv of a proton [MeV]."""
    return energy * (energy + 2.0 * _PROTON_MEV) / (energy + _PROTON_MEV)


@njit(cache=True, nogil=True, error_model="numpy")
def push(stack, height, x, y, z, u, v, w, energy, kind):
    """Put a particle on the stack; ``energy`` is per nucleon. Return the new height."""
    row = stack[height]
    row[0], row[1], row[2], row[3], row[4], row[5] = x, y, z, u, v, w
    row[6] = energy
    row[7] = momentum_speed(energy)
    row[8] = kind
    return height + 1


@njit(cache=True, nogil=True, error_model="numpy")
def bracket(grid, n, value):
    """Return the lower neighbour among the first ``n`` values and how far it is to the next, 0 to 1."""
    if value <= grid[0]:
        return 0, 0.0
    if value >= grid[n - 1]:
        return n - 2, 1.0
    low, high = 0, n - 1
    while high - low > 1:
        middle = (low + high) // 2
        if grid[middle] <= value:
            low = middle
        else:
            high = middle
    return low, (value - grid[low]) / (grid[low + 1] - grid[low])


@njit(cache=True, nogil=True, error_model="numpy")
def quantile(table, chance):
    """Return the value that a uniform number picks from points at equal steps of probability."""
    at = chance * (table.size - 1)
    i = int(at)
    return table[i] + (at - i) * (table[i + 1] - table[i])


@njit(cache=True, nogil=True, error_model="numpy")
def scatter_hydrogen(rng, x, y, z, u, v, w, energy, stack, height):
    """Scatter off a free proton, isotropic in the centre of mass; both go on the stack."""
    cosine = 2.0 * uniform(rng) - 1.0
    phi = _TWO_PI * uniform(rng)
    cos_phi, sin_phi = math.cos(phi), math.sin(phi)
    gamma = math.sqrt(1.0 + 0.5 * energy / _PROTON_MEV)
    sine = math.sqrt(max(1.0 - cosine * cosine, 0.0))
    for side in range(2):
        c = cosine if side == 0 else -cosine
        sign = 1.0 if side == 0 else -1.0
        angle = math.atan2(sine, gamma * (1.0 + c))
        a, b, d = turned(u, v, w, math.cos(angle), math.sin(angle), sign * cos_phi, sign * sin_phi)
        height = push(stack, height, x, y, z, a, b, d, 0.5 * energy * (1.0 + c), 0)
    return height


@njit(cache=True, nogil=True, error_model="numpy")
def scatter_nucleus(rng, n, energy, nuclei):
    """Scatter off nucleus ``n``: return cosine of the laboratory angle and the recoil's energy."""
    i, part = bracket(nuclei.elastic_mev[n], nuclei.n_elastic[n], energy)
    if uniform(rng) < part:
        i += 1
    angle = quantile(nuclei.elastic_angle[n, i], uniform(rng))
    mass = nuclei.mass_mev[n]
    total = energy + _PROTON_MEV + mass
    beta2 = energy * (energy + 2.0 * _PROTON_MEV) / (total * total)
    gamma2 = 1.0 / (1.0 - beta2)
    cosine = math.cos(angle)
    recoil = min(gamma2 * beta2 * mass * (1.0 - cosine), energy)
    # Speed of the centre of mass over the proton's in it.
    ratio = math.sqrt((_PROTON_MEV / mass) ** 2 * (1.0 - beta2) + beta2)
    laboratory = math.atan2(math.sin(angle) / math.sqrt(gamma2), cosine + ratio)
    return math.cos(laboratory), recoil


@njit(cache=True, nogil=True, error_model="numpy")
def emit(rng, n, i, particle, chance, x, y, z, u, v, w, incident, budget, nuclei, stack, height, slow):
    """Emit one particle with no more than the budget: return the energy [MeV] and the stack's height.

    ``slow`` is the energy per nucleon below which it stays where it is.
    """
    energy = min(quantile(nuclei.energy[n, i, particle], chance) * incident, budget)
    own = energy / NUCLEONS[particle]
    if own <= slow:
        return energy, height
    nodes = nuclei.nodes[n, i, particle]
    j, part = bracket(nodes, nodes.size, energy / incident)
    if uniform(rng) < part:
        j += 1
    cosine = quantile(nuclei.cosine[n, i, particle, j], uniform(rng))
    phi = _TWO_PI * uniform(rng)
    sine = math.sqrt(max(1.0 - cosine * cosine, 0.0))
    a, b, c = turned(u, v, w, cosine, sine, math.cos(phi), math.sin(phi))
    return energy, push(stack, height, x, y, z, a, b, c, own, particle)


@njit(cache=True, nogil=True, error_model="numpy")
def react(rng, n, x, y, z, u, v, w, energy, nuclei, stack, height, slow):
    """Break nucleus ``n``: return what stays here, what leaves with neutrals [MeV], and the stack's height.

    Numbers and energies follow the inclusive spectra, which do not say how particles share the energy. Here
    the place of the first in its spectrum, a uniform number, decides the others' by maps that leave it
    uniform: the second has one minus it, each later one is fast only where all before are not (tent map). So
    their sum seldom exceeds what there is, where it is cut off, and each spectrum stays what it is.
    """
    i, part = bracket(nuclei.inelastic_mev[n], nuclei.n_inelastic[n], energy)
    if uniform(rng) < part:
        i += 1
    local = nuclei.recoil[n, i] * energy
    left = energy - local
    chance = lead = uniform(rng)
    emitted = 0
    for particle in _ORDER:
        multiplicity = nuclei.multiplicity[n, i, particle]
        count = int(multiplicity)
        if uniform(rng) < multiplicity - count:
            count += 1
        for _ in range(count):
            if emitted == 1:
                chance = 1.0 - lead
            elif emitted > 1:
                chance = 1.0 - abs(2.0 * chance - 1.0)
            before = height
            got, height = emit(
                rng, n, i, particle, chance, x, y, z, u, v, w, energy, left, nuclei, stack, height, slow
            )
            left -= got
            if height == before:
                local += got
            emitted += 1
    return local, left, height
