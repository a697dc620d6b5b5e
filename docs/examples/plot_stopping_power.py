"""
How far protons go, and how well we know
========================================

The stopping power of any material follows from its elements, its density and its mean excitation energy.
"""

# %%
# Range in water, and what a plastic of the range shifter is worth in water.
import dataclasses

import matplotlib.pyplot as plt
import numpy as np

from tumorboard.physics.materials import material
from tumorboard.physics.ranges import csda_range_g_cm2, residual_energy_mev
from tumorboard.physics.scattering import scattering_sigma_mm
from tumorboard.physics.stopping_power import mass_stopping_power_mev_cm2_g, stopping_power_ratio
from tumorboard.physics.straggling import range_straggling_sigma_mm

water, lexan = material("water, liquid"), material("polycarbonate")
print(f"150 MeV reach {float(csda_range_g_cm2(water, 150.0)):.2f} cm of water")
print(f"polycarbonate is worth {float(stopping_power_ratio(lexan, 100.0)):.3f} of its length in water")
print(f"behind 40 mm of it 150 MeV are {float(residual_energy_mev(lexan, 150.0, 40.0)):.1f} MeV")

# %%
# Another mean excitation energy is another material: ICRU 90 recommends 78 eV for water instead of 75 eV.
icru90 = dataclasses.replace(water, mean_excitation_energy_ev=78.0)
longer = csda_range_g_cm2(icru90, 150.0) / csda_range_g_cm2(water, 150.0) - 1
print(f"with 78 eV the range is {100 * float(longer):.2f} % longer")

# %%
# Left: stopping power. Middle: our range in water against NIST's PSTAR, whose last digit is worth the bars.
# Right: what scattering and straggling do to a beam on its way through water.
pstar = {
    20: 0.4260,
    30: 0.8853,
    40: 1.489,
    50: 2.227,
    60: 3.093,
    70: 4.080,
    80: 5.184,
    90: 6.398,
    100: 7.718,
    125: 11.46,
    150: 15.77,
    175: 20.62,
    200: 25.96,
    225: 31.74,
    250: 37.94,
}
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
energies_mev = np.geomspace(0.01, 300.0, 400)
for name in ("water, liquid", "adipose tissue, ICRP", "bone, cortical, ICRP", "aluminium", "lead"):
    left.loglog(energies_mev, mass_stopping_power_mev_cm2_g(material(name), energies_mev), label=name)
left.set(xlabel="energy [MeV]", ylabel="stopping power [MeV cm²/g]")
left.legend(fontsize="small")

at_mev, theirs = np.array(list(pstar), dtype=float), np.array(list(pstar.values()))
ours = csda_range_g_cm2(water, at_mev)
half_digit = 0.5 * 10.0 ** (np.floor(np.log10(theirs)) - 3)
middle.errorbar(at_mev, 100 * (ours / theirs - 1), 100 * half_digit / theirs, fmt="o", markersize=4)
middle.axhline(0.0, color="gray", linewidth=0.8)
middle.set(xlabel="energy [MeV]", ylabel="range in water, ours - PSTAR [%]", ylim=(-0.1, 0.1))

for energy_mev in (100.0, 150.0, 200.0):
    reach_mm = 10 * float(csda_range_g_cm2(water, energy_mev))
    depth_mm = np.linspace(0.0, reach_mm, 200)
    (line,) = right.plot(
        depth_mm, scattering_sigma_mm(water, energy_mev, depth_mm), label=f"{energy_mev:.0f} MeV"
    )
    spread_mm = float(range_straggling_sigma_mm(water, energy_mev))
    right.axvspan(reach_mm - spread_mm, reach_mm + spread_mm, color=line.get_color(), alpha=0.25, linewidth=0)
right.set(xlabel="depth in water [mm]", ylabel="width by scattering, σ [mm]")
right.legend(title="bands: range ± σ", fontsize="small")
plt.show()
