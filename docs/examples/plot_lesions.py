"""
Lesions, delineated and measured
================================

From a PET image to lesions with volume, uptake and total lesion glycolysis, next to the truth of the
digital patient.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

from tumorboard.numerics import Interpolation, resample
from tumorboard.pet import (
    FixedThreshold,
    Growth,
    PercentOfMaximum,
    SuvVariant,
    delineate_lesions,
    quantify,
    to_suv,
)
from tumorboard.phantoms import DigitalPatientConfig, simulate_patient

patient = simulate_patient(DigitalPatientConfig(ct_spacing_mm=(4.0, 4.0, 4.0)), frame_of_reference="1.2.3")
suv = to_suv(patient.pet, patient.acquisition, variant=SuvVariant.BODY_WEIGHT)

# %%
# A rule knows nothing of organs, so we look in a box around each known lesion, as a reader would draw it.
rules = {
    "SUV >= 4": FixedThreshold(suv=4.0),
    "41 % of maximum": PercentOfMaximum(41.0, seed_threshold=None, growth=Growth.WITHIN_SEED),
}


def box_around(lesion, margin_mm):
    """The part of the grid within this distance of a lesion's surface."""
    centre = suv.grid.patient_to_index(lesion.centre_mm)
    reach = (lesion.radius_mm + margin_mm) / suv.grid.spacing_mm
    start = np.maximum(np.floor(centre - reach), 0).astype(int)
    return start, np.minimum(np.ceil(centre + reach) + 1, suv.grid.shape).astype(int)


# %%
figure, panels = plt.subplots(1, 2, figsize=(8.6, 4.2), layout="constrained")
for panel, lesion in zip(panels, patient.lesions, strict=True):
    start, stop = box_around(lesion, margin_mm=12.0)
    around = suv.crop(start, stop)
    middle = round(float(around.grid.patient_to_index(lesion.centre_mm)[0]))
    drawn = panel.imshow(around.values[middle], cmap="gray_r", vmin=0, vmax=10)
    print(f"{lesion.name}, truth: {lesion.volume_ml:.1f} mL, SUV {lesion.suv:.1f}")
    for (label, rule), colour in zip(rules.items(), ("tab:red", "tab:blue"), strict=True):
        found = delineate_lesions(suv, rule, minimum_volume_ml=1.0, region=suv.grid.crop(start, stop))
        measured = quantify(suv, found[0])
        print(f"  {label:16} {measured.volume_ml:5.1f} mL, SUVmax {measured.suv_max:.1f}, "
              f"SUVpeak {measured.suv_peak:.1f}, TLG {measured.tlg_g:.0f} g")  # fmt: skip
        mask = resample(found[0].mask, around.grid, method=Interpolation.NEAREST, outside=0)
        panel.contour(mask.values[middle], levels=[0.5], colors=colour)
        panel.plot([], [], color=colour, label=label)
    panel.set(title=lesion.name, xticks=[], yticks=[])
panels[0].legend(loc="lower left")
figure.colorbar(drawn, ax=panels, label="SUV [g/mL]", shrink=0.8)
plt.show()
