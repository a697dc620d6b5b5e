"""Dynamic PET in the layout of BIDS: a 4-D NIfTI file and its sidecar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Quantity
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io import nifti
from tumorboard.io.curve_units import activity_unit
from tumorboard.io.sidecar import number_in, read_sidecar, sidecar_of
from tumorboard.provenance import Record

__all__ = ["BidsPet", "BidsPetFacts", "read_bids_pet", "read_bids_pet_facts"]

_ACTIVITIES_BQ: Final = {"bq": 1.0, "kbq": 1e3, "mbq": 1e6, "gbq": 1e9, "mci": 3.7e7, "uci": 3.7e4}


@dataclass(frozen=True, slots=True, eq=False)
class BidsPetFacts:
    """What the sidecar of a PET file says, times from BIDS's time zero.

    Parameters
    ----------
    frame_start_s, frame_duration_s
        Shape ``(n_frames,)`` [s].
    injection_start_s
        The injection after time zero [s].
    bq_ml_per_value
        What values of the file are multiplied with [Bq/mL].
    decay_corrected
        Whether the values are.
    decay_corrected_to_s
        Moment they are corrected to, after time zero; ``None`` where they are not [s].
    radionuclide
        As written, e.g. ``"C11"``; ``None`` where absent.
    injected_bq
        ``None`` where absent [Bq].
    tracer
        Its name; ``None`` where absent.
    """

    frame_start_s: NDArray[np.float64]
    frame_duration_s: NDArray[np.float64]
    injection_start_s: float
    bq_ml_per_value: float
    decay_corrected: bool
    decay_corrected_to_s: float | None
    radionuclide: str | None
    injected_bq: float | None
    tracer: str | None

    def __post_init__(self) -> None:
        for name in ("frame_start_s", "frame_duration_s"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    @property
    def corrected_to_after_injection_s(self) -> float | None:
        """Moment that values are decay-corrected to, after the injection; ``None`` where they are not [s]."""
        if self.decay_corrected_to_s is None:
            return None
        return self.decay_corrected_to_s - self.injection_start_s


@dataclass(frozen=True, slots=True, eq=False)
class BidsPet:
    """A dynamic image as stored, and what its sidecar says.

    Parameters
    ----------
    image
        In Bq/mL, times from the injection; decay-corrected as ``facts`` say, which need not be to the
        injection.
    facts
        Of the sidecar.
    """

    image: DynamicImage
    facts: BidsPetFacts


def read_bids_pet_facts(path: Path | str) -> BidsPetFacts:
    """Read a ``*_pet.json`` [1]_.

    Raises
    ------
    MissingAttribute
        When an entry that the times, the unit or the decay need is absent.
    InputError
        When an entry is of the wrong kind.

    References
    ----------
    .. [1] norgaard2022petbids

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "sub-01_pet.json"
    >>> _ = path.write_text('''{
    ...     "Units": "kBq/mL", "FrameTimesStart": [0], "FrameDuration": [60], "InjectionStart": 0,
    ...     "ImageDecayCorrected": true, "ImageDecayCorrectionTime": 0, "TracerRadionuclide": "C11"
    ... }''')
    >>> facts = read_bids_pet_facts(path)
    >>> facts.bq_ml_per_value, facts.corrected_to_after_injection_s
    (1000.0, 0.0)
    """
    path = Path(path)
    sidecar, where = read_sidecar(path), path.name
    if not isinstance(sidecar.get("Units"), str):
        raise MissingAttribute(f'{where} must state Units of the image; it does not; add "Units": "Bq/mL"')
    start, duration = (_numbers(sidecar, key, where) for key in ("FrameTimesStart", "FrameDuration"))
    if start.shape != duration.shape:
        raise InputError(
            f"FrameTimesStart and FrameDuration of {where} must be equally long; got {start.size} and "
            f"{duration.size}"
        )
    corrected = sidecar.get("ImageDecayCorrected")
    if not isinstance(corrected, bool):
        raise MissingAttribute(
            f"{where} must state ImageDecayCorrected, true or false; got {corrected!r}; correct it"
        )
    nuclide, tracer = sidecar.get("TracerRadionuclide"), sidecar.get("TracerName")
    return BidsPetFacts(
        start,
        duration,
        number_in(sidecar, "InjectionStart", where=where),
        activity_unit(sidecar["Units"], where=where).value,
        corrected,
        number_in(sidecar, "ImageDecayCorrectionTime", where=where) if corrected else None,
        nuclide if isinstance(nuclide, str) else None,
        _injected_bq(sidecar, where),
        tracer if isinstance(tracer, str) else None,
    )


def read_bids_pet(path: Path | str, *, frame_of_reference: str) -> BidsPet:
    """Read a ``*_pet.nii`` or ``*_pet.nii.gz`` with its sidecar [1]_.

    Parameters
    ----------
    path
        The image; the sidecar of the same name stands beside it.
    frame_of_reference
        DICOM Frame of Reference UID that the coordinates are in; neither file can say.

    Returns
    -------
    BidsPet
        To decay-correct it see :func:`~tumorboard.pet.kinetics.decay_correction.corrected_to_injection`.

    Raises
    ------
    MissingAttribute
        When the sidecar lacks an entry that is needed.
    InputError
        When the two files have different numbers of frames, or the image has one volume only.

    References
    ----------
    .. [1] norgaard2022petbids

    Examples
    --------
    See :func:`~tumorboard.io.bids_pet_folder.write_bids_pet`.
    """
    path = Path(path)
    facts = read_bids_pet_facts(sidecar_of(path))
    start = facts.frame_start_s - facts.injection_start_s
    stored = nifti.read(
        path,
        quantity=Quantity.ACTIVITY_CONCENTRATION,
        frame_of_reference=frame_of_reference,
        frame_start_s=start,
        frame_duration_s=facts.frame_duration_s,
        time_zero="injection",
    )
    values, grid = stored.values, stored.grid
    if not isinstance(stored, DynamicImage):
        values = values[None]
        if start.size != 1:
            raise InputError(f"{path.name} must have the {start.size} frames of its sidecar; it has 1")
    if facts.bq_ml_per_value != 1.0:
        kind = values.dtype if values.dtype.kind == "f" else np.dtype(np.float32)
        values = values.astype(kind) * kind.type(facts.bq_ml_per_value)
    parameters = {
        "file": path.name,
        "decay_corrected_to_after_injection_s": facts.corrected_to_after_injection_s,
        "bq_ml_per_value": facts.bq_ml_per_value,
    }
    record = Record("io.read_bids_pet", parameters, (stored.provenance,), ("norgaard2022petbids",))
    image = DynamicImage(
        values, grid, Quantity.ACTIVITY_CONCENTRATION, start, facts.frame_duration_s, "injection", record
    )
    return BidsPet(image, facts)


def _numbers(sidecar: Mapping[str, Any], key: str, where: str) -> NDArray[np.float64]:
    value = sidecar.get(key)
    if value is None:
        raise MissingAttribute(f"{where} must state {key} [s]; it does not; add it")
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if not values or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        raise InputError(f"{key} of {where} must be numbers [s]; got {str(value)[:60]}; correct it")
    return np.array(values, np.float64)


def _injected_bq(sidecar: Mapping[str, Any], where: str) -> float | None:
    value = sidecar.get("InjectedRadioactivity")
    if value in (None, "n/a"):
        return None
    # The examples of the standard itself spell the second entry in two ways.
    unit = sidecar.get("InjectedRadioactivityUnits", sidecar.get("InjectedRadioActivityUnits"))
    factor = _ACTIVITIES_BQ.get(str(unit).strip().lower())
    if factor is None:
        raise MissingAttribute(
            f"{where} must state InjectedRadioactivityUnits, e.g. MBq, with InjectedRadioactivity; got "
            f"{unit!r}"
        )
    return number_in(sidecar, "InjectedRadioactivity", where=where) * factor
