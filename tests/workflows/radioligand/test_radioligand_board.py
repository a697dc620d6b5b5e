"""What the board says beside the dose: organs, decay's headers, kidneys, contact, recovery, effort."""

import json
import math
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pytest

from tumorboard.core.acquisition import DecayReference
from tumorboard.core.structures import StructureKind, StructureSet
from tumorboard.dosimetry.air_kerma_rate import air_kerma_rate_constant
from tumorboard.dosimetry.progeny_fate import ProgenyAssumption
from tumorboard.errors import InputError
from tumorboard.physics.decay_library import DecayLibrary
from tumorboard.provenance import Record
from tumorboard.workflows.board import BoardConfig
from tumorboard.workflows.board.radioligand_checks import decay_factor_notes
from tumorboard.workflows.board.radioligand_choices import (
    CURVES,
    LIBRARIES,
    PROGENY,
    SINGLE_SCANS,
    RadioligandChoices,
)
from tumorboard.workflows.board.radioligand_contact import contact_blocks, contact_data
from tumorboard.workflows.board.radioligand_effort import histories_for
from tumorboard.workflows.board.radioligand_options import progeny_fate, radioligand_options
from tumorboard.workflows.board.radioligand_organs import is_organ, kidney_blocks, kidney_data, organ_names
from tumorboard.workflows.board.radioligand_recovery import recovery_blocks, recovery_data
from tumorboard.workflows.radioligand.config import CurveChoice, RadioligandConfig, SingleScan
from tumorboard.workflows.radioligand.time_course import region_course

PHYSICAL_S = 574300.8


def total_of(scans):
    return region_course(
        scans, None, RadioligandConfig(), physical_half_life_s=PHYSICAL_S, relative_uncertainty=0.05
    )


def stating(scan, factor):
    slices = tuple(replace(part, decay_factor=factor) for part in scan.acquisition.slices)
    return replace(scan, acquisition=replace(scan.acquisition, slices=slices))


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("Left kidney", StructureKind.UNSTATED, True),
        ("KidneyL", StructureKind.UNSTATED, True),
        ("kidneys_both", StructureKind.UNSTATED, True),
        ("parotid_R", StructureKind.UNSTATED, True),
        ("Bone Marrow", StructureKind.UNSTATED, True),
        ("Liver", StructureKind.UNSTATED, True),
        ("lesion1 liver R lobe", StructureKind.UNSTATED, False),
        ("Liver metastasis", StructureKind.UNSTATED, False),
        ("GTV liver", StructureKind.UNSTATED, False),
        ("liver_met_2", StructureKind.UNSTATED, False),
        ("livermet1", StructureKind.UNSTATED, False),
        ("liverlesions", StructureKind.UNSTATED, False),
        ("livermetastases", StructureKind.UNSTATED, False),
        ("GTVn liver", StructureKind.UNSTATED, False),
        ("PTV_liver", StructureKind.UNSTATED, False),
        ("HCC liver", StructureKind.UNSTATED, False),
        ("Renal cell carcinoma", StructureKind.UNSTATED, False),
        ("Lymph nodes lung", StructureKind.UNSTATED, False),
        ("A", StructureKind.UNSTATED, False),
        ("Left kidney", StructureKind.GTV, False),
        ("A", StructureKind.ORGAN, True),
        ("lesion", StructureKind.AVOIDANCE, True),
    ],
)
def test_is_organ__kind_goes_first_then_words_for_lesions(name, kind, expected):
    assert is_organ(name, kind) is expected


def test_organ_names__are_those_of_any_scan(make_scan):
    assert organ_names([make_scan(4), make_scan(28)]) == frozenset()


def test_decay_factor_notes__say_what_contradicts_and_what_it_would_change(make_scan):
    scans = [stating(make_scan(hours), 1.0) for hours in (4, 28)]
    (note,) = decay_factor_notes(scans, total_of(scans))
    due = 2 ** ((28 * 3600 + 750) / PHYSICAL_S)
    assert f"states 1, and ADMIN with its times means {due:.4f}" in note
    assert "Decay Correction was believed, since Corrected Image (0028,0051) names DECY" in note
    assert f"by {100 * (2 ** ((4 * 3600 + 750) / PHYSICAL_S) - 1):.1f} %, {100 * (due - 1):.1f} %" in note
    assert "half-life of the whole scan" in note


@pytest.mark.parametrize(
    ("reference", "factor"),
    [
        (DecayReference.ADMIN, None),
        (DecayReference.ADMIN, 2 ** ((28 * 3600 + 750) / PHYSICAL_S)),
        (DecayReference.START, 1.0),
        (DecayReference.NONE, 1.0),
    ],
)
def test_decay_factor_notes__are_silent_where_nothing_contradicts(make_scan, reference, factor):
    scans = [make_scan(4, reference=reference), stating(make_scan(28, reference=reference), factor)]
    assert decay_factor_notes(scans, total_of(scans)) == ()


