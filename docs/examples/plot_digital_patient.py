"""
A patient whose truth is known
==============================

The digital patient of ``tumorboard demo``: organs and lesions with known volume and uptake, seen by a CT
and a PET scanner that blur and count as real ones do.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

from tumorboard.phantoms import DigitalPatientConfig, simulate_patient

config = DigitalPatientConfig(ct_spacing_mm=(4.0, 4.0, 4.0))
patient = simulate_patient(config, frame_of_reference="1.2.3")
for lesion in patient.lesions:
    print(f"{lesion.name}: {lesion.volume_ml:.1f} mL, SUV {lesion.suv}")

# %%
# A frontal slice of the CT and the maximum-intensity projection of the PET, both head up.
figure, panels = plt.subplots(1, 2, figsize=(8, 5.4), layout="constrained")


def frontal_box_mm(grid):
    """Outer edges of a frontal picture: left, right, bottom, top, in patient coordinates."""
    first, last = grid.index_to_patient([[-0.5] * 3, np.array(grid.shape) - 0.5])
    return first[0], last[0], first[2], last[2]


ct, pet = patient.ct, patient.pet
middle = ct.grid.shape[1] // 2
panels[0].imshow(
    ct.values[:, middle], extent=frontal_box_mm(ct.grid), origin="lower", cmap="gray", vmin=-900, vmax=400
)
panels[0].set(title="CT [HU], frontal slice", ylabel="z [mm]")
drawn = panels[1].imshow(
    pet.values.max(axis=1) / 1000, extent=frontal_box_mm(pet.grid), origin="lower", cmap="gray_r", vmax=25
)
panels[1].set(title="PET, maximum-intensity projection", xlim=panels[0].get_xlim())
figure.colorbar(drawn, ax=panels[1], label="activity concentration [kBq/mL]", shrink=0.8)
for panel in panels:
    panel.set(xlabel="x [mm] (patient's right is on the left)", aspect="equal")
plt.show()
