import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tumorboard.core import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.physics.hounsfield import relative_stopping_power, schneider2000
from tumorboard.proton.optimisation import OptimisationStatus
from tumorboard.workflows.proton_plan.energy import brought_energy_j
from tumorboard.workflows.proton_plan.prescription import parse_prescription
from tumorboard.workflows.proton_plan.run import run

pytestmark = pytest.mark.slow

PRESCRIPTION = Path(__file__).with_name("prescription.toml").read_text()


def config(*changes):
    text = PRESCRIPTION
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_prescription(tomllib.loads(text), folder=Path())


@pytest.fixture(scope="module")
def made(phantom):
    ct, drawn = phantom()
    return run(config(), ct, drawn)


def test_run__gives_the_target_what_was_prescribed_and_no_more(made):
    target = made.histograms["GTV"][0]
    assert target.mean_gy == pytest.approx(20.0, rel=0.02)
    assert target.dose_at_volume_gy(percent=95) > 18.5
    assert made.goals[0].passes
    # The cord lies beyond the target: protons stop before it.
    assert made.histograms["cord"][0].max_gy < 0.5


def test_run__dose_enters_from_the_side_of_the_beam_and_ends_behind_the_target(made):
    dose, grid = made.dose.values, made.dose.grid
    along = [dose[tuple(np.rint(grid.patient_to_index((x, 0.0, 0.0))).astype(int))] for x in (100, 10, -40)]
    assert along[0] > 0.2 * along[1]  # gantry 90: the source is at the patient's left, +x
    assert along[2] < 0.01 * along[1]


def test_run__isocentre_is_the_targets_centre_and_as_deep_as_the_box_says(made, phantom):
    centre = made.plan.beams[0].geometry.isocentre_mm
    np.testing.assert_allclose(centre, (10.0, 0.0, 0.0), atol=0.1)
    # Tissue of 0 HU ends half a voxel beyond its outermost centre at 118 mm; before it is a little air.
    of_0_hu = float(relative_stopping_power(phantom()[0], schneider2000()).values.max())
    assert made.isocentre_depth_mm[0] == pytest.approx((120.0 - 10.0) * of_0_hu, abs=0.1)


def test_run__bands_hold_the_nominal_plan(made):
    assert len(made.scenarios) == 9
    for bands in made.histograms.values():
        means = [h.mean_gy for h in bands]
        assert min(means) <= means[0] <= max(means)
    assert made.goals[0].lowest <= made.goals[0].value <= made.goals[0].highest


def test_run__weighted_dose_is_the_constant_times_the_physical_one(made):
    np.testing.assert_allclose(made.rbe_dose.values, 1.1 * made.dose.values, rtol=1e-5)


def test_run__plans_dose_is_that_of_its_monitor_units(made):
    total = sum(layer.monitor_units.sum() for beam in made.plan.beams for layer in beam.layers)
    assert total > 0
    assert made.plan.frame_of_reference == made.dose.grid.frame_of_reference
    assert all((layer.monitor_units > 0).all() for beam in made.plan.beams for layer in beam.layers)


def test_run__no_spot_is_below_the_minimum(phantom):
    ct, drawn = phantom()
    result = run(config(("minimum_mu = 0.0", "minimum_mu = 0.5")), ct, drawn)
    units = np.concatenate([la.monitor_units for beam in result.plan.beams for la in beam.layers])
    assert units.min() >= 0.5 * (1 - 1e-6)
    assert result.histograms["GTV"][0].mean_gy == pytest.approx(20.0, rel=0.03)
    assert any("minimum of 0.5 MU" in note for note in result.notes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            [('structure = "cord"', 'structure = "chord"')],
            "structure of the prescription must be one of GTV, cord",
        ),
        (
            [
                (
                    "gantry_deg = 90.0",
                    "gantry_deg = 90.0\nrange_shifter = 'RS99'\nrange_shifter_distance_mm = 200.0",
                )
            ],
            "range shifter of 'tumorboard generic' must be one of RS40; got 'RS99'",
        ),
        ([('name = "around"', 'name = "cord"')], "name of a combined structure must be new; 'cord'"),
        ([("minus_grow_mm = 8.0", "minus_grow_mm = 200.0")], "'around' must have a volume; nothing is left"),
    ],
)
def test_run__says_in_one_sentence_what_is_wrong(phantom, changes, message):
    ct, drawn = phantom()
    with pytest.raises(InputError, match=message) as caught:
        run(config(*changes), ct, drawn)
    assert "\n" not in str(caught.value)


