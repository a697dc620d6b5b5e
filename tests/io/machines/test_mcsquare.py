"""MCsquare's beam data libraries come in with their own sign, percent and counts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorboard.errors import InputError, MissingAttribute, TumorboardError, UnreadableFile
from tumorboard.io.machines import read_mcsquare_bdl

HEAD = """--UPenn beam model (double gaussian)--
# a comment
Nozzle exit to Isocenter distance
410.0

SMX to Isocenter distance
2234.8
SMY to Isocenter distance
1859.1 # another
"""
SHIFTER = """Range Shifter parameters
RS_ID = RS_Block\t# as plans name it
RS_type = binary
RS_material = 64
RS_density = 1.19
RS_WET = 74.1
"""
TITLES = (
    "NominalEnergy MeanEnergy EnergySpread ProtonsMU Weight1 SpotSize1x Divergence1x Correlation1x "
    "SpotSize1y Divergence1y Correlation1y Weight2 SpotSize2x Divergence2x Correlation2x SpotSize2y "
    "Divergence2y Correlation2y"
)
ROWS = (
    "100 100.3 0.7 8.6e7 0.9 4.0 0.006 0.07 5.6 0.0065 -0.27 0.1 38.9 0.045 -0.12 22.3 0.036 -0.22",
    "150 150.6 0.6 1.1e8 1.8 3.1 0.0045 -0.04 3.9 0.0046 -0.27 0.2 22.5 0.039 -0.28 14.0 0.024 -0.19",
)
GOOD = f"{HEAD}{SHIFTER}Beam parameters\n2 energies\n\n{TITLES}\n" + "\n".join(ROWS) + "\n"


@pytest.fixture
def library(tmp_path):
    def read(text=GOOD, **told):
        path = tmp_path / "BDL.txt"
        path.write_bytes(text.encode())
        return read_mcsquare_bdl(path, **told)

    return read


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_read_mcsquare_bdl__reads_all_that_it_says(library, line_end):
    model = library(GOOD.replace("\n", line_end))
    assert (model.name, model.plane_mm, model.source_distance_mm) == ("BDL", 410.0, (2234.8, 1859.1))
    np.testing.assert_array_equal(model.nominal_energies_mev, [100, 150])
    spot = model.spots[1]
    assert spot.protons_per_mu == 1.1e8
    assert spot.spectrum.total_mean_mev == 150.6
    assert spot.spectrum.total_sigma_mev == pytest.approx(0.6 / 100 * 150)  # percent of the nominal energy
    inner, outer = spot.phase_space
    assert (inner.weight, outer.weight) == (pytest.approx(0.9), pytest.approx(0.1))
    assert (inner.sigma_x_mm, inner.divergence_y_rad, outer.correlation_x) == (3.1, 0.0046, -0.28)


def test_read_mcsquare_bdl__leaves_out_a_gaussian_without_weight(library):
    row = ROWS[0].replace(" 0.9 ", " 1 ").replace(" 0.1 ", " 0 ")
    assert len(library(GOOD.replace(ROWS[0], row)).spots[0].phase_space) == 1


def test_read_mcsquare_bdl__keeps_the_sign_of_mcsquares_sampling(library):
    """Draw particles as MCsquare does and let them fly: the widths are those of the phase space."""
    beam = library().spots[0].phase_space[0]
    rng = np.random.default_rng(0)
    drawn = []
    for sigma, theta, rho in (
        (beam.sigma_x_mm, beam.divergence_x_rad, beam.correlation_x),
        (beam.sigma_y_mm, beam.divergence_y_rad, beam.correlation_y),
    ):
        mixed = rho * sigma * theta
        drawn.append(rng.multivariate_normal([0, 0], [[sigma**2, mixed], [mixed, theta**2]], 400_000))
    (x, x_angle), (y, y_angle) = drawn[0].T, drawn[1].T
    position = np.stack([x, y, np.zeros_like(x)])
    direction = np.stack([np.tan(x_angle), np.tan(y_angle), np.ones_like(x)])
    half_turn = np.diag([1.0, -1.0, -1.0])  # about x: the beam goes along -z
    position, direction = half_turn @ position, half_turn @ direction
    flown = position + direction * (410.0 / -direction[2])
    np.testing.assert_allclose(flown[2], -410.0)
    expected = beam.sigma_mm(410.0)
    assert flown[0].std() == pytest.approx(expected[0], rel=0.005)
    assert flown[1].std() == pytest.approx(expected[1], rel=0.005)
    # With the other sign y would be a quarter wider: the test can tell.
    other = expected[1] ** 2 - 4 * beam.correlation_y * beam.sigma_y_mm * beam.divergence_y_rad * 410.0
    assert math.sqrt(other) > 1.2 * expected[1]


def test_read_mcsquare_bdl__makes_range_shifters_as_thick_as_their_water_equivalent_needs(library):
    (shifter,) = library().range_shifters
    assert (shifter.identifier, shifter.material) == ("RS_Block", "PMMA")
    assert shifter.water_equivalent_thickness_mm == 74.1
    # PSTAR at 100 MeV: PMMA 7.099, water 7.289 MeV cm2/g.
    assert shifter.thickness_mm == pytest.approx(74.1 / (1.19 * 7.099 / 7.289), rel=5e-4)


def test_read_mcsquare_bdl__leaves_out_variable_shifters_and_says_so(library):
    model = library(GOOD.replace("binary", "analog"))
    assert model.range_shifters == ()
    assert "RS_Block" in model.provenance.parameters["notes"][0]


def test_read_mcsquare_bdl__takes_the_callers_name_of_a_material(library):
    text = GOOD.replace("RS_material = 64", "RS_material = 99")
    with pytest.raises(InputError, match=r"materials=\{99"):
        library(text)
    assert library(text, materials={99: "polystyrene"}).range_shifters[0].material == "polystyrene"


@pytest.mark.parametrize(
    ("name", "energies", "plane", "sigma_iso"),
    [
        ("default_DN_RangeShifter", 27, 410.0, (3.5257, 3.8162)),
        ("default_UN_RangeShifter", 26, 410.0, (6.2241, 6.5552)),
        ("matrad", 32, 420.0, (5.0696, 5.0074)),
    ],
)
def test_read_mcsquare_bdl__reads_mcsquares_own_files(data_dir, name, energies, plane, sigma_iso):
    model = read_mcsquare_bdl(data_dir / f"proton/mcsquare/BDL_{name}.txt")
    assert (len(model.spots), model.plane_mm) == (energies, plane)
    spot = next(s for s in model.spots if s.nominal_energy_mev == 150)
    # By hand from the file's numbers and the law of drift.
    np.testing.assert_allclose(spot.phase_space[0].sigma_mm(plane), sigma_iso, atol=1e-4)
    stated = model.provenance.parameters["notes"]
    assert bool(stated) == (name == "default_DN_RangeShifter")  # it states 26 energies and holds 27


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", UnreadableFile, "must begin with"),
        (GOOD.replace("double", "single"), UnreadableFile, "must begin with"),
        (GOOD.replace("SMX to", "SMZ to"), MissingAttribute, "'SMX to Isocenter distance'"),
        (GOOD.replace("410.0", "far"), InputError, "line 4 .*finite number; got 'far'"),
        (GOOD.replace("Divergence1x ", ""), MissingAttribute, "Divergence1x"),
        (GOOD[: GOOD.index(ROWS[1])], UnreadableFile, "2 energies that it states; it holds 1"),
        (GOOD[:-20], UnreadableFile, "line 21 .*18 numbers; got 15"),
        (GOOD[: GOOD.index(ROWS[0])], UnreadableFile, "holds none"),
        (GOOD.replace(ROWS[1], ROWS[1].replace("150 ", "90 ", 1)), InputError, "ascend in energy"),
        (GOOD.replace(" 0.9 ", " -0.9 "), InputError, "Weight1, Weight2 in line 20 .*got -0.9 and 0.1"),
        (GOOD.replace(" 0.07 ", " 1.7 "), InputError, "correlation_x"),
        (GOOD.replace(" 4.0 ", " 0 "), InputError, "sigma_x_mm"),
        (GOOD.replace("1859.1", "100"), InputError, "source_distance_mm"),
        (GOOD.replace("RS_ID = RS_Block", ""), UnreadableFile, "must begin with RS_ID"),
        (GOOD.replace("RS_WET = 74.1", ""), MissingAttribute, "RS_WET of range shifter 'RS_Block'"),
        (GOOD.replace("binary", "liquid"), InputError, "binary or analog; got 'liquid'"),
        (GOOD.replace("RS_density = 1.19", "RS_density = 0"), InputError, "density_g_cm3"),
    ],
)
def test_read_mcsquare_bdl__says_what_is_wrong(library, text, error, says):
    with pytest.raises(error, match=says) as caught:
        library(text)
    assert "\n" not in str(caught.value)


@settings(max_examples=200)
@given(data=st.data())
def test_read_mcsquare_bdl__raises_its_own_errors_only(tmp_path_factory, data):
    text = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(st.text(max_size=4)) + text[at + cut :]
    path = tmp_path_factory.getbasetemp() / "BDL.txt"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        assert read_mcsquare_bdl(path).spots
    except TumorboardError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
