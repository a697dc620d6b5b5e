"""
What the SUV depends on
=======================

A standardised uptake value needs the injected activity, the moment to which the image is decay-corrected,
and a measure of body size. Whatever is missing is asked for, not guessed.
"""

# %%
# The acquisition as the files tell it: 300 MBq of F-18, scanned an hour later, corrected to scan start.
from datetime import datetime

import matplotlib.pyplot as plt
import numpy as np

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetSlice, PetUnits, Sex
from tumorboard.errors import MissingAttribute
from tumorboard.pet import SuvVariant, suv_factor


def acquisition(weight_kg):
    """One and the same scan of a woman of 1.68 m, but for her weight."""
    return PetAcquisition(
        units=PetUnits.BQML,
        decay_reference=DecayReference.START,
        corrected_image=("DECY", "ATTN"),
        half_life_s=6586.2,
        injected_bq=300e6,
        injection=datetime(2026, 1, 15, 9, 30),
        slices=(PetSlice(acquisition_start=datetime(2026, 1, 15, 10, 30)),),
        weight_kg=weight_kg,
        height_m=1.68,
        sex=Sex.FEMALE,
    )


factor = suv_factor(acquisition(70.0), variant=SuvVariant.BODY_WEIGHT)
print(factor.rule)
print(f"1 kBq/mL is SUV {1000 * factor.factor:.3f}")

# %%
# Without the weight there is none, and the message names the attribute.
try:
    suv_factor(acquisition(None), variant=SuvVariant.BODY_WEIGHT)
except MissingAttribute as reason:
    print(reason)

# %%
# By body weight, the same liver seems hotter in a heavy patient: fat takes up little. Lean body mass
# corrects for that, and its formulas differ.
weights_kg = np.arange(45.0, 131.0)
figure, panel = plt.subplots(figsize=(7, 4.2), layout="constrained")
for variant in SuvVariant:
    if variant.quantity.unit == "g/mL":
        suv = [5000 * suv_factor(acquisition(w), variant=variant).factor for w in weights_kg]
        panel.plot(weights_kg, suv, label=variant.value.replace("_", " "))
panel.set(xlabel="weight [kg]", ylabel="SUV of 5 kBq/mL [g/mL]", title="woman, 1.68 m, 300 MBq")
panel.legend()
plt.show()
