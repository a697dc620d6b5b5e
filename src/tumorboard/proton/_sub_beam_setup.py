"""Arguments of the kernels for spots that are split into sub-beams."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.image import Image
from tumorboard.core.plan import IonBeam
from tumorboard.proton._spot_slots import Slots
from tumorboard.proton.pencil_beam_model import SubBeams

#: Where the lattice of sub-beams may end, in standard deviations of their places.
_LATTICE_ENDS: Final = np.linspace(1.5, 4.5, 121)


def lattice_of(sub_beams: SubBeams) -> NDArray[np.float64]:
    """Return places in units of the spot's width and weights, shape (n_sub, 3).

    Their variance is exact; of the lattices with it, that whose sum is nearest to a Gaussian is taken.
    """
    trials = [_row(sub_beams, float(end)) for end in _LATTICE_ENDS]
    places, weights, _ = min(trials, key=lambda trial: trial[2])
    a, b = np.meshgrid(places, places, indexing="ij")
    lattice: NDArray[np.float64] = np.stack(
        [a.ravel(), b.ravel(), np.outer(weights, weights).ravel()], axis=1
    )
    return lattice


def _row(sub_beams: SubBeams, end: float) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return places and weights along one axis, and the largest difference of their sum from a Gaussian."""
    half = sub_beams.per_axis // 2
    places = np.asarray(np.arange(-half, half + 1) * (end / half), dtype=np.float64)
    weights = np.asarray(np.exp(-0.5 * places**2), dtype=np.float64)
    weights /= weights.sum()
    places *= math.sqrt((1.0 - sub_beams.width**2) / float(weights @ places**2))
    x = np.linspace(0.0, 4.0, 161)
    summed = np.exp(-0.5 * ((x[:, None] - places) / sub_beams.width) ** 2) @ weights / sub_beams.width
    return places, weights, float(np.abs(summed - np.exp(-0.5 * x**2)).max())


def sub_beam_reach(
    slots: Slots,
    cuts: NDArray[np.float32],
    lattice: NDArray[np.float64],
    narrowed: float,
    s_ends: tuple[float, float],
) -> NDArray[np.float32]:
    """Return the square of how far any sub-beam of a ray reaches, shape (n_rays, 1) [mm2]."""
    farthest = float(np.hypot(lattice[:, 0], lattice[:, 1]).max())
    squared = np.zeros(len(slots.spot))
    energy = np.arange(len(slots.spot)) + np.repeat(
        slots.first_energy - slots.first[:-1], np.diff(slots.first)
    )
    optics = slots.optics.astype(np.float64)
    for s in s_ends:
        whole = optics[:, (1, 4)] + s * (optics[:, (2, 5)] + s * optics[:, (3, 6)])
        widest = np.sqrt(np.maximum(whole, 0.0).max(axis=(0, 1)))
        # The axes spread along a tangent, which lies below the width itself.
        tangent = narrowed * widest**2 + (1 - narrowed) * s * s * optics[:, (3, 6)].max(axis=(0, 1))
        for n in np.flatnonzero(slots.spot >= 0):
            own = (cuts[:, 0, energy[n]] + cuts[:, 1, energy[n]] * tangent[n]).max(initial=0.0)
            squared[n] = max(squared[n], (farthest * widest[n] + math.sqrt(own)) ** 2)
    reach: NDArray[np.float32] = np.maximum.reduceat(squared, slots.first[:-1])[:, None].astype(np.float32)
    return reach


def index_transform(beam: IonBeam, rsp: Image) -> NDArray[np.float64]:
    """Return the matrix, shape (4, 3), that takes gantry coordinates (x, y, z, 1) to indices of ``rsp``."""
    corners = np.concatenate([np.eye(3), np.zeros((1, 3))])
    index = rsp.grid.patient_to_index(beam.geometry.to_patient(corners))
    index[:3] -= index[3]
    return index


def sub_beam_arguments(
    beam: IonBeam,
    rsp: Image,
    slots: Slots,
    optics_and_tables: tuple[Any, ...],
    span: tuple[float, float],
    sub_beams: SubBeams,
    step_mm: float,
) -> tuple[Any, ...]:
    """Return the arguments of the kernels from the tables on."""
    cuts, tables, per_mm = optics_and_tables
    n_parts = max(2, math.ceil((span[0] - span[1]) / step_mm))
    heights = np.array([-span[0], -span[1], (span[0] - span[1]) / n_parts])
    return (
        cuts, tables, per_mm, slots.optics, rsp.values, index_transform(beam, rsp), heights,
        lattice_of(sub_beams), sub_beams.width**2, n_parts,
    )  # fmt: skip
