"""A PET acquisition as JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetSlice, PetUnits, Sex, SuvType
from tumorboard.provenance import Record

__all__ = ["acquisition_from_json", "acquisition_to_json"]

_ENUMS: dict[str, type[Enum]] = {
    "units": PetUnits,
    "suv_type": SuvType,
    "decay_reference": DecayReference,
    "sex": Sex,
}
_MOMENTS = (
    "injection",
    "series_start",
    "decay_corrected_to",
    "ge_scan_start",
    "siemens_scan_start",
    "acquisition_start",
)


def acquisition_to_json(acquisition: PetAcquisition) -> dict[str, Any]:
    """Return the acquisition as JSON-serialisable values; moments become ISO 8601 text."""
    body = _plain(acquisition)
    body["slices"] = [_plain(part) for part in acquisition.slices]
    body["provenance"] = acquisition.provenance.to_dict()
    return body


def acquisition_from_json(body: Mapping[str, Any]) -> PetAcquisition:
    """Read what :func:`acquisition_to_json` wrote."""
    values = {name: _noun(name, value) for name, value in body.items()}
    values["slices"] = tuple(
        PetSlice(**{name: _noun(name, value) for name, value in part.items()}) for part in body["slices"]
    )
    values["provenance"] = Record.from_dict(body["provenance"])
    return PetAcquisition(**values)


def _plain(noun: PetAcquisition | PetSlice) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for entry in fields(noun):
        value = getattr(noun, entry.name)
        if isinstance(value, Enum):
            value = value.value
        elif isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, tuple) and entry.name != "slices":
            value = list(value)
        plain[entry.name] = value
    return plain


def _noun(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _ENUMS:
        return _ENUMS[name](value)
    if name in _MOMENTS:
        return datetime.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value
