import json

import numpy as np
import pytest

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import AXIAL, Grid, grid_difference
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.bids_maps import read_bids_map, write_bids_map
from tumorboard.io.bids_pet import read_bids_pet, read_bids_pet_facts
from tumorboard.io.bids_pet_folder import BidsPetDescription, write_bids_pet
from tumorboard.io.blood_table import JoinRule, read_bids_blood
from tumorboard.io.sidecar import sidecar_of
from tumorboard.provenance import Record

RECORD = Record("test", {"last_frames": 10}, references=("logan1990graphical",))
GRID = Grid((3, 4, 5), (2.0, 1.5, 1.5), (-4.0, 3.0, 10.0), AXIAL, frame_of_reference="2.25.7")
VALUES = np.random.default_rng(2).uniform(0.0, 9e3, (3, 3, 4, 5)).astype(np.float32)
ABOUT = BidsPetDescription("PBR28", "C11", 400.0, "twenty scans", 71.5, {"Manufacturer": "none: computed"})


def dynamic(time_zero="injection", quantity=Quantity.ACTIVITY_CONCENTRATION):
    return DynamicImage(VALUES, GRID, quantity, [0.0, 60.0, 180.0], [60.0, 120.0, 600.0], time_zero, RECORD)


def test_write_bids_pet__is_read_back_exactly(tmp_path):
    blood = BloodSamples(BloodCurve([0.0, 9.0], [0.0, 8e3]), None, None, RECORD)
    path = write_bids_pet(tmp_path, "01", dynamic(), blood, ABOUT)
    found = read_bids_pet(path, frame_of_reference="2.25.7")
    np.testing.assert_array_equal(found.image.values, VALUES)
    assert grid_difference(found.image.grid, GRID) is None
    assert found.image.frame_duration_s.tolist() == [60.0, 120.0, 600.0]
    facts = found.facts
    assert (facts.injected_bq, facts.radionuclide, facts.tracer) == (400e6, "C11", "PBR28")
    assert facts.corrected_to_after_injection_s == 0.0
    table = path.with_name("sub-01_recording-manual_blood.tsv")
    samples = read_bids_blood([table], injection_start_s=facts.injection_start_s, join=JoinRule.REFUSE)
    assert samples.whole_blood.values.tolist() == [0.0, 8e3]
    assert json.loads(sidecar_of(path).read_text())["Manufacturer"] == "none: computed"


def test_write_bids_pet__adds_to_the_participants(tmp_path):
    for subject in ("02", "01"):
        write_bids_pet(tmp_path, subject, dynamic(), None, ABOUT)
    lines = (tmp_path / "participants.tsv").read_text().splitlines()
    assert lines == ["participant_id\tbody_weight", "sub-01\t71.5", "sub-02\t71.5"]
    assert json.loads((tmp_path / "dataset_description.json").read_text())["Name"] == "twenty scans"
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".partial-")]


@pytest.mark.parametrize(
    ("image", "subject", "message"),
    [
        (dynamic(), "sub-01", "subject must be of letters and digits"),
        (dynamic(), "../x", "subject must be of letters and digits"),
        (dynamic("scan start"), "01", "with times from the injection"),
        (dynamic(quantity=Quantity.COUNTS), "01", "dynamic must hold ACTIVITY_CONCENTRATION"),
    ],
)
def test_write_bids_pet__refuses_what_its_sidecar_could_not_say(tmp_path, image, subject, message):
    with pytest.raises(InputError, match=message):
        write_bids_pet(tmp_path, subject, image, None, ABOUT)
    assert not list(tmp_path.iterdir())


def test_write_bids_pet__more_does_not_contradict_the_image(tmp_path):
    about = BidsPetDescription("PBR28", "C11", 400.0, "x", None, {"Units": "kBq/mL", "Manufacturer": "none"})
    with pytest.raises(InputError, match=r"more must not hold what the image .* got Units$"):
        write_bids_pet(tmp_path, "01", dynamic(), None, about)
    assert not list(tmp_path.iterdir())


def changed(tmp_path, **changes):
    path = write_bids_pet(tmp_path, "01", dynamic(), None, ABOUT)
    sidecar = json.loads(sidecar_of(path).read_text())
    sidecar = {k: v for k, v in (sidecar | changes).items() if v is not None}
    sidecar_of(path).write_text(json.dumps(sidecar))
    return path