def test_decay_factor_notes__of_scans_without_correction_that_state_one(make_scan):
    scans = [stating(make_scan(hours, reference=DecayReference.NONE), 1.13) for hours in (4, 28)]
    (note,) = decay_factor_notes(scans, total_of(scans))
    assert "means 1.0000" in note
    assert "names DECY" not in note


def kidney(dose_gy=6.0, half_life_h=50.0, relative=0.1, name="Left kidney"):
    curve = SimpleNamespace(amplitudes_bq=np.empty(0), rates_per_s=np.empty(0))
    course = SimpleNamespace(name=name, half_life_s=half_life_h * 3600, is_upper_limit=False, curve=curve)
    return SimpleNamespace(
        course=course,
        histograms={"monte_carlo": SimpleNamespace(mean_gy=dose_gy)},
        relative_uncertainty=relative,
    )


def test_kidney_data__bed_and_next_cycle_are_the_formulas(make_scan):
    result = SimpleNamespace(injected_bq=7.4e9)
    (found,) = kidney_data(result, [kidney(), kidney(name="Spleen")])
    protraction = 2.8 / (50.0 + 2.8)
    bed = 6.0 * (1 + protraction * 6.0 / 2.6)
    assert found["bed_gy"] == pytest.approx(bed)
    assert found["bed_uncertainty_gy"] == pytest.approx(0.6 * (1 + 2 * protraction * 6.0 / 2.6))
    dose, _, without = found["limits"]
    assert dose["same_again_gy"] == pytest.approx(12.0)
    assert dose["same_again_uncertainty_gy"] == pytest.approx(1.2)
    assert without["same_again_gy"] == pytest.approx(2 * bed)
    slope = 1 + 2 * protraction * 6.0 / 2.6
    share = 0.1 * slope * 6.0 / bed
    assert without["same_again_uncertainty_gy"] == pytest.approx(share * (bed + slope * 6.0))
    expected, confident = dose["next_cycle"]
    assert expected["activity_mbq"] == pytest.approx(7400 * (23 - 6) / 6)
    # One error in all cycles: (6 + x) (1 + 1.645 x 0.1) = 23.
    assert confident["activity_mbq"] == pytest.approx(7400 * (23 / 1.1644854 - 6) / 6, rel=1e-5)
    json.dumps(found, allow_nan=False)
    assert len(kidney_blocks([found])) == 3


def test_kidney_data__says_no_more_than_it_can():
    assert kidney_blocks(kidney_data(SimpleNamespace(injected_bq=7.4e9), [])) == []
    (unknown,) = kidney_data(SimpleNamespace(injected_bq=None), [kidney()])
    assert unknown["limits"] == []
    (little,) = kidney_data(SimpleNamespace(injected_bq=7.4e9), [kidney(dose_gy=0.5)])
    assert all(one["is_more"] for one in little["limits"][0]["next_cycle"])


@pytest.mark.slow
def test_contact_data__of_all_that_was_given_lasts_longest(make_scan):
    scans = [make_scan(4), make_scan(28)]
    result = SimpleNamespace(
        nuclide="Lu-177",
        injected_bq=7e9,
        physical_half_life_s=PHYSICAL_S,
        total=total_of(scans),
        config=RadioligandConfig(),
    )
    found = contact_data(result, datetime(2026, 1, 15, 9, 30))
    assert found["administered_at_h"] == 9.5
    half_life_h = found["scanned"]["exponentials"][0]["effective_half_life_h"]
    assert half_life_h == pytest.approx(result.total.half_life_s / 3600, rel=1e-4)
    for scanned, given in zip(found["scanned"]["restrictions"], found["given"]["restrictions"], strict=True):
        assert given["restriction_h"] >= scanned["restriction_confident_h"]
        assert given["restriction_uncertainty_h"] == 0
    json.dumps(found, allow_nan=False)
    note, contact, release = contact_blocks(found)
    assert "estimates, no instruction" in note.text
    assert (len(contact.rows), len(release.rows)) == (len(found["given"]["restrictions"]), 3)


def test_recovery_data__only_where_the_sharpness_is_stated():
    region = SimpleNamespace(course=SimpleNamespace(name="lesion"), volumes_ml=(3.0, 4.0))
    assert recovery_data([region], None) == []
    assert "--psf-fwhm-mm" in recovery_blocks([])[0].text
    (found,) = recovery_data([region], 12.0)
    assert (found["volume_ml"], round(found["sphere_recovery_mean"], 3)) == (4.0, 0.436)
    assert recovery_blocks([found])[0].rows[0][-1] == pytest.approx(1 / 0.4359, rel=1e-3)
    with pytest.raises(InputError, match="psf_fwhm_mm"):
        BoardConfig(psf_fwhm_mm=0.0)


