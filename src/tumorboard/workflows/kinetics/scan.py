"""Read a dynamic scan of BIDS-PET: its image, regions, curves and blood, all from the injection on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from tumorboard.core.blood import BloodSamples
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.nuclide import Nuclide
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io import nifti
from tumorboard.io.bids_pet import BidsPetFacts, read_bids_pet
from tumorboard.io.blood_table import JoinRule, read_bids_blood
from tumorboard.io.curve_table import read_curve_table
from tumorboard.io.pmod import read_pmod_blood, read_pmod_tissue
from tumorboard.io.tissue_table import read_tissue_table
from tumorboard.pet.kinetics.decay_correction import blood_corrected_to_injection, corrected_to_injection
from tumorboard.physics.decay import DecayLibrary, decay_data
from tumorboard.workflows.kinetics.folder import KineticFiles
from tumorboard.workflows.kinetics.region_curves import bright_voxels, region_curves

__all__ = [
    "frame_of_reference",
    "half_life_s",
    "read_dynamic",
    "read_labels",
    "read_scan_blood",
    "read_scan_curves",
]

#: Values may be corrected to a moment this far from the injection and be taken for corrected to it [s].
_SAME_MOMENT_S: Final = 0.5
_ALL: Final = "bright voxels"


def frame_of_reference(digest: str) -> str:
    """Return a DICOM UID for a space that no file names.

    Parameters
    ----------
    digest
        Hexadecimal, of the files' contents, so that the UID stays when they are read again.

    Examples
    --------
    >>> frame_of_reference("00" * 15)
    '2.25.0'
    """
    return f"2.25.{int(digest[:30], 16)}"


def read_dynamic(path: Path, frame_of_reference: str) -> tuple[DynamicImage, BidsPetFacts]:
    """Read a dynamic image, decay-corrected to the injection.

    Parameters
    ----------
    path
        Of the image; its sidecar stands beside it.
    frame_of_reference
        DICOM UID for its space.

    Raises
    ------
    MissingAttribute
        When the sidecar lacks a time, the unit, or the radionuclide where it is needed.
    """
    read = read_bids_pet(path, frame_of_reference=frame_of_reference)
    dynamic, facts = read.image, read.facts
    moment = facts.corrected_to_after_injection_s
    if moment is None or abs(moment) > _SAME_MOMENT_S:
        dynamic = corrected_to_injection(dynamic, half_life_s=half_life_s(facts), corrected_to_s=moment)
    return dynamic, facts


def read_labels(path: Path, names: Path | None, dynamic: DynamicImage) -> tuple[Image, dict[int, str]]:
    """Read regions as numbers on a scan's voxels, and the names of all that are there.

    Parameters
    ----------
    path
        Of the image of numbers.
    names
        Table with columns ``index`` and ``name``; ``None`` where there is none.
    dynamic
        The scan.

    Raises
    ------
    GridMismatch
        When the two are on different grids.
    """
    frame = dynamic.grid.frame_of_reference
    read = nifti.read(path, quantity=Quantity.UNCALIBRATED, frame_of_reference=frame)
    if isinstance(read, DynamicImage):
        raise InputError(f"{path.name} must hold one volume of regions; it holds {read.n_frames}")
    require_same_grid(dynamic.grid, read.grid, what=f"the scan and {path.name}")
    labels = Image(np.rint(read.values).astype(np.int32), read.grid, Quantity.LABEL, read.provenance)
    told = _label_names(names)
    found = [int(number) for number in np.unique(labels.values) if number > 0]
    return labels, {number: told.get(number, f"region {number}") for number in found}


def read_scan_curves(
    files: KineticFiles,
    dynamic: DynamicImage | None,
    facts: BidsPetFacts | None,
    labels: Image | None,
    names: Mapping[int, str],
) -> tuple[TissueCurves | None, str]:
    """Return the curves of the table, else those of the regions, else that of all bright voxels.

    Parameters
    ----------
    files
        Of the scan.
    dynamic, facts
        The scan and what its sidecar says, where there is one.
    labels, names
        Regions on it, where there are some.

    Returns
    -------
    tuple
        The curves, ``None`` where nothing makes any; and where they come from, in a sentence.
    """
    if files.curves:
        path = files.curves[0]
        curves = read_pmod_tissue(path) if path.name.endswith(".tac") else _table(path)
        _check_moment(path, facts)
        return curves, f"Curves are those of {path.name}."
    if dynamic is None:
        return None, ""
    if labels is not None:
        return region_curves(dynamic, labels, names), "Curves are means over the voxels of each region."
    mask = bright_voxels(dynamic)
    numbers = Image(mask.values.astype(np.uint8), mask.grid, Quantity.LABEL, mask.provenance)
    return region_curves(dynamic, numbers, {1: _ALL}), (
        "There are no regions: the curve is the mean over all voxels above a fifth of the 99th percentile of "
        "the mean image."
    )


def read_scan_blood(files: KineticFiles, facts: BidsPetFacts | None) -> BloodSamples | None:
    """Read the samples of blood, decay-corrected to the injection; ``None`` where there are none.

    Parameters
    ----------
    files
        Of the scan.
    facts
        What the scan's sidecar says; without one, times of the tables are taken to count from injection.
    """
    tables = [path for path in files.blood if not path.name.endswith(".bld")]
    if not files.blood:
        return None
    if not tables:
        return read_pmod_blood(files.blood)
    start = 0.0 if facts is None else facts.injection_start_s
    # An autosampler's table goes on with manual samples; which is which its name says.
    tables.sort(key=lambda path: "autosampler" not in path.name)
    samples = read_bids_blood(tables, injection_start_s=start, join=JoinRule.LATER_SAMPLES)
    if facts is None or abs(start) <= _SAME_MOMENT_S:
        return samples
    half_life = half_life_s(facts)
    moved = {
        name: None
        if curve is None
        else blood_corrected_to_injection(curve, half_life_s=half_life, corrected_to_s=-start)
        for name, curve in (("whole_blood", samples.whole_blood), ("plasma", samples.plasma))
    }
    return BloodSamples(**moved, parent_fraction=samples.parent_fraction, provenance=samples.provenance)


def half_life_s(facts: BidsPetFacts) -> float:
    """Return the half-life of the scan's radionuclide by ENDF/B-VIII.1 [s].

    Parameters
    ----------
    facts
        Of the sidecar.

    Raises
    ------
    MissingAttribute
        When it names no radionuclide.
    """
    if facts.radionuclide is None:
        raise MissingAttribute(
            "sidecar of the scan must state TracerRadionuclide where values are not decay-corrected to the "
            'injection; it does not; add "TracerRadionuclide": "C11"'
        )
    data = decay_data(Nuclide.named(facts.radionuclide).name, library=DecayLibrary.ENDF_B_VIII_1)
    return data.half_life_s


def _label_names(path: Path | None) -> dict[int, str]:
    if path is None:
        return {}
    table = read_curve_table(path, delimiter="\t", what="table of regions")
    found: dict[int, str] = {}
    for number, name in zip(table.complete("index"), table.texts("name"), strict=True):
        found[int(number)] = name if name not in found.values() else f"{name} ({int(number)})"
    return found


def _table(path: Path) -> TissueCurves:
    try:
        return read_tissue_table(path)
    except MissingAttribute as reason:
        # The reader's way out is a line of Python.
        text, passed, _ = str(reason).partition("; pass ")
        way_out = '; state it in the sidecar: {"Units": "kBq/mL", "frame_start": {"Units": "s"}}'
        raise MissingAttribute(text + way_out if passed else text) from None


def _check_moment(path: Path, facts: BidsPetFacts | None) -> None:
    """Refuse a table of curves where the scan says that its times or its decay do not begin at injection."""
    if facts is None:
        return
    moment = facts.corrected_to_after_injection_s
    if abs(facts.injection_start_s) > _SAME_MOMENT_S or moment is None or abs(moment) > _SAME_MOMENT_S:
        raise InputError(
            f"curves of {path.name} must count from the injection and be decay-corrected to it; the scan's "
            f"sidecar has InjectionStart {facts.injection_start_s:g} s and decay corrected to "
            f"{'nothing' if moment is None else f'{moment:g} s after it'}; leave the table out, so that "
            "curves are made from the scan"
        )
