import numpy as np
import pytest

from tumorboard.core.image import Quantity
from tumorboard.errors import InputError, MissingAttribute, TumorboardError, UnreadableFile
from tumorboard.io.hu_curves import read_hu_curve

POINTS = "-1000 0.001\n0 1.0\n100 1.1\n"


@pytest.fixture
def curve(tmp_path):
    def read(text, name="curve.txt", **told):
        (tmp_path / name).write_text(text)
        return read_hu_curve(tmp_path / name, **told)

    return read


@pytest.mark.parametrize(
    ("header", "quantity"),
    [
        ("# HU\tdensity g/cm3", Quantity.DENSITY),
        ("HU, density [g/cm3]", Quantity.DENSITY),
        ("ct_number_hu,density_g_cm3", Quantity.DENSITY),
        ("Hounsfield; relative stopping power", Quantity.RELATIVE_STOPPING_POWER),
        ("HU,RSP", Quantity.RELATIVE_STOPPING_POWER),
    ],
)
@pytest.mark.parametrize("separator", [" ", ",", ";", "\t", " , "])
def test_read_hu_curve__takes_what_the_header_says(curve, header, quantity, separator):
    read = curve(f"{header}\n{POINTS.replace(' ', separator)}")
    assert read.quantity is quantity
    np.testing.assert_array_equal(read.ct_number_hu, [-1000, 0, 100])
    np.testing.assert_array_equal(read.values, [0.001, 1.0, 1.1])
    assert read.name == "curve"


def test_read_hu_curve__takes_matrads_files_for_stopping_power(curve, data_dir):
    assert curve(POINTS, "scanner.hlut").quantity is Quantity.RELATIVE_STOPPING_POWER
    read = read_hu_curve(data_dir / "proton/matrad/matRad_default.hlut")
    assert read.quantity is Quantity.RELATIVE_STOPPING_POWER
    np.testing.assert_array_equal(read.ct_number_hu, [-1024, -999, -90, -45, 0, 100, 350, 3000])
    np.testing.assert_array_equal(read.values, [0.001, 0.001, 0.95, 0.99, 1, 1.095, 1.199, 2.505])


def test_read_hu_curve__takes_mcsquares_files_for_density(data_dir):
    read = read_hu_curve(data_dir / "proton/mcsquare/UCL_Toshiba/HU_Density_Conversion.txt", name="UCL")
    assert (read.name, read.quantity, read.values.size) == ("UCL", Quantity.DENSITY, 14)
    assert np.interp(1046, read.ct_number_hu, read.values) == 1.56
    # The other table of that folder maps to materials, by number.
    with pytest.raises(MissingAttribute, match="quantity"):
        read_hu_curve(data_dir / "proton/mcsquare/UCL_Toshiba/HU_Material_Conversion.txt")


def test_read_hu_curve__takes_the_callers_word_where_the_file_is_silent(curve):
    assert curve(POINTS, quantity=Quantity.DENSITY).quantity is Quantity.DENSITY
    assert curve("HU density\n" + POINTS, quantity=Quantity.DENSITY).quantity is Quantity.DENSITY


@pytest.mark.parametrize(
    ("text", "told", "error", "says"),
    [
        (POINTS, {}, MissingAttribute, "quantity=Quantity.DENSITY"),
        ("HU, density\n" + POINTS, {}, MissingAttribute, r"unit of the density .*\[g/cm3\]"),
        ("HU, density [kg/m3]\n" + POINTS, {}, MissingAttribute, "unit of the density"),
        ("x, density [g/cm3]\n" + POINTS, {}, MissingAttribute, "first column is CT numbers"),
        ("HU, RSP\n" + POINTS, {"quantity": Quantity.DENSITY}, InputError, "RELATIVE_STOPPING_POWER"),
        (POINTS, {"quantity": Quantity.DOSE}, InputError, "DENSITY or RELATIVE_STOPPING_POWER"),
        ("HU RSP\n0 1\n-1000 0.001\n", {}, InputError, "ascend"),
        ("HU RSP\n-1000 0.001\n0 -1\n", {}, InputError, ">= 0"),
        ("HU RSP\n0 1\n", {}, UnreadableFile, "two points"),
        ("", {}, UnreadableFile, "two points"),
        ("HU RSP\n0 1\n5\n", {}, UnreadableFile, "line 3 .*two numbers"),
        ("HU RSP\n0 1\n100 1 1\n", {}, UnreadableFile, "line 3 .*two numbers"),
        ("HU RSP\n0 1\nten 1\n", {}, InputError, "line 3 .*finite number; got 'ten'"),
        ("HU RSP\n0 1\n100 nan\n", {}, InputError, "finite number"),
        ("HU RSP\n0 1\n1e9 1\n", {}, InputError, "within 100000"),
    ],
)
def test_read_hu_curve__says_what_is_wrong(curve, text, told, error, says):
    with pytest.raises(error, match=says) as caught:
        curve(text, **told)
    assert isinstance(caught.value, TumorboardError)
    assert "\n" not in str(caught.value)
