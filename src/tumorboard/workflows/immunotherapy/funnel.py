"""How many variants are left after each step on the way to targets."""

from __future__ import annotations

from collections.abc import Sequence

from tumorboard.core.annotated_variants import AnnotatedVariants
from tumorboard.core.neopeptide import DropReason, NeopeptideSet
from tumorboard.immunotherapy.ranking.tiers import Tier
from tumorboard.workflows.immunotherapy.result import Target

__all__ = ["funnel_of"]

#: Reasons of changes that leave a protein as it is.
_NO_CHANGE = (
    DropReason.NOT_PROTEIN_CODING,
    DropReason.NO_PROTEIN_CHANGE,
)
_STEPS = (
    ("bind a molecule", (Tier.POOR_BINDER,)),
    ("are presented", (Tier.POOR_PRESENTATION, Tier.POOR_IMMUNOGENICITY)),
    ("are expressed", (Tier.NO_EXPR, Tier.LOW_EXPR)),
    ("are of the founding clone", (Tier.SUBCLONAL,)),
    ("pass all rules", tuple(Tier)),
)


def funnel_of(
    variants: AnnotatedVariants | None, found: NeopeptideSet, targets: Sequence[Target]
) -> tuple[tuple[str, int], ...]:
    """Return what is counted and how many events are left, each step of those of the step before.

    What is not known fails no step.

    Parameters
    ----------
    variants
        All that were read.
    found
        New peptides and what was dropped.
    targets
        One for each event with new peptides.
    """
    events = {peptide.events[0] for peptide in found.kept}
    changed = events | {d.event for d in found.dropped if d.reason not in _NO_CHANGE}
    names = {variant.name for variant, _ in variants or ()}
    steps = [
        ("Events read", len(names | changed)),
        ("change a protein", len(changed)),
        ("make new peptides", len(targets)),
    ]
    left = list(targets)
    for what, tiers in _STEPS:
        left = [t for t in left if not any(c.passed is False and c.tier in tiers for c in t.tiering.criteria)]
        steps.append((what, len(left)))
    return tuple(steps)
