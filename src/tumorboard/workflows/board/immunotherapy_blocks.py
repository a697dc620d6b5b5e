"""Immunotherapy targets as blocks of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tumorboard.core.neopeptide import DropReason
from tumorboard.immunotherapy.ranking.tiers import Tier
from tumorboard.plotting.blocks import Align, Block, Caution, Cell, Facts, Fold, Gallery, Note, Table
from tumorboard.workflows.board.immunotherapy_pictures import target_pictures
from tumorboard.workflows.immunotherapy.features import response_sentence
from tumorboard.workflows.immunotherapy.result import ImmunotherapyResult, Target
from tumorboard.workflows.printable import printable

__all__ = ["target_blocks"]

_SHOWN: Final = 20
_DIGITS: Final = 3
_RESEARCH: Final = (
    "Research only. Presentation predicts only weakly whether T cells respond: published areas under the "
    "curve are near 0.55 among presented candidates. No target here is a recommendation."
)
_EXPLAINED: Final = (
    "One row for each variant, fusion or junction: its best peptide by the rules of pVACview. Percentile: of "
    "presentation among random peptides, 0 best."
)
# Peptide and molecule in one: the reasons need the width.
_COLUMNS: Final = ("Rank", "Tier", "Target", "Peptide and molecule", "IC50 [nM]", "Percentile", "Why")
_ALIGN: Final = (
    Align.RIGHT, Align.LEFT, Align.LEFT, Align.LEFT, Align.RIGHT, Align.RIGHT, Align.LEFT,
)  # fmt: skip


def target_blocks(found: ImmunotherapyResult, notes: Sequence[str]) -> list[Block]:
    """Return a result as blocks.

    Parameters
    ----------
    found
        Ranked targets.
    notes
        Of the files.
    """
    shown = found.targets[:_SHOWN]
    blocks: list[Block] = [
        Caution(_RESEARCH),
        *(Caution(text) for text in found.cautions),
        _facts(found),
        _table("Targets, best first", shown),
        Note(_EXPLAINED),
    ]
    if len(found.targets) > len(shown):
        rest = found.targets[_SHOWN:]
        blocks.append(Fold(f"{len(rest)} further targets", (_table("Further targets", rest),)))
    blocks += [
        Gallery(tuple(target_pictures(found))),
        Fold(
            "Wild types and every rule of the first targets",
            (
                _beside_wild_type(shown),
                Note(response_sentence()),
                *_other_class(shown),
                _reasons(shown),
            ),
        ),
        Fold("What gives no target, and why", (_dropped(found),)),
        Fold("Choices, and where molecules hold peptides", (_choices(found), _anchors(found))),
        *(Note(text) for text in (*notes, *found.notes)),
    ]
    return blocks


def _facts(found: ImmunotherapyResult) -> Facts:
    purity = "not known" if found.purity is None else f"{100 * found.purity:.0f} %"
    if found.purity_is_estimated:
        purity += " (estimated)"
    excluded = "; ".join(f"{name}: {why}" for name, why in found.excluded.items())
    pairs: list[tuple[str, Cell]] = [
        ("Targets by tier", ", ".join(f"{name} {n}" for name, n in found.tiers().items()) or "none"),
        ("New peptides", found.peptides),
        ("HLA type", ", ".join(found.hla)),
        *([("Presenting nothing", excluded)] if excluded else []),
        ("Tumour purity", purity),
    ]
    for one in found.predictors:
        text = f"{one.version}, weights {one.training_digest[:12]}, {one.pairs} pairs"
        pairs.append((f"Predictor of class {one.mhc_class}", text))
    return Facts(tuple(pairs))


def _table(caption: str, targets: Sequence[Target]) -> Table:
    return Table(caption, _COLUMNS, tuple(_row(target) for target in targets), _ALIGN, digits=_DIGITS)


def _row(target: Target) -> tuple[Cell, ...]:
    return (
        target.rank,
        target.tier.value,
        printable(target.title),
        f"{target.peptide} {target.allele.removeprefix('HLA-')}",
        target.affinity_nm,
        target.percentile,
        printable(_why(target)),
    )


def _why(target: Target) -> str:
    """Return what fails, or what is known where nothing does."""
    if target.tier is Tier.PASS:
        known = [target.strength]
        if target.allele_tpm is not None:
            known.append(f"allele at {target.allele_tpm:.3g} TPM")
        if target.ccf is not None:
            known.append(f"in {100 * target.ccf:.0f} % of cells")
        why = ", ".join(known)
        why = f"{why[0].upper()}{why[1:]}."
    else:
        why = " ".join(c.sentence for c in target.tiering.criteria if c.passed is False)
    if target.filters:
        why += f" Its caller's filters: {', '.join(target.filters)}."
    if target.neighbours:
        why += f" With {', '.join(target.neighbours)} on the same copy."
    return why


def _reasons(targets: Sequence[Target]) -> Table:
    rows = tuple(
        (
            target.rank,
            printable(target.title),
            printable(" ".join(criterion.sentence for criterion in target.tiering.criteria)),
        )
        for target in targets
    )
    return Table("Every rule", ("Rank", "Target", "Rules"), rows)


def _beside_wild_type(targets: Sequence[Target]) -> Table:
    rows = tuple(
        (
            target.rank,
            printable(target.title),
            target.peptide,
            target.wild_type,
            target.affinity_nm,
            target.wild_type_affinity_nm,
            target.features.get("response_log_odds"),
        )
        for target in targets
    )
    columns = (
        "Rank", "Target", "Peptide", "Wild type", "IC50 [nM]", "Wild type's [nM]", "Log odds of an answer",
    )  # fmt: skip
    return Table("Beside the wild type", columns, rows, digits=_DIGITS)


def _other_class(targets: Sequence[Target]) -> tuple[Table, ...]:
    """Return the best of the class that each target is not of: helper cells matter to killers, and back."""
    names = ("peptide", "allele", "affinity_nm", "percentile")
    rows = tuple(
        (target.rank, printable(target.title), *(target.other_class[name] for name in names))
        for target in targets
        if target.other_class
    )
    columns = ("Rank", "Target", "Peptide", "Molecule", "IC50 [nM]", "Percentile")
    return (Table("Best of the other class", columns, rows, digits=_DIGITS),) if rows else ()


def _dropped(found: ImmunotherapyResult) -> Table:
    rows = tuple((name, DropReason[name].value, count) for name, count in found.dropped.items())
    return Table("Peptides and changes without a target", ("Reason", "Meaning", "Count"), rows)


def _choices(found: ImmunotherapyResult) -> Table:
    left = set(found.config.by_default())
    rows = tuple(
        (name, _told(value), "left to the program" if name in left else "chosen")
        for name, value in found.config.choices().items()
    )
    return Table("Choices", ("Choice", "Value", "By whom"), rows)


def _told(value: object) -> str:
    if value is None:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _anchors(found: ImmunotherapyResult) -> Table:
    rows = tuple(
        (name, length, ", ".join(map(str, places)))
        for name, of in found.anchors.items()
        for length, places in of.items()
    )
    return Table("Residues that hold a peptide", ("Molecule", "Length", "Places"), rows)
