"""Set our prediction beside another predictor's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from tumorboard.core.presentation import PresentationRows
from tumorboard.errors import InputError
from tumorboard.immunotherapy.binding import load_model
from tumorboard.io.peptide_list import PeptideList
from tumorboard.workflows.binding.config import BindingConfig
from tumorboard.workflows.binding.run import BindingResult, run

__all__ = ["Comparison", "compare"]

#: Percentile below which class I binders are called so, by the tools' own pages.
_BINDER_PERCENTILE = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two predictions of the same pairs.

    Parameters
    ----------
    theirs
        The other tool's rows that we can predict too.
    ours
        Ours, in the same order.
    left_out
        Pairs that only the other tool takes: another length, or an allele unknown to us.
    """

    theirs: PresentationRows
    ours: BindingResult
    left_out: int

    def to_dict(self) -> dict[str, Any]:
        """Return figures of each allele as what JSON can hold."""
        names = np.array([str(molecule) for molecule in self.theirs.molecules])
        return {
            "tool": self.theirs.tool,
            "pairs": len(names),
            "left_out": self.left_out,
            "alleles": [self._of(str(name), names == name) for name in np.unique(names)],
            "predictor": self.ours.predictors,
        }

    def _of(self, allele: str, here: NDArray[np.bool_]) -> dict[str, Any]:
        mine, its = self.ours.percentile[here], self.theirs.percentile[here]
        quantity, compared = "percentile", (mine, its)
        if np.isnan(its).any():
            # A tool without percentiles is compared by what it does give.
            quantity, compared = "affinity", (self.ours.affinity_nm[here], self.theirs.affinity_nm[here])
            if np.isnan(compared[1]).any():
                quantity, compared = "score", (-self.ours.presentation[here], -self.theirs.score[here])
        correlated = all(len(np.unique(values)) > 1 for values in compared)
        strong, its_strong = mine <= _BINDER_PERCENTILE, its <= _BINDER_PERCENTILE
        ranked = not np.isnan(its).any()
        return {
            "allele": allele,
            "pairs": int(here.sum()),
            "compared": quantity,
            "rank_correlation": float(spearmanr(*compared).statistic) if correlated else None,
            "ours": int(strong.sum()),
            "theirs": int(its_strong.sum()) if ranked else None,
            "both": int((strong & its_strong).sum()) if ranked else None,
        }


def compare(theirs: PresentationRows, *, threads: int = 1) -> Comparison:
    """Predict another tool's pairs by our models.

    Parameters
    ----------
    theirs
        Its table.
    threads
        At most.

    Raises
    ------
    InputError
        When we can predict none of its pairs.
    """
    known = dict.fromkeys(theirs.molecules)
    models = {mhc_class: load_model(mhc_class) for mhc_class in {m.mhc_class for m in known}}
    lengths = {m: models[m.mhc_class].lengths if models[m.mhc_class].knows(m) else range(0) for m in known}
    kept = [
        k
        for k, (peptide, molecule) in enumerate(zip(theirs.peptides, theirs.molecules, strict=True))
        if len(peptide) in lengths[molecule]
    ]
    if not kept:
        alleles = ", ".join(str(molecule) for molecule in list(known)[:3])
        raise InputError(
            f"table of {theirs.tool} must hold a pair that our models take; it has {alleles}; none fits"
        )
    chosen = PresentationRows(
        theirs.tool,
        tuple(theirs.peptides[k] for k in kept),
        tuple(theirs.molecules[k] for k in kept),
        theirs.affinity_nm[kept],
        theirs.percentile[kept],
        theirs.score[kept],
        theirs.provenance,
    )
    names = tuple(str(molecule) for molecule in chosen.molecules)
    ours = run(BindingConfig((), threads), PeptideList(chosen.peptides, alleles=names))
    return Comparison(chosen, ours, len(theirs.peptides) - len(kept))
