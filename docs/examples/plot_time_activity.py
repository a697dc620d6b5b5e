"""
From activities at some times to decays
=======================================

Curves through the activity of a kidney, chosen by what they explain and what they cost; what its integral is
uncertain by; and what a single scan would have told.
"""

# %%
# Six scans of a synthetic kidney with an uptake phase, each uncertain by 5 %. Activities are as scanned:
# physical decay is in them.
import matplotlib.pyplot as plt
import numpy as np

from tumorboard.dosimetry.single_time_point import HalfLifePopulation, SingleTimePointMethod, relative_errors
from tumorboard.dosimetry.time_activity_models import ExponentialConfig, Weighting
from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.dosimetry.time_activity_selection import choose_by_aicc
from tumorboard.dosimetry.time_activity_shapes import CurveShape
from tumorboard.provenance import Record

HOUR, PHYSICAL_H, TRUE_H, UPTAKE_H = 3600.0, 159.5, 52.0, 1.5
times_h = np.array([1.0, 4.0, 24.0, 48.0, 96.0, 168.0])


def true_bq(t_h):
    return 80e6 * (2 ** (-t_h / TRUE_H) - 2 ** (-t_h / UPTAKE_H))


true_decays = 80e6 * (TRUE_H - UPTAKE_H) * HOUR / np.log(2)
measured = true_bq(times_h) * (1 + 0.05 * np.random.default_rng(4).standard_normal(times_h.size))
samples = ActivitySamples(times_h * HOUR, measured, Record("example"), 0.05 * measured)

# %%
# Every rate is effective, so none is slower than the nuclide decays. AICc weighs what a curve explains
# against the numbers that it takes; it is defined only where samples outnumber them by two.
candidates = [
    ExponentialConfig(shape, PHYSICAL_H * HOUR, Weighting.KNOWN_UNCERTAINTY)
    for shape in (
        CurveShape.MONO_EXPONENTIAL,
        CurveShape.MONO_EXPONENTIAL_UPTAKE,
        CurveShape.BI_EXPONENTIAL,
    )
]
choice = choose_by_aicc(candidates, samples)
for fit, criterion, weight in zip(choice.fits, choice.aicc, choice.weights, strict=True):
    # Of the integral.
    off = fit.time_integrated_activity_bq_s / true_decays - 1
    print(
        f"{fit.config.shape.value:24} AICc {criterion:7.1f}, weight {weight:.3f}, off by {100 * off:+.1f} %"
    )
best = choice.best
print(
    f"chosen: half-life {best.effective_half_life_s / HOUR:.1f} ± "
    f"{best.effective_half_life_uncertainty_s / HOUR:.1f} h"
    f" (true {TRUE_H:g} h), integral uncertain by "
    f"{100 * best.time_integrated_activity_uncertainty_bq_s / best.time_integrated_activity_bq_s:.1f} %"
)

# %%
# The band around the curve: curves drawn from the fit's covariance. A single scan needs an assumption on
# the half-life; among patients with half-lives like these it errs the less the nearer to one to two of them
# it is made.
shown_h = np.linspace(0.0, 200.0, 401)
drawn = np.random.default_rng(1).multivariate_normal(best.parameters, best.covariance, 400)
amplitude, rate, uptake = drawn.T[:, :, None]
curves = amplitude * (np.exp(-rate * shown_h * HOUR) - np.exp(-uptake * shown_h * HOUR))
low, high = np.percentile(curves, [2.5, 97.5], axis=0)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.fill_between(shown_h, low / 1e6, high / 1e6, color="tab:blue", alpha=0.25, label="95 %, chosen curve")
for fit, style in zip(choice.fits, ("--", "-", ":"), strict=True):
    name = fit.config.shape.value.replace("_", " ")
    left.plot(shown_h, fit.activity_bq(shown_h * HOUR) / 1e6, style, label=name)
left.plot(shown_h, true_bq(shown_h) / 1e6, color="0.4", lw=0.8, label="truth")
left.errorbar(times_h, measured / 1e6, 0.05 * measured / 1e6, fmt="ko", ms=4, label="scans")
left.set(xlabel="time after administration [h]", ylabel="activity in the kidney [MBq]", ylim=(0, None))
left.legend(fontsize="small")

population = HalfLifePopulation(TRUE_H * HOUR, 1.25, PHYSICAL_H * HOUR, "example, not measured")
scan_h = np.linspace(12.0, 192.0, 46)
for method, colour in zip(SingleTimePointMethod, ("tab:orange", "tab:green", "tab:red"), strict=True):
    errors = [100 * relative_errors(method, t * HOUR, population=population) for t in scan_h]
    middle, below, above = np.percentile(errors, [50, 16, 84], axis=1)
    right.plot(scan_h, middle, color=colour, label=method.value.replace("_", " "))
    right.fill_between(scan_h, below, above, color=colour, alpha=0.15)
right.axhline(0, color="0.4", lw=0.8)
right.set(xlabel="time of the single scan [h]", ylabel="error of the integral [%]", ylim=(-60, 60))
right.legend(title="median and 68 % of patients", fontsize="small")
plt.show()
