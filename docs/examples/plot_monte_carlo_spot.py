"""
One pencil beam into lung: pencil-beam dose, Monte Carlo dose and prompt gammas
================================================================================

A single spot through chest wall and lung into a tumour, calculated by pencil beams and by Monte Carlo, and
the prompt gammas that it makes on its way.
"""

# %%
# A box: 3 cm of chest wall with a rib above the axis, 6 cm of lung, a tumour of 4 cm, and lung behind it.

import matplotlib.pyplot as plt
import numpy as np

from tumorboard.core import AXIAL, EnergyLayer, Grid, Image, IonBeam, IonPlan, Quantity
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.physics.hounsfield import relative_stopping_power, schneider2000
from tumorboard.physics.prompt_gammas import distal_falloff_mm
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.proton.emission_depth import emission_by_water_depth
from tumorboard.proton.generic_machine import generic_machine
from tumorboard.proton.monte_carlo import monte_carlo_dose, patient_medium
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel
from tumorboard.proton.plan_dose import plan_dose
from tumorboard.provenance import Record

made = Record("example")
grid = Grid((51, 51, 100), (2.0, 2.0, 2.0), (-99.0, -50.0, -50.0), AXIAL, frame_of_reference="1.2.3")
depth = 100.0 - grid.index_to_patient(np.column_stack([np.zeros((100, 2)), np.arange(100)]))[:, 0]
hu = np.full(grid.shape, -750.0, np.float32)
hu[:, :, depth < 30] = 20.0
hu[28:36, :, (depth > 12) & (depth < 24)] = 700.0
hu[15:36, 15:36, (depth > 90) & (depth < 130)] = 30.0
ct = Image(hu, grid, Quantity.CT_NUMBER, made)
rsp = relative_stopping_power(ct, schneider2000())

# %%
# The beam comes from +x (gantry 90) and ends in the tumour: one spot of 10 monitor units.

machine = generic_machine()
energy_mev = float(machine.beam_model.nominal_energies_mev[10])
layer = EnergyLayer(energy_mev, [[0.0, 0.0]], [10.0])
field = IonBeam("spot", BeamGeometry(90.0, 0.0, (-10.0, 0.0, 0.0)), (layer,))
plan = IonPlan("one spot", machine.beam_model.name, (field,), 1, made, "1.2.3")

model = PencilBeamModel(DepthModel.VOXELWISE, lateral_cutoff=1e-3)
planned = plan_dose(plan, machine, rsp, dose_grid=grid, model=model, with_let=False).dose

# %%
# Monte Carlo needs the tissue of each voxel, a number of histories, and a seed; it may stop earlier.

medium = patient_medium(ct, rsp, schneider2000(), grid)
batches = BatchPlan(histories=200_000, seed=1, threads=1, target_uncertainty=0.01)
found = monte_carlo_dose(plan, machine, medium, batches)
print(f"{found.histories} protons followed, mean uncertainty {100 * found.mean_uncertainty:.1f} %")
print(f"{100 * found.balance.deposited_fraction:.1f} % of their energy stays in the box")

# %%
# The plane through the axis. Lung scatters on a longer way than the water that the pencil beam knows, and
# behind the edge of the rib protons of two ranges mix. Gammas follow the density of what the protons cross.

gammas = found.prompt_gammas.image(energy_mev=(3.0, 6.0))
z = np.linspace(-50.0, 50.0, 51)
figure, axes = plt.subplots(4, 1, figsize=(8, 10), sharex=True, layout="constrained")
shown = (
    ("Pencil beam", planned.values * 1e3, "inferno", "Dose [mGy]"),
    ("Monte Carlo", found.dose.values * 1e3, "inferno", "Dose [mGy]"),
    ("Prompt gammas of 3 to 6 MeV", gammas.values / grid.voxel_volume_ml / 1e6, "plasma", "[10⁶/mL]"),
)
top = 1e3 * float(planned.values.max())
for axis, (name, values, colours, unit) in zip(axes, shown, strict=False):
    most = top if "Dose" in unit else None
    drawn = axis.pcolormesh(depth, z, values[:, 25, :], cmap=colours, shading="nearest", vmin=0, vmax=most)
    axis.contour(depth, z, hu[:, 25, :], levels=[-400, 300], colors="#8fd3ff", linewidths=0.8)
    axis.set_title(name)
    axis.set_ylabel("z [mm]")
    figure.colorbar(drawn, ax=axis, label=unit)

# All three by depth, each over its largest value.
for name, values in (("pencil beam", planned), ("Monte Carlo", found.dose), ("prompt gammas", gammas)):
    profile = values.values[20:31, 20:31].sum(axis=(0, 1))
    axes[3].plot(depth, profile / profile.max(), label=name)
axes[3].set_ylabel("over its maximum, 2 × 2 cm²")
axes[3].set_xlabel("depth [mm]; the beam comes from the left")
axes[3].legend()
plt.show()

# %%
# Along the way in millimetres gammas drop where lung begins; by water-equivalent depth they fall where the
# protons end, a few millimetres before their range.

edges = np.arange(0.0, 110.0, 1.0)
source_mm = machine.beam_model.source_distance_mm
profile = emission_by_water_depth(
    found.prompt_gammas, field, rsp, edges, source_distance_mm=source_mm, energy_mev=(3.0, 6.0)
)
falloff = distal_falloff_mm(0.5 * (edges[1:] + edges[:-1]), profile)
print(f"Gammas fall to half at {falloff:.1f} mm of water; the range is {machine.kernels[10].range_mm:.1f} mm")
