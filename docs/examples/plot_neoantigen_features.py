"""
Features of known neoantigens
=============================

Seven peptides of common driver mutations, each with a molecule that is known to present it: how the mutation
changes binding, where it can be seen, and what a small model of T-cell answers makes of it.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

from tumorboard.core import HlaMolecule, MhcClass
from tumorboard.immunotherapy.binding import load_model
from tumorboard.immunotherapy.ranking import (
    agretopicity,
    amplitude,
    exposed_similarity,
    immunogenicity_features,
    installed_immunogenicity,
    self_similarity,
)

known = {
    "KRAS G12V": ("VVGAVGVGK", "VVGAGGVGK", "HLA-A*11:01"),
    "KRAS G12D": ("VVGADGVGK", "VVGAGGVGK", "HLA-A*11:01"),
    "TP53 R175H": ("HMTEVVRHC", "HMTEVVRRC", "HLA-A*02:01"),
    "PIK3CA H1047L": ("ALHGGWTTK", "AHHGGWTTK", "HLA-A*03:01"),
    "H3 K27M": ("RMSAPSTGGV", "RKSAPSTGGV", "HLA-A*02:01"),
    "EGFR L858R": ("KITDFGRAK", "KITDFGLAK", "HLA-A*03:01"),
    "NRAS Q61K": ("ILDTAGKEEY", "ILDTAGQEEY", "HLA-A*01:01"),
}
names = list(known)
mutant, normal, alleles = (list(column) for column in zip(*known.values(), strict=True))

# %%
# The predictor that ships gives affinities of mutant and counterpart.
model = load_model(MhcClass.I)
tables = [
    model.predict([m, n], [HlaMolecule.named(a)]) for m, n, a in zip(mutant, normal, alleles, strict=True)
]
affinity_nm = np.array([table.affinity_nm[:, 0] for table in tables])
percentile = np.array([table.percentile[0, 0] for table in tables])

ratio = agretopicity(affinity_nm[:, 1], affinity_nm[:, 0])
gain = amplitude(affinity_nm[:, 1], affinity_nm[:, 0])
whole, seen = self_similarity(mutant, normal), exposed_similarity(mutant, normal)
fit = installed_immunogenicity()
features = immunogenicity_features(mutant, alleles, affinity_nm[:, 0], percentile)
added = fit.contributions(features)
odds = np.exp(added.sum(axis=1))
print("                mutant nM  normal nM  ratio  amplitude  alike  exposed  odds")
for k, name in enumerate(names):
    print(
        f"{name:14s} {affinity_nm[k, 0]:10.0f} {affinity_nm[k, 1]:10.0f} {ratio[k]:6.2f} {gain[k]:10.1f} "
        f"{whole[k]:6.3f} {seen[k]:8.3f} {odds[k]:5.2f}"
    )

# %%
# Left: the lower, the better the mutant binds; where the counterpart does not bind as well, T cells were
# never taught to bear the peptide, and the amplitude is high. Middle: mutations at anchors are hidden, and
# the receptor sees the counterpart's face (1). Right: what each feature adds to the log odds of an answer,
# 0 for the mean of the tested peptides.
figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(14, 4.4), layout="constrained", width_ratios=(1.1, 0.8, 1.3)
)
colours = plt.get_cmap("tab10")(np.arange(len(names)))
w = np.geomspace(20, 2e5, 100)
for level in (1, 10, 100):
    left.plot(w, w / level / (1 + 0.0003 * w), color="0.7", linewidth=1)
    left.annotate(f"amplitude {level}", (2e5, 3400 / level), fontsize=7, ha="right", va="bottom", color="0.5")
left.scatter(affinity_nm[:, 1], affinity_nm[:, 0], c=colours, s=45, zorder=3)
beside = {"EGFR L858R": (-6, -13), "PIK3CA H1047L": (-40, -13)}
for k, name in enumerate(names):
    left.annotate(
        name,
        affinity_nm[k, ::-1],
        xytext=beside.get(name, (6, 3)),
        textcoords="offset points",
        fontsize=8,
    )
left.axhline(500, color="0.3", linewidth=0.8, linestyle=":")
left.set(
    xscale="log", yscale="log", xlim=(20, 2e5), ylim=(20, 2e4), xlabel="counterpart [nM]",
    ylabel="mutant [nM]", title="binding",
)  # fmt: skip

rows = np.arange(len(names))
middle.hlines(rows, whole, seen, color="0.7")
middle.plot(whole, rows, "o", color="0.4", label="whole peptide")
middle.plot(seen, rows, "D", color="tab:red", label="exposed residues")
middle.set(yticks=rows, yticklabels=names, xlabel="similarity to the counterpart", title="what T cells see")
middle.invert_yaxis()
middle.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)

shades = plt.get_cmap("Set2")(np.arange(len(fit.model.features)))
starts = {sign: np.zeros(len(names)) for sign in (True, False)}
for column, feature in enumerate(fit.model.features):
    value = added[:, column]
    start = np.where(value >= 0, starts[True], starts[False])
    right.barh(rows, value, left=start, label=feature.replace("_", " "), color=shades[column])
    starts[True] += np.maximum(value, 0)
    starts[False] += np.minimum(value, 0)
right.plot(added.sum(axis=1), rows, "k|", markersize=16, markeredgewidth=2, label="sum")
right.axvline(0, color="0.3", linewidth=0.8)
low, high = fit.about["cross_validated_auc"][1:]
right.set(
    yticks=rows, yticklabels=names, xlabel="added to the log odds",
    title=f"model of answers (AUC {low:.2f} to {high:.2f})",
)  # fmt: skip
right.invert_yaxis()
right.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
plt.show()
