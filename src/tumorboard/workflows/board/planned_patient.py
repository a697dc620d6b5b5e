"""Which CT and which structures of a case a prescription is for."""

from __future__ import annotations

from collections.abc import Sequence

from tumorboard.core.image import Image
from tumorboard.core.structures import StructureSet
from tumorboard.errors import InputError
from tumorboard.workflows.board.context import Context

__all__ = ["ct_and_structures"]


def ct_and_structures(context: Context, targets: Sequence[str]) -> tuple[Image, StructureSet] | str:
    """Return the structure set that has the targets and its CT, or what is missing in words.

    Parameters
    ----------
    context
        Of the report.
    targets
        Names of structures.

    Returns
    -------
    tuple or str
        CT_NUMBER and the set, or a sentence.

    Raises
    ------
    InputError
        When no set has all of the targets.
    """
    sets = context.structure_sets()
    if not sets:
        return "A structure set (RTSTRUCT) with the target."
    names: list[str] = []
    for _, structures in sets:
        names += structures.names
        if all(name in structures.names for name in targets):
            for _, volume in context.volumes("CT"):
                if volume.frame_of_reference == structures.frame_of_reference:
                    return context.image(volume.item), structures
            return "A CT in the frame of reference of the target's structure set."
    raise InputError(
        f"target of the prescription must be one of {', '.join(dict.fromkeys(names))}; "
        f"got {', '.join(t for t in targets if t not in names) or ', '.join(targets)}; "
        "spell it as the structure set does, all targets in one set"
    )
