"""Which models go through voxels, and what each is made into."""

from __future__ import annotations

from typing import Any, Final

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.compartments import OneTissue, TwoTissue
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.logan import Logan
from tumorboard.pet.kinetics.ma1 import MA1
from tumorboard.pet.kinetics.ma2 import MA2
from tumorboard.pet.kinetics.mrtm1 import MRTM1
from tumorboard.pet.kinetics.mrtm2 import MRTM2
from tumorboard.pet.kinetics.patlak import Patlak
from tumorboard.pet.kinetics.reference_logan import ReferenceLogan
from tumorboard.pet.kinetics.reference_patlak import ReferencePatlak
from tumorboard.pet.kinetics.spectral import SpectralAnalysis
from tumorboard.pet.kinetics.srtm import SRTM
from tumorboard.pet.kinetics.srtm2 import SRTM2
from tumorboard.pet.kinetics.suvr import SUVR
from tumorboard.pet.kinetics.voxels_linear import fixed_plan, line_plan, multilinear_plan, ratio_plan
from tumorboard.pet.kinetics.voxels_one_rate import one_tissue_plan, reference_rate_plan
from tumorboard.pet.kinetics.voxels_plan import VoxelPlan
from tumorboard.pet.kinetics.voxels_spectral import spectral_plan
from tumorboard.pet.kinetics.voxels_two_tissue import two_tissue_plan

__all__ = ["VoxelModel", "plan_of", "references_of"]

PlasmaVoxelModel = Logan | Patlak | MA1 | MA2 | OneTissue | TwoTissue | SpectralAnalysis
ReferenceVoxelModel = ReferenceLogan | ReferencePatlak | MRTM1 | MRTM2 | SRTM | SRTM2 | SUVR
VoxelModel = PlasmaVoxelModel | ReferenceVoxelModel

_PLANS: Final[dict[type, Any]] = {
    Logan: line_plan,
    ReferenceLogan: line_plan,
    Patlak: fixed_plan,
    ReferencePatlak: fixed_plan,
    SUVR: ratio_plan,
    MA1: multilinear_plan,
    MA2: multilinear_plan,
    MRTM1: multilinear_plan,
    MRTM2: multilinear_plan,
    SRTM: reference_rate_plan,
    SRTM2: reference_rate_plan,
    OneTissue: one_tissue_plan,
    TwoTissue: two_tissue_plan,
    SpectralAnalysis: spectral_plan,
}
_REFERENCES: Final[dict[type, tuple[str, ...]]] = {
    Logan: ("logan1990graphical",),
    ReferenceLogan: ("logan1996reference",),
    Patlak: ("patlak1983graphical",),
    ReferencePatlak: ("patlak1985generalizations",),
    SUVR: ("matheson2017pbr28",),
    MA1: ("ichise2002multilinear",),
    MA2: ("ichise2002multilinear",),
    MRTM1: ("ichise2003mrtm",),
    MRTM2: ("ichise2003mrtm",),
    SRTM: ("lammertsma1996srtm", "gunn1997basis"),
    SRTM2: ("wu2002srtm2", "gunn1997basis"),
    OneTissue: ("gunn2001compartments", "gunn1997basis"),
    TwoTissue: ("gunn2001compartments", "golub1973varpro", "marquardt1963leastsquares"),
    SpectralAnalysis: ("cunningham1993spectral", "wu1986jackknife"),
}


def plan_of(model: VoxelModel, curves: TissueCurves, drive: InputFunction | TissueCurves) -> VoxelPlan:
    """Return what a model is made into; arguments as :func:`.fit_voxels`, ``curves`` only for their frames.

    Raises
    ------
    InputError
        When the model is not for voxels, or is driven by the other kind of curve.
    """
    make = _PLANS.get(type(model))
    if make is None:
        raise InputError(
            f"model must be one of {', '.join(kind.__name__ for kind in _PLANS)}; got {type(model).__name__}"
        )
    wanted = InputFunction if isinstance(model, PlasmaVoxelModel) else TissueCurves
    if not isinstance(drive, wanted):
        kind = "blood" if wanted is InputFunction else "a reference"
        raise InputError(
            f"drive must be {wanted.__name__} for {type(model).__name__}, which {kind} drives; got "
            f"{type(drive).__name__}"
        )
    plan: VoxelPlan = make(model, curves, drive)
    return plan


def references_of(model: VoxelModel) -> tuple[str, ...]:
    """Return the citation keys of a model.

    Examples
    --------
    >>> references_of(SUVR(start_s=0.0, end_s=60.0))
    ('matheson2017pbr28',)
    """
    return _REFERENCES[type(model)]
