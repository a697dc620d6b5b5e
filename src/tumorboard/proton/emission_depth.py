"""What a field makes a patient emit, by water-equivalent depth."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.emission import EmissionMap
from tumorboard.core.image import Image, Quantity
from tumorboard.core.plan import IonBeam
from tumorboard.errors import GridMismatch, InputError
from tumorboard.numerics.ray_trace import line_integrals
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.proton._beam_setup import gantry_span, sources_of

__all__ = ["emission_by_water_depth"]

#: A voxel's emission is spread over its depth at so many points.
_POINTS: Final = 5


def emission_by_water_depth(
    emission: EmissionMap,
    beam: IonBeam,
    rsp: Image,
    edges_mm: ArrayLike,
    *,
    source_distance_mm: tuple[float, float],
    energy_mev: tuple[float, float] | None = None,
) -> NDArray[np.float64]:
    """Return the number emitted between water-equivalent depths, each voxel along its own ray of the field.

    Along the way in millimetres, emission follows density: it drops wherever a beam enters lung. By
    water-equivalent depth it drops at the end of the range.

    Parameters
    ----------
    emission
        Of this field alone.
    beam
        The field.
    rsp
        RELATIVE_STOPPING_POWER, any grid.
    edges_mm
        Ascending depths from where the field meets the image, shape ``(n + 1,)`` [mm].
    source_distance_mm
        Virtual sources of x and y upstream of the isocentre [mm].
    energy_mev
        Band of gamma energies, both ends edges of the map [MeV]; ``None``: all.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``.

    Raises
    ------
    InputError
        When edges do not ascend, or ``rsp`` is no stopping power.
    GridMismatch
        When frames of reference differ.

    Examples
    --------
    See the gallery, where one pencil beam enters a phantom of lung.
    """
    edges = np.asarray(edges_mm, dtype=np.float64)
    if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
        raise InputError(f"edges_mm must be two or more ascending depths [mm]; got {edges_mm!r}")
    if rsp.quantity is not Quantity.RELATIVE_STOPPING_POWER:
        raise InputError(f"rsp must be an image of RELATIVE_STOPPING_POWER [1]; got {rsp.quantity.name}")
    grid = emission.grid
    if rsp.grid.frame_of_reference != grid.frame_of_reference:
        raise GridMismatch(
            "rsp and emission must have one frame of reference; got "
            f"{rsp.grid.frame_of_reference} and {grid.frame_of_reference}; take those of one CT"
        )
    number = emission.image(energy_mev=energy_mev).values.astype(np.float64)
    filled = np.nonzero(number)
    points = grid.index_to_patient(np.stack(filled, axis=-1))
    top = gantry_span(beam, rsp.grid, source_distance_mm)[0]
    depth = line_integrals(rsp, sources_of(points, beam, top, source_distance_mm), points)
    local = resample(rsp, grid, method=Interpolation.CONSERVATIVE, outside=0.0).values[filled]
    along = beam.geometry.travel_direction
    width = local * float(np.linalg.norm(along @ grid.direction * grid.spacing_mm))
    found = np.zeros(edges.size - 1)
    for place in (np.arange(_POINTS) + 0.5) / _POINTS - 0.5:
        found += np.histogram(depth + place * width, edges, weights=number[filled] / _POINTS)[0]
    return found
