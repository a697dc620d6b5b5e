"""Parametric maps as NIfTI files with sidecars, named as BIDS derivatives of PET are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import tumorboard
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io import nifti
from tumorboard.io.bids_pet_folder import require_label, write_dataset_description
from tumorboard.io.sidecar import read_sidecar, sidecar_of, write_sidecar
from tumorboard.provenance import Record

__all__ = ["read_bids_map", "write_bids_map"]

_MIMAP: Final = "_mimap.nii.gz"


def write_bids_map(
    image: Image, folder: Path | str, *, subject: str, description: str, model: str, measure: str
) -> Path:
    """Write ``sub-SUBJECT_desc-DESCRIPTION_model-MODEL_meas-MEASURE_mimap.nii.gz`` and its sidecar.

    Names follow the proposed extension of BIDS for derivatives of PET, which is not part of the standard yet.
    The sidecar states the model, the unit, the choices and citations of the image's own record, and the
    software.

    Parameters
    ----------
    image
        Any quantity; where a model said nothing, NaN.
    folder
        Root of the derivatives; made where absent.
    subject, description, model, measure
        Labels of letters and digits, e.g. ``"01"``, ``"preproc"``, ``"Logan"``, ``"VT"``.

    Returns
    -------
    pathlib.Path
        Of the NIfTI file, in ``sub-SUBJECT/pet``.

    Raises
    ------
    InputError
        When a label is no label.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> grid = Grid((2, 3, 4), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="2.25.1")
    >>> record = Record("example", {"last_frames": 10}, references=("logan1990graphical",))
    >>> vt = Image(np.full(grid.shape, 3.5, np.float32), grid, Quantity.DISTRIBUTION_VOLUME, record)
    >>> path = write_bids_map(
    ...     vt, tempfile.mkdtemp(), subject="01", description="preproc", model="Logan", measure="VT"
    ... )
    >>> path.name
    'sub-01_desc-preproc_model-Logan_meas-VT_mimap.nii.gz'
    >>> read_bids_map(path, frame_of_reference="2.25.1").quantity.name
    'DISTRIBUTION_VOLUME'
    """
    labels = {"subject": subject, "description": description, "model": model, "measure": measure}
    for what, label in labels.items():
        require_label(label, what)
    root = Path(folder)
    place = root / f"sub-{subject}" / "pet"
    place.mkdir(parents=True, exist_ok=True)
    write_dataset_description(root, "tumorboard", "derivative")
    path = place / f"sub-{subject}_desc-{description}_model-{model}_meas-{measure}{_MIMAP}"
    record = image.provenance
    content: dict[str, Any] = {
        "ModelName": model,
        "Measure": measure,
        "Quantity": image.quantity.value,
        "Units": image.quantity.unit,
        "Operation": record.operation,
        "Parameters": dict(record.parameters),
        "References": list(record.citations()),
        "Digest": record.digest,
        "SoftwareName": "tumorboard",
        "SoftwareVersion": tumorboard.__version__,
    }
    write_sidecar(sidecar_of(path), content)
    nifti.write(image, path)
    return path


def read_bids_map(path: Path | str, *, frame_of_reference: str) -> Image:
    """Read a map that :func:`write_bids_map` wrote.

    Parameters
    ----------
    path
        The NIfTI file; its sidecar stands beside it.
    frame_of_reference
        DICOM Frame of Reference UID that the coordinates are in.

    Raises
    ------
    UnreadableFile
        When a file is absent or broken.
    InputError
        When the sidecar names no quantity with its unit, or the file holds several volumes.

    Examples
    --------
    See :func:`write_bids_map`.
    """
    path = Path(path)
    sidecar = read_sidecar(sidecar_of(path))
    try:
        quantity = Quantity(sidecar.get("Quantity"))
    except ValueError as reason:
        raise InputError(
            f"sidecar of {path.name} must name a Quantity; got {sidecar.get('Quantity')!r}; read the "
            "file with nifti.read and say it"
        ) from reason
    if sidecar.get("Units") != quantity.unit:
        raise InputError(
            f"Units of the sidecar of {path.name} must be {quantity.unit!r}; got {sidecar.get('Units')!r}"
        )
    image = nifti.read(path, quantity=quantity, frame_of_reference=frame_of_reference)
    if isinstance(image, DynamicImage):
        raise UnreadableFile(f"{path.name} must hold one volume; it holds {image.n_frames}")
    parameters = {"file": path.name, "digest_of_its_record": sidecar.get("Digest")}
    record = Record(
        "io.read_bids_map", parameters, (image.provenance,), tuple(map(str, sidecar.get("References", ())))
    )
    return Image(image.values, image.grid, quantity, record)
