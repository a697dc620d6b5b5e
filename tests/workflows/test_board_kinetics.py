"""A report on dynamic scans and on tables: BIDS-PET folders of known curves, and one real scan's tables."""

import json

import kinetic_curves as known
import kinetic_data
import numpy as np
import pytest

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.io import nifti
from tumorboard.io.bids_pet_folder import BidsPetDescription, write_bids_pet
from tumorboard.io.blood_table import write_bids_blood
from tumorboard.io.case_store import CaseStore
from tumorboard.io.tissue_table import write_tissue_table
from tumorboard.plotting.blocks import SectionStatus
from tumorboard.provenance import Record
from tumorboard.workflows.board.config import BoardConfig
from tumorboard.workflows.board.kinetic_choices import KineticsChoices
from tumorboard.workflows.board.kinetic_ingest import kinetic_item
from tumorboard.workflows.board.run import _kinetic_files, run
from tumorboard.workflows.kinetics.folder import find_kinetic_files

VT = {"thalamus": 0.1 / 0.04, "cortex": 0.08 / 0.05}
RECORD = Record("tests.scan")
GRID = Grid((10, 12, 12), (4.0, 4.0, 4.0), (-22.0, -22.0, -18.0), AXIAL, frame_of_reference="2.25.1")


def regional_curves():
    """Curves with a little noise: without any, valleys of two compartments have no bottom."""
    whole = 0.05 * known.blood_averages()
    clean = (
        0.95 * known.tissue(known.one_tissue(0.1, 0.04)) + whole,
        0.95 * known.tissue(known.one_tissue(0.08, 0.05)) + whole,
    )
    return np.concatenate([known.noisy(curve, 2e-3, 1, seed) for seed, curve in enumerate(clean)])


def samples(until_s=5500.0):
    kept = known.BLOOD.times_s <= until_s
    times = known.BLOOD.times_s[kept]
    return BloodSamples(
        BloodCurve(times, known.BLOOD.whole_blood_bq_ml[kept]),
        BloodCurve(times, known.BLOOD.parent_plasma_bq_ml[kept] / 0.8),
        BloodCurve([0.0, times[-1]], [0.8, 0.8]),
        RECORD,
    )


def labels():
    values = np.zeros(GRID.shape, np.uint8)
    values[2:8, 2:10, 2:10] = 2
    values[4:6, 4:8, 4:8] = 1
    return values


def write_scan(folder, blood):
    """Write a scan of two regions, with their numbers and names, and blood where there is some."""
    of = labels()
    values = np.zeros((len(known.START_S), *GRID.shape), np.float32)
    for number, curve in enumerate(regional_curves(), start=1):
        values[:, of == number] = curve[:, None]
    dynamic = known.scan(values, GRID)
    path = write_bids_pet(folder, "01", dynamic, blood, BidsPetDescription("tracer", "F18", 300.0, "t", None))
    image = Image(of, GRID, Quantity.LABEL, RECORD)
    nifti.write(image, path.with_name("sub-01_desc-two_dseg.nii.gz"))
    names = "".join(f"{k}\t{name}\n" for k, name in enumerate(VT, start=1))
    path.with_name("sub-01_desc-two_dseg.tsv").write_text(f"index\tname\n{names}")
    return path


def write_tables(folder, blood, subject="01"):
    place = folder / f"sub-{subject}" / "pet"
    place.mkdir(parents=True)
    values = regional_curves()
    curves = TissueCurves(tuple(VT), known.START_S, known.DURATION_S, values, None, RECORD)
    tac = place / f"sub-{subject}_desc-preproc_tacs.tsv"
    write_tissue_table(curves, tac)
    if blood is not None:
        table = place / f"sub-{subject}_recording-manual_blood.tsv"
        write_bids_blood(blood, table, dispersion_corrected=False)
    return tac


def section(folder, out, **choices):
    result = run(BoardConfig(kinetics=KineticsChoices(**choices)), folder, out=out)
    report = json.loads(result.report_json.read_text(encoding="utf-8"))
    return result, report["sections"].get("kinetics")


def volumes(found, model, name="VT"):
    return {f["region"]: f["parameters"][name]["value"] for f in found["fits"] if f["model"] == model}


@pytest.mark.slow
def test_run__reports_regions_and_voxels_of_a_bids_folder(tmp_path):
    write_scan(tmp_path / "bids", samples())
    result, found = section(tmp_path / "bids", tmp_path / "out", delay_s=0.0)
    assert result.statuses["kinetics"] is SectionStatus.DONE
    for model, within in (("1TCM", 1e-3), ("2TCM", 5e-3), ("Logan", 2e-2), ("MA1", 1e-2)):
        assert volumes(found, model) == pytest.approx(VT, rel=within)
    assert found["delay"] is None
    assert {(m["model"], m["parameter"]) for m in found["maps"]} == {
        ("Logan", "VT"),
        ("MA1", "VT"),
        ("1TCM", "K1"),
    }
    with CaseStore(tmp_path / "out" / "case") as store:
        vt = store.image("section-kinetics-vt-ma1")
        assert vt.quantity is Quantity.DISTRIBUTION_VOLUME
        assert np.median(vt.values[labels() == 1]) == pytest.approx(VT["thalamus"], rel=1e-2)
        assert np.isnan(vt.values[labels() == 0]).all()
    page = result.report_html.read_text(encoding="utf-8")
    assert "VT, Logan" in page
    assert "thalamus" in page


