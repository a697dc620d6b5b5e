"""Part of the tumour's cells that carry each variant, with what is assumed where it is not known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tumorboard.core.acquisition import Sex
from tumorboard.core.copy_number import CopyNumberProfile
from tumorboard.core.variant import SmallVariant
from tumorboard.immunotherapy.variants.clonality import Assumption, CellFraction, cancer_cell_fractions
from tumorboard.workflows.immunotherapy.evidence import Evidence

__all__ = ["CellFractions"]

#: A fraction of reads above it says that copies were lost: such variants tell no purity.
_HETEROZYGOUS_BELOW: Final = 0.6


class CellFractions:
    """Cancer-cell fractions of a tumour's variants.

    Parameters
    ----------
    variants
        All of the tumour.
    purity
        Part of the sample's cells that are tumour; ``None``: twice the largest fraction of reads below 0.6,
        as pVACseq takes it, for a variant of all cells on one of two copies.
    copies
        Of the tumour's cells; as many as normal cells have where nothing is said.
    sex
        ``"female"`` or ``"male"``; ``None``: variants on X and Y have no fraction.
    """

    def __init__(
        self,
        variants: Iterable[SmallVariant],
        purity: float | None,
        copies: CopyNumberProfile | None,
        sex: str | None,
    ) -> None:
        all_of_them = list(variants)
        self.is_estimated = purity is None
        self.purity = _estimated(all_of_them) if purity is None else purity
        self._found: dict[str, CellFraction] = {}
        if self.purity is None:
            return
        fractions = cancer_cell_fractions(
            all_of_them,
            purity=self.purity,
            copies=copies,
            sex=None if sex is None else Sex[sex.upper()],
            assume=(Assumption.NORMAL_COPIES,),
        )
        self._found = {v.name: f for v, f in zip(all_of_them, fractions, strict=True)}

    def __call__(self, evidence: Evidence) -> float | None:
        """Return the fraction of a peptide's variant, ``None`` where nothing tells."""
        found = None if evidence.variant is None else self._found.get(evidence.variant.name)
        return None if found is None else found.estimate


def _estimated(variants: Iterable[SmallVariant]) -> float | None:
    fractions = [v.evidence.tumour_vaf for v in variants if v.evidence.tumour_vaf is not None]
    told = [fraction for fraction in fractions if 0 < fraction < _HETEROZYGOUS_BELOW]
    if not told:
        return 1.0 if fractions else None
    return min(1.0, 2.0 * max(told))
