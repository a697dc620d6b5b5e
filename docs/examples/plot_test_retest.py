"""
Twice the same people
=====================

How well a second scan repeats the first: simulated volumes of distribution of twelve people, measured
twice, and what it takes to see a difference between groups.
"""

# %%
# People differ by 12 %, and a measurement errs by 7 %.
import io

import matplotlib.pyplot as plt
import numpy as np

from tumorboard.outcomes.effect_size import group_size_for
from tumorboard.outcomes.group_comparison import GroupComparisonConfig, GroupStudy, compare_groups
from tumorboard.outcomes.multiplicity import Multiplicity
from tumorboard.outcomes.repeatability import repeatability
from tumorboard.plotting import AgreementLine, bland_altman
from tumorboard.provenance import Record

rng = np.random.default_rng(12)
people = 20.4 * (1 + 0.12 * rng.standard_normal(12))
first, second = people * (1 + 0.07 * rng.standard_normal((2, 12)))
found = repeatability(
    first, second, name="thalamus VT", unit="mL/cm3", confidence=0.95, provenance=Record("example")
)
print(f"variability {found.variability_percent:.1f} ± {found.variability_sd_percent:.1f} %")
print(f"within-subject coefficient of variation {found.within_cov_percent:.1f} %")
for name, value in (
    ("ICC(2,1)", found.icc_agreement),
    ("ICC(3,1)", found.icc_consistency),
    ("repeatability coefficient [mL/cm3]", found.repeatability_coefficient),
):
    print(f"{name:34} {value.value:5.2f} (95 %: {value.low:.2f} to {value.high:.2f})")

# %%
# Spread between people and error of measurement together decide how many people a study needs: for a
# difference of 10 % seen with 80 % power, at a level of 0.05.
spread = np.hypot(0.12, 0.07)
print("people in each group:", group_size_for(0.10 / spread, power=0.8, alpha=0.05, ratio=1.0)[0])

# %%
# Such a study: four regions, VT falls with age, and patients lack 15 % in the thalamus only.
n, true = 40, np.array([20.4, 11.9, 9.6, 8.4])
patient, age = np.arange(n) >= n // 2, rng.uniform(25, 70, n)
values = true * (1 + spread * rng.standard_normal((n, 4))) * (1 - 0.003 * (age[:, None] - 45))
values[patient, 0] *= 0.85
study = GroupStudy(
    ("thalamus", "brainstem", "cortex", "cerebellum"), "mL/cm3", values, patient, ("controls", "patients"),
    {"age": age}, Record("example"),
)  # fmt: skip
config = GroupComparisonConfig(multiplicity=Multiplicity.HOLM, confidence=0.95, permutations=2000, seed=1)
for row in compare_groups(study, config).regions:
    print(
        f"{row.region:11} {row.difference:+.2f} ({row.low:+.2f} to {row.high:+.2f}) mL/cm3, "
        f"{row.percent:+.0f} %, g {row.effect.value:+.2f}, "
        f"p {row.p:.4f}, Holm {row.p_corrected:.4f}, permuted {row.p_permuted:.4f}"
    )

# %%
# Bland's and Altman's picture: differences over means, with the limits of agreement and their intervals.
lines = {
    name: AgreementLine(value.value, value.low, value.high)
    for name, value in (
        ("bias", found.bias), ("lower_limit", found.lower_limit), ("upper_limit", found.upper_limit)
    )
}  # fmt: skip
png = bland_altman(first, second, **lines, title="Thalamus VT, scanned twice", unit="mL/cm3")
figure = plt.figure(figsize=(8.2, 5), layout="constrained")
axes = figure.add_subplot()
axes.imshow(plt.imread(io.BytesIO(png)))
axes.set_axis_off()
plt.show()
