"""Where parts of the brain lie in MNI space: ellipsoids and half-spaces, approximate and stated.

Coordinates are the template's own, in MNI space: x to the right, y to the front, z upwards, from the anterior
commissure. They were drawn by eye on the ICBM 152 template [1]_ to lie in the structures of their name and to
have their size within some tens of per cent; they are a phantom's, not an atlas.

References
----------
.. [1] fonov2009template
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["CORTEX_LOBES", "DEEP_PARTS", "BrainPart", "BrainTissue", "Ellipsoid", "lobe_of"]


class BrainTissue(Enum):
    """Which tissue a part is made of."""

    GREY = "grey matter"
    WHITE = "white matter"
    ANY = "grey or white matter"


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """An ellipsoid along the axes.

    Parameters
    ----------
    centre_mm
        MNI x, y, z [mm].
    semi_axes_mm
        Along x, y, z, > 0 [mm].
    hollow
        Part of each semi-axis that is left out in the middle, 0 for none.

    Examples
    --------
    >>> bool(Ellipsoid((0.0, 0.0, 0.0), (2.0, 1.0, 1.0)).holds(np.array([1.9, 0.0, 0.0])))
    True
    """

    centre_mm: tuple[float, float, float]
    semi_axes_mm: tuple[float, float, float]
    hollow: float = 0.0

    def holds(self, mni_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return whether points lie inside.

        Parameters
        ----------
        mni_mm
            Shape ``(..., 3)`` [mm].

        Returns
        -------
        numpy.ndarray
            Shape ``(...)``.
        """
        reach = ((mni_mm - self.centre_mm) / self.semi_axes_mm) ** 2
        far = reach.sum(axis=-1)
        inside: NDArray[np.bool_] = (far <= 1.0) & (far >= self.hollow**2)
        return inside


@dataclass(frozen=True, slots=True)
class BrainPart:
    """A part of the brain.

    Parameters
    ----------
    name
        E.g. ``"thalamus"``.
    tissue
        Only voxels that are mostly of it belong to the part.
    shapes
        Any of which a voxel lies in.
    above_mm
        Only voxels with MNI z at this height or above belong to it [mm].
    """

    name: str
    tissue: BrainTissue
    shapes: tuple[Ellipsoid, ...]
    above_mm: float = -np.inf


def _both_sides(
    centre_mm: tuple[float, float, float], semi_axes_mm: tuple[float, float, float]
) -> tuple[Ellipsoid, Ellipsoid]:
    x, y, z = centre_mm
    return Ellipsoid((x, y, z), semi_axes_mm), Ellipsoid((-x, y, z), semi_axes_mm)


#: In order: a voxel belongs to the first part that holds it.
DEEP_PARTS: Final = (
    BrainPart("thalamus", BrainTissue.ANY, _both_sides((11.5, -18.0, 7.0), (10.0, 15.0, 9.5))),
    BrainPart("caudate", BrainTissue.ANY, _both_sides((13.0, 11.0, 9.0), (6.0, 14.0, 10.0))),
    BrainPart("putamen", BrainTissue.ANY, _both_sides((26.0, 3.0, 1.0), (6.5, 16.0, 10.0))),
    BrainPart("brainstem", BrainTissue.ANY, (Ellipsoid((0.0, -28.0, -34.0), (14.0, 13.0, 26.0)),)),
    BrainPart(
        "corpus callosum",
        BrainTissue.WHITE,
        (Ellipsoid((0.0, -4.0, 2.0), (9.0, 38.0, 29.0), hollow=0.72),),
        above_mm=4.0,
    ),
    BrainPart(
        "cerebellum",
        BrainTissue.GREY,
        (
            *_both_sides((24.0, -63.0, -37.0), (30.0, 28.0, 23.0)),
            Ellipsoid((0.0, -58.0, -21.0), (14.0, 21.0, 17.0)),
        ),
    ),
)

#: Of the cortex, in the order of the numbers of :func:`lobe_of`.
CORTEX_LOBES: Final = ("frontal cortex", "parietal cortex", "temporal cortex", "occipital cortex")


def lobe_of(mni_mm: NDArray[np.float64]) -> NDArray[np.int_]:
    """Return which lobe grey matter that is no deep part counts to: an index of :data:`CORTEX_LOBES`.

    Planes stand in for the sulci: occipital behind y = -72 mm; temporal below a plane that rises backwards to
    z = 18 mm, and beside x = 18 mm; frontal before y = -12 mm, and above z = 20 mm before a plane that leans
    back as the central sulcus does; parietal the rest. The insula falls to its neighbours.

    Parameters
    ----------
    mni_mm
        Shape ``(..., 3)`` [mm].

    Returns
    -------
    numpy.ndarray
        Shape ``(...)``.

    Examples
    --------
    >>> points = np.array([[30.0, 40.0, 20.0], [0.0, -90.0, 0.0], [55.0, -20.0, -15.0]])
    >>> [CORTEX_LOBES[k] for k in lobe_of(points)]
    ['frontal cortex', 'occipital cortex', 'temporal cortex']
    """
    x, y, z = np.moveaxis(np.asarray(mni_mm, np.float64), -1, 0)
    frontal = y > -12.0 - 0.3 * np.maximum(z - 20.0, 0.0)
    temporal = (z < 4.0 - 0.3 * y) & (np.abs(x) > 18.0) & (y < 22.0) & (z < 18.0)
    lobe: NDArray[np.int_] = np.where(frontal, 0, 1)
    lobe = np.where(temporal, 2, lobe)
    return np.where(y < -72.0, 3, lobe)
