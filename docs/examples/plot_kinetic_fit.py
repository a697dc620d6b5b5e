"""
Kinetics of a region
====================

Two regions, arterial blood, three models: what comes out, how sure it is, and what warns of a number that
should not be believed.
"""

# %%
# A made-up scan of 90 minutes. Blood by formulas; the cortex follows one tissue compartment, the striatum
# two, and each frame has the noise of its length.
import io

import matplotlib.pyplot as plt
import numpy as np

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics import (
    BRAIN_BOUNDS,
    MA1,
    SIMULATED_BOLUS,
    Binding,
    FrameModel,
    LargestResidual,
    Logan,
    OneTissue,
    PointWeights,
    TwoTissue,
    Weighting,
    simulated_blood,
)
from tumorboard.plotting.graphical_plot import GraphicalLine, graphical_plot
from tumorboard.plotting.kinetic_fit import FittedCurve, kinetic_fit
from tumorboard.provenance import Record

minutes = np.concatenate([[0.0], np.cumsum(np.repeat([0.25, 0.5, 1, 2, 5], [8, 6, 5, 5, 14]))])
start, length = 60 * minutes[:-1], 60 * np.diff(minutes)
nodes = np.unique(np.concatenate([np.arange(0.0, 300.0, 1.0), np.arange(300.0, 60 * minutes[-1] + 10, 10.0)]))
blood = simulated_blood(SIMULATED_BOLUS, nodes)


def tissue(terms):
    """Average over each frame of a sum of exponentials (amplitude, rate) [1/min], with 5 % blood."""
    total = 0.05 * np.diff(blood.whole_blood_integral(60 * minutes)) / length
    for amplitude, rate in terms:
        integral = blood.parent_convolution([rate / 60], 60 * minutes)[1][0] / 60
        total = total + 0.95 * amplitude * np.diff(integral) / length
    return total


rng = np.random.default_rng(5)
clean = np.stack([tissue([(0.30, 0.050)]), tissue([(0.26, 0.13), (0.14, 0.014)])])
noise = rng.standard_normal(clean.shape) * 0.015 * clean.max() * np.sqrt(60 / length)
curves = TissueCurves(("cortex", "striatum"), start, length, clean + noise, None, Record("example"))
true_vt = {"cortex": 0.30 / 0.050, "striatum": 0.26 / 0.13 + 0.14 / 0.014}

# %%
# No choice has a default: each model says what of it a frame is compared with, whose weights, how much blood.
common = {"frame_model": FrameModel.FRAME_AVERAGE, "weighting": Weighting.DURATION}
plot = {"t_star": LargestResidual(0.05, 6), "blood_fraction": 0.05, **common}
models = (
    OneTissue(BRAIN_BOUNDS, 0.05, *common.values(), most_relative_vt_error=0.1),
    TwoTissue(Binding.REVERSIBLE, BRAIN_BOUNDS, 0.05, *common.values(), most_relative_vt_error=0.1),
    Logan(point_weights=PointWeights.PROPAGATED, **plot),
    MA1(**plot),
)
found = {fits[0].model: fits for fits in (model.fit(curves, blood) for model in models)}
for name, fits in found.items():
    for fit in fits:
        vt = fit.parameters["VT"]
        flags = ", ".join(flag.name for flag in fit.flags)
        print(
            f"{name:5} {fit.region:8} VT {vt.value:6.2f} ± {vt.standard_error:.2f} "
            f"(true {true_vt[fit.region]:.2f}) mL/cm3, AICc {fit.aicc:6.1f} {flags}"
        )

# %%
# One compartment misses the striatum in a way that its residuals show. A second one is worth its parameters
# there: AICc is far lower. In the cortex it is not: AICc is higher, and its rates are uncertain and flagged.
#
# Logan's line begins where no later point is farther than 5 % from it. For the slow striatum that is too
# early: VT is 16 % below the truth, and a standard error of 2 % does not say so, for it is of noise and not
# of a model that does not hold. MA1 has the same trouble. AICc compares compartments, not these.


def shown(fit):
    """Curve with VT beside its name."""
    vt = fit.parameters["VT"]
    said = f"VT {vt.value:.2f} ± {vt.standard_error:.2f}"
    return FittedCurve(fit.region, said, fit.mid_s, fit.measured_bq_ml, fit.fitted_bq_ml, fit.weights)


def line(fit):
    """Points and line of a graphical analysis."""
    p, vt = fit.plot, fit.parameters["VT"]
    return GraphicalLine(fit.region, f"VT {vt.value:.2f}", p.x, p.y, p.included, p.slope, p.intercept)


pictures = [kinetic_fit([shown(f) for f in found[name]], model=name) for name in ("1TCM", "2TCM")]
axes = {"x_label": found["Logan"][0].plot.x_label, "y_label": found["Logan"][0].plot.y_label}
pictures.append(graphical_plot([line(f) for f in found["Logan"]], title="Logan plot", **axes))
figure, panels = plt.subplots(1, 3, figsize=(17, 4.6), layout="constrained")
for panel, png in zip(panels, pictures, strict=True):
    panel.imshow(plt.imread(io.BytesIO(png)))
    panel.axis("off")
plt.show()
