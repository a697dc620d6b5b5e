"""A data set in the layout of BIDS, made of a dynamic image and blood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import tumorboard
from tumorboard.core.blood import BloodSamples
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Quantity
from tumorboard.errors import InputError
from tumorboard.io import nifti
from tumorboard.io.blood_table import write_bids_blood
from tumorboard.io.files import write_text
from tumorboard.io.sidecar import sidecar_of, write_sidecar

__all__ = ["BidsPetDescription", "require_label", "write_bids_pet", "write_dataset_description"]

_BIDS_VERSION: Final = "1.9.0"
_LABEL: Final = re.compile(r"[A-Za-z0-9]+")
# What the standard requires and a computed or anonymous scan may not have.
_REQUIRED: Final = (
    *("Manufacturer", "ManufacturersModelName", "InjectedMass", "InjectedMassUnits", "SpecificRadioactivity"),
    *("SpecificRadioactivityUnits", "ModeOfAdministration", "AcquisitionMode", "ReconMethodName"),
    "AttenuationCorrection",
)


@dataclass(frozen=True, slots=True)
class BidsPetDescription:
    """What a written scan says of itself beyond its images.

    Parameters
    ----------
    tracer, radionuclide
        E.g. ``"flubatine"`` and ``"F18"``.
    injected_mbq
        Injected activity [MBq].
    dataset
        Name of the data set.
    weight_kg
        Of the body, for the participants' table; ``None`` where not known [kg].
    more
        Further entries of the sidecar; what the standard requires and is not here becomes ``"n/a"``.
    """

    tracer: str
    radionuclide: str
    injected_mbq: float
    dataset: str
    weight_kg: float | None
    more: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "more", MappingProxyType(dict(self.more)))


def write_bids_pet(
    folder: Path | str,
    subject: str,
    dynamic: DynamicImage,
    blood: BloodSamples | None,
    description: BidsPetDescription,
) -> Path:
    """Write one subject's dynamic scan, and its blood, into a folder in the layout of BIDS [1]_.

    Each file appears whole or not at all. ``dataset_description.json`` and ``participants.tsv`` are made, or
    the subject is added to the table that is there.

    Parameters
    ----------
    folder
        Root of the data set; made where absent.
    subject
        Label, of letters and digits.
    dynamic
        Concentrations decay-corrected to the injection, times from the injection.
    blood
        ``None`` where there is none.
    description
        What the sidecar says.

    Returns
    -------
    pathlib.Path
        Of the NIfTI file.

    Raises
    ------
    InputError
        When the label is no label, or the image is no activity concentration from the injection on.

    References
    ----------
    .. [1] norgaard2022petbids

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from tumorboard.provenance import Record
    >>> from tumorboard.io.bids_pet import read_bids_pet
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> grid = Grid((2, 3, 4), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="2.25.1")
    >>> values = np.ones((2, 2, 3, 4), np.float32)
    >>> quantity = Quantity.ACTIVITY_CONCENTRATION
    >>> dynamic = DynamicImage(values, grid, quantity, [0, 60], [60, 300], "injection", Record("example"))
    >>> about = BidsPetDescription("flubatine", "F18", 300.0, "example", None)
    >>> path = write_bids_pet(tempfile.mkdtemp(), "01", dynamic, None, about)
    >>> path.name, read_bids_pet(path, frame_of_reference="2.25.1").image.frame_duration_s.tolist()
    ('sub-01_pet.nii.gz', [60.0, 300.0])
    """
    require_label(subject, "subject")
    if dynamic.quantity is not Quantity.ACTIVITY_CONCENTRATION or dynamic.time_zero != "injection":
        raise InputError(
            "dynamic must hold ACTIVITY_CONCENTRATION [Bq/mL] with times from the injection; got "
            f"{dynamic.quantity.name} from {dynamic.time_zero!r}"
        )
    sidecar = _sidecar(dynamic, description)
    root = Path(folder)
    place = root / f"sub-{subject}" / "pet"
    place.mkdir(parents=True, exist_ok=True)
    write_dataset_description(root, description.dataset, "raw")
    _add_participant(root / "participants.tsv", f"sub-{subject}", description.weight_kg)
    path = place / f"sub-{subject}_pet.nii.gz"
    if blood is not None:
        table = place / f"sub-{subject}_recording-manual_blood.tsv"
        write_bids_blood(blood, table, dispersion_corrected=False)
    write_sidecar(sidecar_of(path), sidecar)
    nifti.write(dynamic, path, times_elsewhere=True)
    return path


def require_label(text: str, what: str) -> None:
    """Raise an InputError unless a text can be a label of BIDS.

    Examples
    --------
    >>> require_label("01", "subject")
    """
    if not _LABEL.fullmatch(text):
        raise InputError(f"{what} must be of letters and digits, as BIDS's labels are; got {text[:40]!r}")


def write_dataset_description(root: Path, name: str, kind: str) -> None:
    """Write ``dataset_description.json`` where there is none; ``kind`` is ``"raw"`` or ``"derivative"``.

    Examples
    --------
    >>> import json
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> write_dataset_description(root, "example", "raw")
    >>> json.loads((root / "dataset_description.json").read_text())["DatasetType"]
    'raw'
    """
    path = root / "dataset_description.json"
    if path.exists():
        return
    content: dict[str, Any] = {"Name": name, "BIDSVersion": _BIDS_VERSION, "DatasetType": kind}
    content["GeneratedBy"] = [{"Name": "tumorboard", "Version": tumorboard.__version__}]
    write_sidecar(path, content)


def _add_participant(path: Path, participant: str, weight_kg: float | None) -> None:
    weight = "n/a" if weight_kg is None else repr(float(weight_kg))
    headers, rows = ["participant_id", "body_weight"], dict[str, list[str]]()
    if path.exists():
        lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        headers, rows = lines[0], {line[0]: line for line in lines[1:]}
    row = rows.get(participant, [participant, *["n/a"] * (len(headers) - 1)])
    if "body_weight" in headers:
        row[headers.index("body_weight")] = weight
    rows[participant] = row
    lines = [headers, *(rows[key] for key in sorted(rows))]
    write_text(path, "\n".join("\t".join(line) for line in lines) + "\n")
    if not sidecar_of(path).exists():
        units = {"body_weight": {"Description": "Body weight", "Units": "kg"}}
        write_sidecar(sidecar_of(path), units)


def _sidecar(dynamic: DynamicImage, description: BidsPetDescription) -> dict[str, Any]:
    content = {
        **dict.fromkeys(_REQUIRED, "n/a"),
        # With "none" the standard asks for no values and no sizes.
        "ReconMethodParameterLabels": ["none"],
        "ReconFilterType": "none",
        "Units": "Bq/mL",
        "TracerName": description.tracer,
        "TracerRadionuclide": description.radionuclide,
        "InjectedRadioactivity": float(description.injected_mbq),
        "InjectedRadioactivityUnits": "MBq",
        "TimeZero": "00:00:00",
        "ScanStart": float(dynamic.frame_start_s[0]),
        "InjectionStart": 0,
        "FrameTimesStart": dynamic.frame_start_s.tolist(),
        "FrameDuration": dynamic.frame_duration_s.tolist(),
        "ImageDecayCorrected": True,
        "ImageDecayCorrectionTime": 0,
    }
    taken = [key for key in description.more if content.get(key, "n/a") not in ("n/a", "none", ["none"])]
    if taken:
        raise InputError(
            f"more must not hold what the image and the description say themselves; got {', '.join(taken)}"
        )
    return content | dict(description.more)
