"""How much of a structure receives how much dose: the exact cumulative dose-volume histogram."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.outcomes._kernels.subvoxels import gather_subvoxels
from tumorboard.provenance import Record

__all__ = ["DoseVolumeHistogram", "dose_volume_histogram"]

#: A volume is reached when it lacks no more than this part of the structure: sums of many fractions round.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class DoseVolumeHistogram:
    """Dose and volume of the pieces of one structure, nothing binned.

    Every piece (a voxel's part inside the structure) has one dose. ``V(D)`` is the volume of the pieces
    with at least dose D, ``D(V)`` the highest dose that volume V receives at least; the two are exact
    inverses of one another, without interpolation between pieces.

    Parameters
    ----------
    name
        Of the structure.
    dose_gy
        Dose of each piece, shape ``(n,)``, n >= 1; sorted here, pieces of equal dose are joined [Gy].
    volume_ml
        Volume of each piece, shape ``(n,)``, not negative, some positive [mL].
    provenance
        How it came about.

    Raises
    ------
    InputError
        When the shapes differ, a dose is not finite, a volume negative, or there is no volume at all.

    Examples
    --------
    >>> lung = DoseVolumeHistogram("lung", [5.0, 20.0, 10.0], [1.0, 1.0, 2.0], Record("example"))
    >>> lung.mean_gy, lung.volume_at_dose_percent(10.0), lung.dose_at_volume_gy(percent=50.0)
    (11.25, 75.0, 10.0)
    """

    name: str
    dose_gy: NDArray[np.float64]
    volume_ml: NDArray[np.float64]
    provenance: Record
    _at_least_ml: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        dose_gy = np.asarray(self.dose_gy, dtype=np.float64)
        volume_ml = np.asarray(self.volume_ml, dtype=np.float64)
        if dose_gy.ndim != 1 or dose_gy.shape != volume_ml.shape:
            raise InputError(
                f"dose_gy and volume_ml of {self.name!r} must have one shape (n,); "
                f"got {dose_gy.shape} and {volume_ml.shape}"
            )
        if not np.isfinite(dose_gy).all():
            raise InputError(f"dose_gy of {self.name!r} must be finite [Gy]; got NaN or infinity")
        if not (np.isfinite(volume_ml).all() and (volume_ml >= 0).all() and volume_ml.sum() > 0):
            raise InputError(
                f"volume_ml of {self.name!r} must be finite, >= 0 and not all 0 [mL]; "
                f"its sum is {volume_ml.sum():.6g} mL: the structure has no volume on the dose grid"
            )
        dose_gy, volume_ml = _joined(dose_gy, volume_ml)
        # From the hottest piece down: V(D) at each piece's own dose.
        at_least_ml = np.cumsum(volume_ml[::-1])[::-1]
        object.__setattr__(self, "dose_gy", read_only(dose_gy))
        object.__setattr__(self, "volume_ml", read_only(volume_ml))
        object.__setattr__(self, "_at_least_ml", read_only(at_least_ml))

    @property
    def total_ml(self) -> float:
        """Volume of the structure on the dose grid [mL]."""
        return float(self._at_least_ml[0])

    @property
    def mean_gy(self) -> float:
        """Mean dose [Gy]."""
        mean = float(self.dose_gy @ self.volume_ml) / self.total_ml
        # A weighted mean of equal numbers may round out of their range by one unit.
        return min(max(mean, self.min_gy), self.max_gy)

    @property
    def min_gy(self) -> float:
        """Lowest dose of any piece [Gy]."""
        return float(self.dose_gy[0])

    @property
    def max_gy(self) -> float:
        """Highest dose of any piece [Gy]."""
        return float(self.dose_gy[-1])

    def dose_at_volume_gy(self, *, percent: float | None = None, ml: float | None = None) -> float:
        """Return the highest dose that a volume receives at least: D95, D2, D0.03cc.

        Parameters
        ----------
        percent
            Part of the structure, 0 to 100; 0 gives the maximum, 100 the minimum [%].
        ml
            Absolute volume instead, at most the structure's [mL].

        Returns
        -------
        float
            Dose [Gy].

        Raises
        ------
        InputError
            When not exactly one of the two is given, or it is out of range.
        """
        if (percent is None) == (ml is None):
            raise InputError(f"give either percent [%] or ml [mL]; got percent={percent!r} and ml={ml!r}")
        if percent is not None:
            if not 0.0 <= percent <= 100.0:
                raise InputError(f"percent must lie in 0 to 100 [%]; got {percent!r}")
            wanted = percent / 100.0 * self.total_ml
        else:
            assert ml is not None  # noqa: S101 - for the type checker
            if not 0.0 <= ml <= self.total_ml * (1.0 + _ROUNDING):
                raise InputError(
                    f"ml must lie in 0 to the volume of {self.name!r}, {self.total_ml:.6g} mL; got {ml!r}; "
                    "ask for a percentage of a structure this small"
                )
            wanted = ml
        # From the hottest piece down V(D) rises: the first that reaches the wanted volume.
        hottest_first = self._at_least_ml[::-1]
        reached = int(np.searchsorted(hottest_first, wanted - _ROUNDING * self.total_ml, side="left"))
        return float(self.dose_gy[::-1][reached])

    def volume_at_dose_ml(self, dose_gy: float) -> float:
        """Return the volume with at least this dose [mL].

        Parameters
        ----------
        dose_gy
            Dose [Gy].
        """
        first = int(np.searchsorted(self.dose_gy, dose_gy, side="left"))
        return float(self._at_least_ml[first]) if first < len(self.dose_gy) else 0.0

    def volume_at_dose_percent(self, dose_gy: float) -> float:
        """Return which part of the structure has at least this dose [%]: V20 is ``dose_gy=20``.

        Parameters
        ----------
        dose_gy
            Dose [Gy].
        """
        return 100.0 * self.volume_at_dose_ml(dose_gy) / self.total_ml

    def cumulative_percent(self, dose_gy: ArrayLike) -> NDArray[np.float64]:
        """Return the curve that is drawn: the part with at least each dose, shape of ``dose_gy`` [%].

        Parameters
        ----------
        dose_gy
            Doses, any shape [Gy].
        """
        curve = np.append(self._at_least_ml, 0.0) * (100.0 / self.total_ml)
        return np.asarray(curve[np.searchsorted(self.dose_gy, dose_gy, side="left")])

    def generalised_eud_gy(self, exponent: float) -> float:
        r"""Return the generalised equivalent uniform dose [Gy].

        :math:`(\sum_i v_i D_i^a)^{1/a}` with volume parts :math:`v_i` [1]_. The exponent a is 1 for the
        mean, large for organs that one hot spot ruins, negative for targets; Lyman's n is 1/a.

        Parameters
        ----------
        exponent
            a, finite and not 0.

        Raises
        ------
        InputError
            When the exponent is 0 or not finite, or a dose is negative.

        References
        ----------
        .. [1] niemierko1999geud
        """
        if not math.isfinite(exponent) or exponent == 0.0:
            raise InputError(f"exponent of gEUD must be finite and not 0; got {exponent!r}")
        if self.min_gy < 0.0:
            raise InputError(f"dose_gy of {self.name!r} must be >= 0 [Gy] for gEUD; got {self.min_gy:.6g}")
        # Doses relative to the one that decides keep large exponents in range.
        scale = self.max_gy if exponent > 0.0 else self.min_gy
        if scale == 0.0:
            return 0.0
        part = self.volume_ml / self.total_ml
        # Far from the deciding dose a power may vanish: it then contributes nothing.
        with np.errstate(under="ignore"):
            mean_power = float(part @ (self.dose_gy / scale) ** exponent)
        eud = scale * math.pow(mean_power, 1.0 / exponent)
        return min(max(eud, self.min_gy), self.max_gy)


def _joined(
    dose_gy: NDArray[np.float64], volume_ml: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sort by dose, join pieces of equal dose and drop those without volume."""
    order = np.argsort(dose_gy, kind="stable")
    dose_gy, volume_ml = dose_gy[order], volume_ml[order]
    keep = volume_ml > 0
    if not keep.all():
        dose_gy, volume_ml = dose_gy[keep], volume_ml[keep]
    first = np.flatnonzero(np.concatenate([[True], dose_gy[1:] != dose_gy[:-1]]))
    if len(first) == len(dose_gy):
        return dose_gy, volume_ml
    return dose_gy[first], np.add.reduceat(volume_ml, first)


def dose_volume_histogram(
    dose: Image, structure: Image, *, name: str, subdivisions: int = 1
) -> DoseVolumeHistogram:
    """Make the dose-volume histogram of a structure, each voxel counted by its part inside.

    Parameters
    ----------
    dose
        DOSE [Gy]; any grid.
    structure
        FRACTION of each voxel of the same grid that lies inside (:func:`tumorboard.numerics.voxelise`),
        or a boolean LABEL.
    name
        Of the structure, for messages and reports.
    subdivisions
        1: a voxel has one dose, its value. n > 1: every voxel is cut into n parts along each axis, each
        with the dose interpolated trilinearly at its centre (constant beyond the outermost voxel
        centres) and the voxel's fraction; smoother curves for structures of few voxels.

    Returns
    -------
    DoseVolumeHistogram
        Of the part of the structure that lies on the grid; a structure that reaches beyond the dose
        grid is therefore counted in part.

    Raises
    ------
    GridMismatch
        When the two images do not share a grid.
    InputError
        When the images are of the wrong kind, the dose in the structure is not finite, or the structure
        has no volume on the grid.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> grid = Grid((1, 1, 4), (2.0, 5.0, 5.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> dose = Image(np.array([[[1.0, 2.0, 3.0, 4.0]]]), grid, Quantity.DOSE, Record("example"))
    >>> part = Image(np.array([[[0.0, 0.5, 1.0, 0.5]]]), grid, Quantity.FRACTION, Record("example"))
    >>> cord = dose_volume_histogram(dose, part, name="cord")
    >>> round(cord.total_ml, 9), round(cord.mean_gy, 9), cord.volume_at_dose_percent(3.0)
    (0.1, 3.0, 75.0)
    """
    _require_kinds(dose, structure, name, subdivisions)
    fractions = structure.values
    inside = np.flatnonzero(fractions)
    parts = fractions.reshape(-1)[inside].astype(np.float64)
    if parts.size and not (parts.min() >= 0.0 and parts.max() <= 1.0):
        raise InputError(
            f"structure {name!r} must have fractions in [0, 1]; got {parts.min():.6g} to {parts.max():.6g}"
        )
    parts *= dose.grid.voxel_volume_ml
    if subdivisions == 1:
        doses = dose.values.reshape(-1)[inside]
    else:
        pieces = subdivisions**3
        doses = np.empty(inside.size * pieces)
        gather_subvoxels(dose.values, inside, subdivisions, doses)
        parts = np.repeat(parts / pieces, pieces)
    record = Record(
        "outcomes.dose_volume_histogram",
        {"structure": name, "subdivisions": subdivisions},
        (dose.provenance, structure.provenance),
    )
    return DoseVolumeHistogram(name, doses, parts, record)


def _require_kinds(dose: Image, structure: Image, name: str, subdivisions: int) -> None:
    if dose.quantity is not Quantity.DOSE:
        raise InputError(f"dose must be a DOSE image [Gy]; got {dose.quantity}")
    boolean = structure.quantity is Quantity.LABEL and structure.values.dtype == bool
    if structure.quantity is not Quantity.FRACTION and not boolean:
        raise InputError(
            f"structure {name!r} must be a FRACTION or a boolean LABEL image; got {structure.quantity} of "
            f"dtype {structure.values.dtype}; make one with tumorboard.numerics.voxelise"
        )
    require_same_grid(dose.grid, structure.grid, what=f"dose and structure {name!r}")
    if subdivisions < 1 or subdivisions != int(subdivisions):
        raise InputError(f"subdivisions must be a whole number >= 1; got {subdivisions!r}")
