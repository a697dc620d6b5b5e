"""From CT numbers to density, tissue and relative stopping power."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.hu_curve import HuCurve
from tumorboard.core.image import Image, Quantity
from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.numerics._slabs import run_slabs
from tumorboard.physics._kernels.piecewise import evaluate_pieces, find_pieces
from tumorboard.physics._tables import columns
from tumorboard.physics.elements import element_of
from tumorboard.physics.materials import material
from tumorboard.physics.stopping_power import electronic_mass_stopping_power_mev_cm2_g
from tumorboard.provenance import Record

__all__ = [
    "REFERENCE_ENERGY_MEV",
    "HounsfieldTable",
    "density",
    "material_index",
    "relative_stopping_power",
    "schneider2000",
]

#: Relative stopping power is taken at this energy [MeV]. From 10 to 200 MeV it changes by 1.1 % in fat, less
#: in other soft tissue, and 2.9 % in the densest bone.
REFERENCE_ENERGY_MEV: Final = 100.0

#: Curves are looked up by whole CT numbers; beyond this one [HU] nothing would be tissue or metal.
_WIDEST_HU = 1_000_000.0


@dataclass(frozen=True, slots=True, eq=False)
class HounsfieldTable:
    """A calibration by composition: each CT number has a density and a tissue.

    Parameters
    ----------
    name
        For people, and for prescriptions to choose it by.
    from_hu
        First CT number of each tissue, ascending, shape ``(n_tissues,)`` [HU]; a tissue reaches to the next.
    tissues
        Their compositions, each with the density in the middle of its bin.
    density
        Density over CT number, of quantity ``DENSITY`` [g/cm3].
    provenance
        Where it comes from.

    Raises
    ------
    InputError
        When the numbers do not ascend, a tissue is missing, or ``density`` is another quantity.
    """

    name: str
    from_hu: NDArray[np.float64]
    tissues: tuple[Material, ...]
    density: HuCurve
    provenance: Record

    def __post_init__(self) -> None:
        from_hu = read_only(self.from_hu, np.float64)
        object.__setattr__(self, "tissues", tuple(self.tissues))
        if from_hu.ndim != 1 or not from_hu.size or (np.diff(from_hu) <= 0).any():
            raise InputError(f"from_hu of table {self.name!r} must ascend [HU]; got {from_hu.tolist()}")
        if len(self.tissues) != from_hu.size:
            raise InputError(
                f"tissues of table {self.name!r} must be one for each of {from_hu.size} bins; "
                f"got {len(self.tissues)}"
            )
        if self.density.quantity is not Quantity.DENSITY:
            raise InputError(
                f"density of table {self.name!r} must be a curve of DENSITY; got {self.density.quantity}"
            )
        object.__setattr__(self, "from_hu", from_hu)


@lru_cache(maxsize=1)
def schneider2000() -> HounsfieldTable:
    """Return the stoichiometric calibration of Schneider, Bortfeld and Schlegel [1]_.

    24 tissues from air to dense bone, and a density that is linear in pieces. It is that of the authors'
    scanner; others differ, most in bone. Below -1000 HU all is air; from 1500 HU on all is the last tissue,
    whose density rises until 3000 HU and stays at 2.79 g/cm3 beyond.

    Returns
    -------
    HounsfieldTable
        The same object each time.

    References
    ----------
    .. [1] schneider2000

    Examples
    --------
    >>> len(schneider2000().tissues)
    24
    """
    reference = ("schneider2000",)
    curve = HuCurve(
        "Schneider 2000 density", *_density_points(), Quantity.DENSITY, Record("tables", references=reference)
    )
    names, numbers = columns("schneider2000/compositions.csv")
    elements = [element_of(symbol).atomic_number for symbol in names[1:]]
    from_hu = numbers[:, 0]
    middle = np.append(0.5 * (from_hu[1:] + from_hu[:-1]), 1550.0)
    densities = _Pieces.of_curve(curve).at(middle)
    tissues = tuple(
        Material(
            f"Schneider 2000, from {start:.0f} HU",
            round(float(rho), 5),
            tuple((z, w / 100.0) for z, w in zip(elements, weights, strict=True) if w > 0),
        )
        for start, rho, weights in zip(from_hu, densities, numbers[:, 1:], strict=True)
    )
    return HounsfieldTable("Schneider 2000", from_hu, tissues, curve, curve.provenance)


def _density_points() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the points of the density curve: both ends of each piece."""
    _, pieces = columns("schneider2000/density.csv")
    ends = np.append(pieces[1:, 0], 3000.0)
    hu = np.stack([pieces[:, 0], ends], axis=1)
    return hu.ravel(), (pieces[:, 1:2] + pieces[:, 2:3] * hu).ravel()


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A function that is linear between ``edges`` and constant beyond ``low`` and ``high`` [HU]."""

    edges: NDArray[np.float64]
    offsets: NDArray[np.float64]
    slopes: NDArray[np.float64]
    low: float
    high: float

    @classmethod
    def of_curve(cls, curve: HuCurve) -> _Pieces:
        hu, values = curve.ct_number_hu, curve.values
        # At a step the value after it counts: pieces of no length go. The last point is a piece of its own.
        keep = np.append(np.diff(hu) > 0, True)
        following = np.append(np.diff(values) / np.where(np.diff(hu) > 0, np.diff(hu), 1.0), 0.0)
        return cls(hu[keep], values[keep], following[keep], float(hu[0]), float(hu[-1]))

    def times(self, from_hu: NDArray[np.float64], factors: NDArray[np.float64]) -> _Pieces:
        """Return the product with a step function that has ``factors`` from ``from_hu`` on."""
        edges = np.unique(np.concatenate((self.edges, from_hu[(from_hu > self.low) & (from_hu < self.high)])))
        factor = factors[np.maximum(np.searchsorted(from_hu, edges, side="right") - 1, 0)]
        own = np.searchsorted(self.edges, edges, side="right") - 1
        values = self.offsets[own] + self.slopes[own] * (edges - self.edges[own])
        return _Pieces(edges, values * factor, self.slopes[own] * factor, self.low, self.high)

    def at(self, hu: NDArray[Any], threads: int | None = None) -> NDArray[np.float32]:
        """Return the values at CT numbers, shape of ``hu`` [HU]."""
        flat = np.ascontiguousarray(hu).reshape(-1)
        out = np.empty(flat.size, dtype=np.float32)
        first = _first_pieces(self.edges, self.low, self.high)

        def run(start: int, stop: int) -> None:
            evaluate_pieces(
                flat[start:stop],
                self.edges,
                self.offsets,
                self.slopes,
                first,
                self.low,
                self.high,
                out[start:stop],
            )

        run_slabs(flat.size, run, threads=threads)
        return out.reshape(hu.shape)


def _first_pieces(edges: NDArray[np.float64], low: float, high: float) -> NDArray[np.int32]:
    if high - low > _WIDEST_HU:
        raise InputError(
            f"points of a calibration must lie within {_WIDEST_HU:g} [HU] of each other; "
            f"got {low:g} to {high:g}; leave out those that are no CT numbers"
        )
    cells = low + np.arange(int(high - low) + 1)
    return np.maximum(np.searchsorted(edges, cells, side="right") - 1, 0).astype(np.int32)


def _require_ct(ct: Image, what: str) -> None:
    if ct.quantity is not Quantity.CT_NUMBER:
        raise InputError(
            f"ct of {what} must hold CT numbers [HU]; got {ct.quantity.value}; "
            "choose the CT series of the study"
        )


def _require_calibration(calibration: object, what: str) -> None:
    if not isinstance(calibration, HounsfieldTable | HuCurve):
        raise InputError(
            f"calibration of {what} must be chosen: a curve from CT numbers to density or relative stopping "
            f"power, measured on the scanner; got {calibration!r}; pass a core.hu_curve.HuCurve, or "
            "physics.hounsfield.schneider2000() to use a published one"
        )


@lru_cache(maxsize=32)
def _mass_ratio(tissue: Material) -> float:
    """Return the mass stopping power of a tissue over water's, in (g/cm3)^-1 of water of 1 g/cm3."""
    water = material("water, liquid")
    own = electronic_mass_stopping_power_mev_cm2_g(tissue, REFERENCE_ENERGY_MEV)
    return float(own / electronic_mass_stopping_power_mev_cm2_g(water, REFERENCE_ENERGY_MEV))