def test_read_bids_pet__converts_the_unit_and_counts_from_the_injection(tmp_path):
    path = changed(tmp_path, Units="kBq/mL", InjectionStart=-30, ImageDecayCorrectionTime=0)
    found = read_bids_pet(path, frame_of_reference="2.25.7")
    np.testing.assert_allclose(found.image.values, VALUES * 1e3, rtol=1e-6)
    assert found.image.values.dtype == np.float32
    assert found.image.frame_start_s.tolist() == [30.0, 90.0, 210.0]
    assert found.facts.corrected_to_after_injection_s == 30.0


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"Units": None}, MissingAttribute, "must state Units of the image"),
        ({"Units": "SUV"}, InputError, "unit of concentration of sub-01_pet.json must be Bq/mL"),
        ({"FrameTimesStart": None}, MissingAttribute, "must state FrameTimesStart"),
        (
            {"FrameDuration": [60, 120]},
            InputError,
            "FrameTimesStart and FrameDuration .* must be equally long",
        ),
        (
            {"FrameTimesStart": [0, 60], "FrameDuration": [60, 60]},
            InputError,
            "must be as many as its frames, 3",
        ),
        ({"FrameTimesStart": [0, 60, 30]}, InputError, "frame_start_s must be 3 finite increasing times"),
        ({"FrameTimesStart": "0"}, InputError, "FrameTimesStart of sub-01_pet.json must be numbers"),
        ({"InjectionStart": None}, MissingAttribute, "must state InjectionStart"),
        (
            {"InjectionStart": "12:00:00"},
            InputError,
            "InjectionStart of sub-01_pet.json must be a finite number",
        ),
        ({"ImageDecayCorrected": "true"}, MissingAttribute, "must state ImageDecayCorrected, true or false"),
        ({"ImageDecayCorrectionTime": None}, MissingAttribute, "must state ImageDecayCorrectionTime"),
        ({"InjectedRadioactivityUnits": None}, MissingAttribute, "must state InjectedRadioactivityUnits"),
    ],
)
def test_read_bids_pet__bad_sidecars_are_one_sentence(tmp_path, changes, error, message):
    with pytest.raises(error, match=message) as caught:
        read_bids_pet(changed(tmp_path, **changes), frame_of_reference="2.25.7")
    assert "\n" not in str(caught.value)


def test_read_bids_pet_facts__reads_the_example_of_the_standard(tmp_path):
    # Its unit of activity is spelt InjectedRadioActivityUnits.
    path = tmp_path / "sub-01_pet.json"
    path.write_text(json.dumps({
        "Units": "Bq/mL", "TracerName": "CIMBI-36", "TracerRadionuclide": "C11", "InjectedRadioactivity": 573,
        "InjectedRadioActivityUnits": "MBq", "TimeZero": "13:04:42", "ScanStart": 0, "InjectionStart": 0,
        "FrameTimesStart": [0, 10], "FrameDuration": [10, 10], "ImageDecayCorrected": True,
        "ImageDecayCorrectionTime": 0,
    }))  # fmt: skip
    assert read_bids_pet_facts(path).injected_bq == 573e6


@pytest.mark.parametrize(
    "quantity",
    [
        Quantity.DISTRIBUTION_VOLUME,
        Quantity.BINDING_POTENTIAL,
        Quantity.UPTAKE_RATE,
        Quantity.RATE_CONSTANT,
        Quantity.UPTAKE_RATIO,
    ],
)
def test_write_bids_map__is_read_back_with_its_facts(tmp_path, quantity):
    values = VALUES[0].copy()
    values[0, 0, 0] = np.nan
    path = write_bids_map(
        Image(values, GRID, quantity, RECORD),
        tmp_path,
        subject="01",
        description="x",
        model="Logan",
        measure="VT",
    )
    assert (
        path.relative_to(tmp_path).as_posix() == "sub-01/pet/sub-01_desc-x_model-Logan_meas-VT_mimap.nii.gz"
    )
    found = read_bids_map(path, frame_of_reference="2.25.7")
    np.testing.assert_array_equal(found.values, values)
    assert found.quantity is quantity
    assert list(found.provenance.citations()) == ["logan1990graphical"]
    sidecar = json.loads(sidecar_of(path).read_text())
    assert sidecar["Parameters"] == {"last_frames": 10}
    assert sidecar["Units"] == quantity.unit


def test_read_bids_map__refuses_a_unit_that_is_not_the_quantitys(tmp_path):
    image = Image(VALUES[0], GRID, Quantity.DISTRIBUTION_VOLUME, RECORD)
    path = write_bids_map(image, tmp_path, subject="01", description="x", model="Logan", measure="VT")
    sidecar = json.loads(sidecar_of(path).read_text())
    for key, value, message in (
        ("Units", "1", "Units of the sidecar"),
        ("Quantity", "vt", "must name a Quantity"),
    ):
        sidecar_of(path).write_text(json.dumps(sidecar | {key: value}))
        with pytest.raises(InputError, match=message):
            read_bids_map(path, frame_of_reference="2.25.7")
