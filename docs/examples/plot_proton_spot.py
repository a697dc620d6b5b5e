"""
One spot of protons behind bone and lung
========================================

The dose of a single spot in water with half of its way through bone or lung, by three models of depth:
that of each point, that of the spot's axis, and sub-beams.
"""

# %%
# A box of water; bone above the axis and lung below it, 4 cm long each.

import matplotlib.pyplot as plt
import numpy as np

from tumorboard.core import AXIAL, EnergyLayer, Grid, Image, IonBeam, Quantity
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.proton.generic_machine import generic_machine
from tumorboard.proton.pencil_beam import dose_influence
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel, SubBeams
from tumorboard.provenance import Record

made = Record("example")
grid = Grid((61, 61, 120), (1.5, 1.5, 1.5), (-120.0, -45.0, -45.0), AXIAL, frame_of_reference="1.2.3")
rsp = np.ones(grid.shape, np.float32)
rsp[32:, :, 70:97] = 1.7
rsp[:29, :, 70:97] = 0.3
patient = Image(rsp, grid, Quantity.RELATIVE_STOPPING_POWER, made)

# %%
# Gantry 90: the beam comes from +x. The energy is one of the machine's.

machine = generic_machine()
energy_mev = float(machine.beam_model.nominal_energies_mev[28])
layer = EnergyLayer(energy_mev, [[0.0, 0.0]], [1.0])
field = IonBeam("spot", BeamGeometry(90.0, 0.0, (0.0, 0.0, 0.0)), (layer,))

models = {
    "each point's own depth": PencilBeamModel(DepthModel.VOXELWISE, lateral_cutoff=1e-3),
    "the axis's depth": PencilBeamModel(DepthModel.CENTRAL_RAY, lateral_cutoff=1e-3),
    "sub-beams": PencilBeamModel(DepthModel.SUB_BEAMS, lateral_cutoff=1e-3, sub_beams=SubBeams(9, 0.5)),
}

# %%
# The plane through the axis: water depth differs by 5 cm across the spot. The axis's depth knows nothing of
# it; points of their own depth change at the edge; sub-beams also scatter across it.

figure, axes = plt.subplots(3, 1, figsize=(8, 8), sharex=True, sharey=True, layout="constrained")
x = grid.index_to_patient(np.column_stack([np.zeros((120, 2)), np.arange(120)]))[:, 0]
z = grid.index_to_patient(np.column_stack([np.arange(61), np.zeros((61, 2))]))[:, 2]
for axis, (name, model) in zip(axes, models.items(), strict=True):
    influence = dose_influence(
        [field], patient, machine, dose_grid=grid, model=model, with_let=False, memory_limit_gb=1.0
    )
    dose = np.zeros(grid.shape, np.float32)
    dose.reshape(-1)[influence.voxels] = 1e3 * influence.dose_gy
    shown = axis.pcolormesh(x, z, dose[:, 30, :], cmap="inferno", shading="nearest")
    axis.contour(x, z, rsp[:, 30, :], levels=[0.6, 1.4], colors="#8fd3ff", linewidths=0.8)
    axis.set_title(name)
    axis.set_ylabel("z [mm]")
axes[-1].set_xlabel("x [mm]; the beam comes from the right")
figure.colorbar(shown, ax=axes, label=f"Dose of 1e6 protons of {energy_mev:.0f} MeV [mGy]")
plt.show()
