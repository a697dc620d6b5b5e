"""Maps of a small scan in BIDS-PET, written as NIfTI and DICOM, and read back."""

import json
from datetime import datetime

import kinetic_curves as known
import numpy as np
import pytest

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io import nifti
from tumorboard.io.bids_maps import read_bids_map
from tumorboard.io.bids_pet_folder import BidsPetDescription, write_bids_pet
from tumorboard.io.dicom import read_images, scan
from tumorboard.provenance import Record
from tumorboard.workflows.kinetics.config import KineticsConfig, TStarChoice
from tumorboard.workflows.kinetics.maps import MapChoices, run_maps

RECORD = Record("tests.scan")
GRID = Grid((4, 6, 5), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="2.25.1")
VT = {1: 0.1 / 0.04, 2: 0.08 / 0.05}
LATE = TStarChoice("from_min", 20.0)


@pytest.fixture(scope="module")
def bids(tmp_path_factory):
    """Folder of a scan of two regions without noise, and the regions' numbers."""
    folder = tmp_path_factory.mktemp("bids")
    whole = 0.05 * known.blood_averages()
    labels = np.zeros(GRID.shape, np.uint8)
    labels[1:3, 1:5, 1:4] = 2
    labels[1:3, 2:4, 2:3] = 1
    values = np.zeros((len(known.START_S), *GRID.shape), np.float32)
    for number, rates in ((1, (0.1, 0.04)), (2, (0.08, 0.05))):
        curve = 0.95 * known.tissue(known.one_tissue(*rates)) + whole
        values[:, labels == number] = curve[:, None]
    dynamic = known.scan(values, GRID)
    times = known.BLOOD.times_s
    blood = BloodSamples(
        BloodCurve(times, known.BLOOD.whole_blood_bq_ml),
        BloodCurve(times, known.BLOOD.parent_plasma_bq_ml),
        BloodCurve([0.0, times[-1]], [1.0, 1.0]),
        RECORD,
    )
    path = write_bids_pet(folder, "01", dynamic, blood, BidsPetDescription("t", "F18", 300.0, "t", None))
    image = Image(labels, GRID, Quantity.LABEL, RECORD)
    nifti.write(image, path.with_name("sub-01_desc-two_dseg.nii.gz"))
    return folder, labels


def test_run_maps__volumes_are_those_of_the_regions(bids, tmp_path):
    folder, labels = bids
    config = KineticsConfig("logan", t_star=LATE)
    found = run_maps(config, MapChoices(parameters=("VT",)), folder, tmp_path)
    names = sorted(path.name for path in found.files)
    assert names == [
        "sub-01_desc-voxelwise_model-LOGAN_meas-VT_mimap.nii.gz",
        "sub-01_desc-voxelwise_model-LOGAN_meas-VTse_mimap.nii.gz",
        "sub-01_desc-voxelwise_model-LOGAN_meas-flags_mimap.nii.gz",
    ]
    vt = read_bids_map(next(p for p in found.files if "meas-VT_" in p.name), frame_of_reference="2.25.1")
    assert vt.quantity is Quantity.DISTRIBUTION_VOLUME
    for number, true in VT.items():
        assert vt.values[labels == number] == pytest.approx(true, rel=1e-2)
    assert np.isnan(vt.values[labels == 0]).all()
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["voxels"] == int((labels > 0).sum())


@pytest.mark.slow
def test_run_maps__writes_dicom_that_reads_back(bids, tmp_path):
    folder, labels = bids
    config = KineticsConfig("ma1", t_star=LATE)
    choices = MapChoices(parameters=("VT",), standard_errors=False, dicom_start=datetime(2026, 1, 31, 9, 30))
    found = run_maps(config, choices, folder, tmp_path)
    assert [path.name for path in found.files][-1] == "MA1-VT.dcm"
    study = scan(tmp_path / "dicom")
    assert len(study.series) == 2
    maps = [series for series in study.series if len(series.headers) == 1]
    (volume,) = read_images(maps[0])
    assert volume.image.quantity is Quantity.DISTRIBUTION_VOLUME
    for number, true in VT.items():
        assert volume.image.values[labels == number] == pytest.approx(true, rel=1e-2)


def test_run_maps__gives_k2_and_that_of_the_reference_a_dicom_file_each(bids, tmp_path):
    config = KineticsConfig("mrtm1", reference="region 2", t_star=TStarChoice("all", 0))
    choices = MapChoices(
        parameters=("k2", "k2'"), standard_errors=False, dicom_start=datetime(2026, 1, 31, 9, 30)
    )
    found = run_maps(config, choices, bids[0], tmp_path)
    names = [path.name for path in found.files if path.suffix == ".dcm"]
    assert names == ["MRTM1-k2.dcm", "MRTM1-k2prime.dcm"]
    assert all((tmp_path / "dicom" / name).is_file() for name in names)


def test_run_maps__of_a_reference_region(bids, tmp_path):
    folder, labels = bids
    config = KineticsConfig("mrtm1", reference="region 2", t_star=TStarChoice("all", 0))
    found = run_maps(config, MapChoices(parameters=("BPND",), standard_errors=False), folder, tmp_path)
    bpnd = found.maps.maps["BPND"].values
    assert bpnd[labels == 1] == pytest.approx(2.5 / 1.6 - 1, abs=0.03)


def test_run_maps__an_interrupt_leaves_no_file(bids, tmp_path):
    def stop(what, done, total):
        if what == "fitting voxels":
            raise KeyboardInterrupt

    config = KineticsConfig("1tcm")
    with pytest.raises(KeyboardInterrupt):
        run_maps(config, MapChoices(), bids[0], tmp_path / "out", progress=stop)
    assert not (tmp_path / "out").exists()


def test_run_maps__asks_for_t_star(bids, tmp_path):
    with pytest.raises(MissingAttribute, match="--t-star-min 30"):
        run_maps(KineticsConfig("logan"), MapChoices(), bids[0], tmp_path)


def test_run_maps__refuses_a_folder_without_a_scan(tmp_path):
    with pytest.raises(InputError, match="folder must hold a dynamic scan"):
        run_maps(KineticsConfig("1tcm"), MapChoices(), tmp_path, tmp_path)
