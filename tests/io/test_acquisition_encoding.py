import json
from dataclasses import fields
from datetime import UTC, datetime

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetSlice, PetUnits, Sex, SuvType
from tumorboard.io.acquisition_encoding import acquisition_from_json, acquisition_to_json


def test_acquisition_from_json__gives_back_every_field_with_its_type():
    moment = datetime(2025, 1, 1, 11, 0, 0, 250_000, tzinfo=UTC)
    told = PetAcquisition(
        units=PetUnits.GML,
        suv_type=SuvType.LEAN_BODY_MASS,
        decay_reference=DecayReference.START,
        decay_corrected_to=moment,
        corrected_image=("DECY", "ATTN"),
        half_life_s=6586.2,
        injected_bq=368.08e6,
        injection=moment,
        series_start=moment,
        ge_scan_start=moment,
        siemens_scan_start=moment,
        slices=(PetSlice((0.0, 1.0, 2.0), moment, 150.0, 300.0, 1.1), PetSlice()),
        sex=Sex.OTHER,
        notes=("one", "two"),
    )
    back = acquisition_from_json(json.loads(json.dumps(acquisition_to_json(told))))
    for item in fields(PetAcquisition):
        assert getattr(back, item.name) == getattr(told, item.name), item.name
    assert back.provenance.digest == told.provenance.digest
