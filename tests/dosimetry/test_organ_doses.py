import numpy as np
import pytest
from nuclides import emissions_of

from tumorboard.dosimetry.organ_effective_dose import TISSUES, effective_dose_sv, tissue_doses_sv
from tumorboard.dosimetry.organ_marrow import (
    marrow_decays_of_blood,
    marrow_decays_of_image,
    marrow_to_blood_ratio,
    remainder_s_value_gy,
)
from tumorboard.dosimetry.organ_self_dose import OrganPart, organ_self_dose
from tumorboard.dosimetry.sphere import sphere_model
from tumorboard.errors import InputError
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan

TARGETS = sorted({target for parts in TISSUES.values() for target in parts})
#: Tissue weighting factors of ICRP Publication 103, table 3; of the remainder that of one tissue of 13.
EXPECTED = {
    "R-marrow": 0.12, "St-stem": 0.12, "Breast": 0.12, "UB-wall": 0.04, "Oesophagus": 0.04, "Liver": 0.04,
    "Thyroid": 0.04, "Endost-BS": 0.01, "Brain": 0.01, "S-glands": 0.01, "Skin": 0.01, "RC-stem": 0.048,
    "AI": 0.04, "Bronch-bas": 0.02, "Ovaries": 0.04, "Testes": 0.04, "Kidneys": 0.12 / 13,
    "Prostate": 0.06 / 13, "Uterus": 0.06 / 13, "LN-Sys": 0.84 * 0.12 / 13,
}  # fmt: skip


def of(target, dose=1.0):
    return {t: dose if t == target else 0.0 for t in TARGETS}


def test_effective_dose_sv__weighs_tissues_as_icrp_103_does():
    for target, weight in EXPECTED.items():
        assert effective_dose_sv(of(target), of(target)) == pytest.approx(weight, rel=1e-12), target
    total = sum(effective_dose_sv(of(t), of(t)) for t in TARGETS)
    assert total == pytest.approx(1.0, rel=1e-12)
    assert all(sum(parts.values()) == pytest.approx(1.0) for parts in TISSUES.values())


def test_effective_dose_sv__is_of_both_sexes():
    assert effective_dose_sv(of("Liver"), of("none")) == pytest.approx(0.02)
    # A man's doses to what only women have do not count.
    assert effective_dose_sv(of("Ovaries"), of("none")) == 0.0
    without = {t: v for t, v in of("Liver").items() if t not in ("Ovaries", "Uterus")}
    assert effective_dose_sv(without, of("Liver")) == pytest.approx(0.04)
    with pytest.raises(InputError, match=r"female_sv.*Ovaries, Uterus"):
        effective_dose_sv(of("Liver"), without)
    assert "colon" not in tissue_doses_sv({"RC-stem": 1.0})


def test_marrow_decays__of_blood_and_image():
    ratio = marrow_to_blood_ratio(0.4, extracellular_fraction=0.19)
    assert ratio == pytest.approx(0.19 / 0.6)
    assert marrow_decays_of_blood(1e9, marrow_mass_g=1170, ratio=ratio) == pytest.approx(
        1e9 * 1170 * 0.19 / 0.6
    )
    assert marrow_decays_of_image(1e12, share_of_marrow=0.067) == pytest.approx(1e12 / 0.067)
    with pytest.raises(InputError, match="percent"):
        marrow_to_blood_ratio(40, extracellular_fraction=0.19)
    with pytest.raises(InputError, match="extracellular"):
        marrow_to_blood_ratio(0.4, extracellular_fraction=0)
    with pytest.raises(InputError, match="share_of_marrow"):
        marrow_decays_of_image(1e12, share_of_marrow=6.7)
    with pytest.raises(InputError, match="marrow mass g"):
        marrow_decays_of_blood(1e9, marrow_mass_g=-1, ratio=1.0)


def test_remainder_s_value_gy__completes_the_body():
    own, masses = {"R-marrow": 1e-16, "Liver": 2e-17}, {"R-marrow": 1170.0, "Liver": 1800.0}
    left = remainder_s_value_gy(1.2e-17, 73000.0, own, masses)
    # Activity spread over the body is activity in its parts by their masses.
    mean = left * (73000 - 2970) + sum(own[k] * masses[k] for k in own)
    assert mean / 73000 == pytest.approx(1.2e-17)
    with pytest.raises(InputError, match="same names"):
        remainder_s_value_gy(1e-17, 73000.0, own, {"Liver": 1800.0})
    with pytest.raises(InputError, match="one phantom"):
        remainder_s_value_gy(1e-19, 73000.0, own, masses)


def test_organ_self_dose__of_kidneys_keeps_energy():
    spheres = sphere_model(
        emissions_of("Lu-177"),
        material("water, liquid"),
        BatchPlan(5000, 1, 1),
        largest_mass_g=310.0,
        highest_density_g_cm3=1.05,
    )
    left, right = OrganPart("left", 3e13, 160.0), OrganPart("right", 2e13, 150.0)
    found = organ_self_dose((left, right), spheres, density_g_cm3=1.05)
    energy = sum(found.parts_gy[p.name] * p.mass_g for p in (left, right))
    assert found.mean_gy * 310.0 == pytest.approx(energy, rel=1e-12)
    # 148 keV of electrons and a seventeenth of 33 keV of photons stay.
    assert found.parts_gy["left"] == pytest.approx(3e13 * 0.150 * 1.602e-10 / 160, rel=0.01)
    one = organ_self_dose((OrganPart("both", 5e13, 310.0),), spheres, density_g_cm3=1.05)
    assert one.mean_gy == pytest.approx(found.mean_gy, rel=0.01)
    with pytest.raises(InputError, match="own name"):
        organ_self_dose((left, left), spheres, density_g_cm3=1.05)
    with pytest.raises(InputError, match="mass_g of left"):
        OrganPart("left", 1.0, 0.0)
    with pytest.raises(InputError, match="decays of left"):
        OrganPart("left", np.nan, 1.0)
