"""What a proton beam makes a patient emit, and where: prompt gammas, and nuclei that emit positrons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.positron_emitters import KNOWN_HALF_LIFE_S
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["Emission", "EmissionMap", "EmissionPer"]

#: Edges nearer to each other than this are the same [MeV].
_SAME_EDGE_MEV: Final = 1e-6


class Emission(Enum):
    """What comes out of a nuclear reaction."""

    PROMPT_GAMMA = "prompt_gamma"
    POSITRON_EMITTER = "positron_emitter"


class EmissionPer(Enum):
    """What an emission map counts for: one proton of the source, or all of a delivery."""

    PROTON = "proton"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True, eq=False)
class EmissionMap:
    """How many prompt gammas, or nuclei that emit positrons, arise in each voxel.

    Parameters
    ----------
    values
        Mean number in each voxel, >= 0, shape ``(n_bins, z, y, x)``; one bin for positron emitters.
        Copied unless already read-only.
    grid
        Where the voxels are.
    emission
        Of what.
    provenance
        How the map was made.
    energy_edges_mev
        Ascending edges of the gamma energies, > 0 or 0 first, shape ``(n_bins + 1,)`` [MeV]; ``None`` for
        positron emitters.
    nuclide
        A key of :data:`~tumorboard.core.positron_emitters.KNOWN_HALF_LIFE_S`, e.g. ``"C-11"``: the nuclide
        that is made; nothing has decayed yet. ``None`` for prompt gammas.
    per
        One proton of the source, or all of a delivery.
    relative_uncertainty
        Standard error over value, of the values' shape; NaN where the value is 0. ``None``: not known.

    Raises
    ------
    InputError
        When shapes do not fit, values are negative or not finite, edges do not ascend, or the nuclide is
        missing or out of place.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((2, 4, 4), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> gammas = EmissionMap(
    ...     np.full((2, *grid.shape), 1e-4),
    ...     grid,
    ...     Emission.PROMPT_GAMMA,
    ...     Record("example"),
    ...     energy_edges_mev=[3.0, 4.0, 6.0],
    ... )
    >>> round(gammas.total, 4), gammas.spectrum.round(4)
    (0.0064, array([0.0032, 0.0032]))
    """

    values: NDArray[Any]
    grid: Grid
    emission: Emission
    provenance: Record
    energy_edges_mev: NDArray[np.float64] | None
    nuclide: str | None
    per: EmissionPer
    relative_uncertainty: NDArray[Any] | None

    def __init__(
        self,
        values: ArrayLike,
        grid: Grid,
        emission: Emission,
        provenance: Record,
        *,
        energy_edges_mev: ArrayLike | None = None,
        nuclide: str | None = None,
        per: EmissionPer = EmissionPer.PROTON,
        relative_uncertainty: ArrayLike | None = None,
    ) -> None:
        set_ = object.__setattr__
        set_(self, "values", _checked_values(values, grid))
        set_(self, "grid", grid)
        set_(self, "emission", emission)
        set_(self, "provenance", provenance)
        set_(self, "energy_edges_mev", _checked_edges(energy_edges_mev, emission, len(self.values)))
        set_(self, "nuclide", _checked_nuclide(nuclide, emission))
        set_(self, "per", EmissionPer(per))
        set_(self, "relative_uncertainty", _checked_uncertainty(relative_uncertainty, self.values.shape))

    @property
    def spectrum(self) -> NDArray[np.float64]:
        """Number in the whole grid by energy bin, shape ``(n_bins,)``."""
        return np.asarray(self.values.sum(axis=(1, 2, 3), dtype=np.float64))

    @property
    def total(self) -> float:
        """Number in the whole grid, of all energies."""
        return float(self.spectrum.sum())

    def bins(self, low_mev: float, high_mev: float) -> slice:
        """Return which bins make up a band of gamma energies [MeV].

        Raises
        ------
        InputError
            When an end of the band is no edge of the map, or for positron emitters.
        """
        edges = self.energy_edges_mev
        if edges is None:
            raise InputError(
                f"a band of gamma energies needs a map of prompt gammas; got one of {self.nuclide}"
            )
        found = [np.flatnonzero(np.abs(edges - end) < _SAME_EDGE_MEV) for end in (low_mev, high_mev)]
        if not (found[0].size and found[1].size and low_mev < high_mev):
            raise InputError(
                f"low_mev and high_mev must be two of the map's edges {edges.tolist()}, ascending [MeV]; "
                f"got {low_mev!r} and {high_mev!r}"
            )
        return slice(int(found[0][0]), int(found[1][0]))

    def image(self, *, energy_mev: tuple[float, float] | None = None) -> Image:
        """Return the numbers in each voxel as an image.

        Parameters
        ----------
        energy_mev
            Band of gamma energies, both ends edges of the map [MeV]; ``None``: all.

        Returns
        -------
        Image
            Of EMISSIONS_PER_PROTON, or EMISSIONS of a delivery; an amount in each voxel, so that resampling
            keeps its sum.

        Raises
        ------
        InputError
            When the band does not end at edges of the map.
        """
        part = slice(None) if energy_mev is None else self.bins(*energy_mev)
        told: dict[str, Any] = {"emission": self.emission.value, "nuclide": self.nuclide}
        told |= {"energy_mev": None if energy_mev is None else list(energy_mev)}
        record = Record("core.EmissionMap.image", told, (self.provenance,))
        quantity = {
            EmissionPer.PROTON: Quantity.EMISSIONS_PER_PROTON,
            EmissionPer.DELIVERY: Quantity.EMISSIONS,
        }
        return Image(self.values[part].sum(axis=0), self.grid, quantity[self.per], record)

    def delivered(self, protons: float) -> EmissionMap:
        """Return the map of a delivery of so many protons, > 0.

        Raises
        ------
        InputError
            When the map is of a delivery already, or the number is not > 0.
        """
        if self.per is not EmissionPer.PROTON:
            raise InputError("delivered needs a map per proton; got one of a delivery")
        if not (np.isfinite(protons) and protons > 0):
            raise InputError(f"protons must be finite and > 0; got {protons!r}")
        record = Record("core.EmissionMap.delivered", {"protons": float(protons)}, (self.provenance,))
        return replace(
            self,
            values=self.values * float(protons),
            per=EmissionPer.DELIVERY,
            provenance=record,
        )

    def depth_profile(
        self,
        start_mm: ArrayLike,
        direction: ArrayLike,
        edges_mm: ArrayLike,
        *,
        energy_mev: tuple[float, float] | None = None,
    ) -> NDArray[np.float64]:
        """Return the number between planes across a direction, e.g. that of a beam.

        A voxel's number is spread evenly over its extent along the direction: exactly so along the grid's
        axes, else over a width with the same variance.

        Parameters
        ----------
        start_mm
            Patient point (x, y, z) at depth 0 [mm].
        direction
            Patient vector (x, y, z) along which depth grows, of any length > 0.
        edges_mm
            Ascending depths of the planes, shape ``(n + 1,)`` [mm].
        energy_mev
            Band of gamma energies, both ends edges of the map [MeV]; ``None``: all.

        Returns
        -------
        ndarray
            Shape ``(n,)``; its sum is the number between the first and the last plane.

        Raises
        ------
        InputError
            When edges do not ascend, the direction has no length, or the band does not end at edges.

        Examples
        --------
        >>> from tumorboard.core.grid import AXIAL
        >>> grid = Grid((1, 1, 4), (2.0, 2.0, 2.0), (1.0, 1.0, 1.0), AXIAL, frame_of_reference="1.2.3")
        >>> made = EmissionMap(
        ...     np.array([[[[1.0, 2.0, 3.0, 0.0]]]]),
        ...     grid,
        ...     Emission.POSITRON_EMITTER,
        ...     Record("example"),
        ...     nuclide="C-11",
        ... )
        >>> made.depth_profile((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), [0.0, 1.0, 4.0, 8.0])
        array([0.5, 2.5, 3. ])
        """
        start, along = (np.asarray(v, dtype=np.float64) for v in (start_mm, direction))
        edges = np.asarray(edges_mm, dtype=np.float64)
        length = float(np.linalg.norm(along)) if along.shape == (3,) else 0.0
        if not (np.isfinite(length) and length > 0) or start.shape != (3,):
            raise InputError(
                f"start_mm and direction must be (x, y, z), direction longer than 0; "
                f"got {start_mm!r}, {direction!r}"
            )
        if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
            raise InputError(f"edges_mm must be two or more ascending depths [mm]; got {edges_mm!r}")
        part = slice(None) if energy_mev is None else self.bins(*energy_mev)
        number = self.values[part].sum(axis=0, dtype=np.float64)
        filled = np.nonzero(number)
        centres = self.grid.index_to_patient(np.stack(filled, axis=-1))
        depth = (centres - start) @ along / length
        width = float(np.linalg.norm(along / length @ self.grid.direction * self.grid.spacing_mm))
        below = _ramps(depth - 0.5 * width, number[filled], edges)
        below -= _ramps(depth + 0.5 * width, number[filled], edges)
        # Differences of sums: rounding would leave -1e-17 where there is nothing.
        return np.maximum(np.diff(below) / width, 0.0)


def _ramps(
    starts: NDArray[np.float64], weights: NDArray[np.float64], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the sum of ramps that rise by a weight per millimetre from each start on."""
    between = np.searchsorted(at, starts, side="left")
    number = np.cumsum(np.bincount(between, weights, at.size + 1))[: at.size]
    moment = np.cumsum(np.bincount(between, weights * starts, at.size + 1))[: at.size]
    return np.asarray(number * at - moment)


def _checked_values(values: ArrayLike, grid: Grid) -> NDArray[Any]:
    array = read_only(values)
    if array.dtype.kind != "f":
        array = read_only(values, np.float64)
    if array.ndim != 4 or array.shape[1:] != grid.shape or array.shape[0] < 1:
        raise InputError(
            f"values must have shape (n_bins, z, y, x), the last three {grid.shape}; got {array.shape}; "
            "one bin: values[None]"
        )
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite([low, high]).all() and low >= 0):
        raise InputError(f"values must be finite and >= 0; got {low!r} to {high!r}")
    return array