def test_run__refuses_a_target_out_of_reach(phantom):
    ct, drawn = phantom(target_mm=(96.0, 0.0, 0.0))
    with pytest.raises(
        InputError, match=r"must be within reach.*water-equivalent depth.*put a range shifter"
    ):
        run(config(), ct, drawn)


def test_run__refuses_a_target_at_the_edge_of_the_ct(phantom):
    ct, drawn = phantom(target_mm=(0.0, 0.0, 76.0))
    cut = Image(ct.values[:42], ct.grid.crop((0, 0, 0), (42, 60, 70)), Quantity.CT_NUMBER, ct.provenance)
    with pytest.raises(InputError, match=r"target .* must lie inside the CT"):
        run(config(("margin_mm = 4.0", "margin_mm = 12.0")), cut, drawn)


def test_run__refuses_structures_of_another_frame(phantom):
    ct, _ = phantom()
    _, drawn = phantom(frame="9.9")
    with pytest.raises(InputError, match="structures must be in the CT's frame of reference"):
        run(config(), ct, drawn)


def test_run__dose_holds_the_energy_that_the_protons_bring(made):
    # Half a per cent lies beyond the lateral cut-off, and the dose grid cuts the body's rim.
    assert made.deposited_energy_j == pytest.approx(made.brought_energy_j, rel=0.02)
    assert made.deposited_energy_j < made.brought_energy_j


def test_brought_energy__behind_a_range_shifter_is_less(made):
    shifted = tuple(
        replace(beam, range_shifter="RS40", range_shifter_distance_mm=200.0) for beam in made.plan.beams
    )
    plan = replace(made.plan, beams=shifted)
    assert brought_energy_j(plan, made.machine) < 0.9 * brought_energy_j(made.plan, made.machine)


CONTROL = """
[[control]]
structure = "GTV"
alpha_per_gy = 0.35
alpha_sd_per_gy = 0.05
alpha_beta_gy = 10.0
clonogens_per_ml = 1e4
source = "made up for a test"

[photons]
n_fractions = 10
threshold_percent = {spinal_cord_myelopathy_schultheiss = THRESHOLD}
"""


def with_photons(threshold):
    text = PRESCRIPTION.replace("max_iterations = 60", "max_iterations = 10").replace(
        '"composite_worst"', '"none"'
    )
    text = text.replace("robust = true", "robust = false") + CONTROL.replace("THRESHOLD", str(threshold))
    return parse_prescription(tomllib.loads(text), folder=Path())


@pytest.mark.parametrize(("threshold", "prefers"), [(1.0, True), (50.0, False)])
def test_run__compares_with_photons_by_the_stated_threshold(phantom, threshold, prefers):
    ct, drawn = phantom()
    # 38 Gy of photons in 10 fractions would harm the cord of some per cent; the protons miss it.
    flat = Image(np.full(ct.grid.shape, 38.0, np.float32), ct.grid, Quantity.DOSE, ct.provenance)
    result = run(with_photons(threshold), ct, drawn, photon_dose=flat)
    assert result.selection.prefers_protons is prefers
    difference = result.selection.differences[0]
    assert 2.0 < difference.photon_percent < 20.0
    assert difference.proton_percent < 0.1
    assert result.control[0].lowest_percent <= result.control[0].probability_percent
    assert result.control[0].source == "made up for a test"


def test_run__refuses_a_comparison_without_a_photon_dose(phantom):
    ct, drawn = phantom()
    with pytest.raises(InputError, match="photons must have a photon dose to compare with; got none"):
        run(with_photons(5.0), ct, drawn)


def test_parse_prescription__wants_a_threshold_for_each_complication():
    text = PRESCRIPTION + "\n[photons]\nn_fractions = 10\nthreshold_percent = {}\n"
    with pytest.raises(InputError, match="must have a number for each model"):
        parse_prescription(tomllib.loads(text), folder=Path())


def test_run__an_interrupt_ends_with_a_plan_that_can_be_delivered_and_says_so(phantom):
    ct, drawn = phantom()

    def interrupt(what, done, total):
        if what.startswith("optimising") and 5 <= done < total:
            raise KeyboardInterrupt

    result = run(config(("minimum_mu = 0.0", "minimum_mu = 0.5")), ct, drawn, progress=interrupt)
    assert result.optimisation.status is OptimisationStatus.INTERRUPTED
    # Those before the interrupt, and the one that makes spots deliverable.
    assert result.optimisation.iterations <= 7
    units = np.concatenate([la.monitor_units for beam in result.plan.beams for la in beam.layers])
    assert units.min() >= 0.5 * (1 - 1e-6)
    assert any("was interrupted" in note for note in result.notes)