def test_histories_for__fall_with_the_share_of_the_smallest_region(make_scan):
    scans = [make_scan(4), make_scan(28)]
    last = scans[-1]
    total = last.image.values.sum()
    share = last.image.values[last.lesions["lesion"].mask.values].sum() / total
    expected = max(200_000, math.ceil(1.5 / (0.005**2 * share)))
    assert histories_for(scans) == pytest.approx(expected, rel=1e-6)
    nothing = StructureSet((), "1.2.28", Record("test"))
    assert histories_for([replace(scan, lesions=nothing) for scan in scans]) == 3_000_000
    # The last one without contours: the one before tells.
    assert histories_for([scans[0], replace(last, lesions=nothing)]) < 3_000_000


def contact_of(nuclide, half_life_s, total):
    result = SimpleNamespace(
        nuclide=nuclide,
        injected_bq=1e9,
        physical_half_life_s=half_life_s,
        total=total,
        config=RadioligandConfig(),
    )
    return contact_data(result, None)


def test_contact_data__says_nothing_of_bremsstrahlung(make_scan):
    found = contact_of("Y-90", 64.05 * 3600, total_of([make_scan(4), make_scan(28)]))
    assert (found["given"], found["scanned"]) == (None, None)
    (note,) = contact_blocks(found)
    assert "bremsstrahlung is not in the constant" in note.text


@pytest.mark.slow
def test_contact_data__counts_the_photons_of_progeny(make_scan):
    found = contact_of("Ac-225", 9.92 * 86400, total_of([make_scan(4), make_scan(28)]))
    alone = air_kerma_rate_constant("Ac-225", library=RadioligandConfig().library, least_energy_mev=0.02)
    # Fr-221 and Bi-213 have most of the photons.
    assert found["air_kerma_rate_constant_ugy_m2_gbq_h"] > 1.5 * alone.ugy_m2_gbq_h


def test_decay_factor_notes__of_one_scan_tell_no_half_life(make_scan):
    scan = stating(make_scan(28), 1.0)
    config = RadioligandConfig(single_scan=SingleScan.PHYSICAL_DECAY)
    total = region_course([scan], None, config, physical_half_life_s=PHYSICAL_S, relative_uncertainty=0.05)
    (note,) = decay_factor_notes([scan], total)
    assert "half-life" not in note


def test_radioligand_choices__become_those_of_the_dosimetry():
    choices = RadioligandChoices(
        curve="mono",
        single_scan="madsen",
        half_lives=("50:1.3", "Left kidney=45:1.2"),
        progeny="Fr-221=0.3, Bi-213=2h",
        library="JEFF-4.0",
        alpha_rbe=5.0,
    )
    config = RadioligandConfig(progeny=progeny_fate(choices, is_alpha=True), **radioligand_options(choices))
    assert (config.curve, config.single_scan) == (CurveChoice.MONO, SingleScan.MADSEN)
    assert config.half_lives_of("Left kidney").median_h == 45.0
    assert config.half_lives_of("lesion").source == "stated by the user"
    assert config.progeny.statement == (
        "Progeny decays where it is made, but 30 % of Fr-221 leaves at once, Bi-213 leaves with a half-life "
        "of 2 h."
    )
    assert config.library.value == "JEFF-4.0"
    json.dumps(config.parameters())


def test_radioligand_choices__without_any_are_those_that_are_stated():
    choices = RadioligandChoices()
    assert progeny_fate(choices, is_alpha=False) is None
    assert progeny_fate(choices, is_alpha=True).assumption is ProgenyAssumption.WITH_PARENT
    assert RadioligandConfig(**radioligand_options(choices)) == RadioligandConfig()


def test_radioligand_choices__names_are_those_of_the_enums():
    assert tuple(one.value for one in CurveChoice) == CURVES
    assert tuple(one.value for one in SingleScan) == SINGLE_SCANS
    assert tuple(one.value for one in DecayLibrary) == LIBRARIES
    assert set(PROGENY) == {one.value for one in ProgenyAssumption} - {"moves"}


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"curve": "bi"}, "curve must be one of aicc, mono, trapezoid"),
        ({"single_scan": "hou"}, "single_scan must be one of"),
        ({"single_scan": "madsen"}, "--radioligand-half-lives"),
        ({"single_scan": "madsen", "half_lives": ("50",)}, "MEDIAN_H:GEOMETRIC_SD"),
        ({"progeny": "somewhere"}, "Fr-221=0.3"),
        ({"library": "ICRP-107"}, "library must be one of"),
    ],
)
def test_radioligand_choices__refuse_what_cannot_be_read(choices, words):
    with pytest.raises(InputError, match=words):
        RadioligandChoices(**choices)
