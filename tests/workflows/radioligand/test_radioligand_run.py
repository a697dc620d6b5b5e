from dataclasses import replace

import numpy as np
import pytest

from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import Structure
from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayLibrary, decay_data
from tumorboard.provenance import Record
from tumorboard.workflows.radioligand.config import RadioligandConfig
from tumorboard.workflows.radioligand.run import run

QUICK = RadioligandConfig(margin_mm=24.0, histories=60_000, kernel_histories=4000)
J_PER_MEV = 1.602176634e-13
LOCAL_MEV = 0.14815  # electrons of Lu-177, and photons below 10 keV


@pytest.fixture(scope="module")
def result(make_scan):
    return run(QUICK, [make_scan(28), make_scan(4)], ct=None)


def test_run__local_dose_is_energy_over_mass(result):
    (lesion,) = result.lesions
    expected = lesion.course.decays * LOCAL_MEV * J_PER_MEV / (lesion.volumes_ml[-1] * 0.998e-3)
    assert lesion.histograms["local"].mean_gy == pytest.approx(expected, rel=0.005)


def test_run__three_methods_agree_on_a_ball(result):
    (lesion,) = result.lesions
    dose = {name: h.mean_gy for name, h in lesion.histograms.items()}
    # Local deposition knows neither electrons that leave at the surface nor photons that stay.
    assert dose["kernel"] == pytest.approx(dose["monte_carlo"], rel=0.01)
    assert dose["local"] == pytest.approx(dose["monte_carlo"], rel=0.05)


def test_run__scans_are_put_in_order_and_half_lives_are_known_ones(result):
    assert np.diff(result.total.samples.times_s)[0] > 0
    (lesion,) = result.lesions
    assert lesion.course.half_life_s / 3600 == pytest.approx(60.0, rel=1e-4)
    assert lesion.relative_uncertainty > lesion.course.decays_relative_uncertainty
    assert result.injected_bq == 7e9


def test_run__says_what_two_scans_cannot(result):
    said = " ".join(result.notes)
    assert "exactly" in said
    assert "kidneys or marrow" in said
    assert "water inside the body" in said
    assert "frames of reference of their own" in said


def test_run__refuses_one_scan_and_another_administration(make_scan):
    one = make_scan(28)
    with pytest.raises(InputError, match="two or more"):
        run(QUICK, [one], ct=None)
    other = replace(make_scan(4), acquisition=replace(one.acquisition, radionuclide="18F"))
    with pytest.raises(InputError, match="one nuclide of"):
        run(QUICK, [one, other], ct=None)


def test_config__refuses_what_is_no_uncertainty():
    with pytest.raises(InputError, match="10 %"):
        RadioligandConfig(lesion_relative_uncertainty=10)


def test_config__refuses_what_is_no_library():
    with pytest.raises(InputError, match=r"DecayLibrary\.JEFF_4_0"):
        RadioligandConfig(library="JEFF")


@pytest.mark.slow
def test_run__takes_decay_data_from_the_library_that_is_named(make_scan, result):
    jeff = run(replace(QUICK, library=DecayLibrary.JEFF_4_0), [make_scan(4), make_scan(28)], ct=None)
    assert jeff.provenance.parameters["library"] == "JEFF-4.0"
    assert any("JEFF-4.0" in note for note in jeff.notes)
    assert any("ENDF/B-VIII.1" in note for note in result.notes)
    assert jeff.physical_half_life_s == decay_data("Lu-177", library=DecayLibrary.JEFF_4_0).half_life_s
    (one,), (other,) = jeff.lesions, result.lesions
    assert one.histograms["local"].mean_gy == pytest.approx(other.histograms["local"].mean_gy, rel=0.02)
    assert one.histograms["local"].mean_gy != other.histograms["local"].mean_gy


@pytest.mark.slow
def test_run__takes_a_ct_where_there_is_one(make_scan, result):
    last = make_scan(28)
    grid = last.image.grid
    denser = Image(np.full(grid.shape, 60.0, np.float32), grid, Quantity.CT_NUMBER, Record("test.made"))
    found = run(QUICK, [make_scan(4), last], ct=denser)
    assert "the CT" in found.medium
    (lesion,), (in_water,) = found.lesions, result.lesions
    # By Schneider, 60 HU have 1.06 times the density of water: so much less is the dose of the same energy.
    ratio = in_water.histograms["local"].mean_gy / lesion.histograms["local"].mean_gy
    assert 1.04 < ratio < 1.08
    assert lesion.histograms["kernel"].mean_gy == pytest.approx(
        lesion.histograms["monte_carlo"].mean_gy, rel=0.015
    )


@pytest.mark.slow
def test_run__does_not_depend_on_threads(make_scan, result):
    again = run(replace(QUICK, threads=2), [make_scan(4), make_scan(28)], ct=None)
    for name in ("local", "monte_carlo"):
        assert (again.doses[name].dose.values == result.doses[name].dose.values).all()


def _with_a_cold_structure(scan):
    grid, inside = scan.image.grid, np.zeros(scan.image.grid.shape, bool)
    inside[1:3, 1:3, 1:3] = True
    cold = Structure("cold", mask=Image(inside, grid, Quantity.LABEL, scan.lesions.provenance))
    return replace(scan, lesions=replace(scan.lesions, structures=(*scan.lesions.structures, cold)))


@pytest.mark.parametrize("on_both", [True, False])
def test_run__names_structures_that_have_no_dose(make_scan, result, on_both):
    last = make_scan(28)
    last = _with_a_cold_structure(last) if on_both else last
    found = run(QUICK, [_with_a_cold_structure(make_scan(4)), last], ct=None)
    assert [one.course.name for one in found.lesions] == ["lesion"]
    assert found.lesions[0].course.decays == result.lesions[0].course.decays
    assert any(note.startswith("cold: no dose is told") for note in found.notes)
    assert not any("no dose is told" in note for note in result.notes)


def test_run__says_that_lesions_overlap(make_scan):
    def twice(scan):
        (lesion,) = scan.lesions.structures
        both = lesion, replace(lesion, name="the same")
        return replace(scan, lesions=replace(scan.lesions, structures=both))

    # Of two equal lesions in a body with as much activity again there must be something left outside.
    scans = [twice(make_scan(h, body_bq_ml=2e6)) for h in (4, 28)]
    found = run(QUICK, scans, ct=None)
    assert any(note.startswith("lesion, the same overlap") for note in found.notes)