def _density_pieces(calibration: HounsfieldTable | HuCurve, what: str) -> _Pieces:
    curve = calibration.density if isinstance(calibration, HounsfieldTable) else calibration
    if curve.quantity is not Quantity.DENSITY:
        raise InputError(
            f"calibration of {what} must give a density [g/cm3]; got the curve {curve.name!r} of "
            f"{curve.quantity.value}; pass a curve of DENSITY or schneider2000()"
        )
    return _Pieces.of_curve(curve)


def _stopping_pieces(calibration: HounsfieldTable | HuCurve) -> _Pieces:
    if isinstance(calibration, HuCurve) and calibration.quantity is Quantity.RELATIVE_STOPPING_POWER:
        return _Pieces.of_curve(calibration)
    table = calibration if isinstance(calibration, HounsfieldTable) else schneider2000()
    factors = np.array([_mass_ratio(tissue) for tissue in table.tissues])
    return _density_pieces(calibration, "relative_stopping_power").times(table.from_hu, factors)


def _image(
    ct: Image,
    values: NDArray[Any],
    quantity: Quantity,
    operation: str,
    calibration: HounsfieldTable | HuCurve,
    more: dict[str, float],
) -> Image:
    values.setflags(write=False)
    inputs = (ct.provenance, calibration.provenance)
    references = ("schneider2000",) if more else ()
    record = Record(
        f"physics.hounsfield.{operation}", {"calibration": calibration.name, **more}, inputs, references
    )
    return Image(values, ct.grid, quantity, record)


