"""Protons through simple phantoms, with each process switched on or off: what the transport's tests share.

Beams travel along +y; the entrance face is at y = 0 and the axis at x = z = 0.
"""

from types import SimpleNamespace

import numpy as np

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.physics.transport._kernels.proton_data import COLUMNS, ENERGY
from tumorboard.physics.transport._kernels.proton_histories import TOTALS, run_protons
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.proton_arguments import ProtonSteps, arguments_of, emission_tables
from tumorboard.physics.transport.proton_source import ProtonBeamlets

WIDE_MM = 1000.0


def grid_of(n_xyz, size_xyz_mm):
    """A grid of so many voxels of such a size."""
    n, size = np.array(n_xyz[::-1]), np.array(size_xyz_mm[::-1], dtype=float)
    origin = (
        -0.5 * (n_xyz[0] - 1) * size_xyz_mm[0],
        0.5 * size_xyz_mm[1],
        -0.5 * (n_xyz[2] - 1) * size_xyz_mm[2],
    )
    return Grid(n, size, origin, AXIAL, frame_of_reference="1.2.3")


def column(material, length_mm, step_mm):
    """A homogeneous medium in slices across the beam, wider than any proton goes."""
    n = round(length_mm / step_mm)
    return TransportMedium.homogeneous(grid_of((1, n, 1), (WIDE_MM, step_mm, WIDE_MM)), material)


def layered(layers, step_mm):
    """A medium of slices: pairs of material (or None: vacuum) and thickness [mm]."""
    materials = tuple(dict.fromkeys(m for m, _ in layers if m is not None))
    counts = [round(thickness / step_mm) for _, thickness in layers]
    number = np.repeat([0 if m is None else materials.index(m) for m, _ in layers], counts)
    density = np.repeat([0.0 if m is None else m.density_g_cm3 for m, _ in layers], counts)
    grid = grid_of((1, number.size, 1), (WIDE_MM, step_mm, WIDE_MM))
    return TransportMedium(grid, density.reshape(grid.shape), number.reshape(grid.shape), materials)


def pencil(
    energy_mev, *, sigma_mm=0.0, energy_sigma_mev=0.0, from_mm=-100.0, x_mm=0.0, direction=(0.0, 1.0, 0.0)
):
    return ProtonBeamlets.pencil(
        energy_mev=energy_mev,
        position_mm=(x_mm, from_mm, 0.0),
        direction=direction,
        sigma_mm=sigma_mm,
        energy_sigma_mev=energy_sigma_mev,
    )


def fixed(array):
    """An array like the tables': a kernel for others would have to be compiled anew."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def follow(
    medium,
    source,
    histories,
    *,
    first=0,
    seed=1,
    nuclear=True,
    straggling=True,
    scattering=True,
    steps=None,
    gamma_edges_mev=(),
    positron_emitters=False,
):
    """Run the kernel with processes on or off: all columns of the tally [z, y, x], emission, totals."""
    of_source, (voxels, matter, nuclei, limits) = arguments_of(medium, source, steps or ProtonSteps())
    if not nuclear:
        rates = matter.rates.copy()
        rates[:, :, 1] = 0.0
        matter = matter._replace(rates=fixed(rates))
    if not straggling:
        matter = matter._replace(straggling=fixed(np.zeros_like(matter.straggling)))
    if not scattering:
        # The scattering power still sets the steps; its factor turns no proton.
        speed = matter.speed.copy()
        speed[:, 1:] = 0.0
        matter = matter._replace(speed=fixed(speed))
    yields = emission_tables(gamma_edges_mev, positron_emitters)
    n = int(np.prod(medium.grid.shape))
    tally, totals = np.zeros((n, COLUMNS)), np.zeros(TOTALS)
    emission = np.zeros((n, yields.values.shape[2]))
    beamlets, cumulative, slab_of_beamlet, slabs = of_source
    run_protons(
        first, histories, seed, beamlets, cumulative, -1, slab_of_beamlet, slabs, voxels, matter, nuclei,
        limits, tally, emission, yields, totals,
    )  # fmt: skip
    return SimpleNamespace(
        tally=tally.reshape(*medium.grid.shape, COLUMNS) / histories,
        energy=tally[:, ENERGY].reshape(medium.grid.shape) / histories,
        emission=emission.reshape(*medium.grid.shape, -1) / histories,
        totals=totals,
        histories=histories,
    )


def along_depth(energy):
    """Energy per slice across the beam."""
    return energy.sum(axis=(0, 2))


def distal_depth(depth_mm, dose, level):
    """Depth behind the largest dose where it falls to a level of the largest, linear between slices."""
    top = int(dose.argmax())
    last = top + int(np.flatnonzero(dose[top:] >= level * dose[top])[-1])
    part = (dose[last] - level * dose[top]) / (dose[last] - dose[last + 1])
    return depth_mm[last] + part * (depth_mm[last + 1] - depth_mm[last])


def lateral_sigma(energy, size_mm):
    """Width of one slice's energy over x, the width of a voxel taken off."""
    x = (np.arange(energy.size) - 0.5 * (energy.size - 1)) * size_mm
    mean = (energy * x).sum() / energy.sum()
    return np.sqrt((energy * (x - mean) ** 2).sum() / energy.sum() - size_mm**2 / 12.0)
