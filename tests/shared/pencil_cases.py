"""What tests of the dose engine share: models, one spot, and the influence as a matrix."""

import math

import numpy as np
import scipy.sparse

from tumorboard.core.plan import EnergyLayer, IonBeam
from tumorboard.proton.pencil_beam import dose_influence
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel, SubBeams
from tumorboard.provenance import Record

RECORD = Record("test")
VOXELWISE = PencilBeamModel(DepthModel.VOXELWISE, lateral_cutoff=1e-4)
CENTRAL = PencilBeamModel(DepthModel.CENTRAL_RAY, lateral_cutoff=1e-4)
SPLIT = PencilBeamModel(DepthModel.SUB_BEAMS, lateral_cutoff=1e-4, sub_beams=SubBeams(5, 0.7))
MODELS = [VOXELWISE, CENTRAL, SPLIT]
NAMES = [m.depth.name for m in MODELS]


def beam_of(geometry, positions, energy=120.0, **more):
    positions = np.atleast_2d(positions)
    return IonBeam("field", geometry, (EnergyLayer(energy, positions, np.ones(len(positions))),), **more)


def influence(beams, rsp, machine, model=VOXELWISE, dose_grid=None, **more):
    more = {"with_let": False, "memory_limit_gb": 1.0} | more
    return dose_influence(beams, rsp, machine, dose_grid=dose_grid or rsp.grid, model=model, **more)


def matrix(result, values=None):
    values = result.dose_gy if values is None else values
    shape = (math.prod(result.grid.shape), result.n_spots)
    return scipy.sparse.csc_array((values, result.voxels, result.column_starts), shape=shape)


def dose_of(result, spot=0):
    return matrix(result)[:, [spot]].toarray().reshape(result.grid.shape).astype(float)
