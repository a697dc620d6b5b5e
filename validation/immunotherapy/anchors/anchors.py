"""Find the anchors of molecules by exchanging residues, and set them beside those that IEDB's tool lists.

Usage: ``python validation/immunotherapy/anchors/anchors.py``. Ten of the best of 3,000 random 9-mers are
exchanged residue by residue. Writes ``anchors.md``.
"""

from pathlib import Path

import numpy as np

from tumorboard.core import HlaMolecule, MhcClass
from tumorboard.immunotherapy.binding import load_model
from tumorboard.immunotherapy.ranking import anchor_profile
from tumorboard.immunotherapy.ranking.immunogenicity_calis import _LISTED
from tumorboard.immunotherapy.residues import RESIDUES

HERE = Path(__file__).resolve().parent
N_RANDOM, N_BEST, LENGTH, SHARE = 3000, 10, 9, 0.5
#: Residues of human proteins, in per cent, in the order of RESIDUES.
COMPOSITION = np.array(
    [7.0, 2.3, 4.7, 7.1, 3.7, 6.6, 2.6, 4.3, 5.7, 10.0, 2.1, 3.6, 6.3, 4.8, 5.6, 8.3, 5.4, 6.0, 1.2, 2.7]
)


def profile_of(model, name, peptides):
    """Return the profile of one molecule."""
    molecule = [HlaMolecule.named(name)]
    affinity = model.predict(peptides, molecule).affinity_nm[:, 0]
    best = [peptides[k] for k in np.argsort(affinity, kind="stable")[:N_BEST]]
    return anchor_profile(name, best, lambda some: np.log(model.predict(some, molecule).affinity_nm[:, 0]))


def main():
    """Find, compare and write."""
    rng = np.random.default_rng(0)
    share = COMPOSITION / COMPOSITION.sum()
    peptides = ["".join(row) for row in rng.choice(list(RESIDUES), (N_RANDOM, LENGTH), p=share)]
    model = load_model(MhcClass.I)
    lines = [
        f"{model.version}. Shares of all changes by position, anchors that make half of them together.",
        "",
        "| molecule | IEDB's tool | anchors found | " + " | ".join(f"P{k}" for k in range(1, 10)) + " |",
        "|" + "---|" * 12,
    ]
    both, known = 0, 0
    for mask, names in _LISTED.items():
        for name in names.split():
            profile = profile_of(model, f"HLA-{name}", peptides)
            found = {k + 1 for k in profile.anchors(SHARE)}
            # The first position of the tool's default is no anchor: its residue bulges out of no pocket.
            listed = {k + 1 for k in mask if k != 0}
            both += len(found & listed)
            known += len(listed)
            lines.append(
                f"| {name} | {', '.join(map(str, sorted(listed)))} | {', '.join(map(str, sorted(found)))} | "
                + " | ".join(f"{100 * s:.0f} %" for s in profile.shares)
                + " |"
            )
    lines += ["", f"{both} of the {known} listed anchors are found (the first position left out)."]
    (HERE / "anchors.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
