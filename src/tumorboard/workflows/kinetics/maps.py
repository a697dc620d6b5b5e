"""A kinetic model in every voxel of a dynamic scan in BIDS-PET, written as files."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from tumorboard.core.blood import BloodSamples
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Image, Quantity
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.bids_maps import write_bids_map
from tumorboard.pet.kinetics.fit import Weighting
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.t_star import LargestResidual
from tumorboard.pet.kinetics.voxels import Outside, VoxelConfig, fit_voxels
from tumorboard.pet.kinetics.voxels_maps import ParametricMaps, VoxelFlag
from tumorboard.pet.kinetics.voxels_models import VoxelModel
from tumorboard.workflows.kinetics.config import KineticsConfig
from tumorboard.workflows.kinetics.folder import KineticFiles, find_kinetic_files
from tumorboard.workflows.kinetics.map_dicom import write_dicom_maps
from tumorboard.workflows.kinetics.map_names import map_label
from tumorboard.workflows.kinetics.models import plasma_model, reference_model, t_star, weighting
from tumorboard.workflows.kinetics.region_curves import bright_voxels
from tumorboard.workflows.kinetics.run import KineticsInputs, driving_blood, only_regions
from tumorboard.workflows.kinetics.scan import (
    frame_of_reference,
    half_life_s,
    read_dynamic,
    read_labels,
    read_scan_blood,
    read_scan_curves,
)
from tumorboard.workflows.progress import Progress, silent

__all__ = ["MapChoices", "MapResult", "run_maps"]

_DESCRIPTION: Final = "voxelwise"


@dataclass(frozen=True, slots=True)
class MapChoices:
    """What is mapped, and how it is written.

    Parameters
    ----------
    subject
        Which one, where the folder holds several.
    parameters
        Names of those to map; empty for all.
    standard_errors
        Whether to map them.
    threads
        At a time, >= 1; results do not depend on them.
    dicom_start
        Injection's date and time, for files of DICOM too; ``None`` for none: BIDS knows no date.
    """

    subject: str | None = None
    parameters: tuple[str, ...] = ()
    standard_errors: bool = True
    threads: int = 2
    dicom_start: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MapResult:
    """Maps as written.

    Parameters
    ----------
    maps
        Of the model.
    files
        That were written, sidecars left out.
    notes
        What a reader must know, one sentence each.
    wall_s
        Of the fit alone [s].
    """

    maps: ParametricMaps
    files: tuple[Path, ...]
    notes: tuple[str, ...]
    wall_s: float

    def to_dict(self) -> dict[str, Any]:
        """Return what came of it as what JSON can hold."""
        return {
            "model": self.maps.model,
            "voxels": self.maps.n_voxels,
            "flagged_voxels": {
                flag.name.lower(): self.maps.count(flag) for flag in VoxelFlag if flag.name is not None
            },
            "maps": {name: _summary(image) for name, image in self.maps.maps.items()},
            "files": [str(path) for path in self.files],
            "notes": list(self.notes),
            "fit_s": self.wall_s,
            "citations": list(self.maps.provenance.citations()),
        }


def run_maps(
    config: KineticsConfig, choices: MapChoices, source: Path, out: Path, *, progress: Progress = silent
) -> MapResult:
    """Fit a model to every bright voxel, or every voxel of a region, and write the maps.

    Each file appears whole or not at all, and none before all voxels are fitted.

    Parameters
    ----------
    config
        The model and its choices.
    choices
        What is mapped.
    source
        Folder of the scan in BIDS-PET.
    out
        Folder of the derivatives; made where absent.
    progress
        Told how far it is.

    Raises
    ------
    MissingAttribute
        When there is no scan, no blood or reference, or t* is not stated.
    InputError
        As models and readers say.
    """
    if "t_star" in config.parts() and isinstance(t_star(config), LargestResidual):
        raise MissingAttribute(
            f"t* must be stated for maps by {config.model}: voxels are too noisy to find it; got none; say "
            "--t-star-min 30 or --t-star-frames 10, as tumorboard kinetics fit finds it in regions"
        )
    if config.model == "srtm2" and config.k2_prime_per_min is None:
        raise MissingAttribute(
            "k2_prime_per_min must be given for maps by srtm2; got none; say --k2-prime-per-min 0.1, as "
            "tumorboard kinetics fit finds it in regions"
        )
    files = find_kinetic_files(source, choices.subject)
    if files is None or files.image is None:
        raise MissingAttribute(
            f"folder must hold a dynamic scan, *_pet.nii.gz with its sidecar; {source} has none; name another"
        )
    progress("reading the scan", 0, 1)
    with files.image.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    dynamic, facts = read_dynamic(files.image, frame_of_reference(digest))
    labels, names = None, dict[int, str]()
    if files.labels is not None:
        labels, names = read_labels(files.labels, files.label_names, dynamic)
    curves, said = read_scan_curves(files, dynamic, facts, labels, names)
    if curves is None:
        raise MissingAttribute(f"curves must follow from the scan of {source}; they do not")
    progress("reading the scan", 1, 1)
    drive, notes = _drive(
        config, curves, read_scan_blood(files, facts) if not config.uses_reference else None
    )
    mask = _mask(dynamic, labels)
    began = time.perf_counter()
    maps = _fit(config, choices, dynamic, curves, drive, mask, progress)
    wall_s = time.perf_counter() - began
    written = _write_bids(config, maps, files, out)
    if choices.dicom_start is not None:
        written += write_dicom_maps(
            maps, dynamic, facts, files.subject, choices.dicom_start, half_life_s(facts), out / "dicom"
        )
    return MapResult(maps, tuple(written), (said, *notes), wall_s)


def _drive(
    config: KineticsConfig, curves: TissueCurves, samples: BloodSamples | None
) -> tuple[InputFunction | TissueCurves, tuple[str, ...]]:
    if config.reference is None:
        tables = KineticsInputs(curves, samples)
        blood, _, notes = driving_blood(config, tables.curves, tables.blood)
        return blood, notes
    return only_regions(curves, (config.reference,)), ()


def _mask(dynamic: DynamicImage, labels: Image | None) -> Image:
    """Return the voxels of all regions where there are some, else those that are bright."""
    if labels is None:
        return bright_voxels(dynamic)
    return Image(np.asarray(labels.values) > 0, labels.grid, Quantity.LABEL, labels.provenance)


def _fit(
    config: KineticsConfig,
    choices: MapChoices,
    dynamic: DynamicImage,
    curves: TissueCurves,
    drive: InputFunction | TissueCurves,
    mask: Image,
    progress: Progress,
) -> ParametricMaps:
    made = reference_model(config, curves) if config.uses_reference else plasma_model(config, curves)
    given = config.model != "suvr" and weighting(config, curves) is Weighting.GIVEN
    return fit_voxels(
        cast(VoxelModel, made),
        dynamic,
        drive,
        mask,
        VoxelConfig(
            parameters=choices.parameters or None,
            standard_errors=choices.standard_errors,
            outside=Outside.NAN,
            spatial=None,
            frame_weights=curves.weights if given else None,
        ),
        progress=lambda done, total: progress("fitting voxels", done, total),
        threads=choices.threads,
    )


def _write_bids(config: KineticsConfig, maps: ParametricMaps, files: KineticFiles, out: Path) -> list[Path]:
    subject = re.sub(r"[^A-Za-z0-9]", "", files.subject)
    model = map_label(config.model.upper())
    if not subject:
        raise InputError(f"subject must be of letters and digits; got {files.subject!r}; rename the folder")
    images = {map_label(name): image for name, image in maps.maps.items()}
    images |= {f"{map_label(name)}se": image for name, image in maps.standard_errors.items()}
    flags = maps.flags
    images["flags"] = Image(flags.values.astype(np.uint8), flags.grid, flags.quantity, flags.provenance)
    return [
        write_bids_map(image, out, subject=subject, description=_DESCRIPTION, model=model, measure=name)
        for name, image in images.items()
    ]


def _summary(image: Image) -> dict[str, Any]:
    known = image.values[np.isfinite(image.values)]
    low, median, high = np.percentile(known, (5, 50, 95)).tolist() if known.size else (None, None, None)
    return {
        "unit": image.quantity.unit,
        "voxels": int(known.size),
        "median": median,
        "percentile_5": low,
        "percentile_95": high,
    }
