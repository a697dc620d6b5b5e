import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    EnhancedPETImageStorage,
    NuclearMedicineImageStorage,
    PositronEmissionTomographyImageStorage,
)

from tumorboard.errors import UnitError
from tumorboard.io.dicom.injected_activity import AcquisitionResolution
from tumorboard.io.dicom.read_acquisition import pet_acquisition_of


def pet(tracer, PatientWeight="70", SOPClassUID=PositronEmissionTomographyImageStorage):  # noqa: N803
    """What a file says of tracer and patient: F-18 and 70 kg unless told otherwise."""
    item = Dataset()
    item.RadionuclideCodeSequence, item.RadionuclideHalfLife = nuclide("^18^Fluorine"), "6586.2"
    for keyword, value in tracer.items():
        setattr(item, keyword, value)
    ds = Dataset()
    ds.SOPClassUID, ds.PatientWeight = SOPClassUID, PatientWeight
    ds.RadiopharmaceuticalInformationSequence = Sequence([item])
    return ds


def nuclide(meaning):
    code = Dataset()
    code.CodeMeaning = meaning
    return Sequence([code])


@pytest.mark.parametrize("stated", [60.0, 368.08, 1500.0])
def test_pet_acquisition_of__reads_mbq_where_nothing_else_is_possible_and_says_so(stated):
    scan = pet_acquisition_of([pet({"RadionuclideTotalDose": str(stated)})])
    assert scan.injected_bq == pytest.approx(stated * 1e6, rel=1e-12)
    assert (
        f"Radionuclide Total Dose (0018,1074) of {stated:g} was read as MBq: for F-18 and 70 kg"
        in scan.notes[0]
    )
    assert scan.provenance.parameters["radionuclide_total_dose_unit"] == "MBq, deduced"


@pytest.mark.parametrize(
    ("tracer", "weight_kg"),
    [
        ({"RadionuclideTotalDose": "59.9"}, "70"),  # 2.2 GBq were it mCi: Rb-82 has that, and F-18 half
        ({"RadionuclideTotalDose": "1500.1"}, "70"),  # 55 MBq were it uCi
        ({"RadionuclideTotalDose": "20"}, "5"),  # an infant's 20 MBq, or an adult's 20 mCi
        ({"RadionuclideTotalDose": "1000"}, "10"),  # a child's 37 MBq in uCi: 100 MBq/kg were it MBq
        ({"RadionuclideTotalDose": "200"}, "0.025"),  # a mouse's 7.4 MBq in uCi
        ({"RadionuclideTotalDose": "368.08"}, ""),  # no weight to tell a patient by
        ({"RadionuclideTotalDose": "200", "RadionuclideCodeSequence": nuclide("177 Lutetium")}, "70"),
        ({"RadionuclideTotalDose": "60", "RadionuclideCodeSequence": nuclide("^82^Rubidium")}, "70"),
        ({"RadionuclideTotalDose": "70", "RadionuclideCodeSequence": nuclide("15O")}, "70"),
        ({"RadionuclideTotalDose": "1000", "RadionuclideCodeSequence": nuclide("^89^Zirconium")}, "70"),
        (
            {
                "RadionuclideTotalDose": "200",
                "RadionuclideCodeSequence": None,
                "RadionuclideHalfLife": "574300",
            },
            "70",
        ),
    ],
)
def test_pet_acquisition_of__refuses_an_activity_that_may_be_in_several_units(tracer, weight_kg):
    files = [pet(tracer, PatientWeight=weight_kg)]
    refusal = r"injected_bq, Radionuclide Total Dose \(0018,1074\), .*ACTIVITY_IN_MBQ"
    with pytest.raises(UnitError, match=refusal):
        pet_acquisition_of(files)
    stated = float(tracer["RadionuclideTotalDose"])
    asked = pet_acquisition_of(files, resolutions=[AcquisitionResolution.ACTIVITY_IN_MBQ])
    assert asked.injected_bq == pytest.approx(stated * 1e6, rel=1e-12)
    assert "was read as MBq, as asked" in asked.notes[0]
    assert asked.provenance.parameters["radionuclide_total_dose_unit"] == "MBq, as asked"
    assert pet_acquisition_of(files, corrections={"injected_bq": 1e7}).injected_bq == 1e7


def test_pet_acquisition_of__knows_a_nameless_tracer_by_its_half_life():
    scan = pet_acquisition_of([pet({"RadionuclideTotalDose": "368.08", "RadionuclideCodeSequence": None})])
    assert scan.injected_bq == pytest.approx(368.08e6, rel=1e-12)


@given(
    stated=st.floats(1e-3, 1e12) | st.floats(50.0, 1600.0),
    weight_kg=st.floats(0.02, 200.0),
    name=st.sampled_from(["^18^Fluorine", "68Ga", "C-11", "82Rb", "O-15", "^177^Lutetium"]),
)
def test_pet_acquisition_of__activity_is_as_stated_or_a_million_times_that_and_then_noted(
    stated, weight_kg, name
):
    tracer = {"RadionuclideTotalDose": f"{stated:.8g}", "RadionuclideCodeSequence": nuclide(name)}
    try:
        scan = pet_acquisition_of([pet(tracer, f"{weight_kg:.8g}")])
    except UnitError:
        assert stated < 1.000001e5 or stated > 0.999999e11
        return
    deduced = any("was read as MBq" in note for note in scan.notes)
    assert scan.injected_bq == pytest.approx(stated * (1e6 if deduced else 1.0), rel=1e-6)
    if deduced:
        assert name in ("^18^Fluorine", "68Ga", "C-11")
        assert 59.9e6 < scan.injected_bq < min(1501e6, 25.1e6 * weight_kg)


@pytest.mark.parametrize("sop_class", [NuclearMedicineImageStorage, EnhancedPETImageStorage])
def test_pet_acquisition_of__nuclear_medicine_and_enhanced_pet_state_mbq_by_the_standard(sop_class):
    scan = pet_acquisition_of([pet({"RadionuclideTotalDose": "7400"}, SOPClassUID=sop_class)])
    assert scan.injected_bq == 7.4e9
    assert "is in MBq in this kind of file" in scan.notes[0]
    # 740 MBq, written in Bq all the same: 740,000,000 MBq nobody has
    bq = pet_acquisition_of([pet({"RadionuclideTotalDose": "740000000"}, SOPClassUID=sop_class)])
    assert bq.injected_bq == 7.4e8
    assert "too large for MBq" in bq.notes[0]
    with pytest.raises(UnitError, match="injected_bq"):  # 370 MBq in kBq, or 0.37 MBq in Bq
        pet_acquisition_of([pet({"RadionuclideTotalDose": "370000"}, SOPClassUID=sop_class)])