def relative_stopping_power(ct: Image, calibration: HounsfieldTable | HuCurve) -> Image:
    """Return the stopping power of each voxel relative to water, for protons.

    A curve of relative stopping power is applied as it is. A curve of density, or a table, gives the
    density; its product with the mass stopping power of the tissue, relative to water (75.0 eV), at
    ``REFERENCE_ENERGY_MEV`` is the answer. A curve of density takes the tissues of
    :func:`schneider2000` [1]_ by CT number.

    Parameters
    ----------
    ct
        CT numbers, any grid [HU].
    calibration
        The scanner's; no default, since a wrong one moves the range.

    Returns
    -------
    Image
        RELATIVE_STOPPING_POWER, float32, on the CT's grid.

    Raises
    ------
    InputError
        When ``ct`` does not hold CT numbers, or no calibration is given.

    References
    ----------
    .. [1] schneider2000

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> grid = Grid((1, 1, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> ct = Image(np.array([[[-60, 50]]]), grid, Quantity.CT_NUMBER, Record("example"))
    >>> relative_stopping_power(ct, schneider2000()).values.round(3)
    array([[[0.982, 1.053]]], dtype=float32)
    """
    _require_ct(ct, "relative_stopping_power")
    _require_calibration(calibration, "relative_stopping_power")
    values = _stopping_pieces(calibration).at(ct.values)
    direct = isinstance(calibration, HuCurve) and calibration.quantity is Quantity.RELATIVE_STOPPING_POWER
    more = {} if direct else {"energy_mev": REFERENCE_ENERGY_MEV}
    quantity = Quantity.RELATIVE_STOPPING_POWER
    return _image(ct, values, quantity, "relative_stopping_power", calibration, more)


def density(ct: Image, calibration: HounsfieldTable | HuCurve) -> Image:
    """Return the mass density of each voxel.

    Parameters
    ----------
    ct
        CT numbers, any grid [HU].
    calibration
        A table, or a curve of DENSITY.

    Returns
    -------
    Image
        DENSITY, float32, on the CT's grid [g/cm3].

    Raises
    ------
    InputError
        When ``ct`` does not hold CT numbers, or the calibration gives no density.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> grid = Grid((1, 1, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> ct = Image(np.array([[[0, 1000]]]), grid, Quantity.CT_NUMBER, Record("example"))
    >>> density(ct, schneider2000()).values.round(3)
    array([[[1.018, 1.609]]], dtype=float32)
    """
    _require_ct(ct, "density")
    _require_calibration(calibration, "density")
    values = _density_pieces(calibration, "density").at(ct.values)
    return _image(ct, values, Quantity.DENSITY, "density", calibration, {})


def material_index(ct: Image, table: HounsfieldTable) -> tuple[Image, tuple[Material, ...]]:
    """Return which tissue each voxel is made of, for transport through matter.

    Parameters
    ----------
    ct
        CT numbers, any grid [HU].
    table
        Whose tissues are meant.

    Returns
    -------
    tuple
        An Image of LABEL, uint8 or uint16, on the CT's grid, and the tissues that it counts from 0.

    Raises
    ------
    InputError
        When ``ct`` does not hold CT numbers, or ``table`` is not a table.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> grid = Grid((1, 1, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> ct = Image(np.array([[[-2000, 50]]]), grid, Quantity.CT_NUMBER, Record("example"))
    >>> index, tissues = material_index(ct, schneider2000())
    >>> index.values.tolist(), tissues[7].name
    ([[[0, 7]]], 'Schneider 2000, from 19 HU')
    """
    _require_ct(ct, "material_index")
    if not isinstance(table, HounsfieldTable):
        raise InputError(
            f"table must be a HounsfieldTable, which has tissues; got {type(table).__name__}; "
            "pass physics.hounsfield.schneider2000() or one of your own"
        )
    edges = table.from_hu
    first = _first_pieces(edges, float(edges[0]), float(edges[-1]))
    flat = np.ascontiguousarray(ct.values).reshape(-1)
    out = np.empty(flat.size, dtype=np.uint8 if edges.size <= 256 else np.uint16)

    def run(start: int, stop: int) -> None:
        find_pieces(flat[start:stop], edges, first, float(edges[0]), out[start:stop])

    run_slabs(flat.size, run, threads=None)
    return _image(
        ct, out.reshape(ct.values.shape), Quantity.LABEL, "material_index", table, {}
    ), table.tissues