def _checked_edges(edges: ArrayLike | None, emission: Emission, n_bins: int) -> NDArray[np.float64] | None:
    if Emission(emission) is Emission.POSITRON_EMITTER:
        if edges is not None or n_bins != 1:
            raise InputError(
                f"a map of positron emitters has one bin, no energy_edges_mev; got {n_bins} bins, {edges!r}"
            )
        return None
    array = read_only([] if edges is None else edges, np.float64)
    ascend = array.shape == (n_bins + 1,) and bool((np.diff(array) > 0).all()) and array[0] >= 0
    if not (ascend and np.isfinite(array).all()):
        raise InputError(
            f"energy_edges_mev must be {n_bins + 1} ascending energies >= 0 for {n_bins} bins [MeV]; "
            f"got {edges!r}"
        )
    return array


def _checked_nuclide(nuclide: str | None, emission: Emission) -> str | None:
    if emission is Emission.PROMPT_GAMMA:
        if nuclide is not None:
            raise InputError(f"nuclide must be None for prompt gammas; got {nuclide!r}")
    elif nuclide not in KNOWN_HALF_LIFE_S:
        raise InputError(f"nuclide must be one of {', '.join(KNOWN_HALF_LIFE_S)}; got {nuclide!r}")
    return nuclide


def _checked_uncertainty(relative: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[Any] | None:
    if relative is None:
        return None
    array = read_only(relative)
    if array.dtype.kind != "f" or array.shape != shape:
        raise InputError(
            f"relative_uncertainty must be real numbers of the values' shape {shape}; got {array.shape}"
        )
    if not (np.isnan(array) | (array >= 0)).all():
        raise InputError(
            f"relative_uncertainty must be >= 0, or NaN where not known; got {np.nanmin(array)!r}"
        )
    return array
