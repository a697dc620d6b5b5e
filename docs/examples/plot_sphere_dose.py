"""
Self-dose of a sphere: betas, and alphas whose progeny may leave
================================================================

Dose of one decay to a tumour full of activity, by its mass, for Lu-177, Y-90, I-131 and Ac-225; and what it
takes to say of the progeny of Ac-225.
"""

# %%
# What a decay emits, that of progeny included, is asked for with an assumption of where progeny decays. Here
# all stays, and counting goes on for ever.

import math

import matplotlib.pyplot as plt
import numpy as np

from tumorboard.dosimetry.progeny import progeny_decays
from tumorboard.dosimetry.progeny_fate import ProgenyAssumption, ProgenyFate
from tumorboard.dosimetry.radiation_dose import RadiationDose, emission_parts
from tumorboard.dosimetry.sphere import sphere_model
from tumorboard.physics.decay import DecayLibrary
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan

library = DecayLibrary.JEFF_4_0
water = material("water, liquid")
batches = BatchPlan(histories=5000, seed=1, threads=1)
stays = ProgenyFate(ProgenyAssumption.WITH_PARENT)


def spheres(emissions):
    """Return the model of spheres up to 1 kg of unit density."""
    return sphere_model(emissions, water, batches, largest_mass_g=1000.0, highest_density_g_cm3=1.0)


def emitted(name, fate):
    """Return what a decay emits, with what of its progeny decays in the same place."""
    return progeny_decays(name, fate, library=library, until_s=math.inf).emissions()


models = {name: spheres(emitted(name, stays)) for name in ("Lu-177", "Y-90", "I-131", "Ac-225")}

# %%
# Dose falls with mass, more slowly where electrons or photons leave small spheres: Y-90's electrons, of up to
# 2.3 MeV leave less than half of their energy in a sphere of 0.1 g.

masses = np.geomspace(0.1, 1000.0, 60)
colours = {"Lu-177": "#0072b2", "Y-90": "#d55e00", "I-131": "#009e73", "Ac-225": "#cc79a7"}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for name, model in models.items():
    dose = [1e12 * model.s_value_gy(m, density_g_cm3=1.0) for m in masses]
    label = f"{name} and progeny" if name == "Ac-225" else name
    left.loglog(masses, dose, color=colours[name], label=label)
    kept = [model.absorbed_fraction(m, density_g_cm3=1.0) for m in masses]
    right.semilogx(masses, kept, color=colours[name], label=label)
left.set(xlabel="mass [g]", ylabel="dose per decay [pGy]", title="Spheres of water, all progeny stays")
right.set(xlabel="mass [g]", ylabel="absorbed over emitted energy", ylim=(0, 1.02), title="What stays")
left.legend()
for axis in (left, right):
    axis.grid(alpha=0.3)
plt.show()

# %%
# For Ac-225 the assumption matters more than the mass: with progeny not counted four fifths of the dose are
# gone. Alphas weigh more, by a number that has to be stated; parts are reported apart.

fates = {
    "all stays": stays,
    "30 % of Fr-221 leaves": ProgenyFate(ProgenyAssumption.MOVES, leaving_share={"Fr-221": 0.3}),
    "Bi-213 leaves, half in 30 min": ProgenyFate(
        ProgenyAssumption.MOVES, biological_half_life_s={"Bi-213": 1800.0}
    ),
    "not counted": ProgenyFate(ProgenyAssumption.EXCLUDED),
}
mass_g = 10.0
doses = {}
for name, fate in fates.items():
    print(f"{name}: {fate.statement}")
    parts = emission_parts(emitted("Ac-225", fate))
    found = [
        0.0 if part is None else 1e12 * spheres(part).s_value_gy(mass_g, density_g_cm3=1.0)
        for part in (parts.alphas, parts.electrons, parts.photons)
    ]
    doses[name] = RadiationDose(*found, models["Ac-225"].provenance)

figure, axis = plt.subplots(figsize=(8, 3.2), layout="constrained")
names = list(doses)
start = np.zeros(len(names))
for label, colour, values in (
    ("alphas and recoils", "#cc79a7", [d.alpha_gy for d in doses.values()]),
    ("electrons", "#0072b2", [d.electron_gy for d in doses.values()]),
    ("photons", "#e69f00", [d.photon_gy for d in doses.values()]),
):
    axis.barh(names, np.array(values, float), left=start, color=colour, label=label)
    start += np.array(values, float)
for row, dose in enumerate(doses.values()):
    weighted = float(dose.rbe_weighted_gy(alpha_rbe=5.0))
    text = f" {float(dose.absorbed_gy):.0f} pGy; {weighted:.0f} with alphas five-fold"
    axis.text(float(start[row]), row, text, va="center", fontsize=9)
axis.set_xlim(0, 1.65 * start.max())
axis.invert_yaxis()
axis.set(xlabel="absorbed dose per decay of Ac-225 [pGy], sphere of 10 g")
axis.legend(loc="lower right")
plt.show()
