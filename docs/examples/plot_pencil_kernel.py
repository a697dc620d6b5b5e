"""
A pencil beam in water
======================

What a dose engine superposes: dose all across the beam, its spread and LET, calculated
from a beam model.
"""

# %%
# The generic machine belongs to nobody; its energies lie 3 mm apart in water.
import matplotlib.pyplot as plt
import numpy as np

from tumorboard.physics.depth_dose import depth_dose
from tumorboard.physics.materials import material
from tumorboard.proton.generic_machine import generic_beam_model
from tumorboard.proton.machine import at_energy, build_machine, range_shifter_effect

machine = build_machine(generic_beam_model(), [100.0, 150.0, 200.0])
for kernel in machine.kernels:
    print(f"{kernel.nominal_energy_mev:.0f} MeV reach {kernel.range_mm:.1f} mm (R80)")

# %%
# Energies in between are interpolated such that their range is right; what is out of reach is an error.
_, between = at_energy(machine, 149.0)
print(f"149 MeV, interpolated, reach {between.range_mm:.1f} mm")

# %%
# A range shifter takes depth and spreads the beam, the more the longer the gap behind it.
effect = range_shifter_effect(machine.beam_model.range_shifter("RS40"), 150.0)
for gap_mm in (0.0, 100.0, 300.0):
    variance = effect.position_mm2 + gap_mm * (2 * effect.covariance_mm_rad + gap_mm * effect.angle_rad2)
    print(f"sigma of a line {gap_mm:.0f} mm behind 40 mm of lexan: {variance**0.5:.1f} mm")

# %%
# Left: dose. Middle: what it is made of at 200 MeV. Right: width of core and halo, and LET.
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
for kernel in machine.kernels:
    left.plot(
        kernel.depth_mm, 1e9 * kernel.integrated_dose_gy_mm2, label=f"{kernel.nominal_energy_mev:.0f} MeV"
    )
left.set(xlabel="depth in water [mm]", ylabel="dose of a proton, all across [nGy mm²]")
left.legend()

made = depth_dose(machine.beam_model.spots[2].spectrum, material("water, liquid"))
depth_mm = 0.5 * (made.depth_mm[1:] + made.depth_mm[:-1])
parts = {
    "primary protons": made.primary_mev_mm,
    "secondary protons and deuterons": made.secondary_mev_mm,
    "alphas, recoils": made.local_mev_mm,
}
for name, values in parts.items():
    middle.semilogy(depth_mm, np.maximum(values, 1e-6), label=name)
middle.set(xlabel="depth in water [mm]", ylabel="200 MeV: MeV/mm per proton", ylim=(1e-3, 4), xlim=(0, 280))
middle.legend(fontsize="small")

kernel = machine.kernels[1]
shown = kernel.depth_mm < kernel.range_mm + 4
right.plot(kernel.depth_mm[shown], kernel.sigma_mm[shown], label=["σ core [mm]", "σ halo [mm]"])
right.plot(kernel.depth_mm[shown], 100 * kernel.weights[shown, 1], "--", label="halo's share of the dose [%]")
right.plot(kernel.depth_mm[shown], kernel.let_kev_um[shown], ":", color="black", label="LETd [keV/µm]")
right.set(xlabel="150 MeV: depth in water [mm]")
right.legend(fontsize="small")
plt.show()