@pytest.mark.slow
def test_run__takes_kinetics_up_again_where_nothing_changed(tmp_path):
    write_tables(tmp_path / "tables", samples())
    _, first = section(tmp_path / "tables", tmp_path / "out", delay_s=0.0)
    _, again = section(tmp_path / "tables", tmp_path / "out", delay_s=0.0)
    assert again == first
    _, other = section(tmp_path / "tables", tmp_path / "out", delay_s=0.0, blood_volume=0.0)
    assert volumes(other, "1TCM") != volumes(first, "1TCM")


@pytest.mark.slow
def test_run__reports_on_the_tables_of_a_real_scan(data_dir, tmp_path):
    folder = tmp_path / "sub-cgyu1"
    folder.mkdir()
    write_tissue_table(kinetic_data.pbr28_curves(data_dir, "cgyu_1"), folder / "sub-cgyu1_tacs.tsv")
    blood = kinetic_data.pbr28_samples(data_dir, "cgyu_1")
    write_bids_blood(blood, folder / "sub-cgyu1_recording-manual_blood.tsv", dispersion_corrected=True)
    delay_s = kinetic_data.kinfitr_delay_s(data_dir, "cgyu_1")
    result, found = section(folder, tmp_path / "out", delay_s=delay_s)
    assert result.statuses["kinetics"] is SectionStatus.DONE
    estimates = kinetic_data.kinfitr_estimates(data_dir)
    for region, value in volumes(found, "1TCM").items():
        assert value == pytest.approx(estimates["cgyu_1", region, "1tcm", "Vt"], rel=5e-3)
    assert any("Blood ends before the scan" in text for text in found["cautions"])
    assert any("plasma is taken for unchanged tracer" in text for text in found["cautions"])
    _, fitted = section(folder, tmp_path / "out")
    assert abs(fitted["delay"]["used_s"] - delay_s) < 5.0
    assert fitted["delay"]["model"] == "2TCM"


@pytest.mark.slow
def test_run__fits_models_of_a_reference_where_one_is_named(tmp_path):
    write_tables(tmp_path / "tables", None)
    result, _ = section(tmp_path / "tables", tmp_path / "out")
    assert result.statuses["kinetics"] is SectionStatus.NOT_POSSIBLE
    result, found = section(tmp_path / "tables", tmp_path / "out", reference="cortex")
    assert result.statuses["kinetics"] is SectionStatus.DONE
    assert volumes(found, "SRTM", "BPND") == pytest.approx({"thalamus": 2.5 / 1.6 - 1}, abs=0.03)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]], "frames must be in order of time"),
        (lambda lines: [*lines[:-1], lines[-1] + "x"], "must be a finite number"),
    ],
)
def test_run__says_in_one_sentence_what_is_wrong_with_a_table(tmp_path, spoil, said):
    tac = write_tables(tmp_path / "tables", samples())
    tac.write_text("\n".join(spoil(tac.read_text().splitlines())) + "\n")
    result, _ = section(tmp_path / "tables", tmp_path / "out")
    assert result.statuses["kinetics"] is SectionStatus.FAILED
    assert said in result.errors["kinetics"]


def test_run__refuses_blood_that_ends_before_the_last_frame(tmp_path):
    write_tables(tmp_path / "tables", samples(until_s=4000.0))
    result, _ = section(tmp_path / "tables", tmp_path / "out")
    assert result.statuses["kinetics"] is SectionStatus.FAILED
    assert "blood must reach into the last frame" in result.errors["kinetics"]


def test_kinetic_files__of_several_subjects_do_not_stop_a_report_on_dicom(tmp_path, caplog):
    for subject in ("01", "02"):
        write_tables(tmp_path, None, subject)
    assert _kinetic_files(BoardConfig(), tmp_path, has_dicom=True) is None
    assert "tables of kinetics were left out" in caplog.text


def test_find_kinetic_files__asks_which_of_several_subjects(tmp_path):
    for subject in ("01", "02"):
        write_tables(tmp_path, samples(), subject)
    with pytest.raises(InputError, match="has 2: 01, 02; choose with --patient"):
        find_kinetic_files(tmp_path, None)
    found = find_kinetic_files(tmp_path, "sub-02")
    assert found.subject == "02"
    assert [path.name for path in found.curves] == ["sub-02_desc-preproc_tacs.tsv"]
    assert [path.name for path in found.blood] == ["sub-02_recording-manual_blood.tsv"]
    assert len(found.used) == 4


def test_find_kinetic_files__finds_none_in_a_folder_of_other_things(tmp_path):
    (tmp_path / "notes.tsv").write_text("a\tb\n1\t2\n")
    (tmp_path / "participants.tsv").write_bytes(b"\xff\xfe\x00")
    assert find_kinetic_files(tmp_path, None) is None


def test_kinetic_item__is_none_without_curves(tmp_path):
    with CaseStore(tmp_path / "case", identifier="P01") as store:
        assert kinetic_item(store) is None


def test_find__tables_of_the_genome_are_no_curves(tmp_path):
    (tmp_path / "junctions.tsv").write_text("chrom\tstart\tend\tname\nchr1\t10\t20\tJ1\n")
    (tmp_path / "segments.tsv").write_text("chromosome\tstart\tend\ttotal_cn\n1\t10\t20\t2\n")
    assert find_kinetic_files(tmp_path, None) is None
