import numpy as np
import pytest

from tumorboard.core import Grid, StructureKind
from tumorboard.errors import InputError
from tumorboard.pet import SuvVariant, to_suv
from tumorboard.phantoms import DigitalPatientConfig, Organ, TrueLesion, simulate_patient, torso

COARSE = DigitalPatientConfig(ct_spacing_mm=(6.0, 4.0, 4.0), pet_spacing_mm=(6.0, 5.0, 5.0))


@pytest.fixture(scope="module")
def patient():
    return simulate_patient(COARSE, frame_of_reference="1.2.3")


def test_patient__organs_have_believable_volumes(patient):
    # Round reference volumes of an adult [mL] (icrp2002basic89), within a factor of about 1.4.
    expected = {"Liver": 1700, "Spleen": 150, "Kidneys": 290, "Brain": 1400, "Lungs": 4500}
    for name, volume_ml in expected.items():
        assert 0.7 < patient.organ_volume_ml[name] / volume_ml < 1.4, name


def test_patient__uptake_in_large_organs_is_the_truth(patient):
    suv = to_suv(patient.pet, patient.acquisition, variant=SuvVariant.BODY_WEIGHT)
    # The centre of the liver is farther from its edge than the scanner blurs.
    k, j, i = np.rint(suv.grid.patient_to_index((-70.0, -5.0, 380.0))).astype(int)
    inside = suv.values[k - 2 : k + 3, j - 3 : j + 4, i - 2 : i + 3]
    assert inside.mean() == pytest.approx(Organ.LIVER.suv, rel=0.05)


def test_patient__activity_in_the_scan_is_less_than_was_injected(patient):
    total_bq = float(patient.pet.values.sum(dtype=float)) * patient.pet.grid.voxel_volume_ml
    decayed_bq = COARSE.injected_bq * 2 ** (-COARSE.uptake_time_s / patient.acquisition.half_life_s)
    assert 0.4 < total_bq / decayed_bq < 0.9


def test_patient__lesion_spheres_have_their_volume(patient):
    lesion = patient.lesions[0]
    assert lesion.volume_ml == pytest.approx(4 / 3 * np.pi * 1.3**3, rel=1e-12)
    k, j, i = np.rint(patient.ct.grid.patient_to_index(lesion.centre_mm)).astype(int)
    assert patient.ct.values[k, j, i] == pytest.approx(lesion.ct_number_hu, abs=80)


def test_patient__is_reproducible(patient):
    again = simulate_patient(COARSE, frame_of_reference="1.2.3")
    np.testing.assert_array_equal(again.pet.values, patient.pet.values)
    np.testing.assert_array_equal(again.ct.values, patient.ct.values)


def test_patient__organs_overlap_nowhere(patient):
    painted = np.zeros(patient.ct.grid.shape, int)
    for structure in patient.structures.structures:
        if structure.kind is StructureKind.ORGAN:
            painted += structure.mask.values
    assert painted.max() == 1


def test_patient__each_lesion_is_a_target_of_its_volume(patient):
    targets = {s.name: s for s in patient.structures.structures if s.kind is StructureKind.GTV}
    assert set(targets) == {f"GTV {lesion.name}" for lesion in patient.lesions}
    for lesion in patient.lesions:
        mask = targets[f"GTV {lesion.name}"].mask
        # The voxels of this phantom are coarse: half of one at the rim of a sphere is some 15 % of it.
        volume_ml = np.count_nonzero(mask.values) * mask.grid.voxel_volume_ml
        assert volume_ml == pytest.approx(lesion.volume_ml, rel=0.15)
        centre = mask.grid.index_to_patient(np.argwhere(mask.values).mean(axis=0))
        np.testing.assert_allclose(centre, lesion.centre_mm, atol=2.0)


def test_torso__says_what_is_wrong():
    turned = Grid((4, 4, 4), (9.0,) * 3, (0.0,) * 3, np.eye(3), frame_of_reference="1.2")
    with pytest.raises(InputError, match="axial"):
        torso(turned)
    outside = DigitalPatientConfig(
        lesions=(TrueLesion("far", (900.0, 0.0, 0.0), 5.0, 2.0, 0.0),),
        ct_spacing_mm=(15.0, 15.0, 15.0),
        pet_spacing_mm=(15.0, 15.0, 15.0),
    )
    with pytest.raises(InputError, match="'far' must lie inside"):
        simulate_patient(outside, frame_of_reference="1.2")
    with pytest.raises(InputError, match="must be > 0"):
        TrueLesion("flat", (0.0, 0.0, 0.0), 0.0, 2.0, 0.0)
