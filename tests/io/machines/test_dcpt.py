"""DCPT's table comes in with the sign that the clinic's plans confirm."""

import numpy as np
import pytest

from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.dicom.read_ion_plan import read_ion_plan
from tumorboard.io.machines import read_dcpt_beam_model

FOLDER = "proton/dcpt_plan01"
SOURCES = (2000.0, 2560.0)
FWHM = 2.3548200450309493
TITLES = (
    '"Energy nominal [MeV]","# E real [MeV]","# E real sigma [MeV]","# protons/MU","# sigma x [mm]",'
    '"# sigma y [mm]","# sigma x\' [rad]","# sigma y\' [rad]","# cor(x x\')","# cor(y y\')"'
)
ROWS = (
    "70,71.38,1.23,2106924,4.472,3.629,0.0061,0.0056,0.306094,0.7405621",
    "71,72.4,1.2,2130000,4.4,3.6,0.006,0.0055,0.3,0.74",
)
GOOD = f'#"A model",,,,,,,,,\n#"BMODPOS 500.0 mm",,,,,,,,,\n#{TITLES}\n' + "\n".join(ROWS) + "\n"


@pytest.fixture
def model(tmp_path):
    def read(text=GOOD):
        (tmp_path / "model.csv").write_text(text)
        return read_dcpt_beam_model(tmp_path / "model.csv", source_distance_mm=SOURCES)

    return read


def clinical(data_dir, version):
    path = data_dir / FOLDER / "dcpt_beam_model" / f"DCPT_beam_model__{version}.csv"
    return read_dcpt_beam_model(path, source_distance_mm=SOURCES)


def test_read_dcpt_beam_model__reads_all_that_it_says(model):
    read = model()
    assert (read.name, read.plane_mm, read.source_distance_mm) == ("model", 500.0, SOURCES)
    spot = read.spots[0]
    assert (spot.nominal_energy_mev, spot.protons_per_mu) == (70.0, 2106924)
    assert (spot.spectrum.total_mean_mev, spot.spectrum.total_sigma_mev) == (71.38, pytest.approx(1.23))
    (beam,) = spot.phase_space
    assert (beam.weight, beam.sigma_x_mm, beam.sigma_y_mm) == (1.0, 4.472, 3.629)
    assert (beam.divergence_x_rad, beam.divergence_y_rad) == (0.0061, 0.0056)
    assert (beam.correlation_x, beam.correlation_y) == (0.306094, 0.7405621)
    assert read.provenance.parameters["remarks"] == ["A model", "BMODPOS 500.0 mm"]


@pytest.mark.parametrize(("version", "plane_mm"), [("v2", 500.0), ("v5", 600.0)])
def test_read_dcpt_beam_model__has_the_widths_that_dicomexport_wrote_at_its_plane(
    data_dir, version, plane_mm
):
    """The spot list states energy [GeV], its spread and FWHM [cm] at the plane of the model.

    To six digits, but between the rows of a table (0.1 MeV apart) programs may interpolate in their own ways.
    """
    read = clinical(data_dir, version)
    assert (read.plane_mm, len(read.spots)) == (plane_mm, 1741)
    listed = np.loadtxt(data_dir / FOLDER / "plan01_sobp" / f"spotlist_BM{version}_c7_field01.dat")
    (beam,) = read_ion_plan(next((data_dir / FOLDER / "plan01_sobp").glob("RN*178319*.dcm"))).beams
    nominal = np.repeat(
        [layer.nominal_energy_mev for layer in beam.layers],
        [len(layer.monitor_units) for layer in beam.layers],
    )
    columns = {
        0: [1e-3 * s.spectrum.total_mean_mev for s in read.spots],
        1: [1e-3 * s.spectrum.total_sigma_mev for s in read.spots],
        4: [0.1 * FWHM * s.phase_space[0].sigma_x_mm for s in read.spots],
        5: [0.1 * FWHM * s.phase_space[0].sigma_y_mm for s in read.spots],
    }
    for column, values in columns.items():
        got = np.interp(nominal, read.nominal_energies_mev, values)
        np.testing.assert_allclose(got, listed[:, column], rtol=1e-4)


def widths_at_isocentre(read, sign, energies_mev):
    """FWHM x and y [mm] at the isocentre, shape (n, 2), with the correlation's sign as told."""
    widths = []
    for spot in read.spots:
        (b,) = spot.phase_space
        d = read.plane_mm
        widths.append(
            [
                FWHM * np.sqrt(s**2 + 2 * sign * rho * s * t * d + (t * d) ** 2)
                for s, t, rho in (
                    (b.sigma_x_mm, b.divergence_x_rad, b.correlation_x),
                    (b.sigma_y_mm, b.divergence_y_rad, b.correlation_y),
                )
            ]
        )
    table = np.array(widths)
    return np.stack([np.interp(energies_mev, read.nominal_energies_mev, c) for c in table.T], axis=1)


def test_read_dcpt_beam_model__agrees_with_the_spot_sizes_of_the_clinics_plan(data_dir):
    """Independent: the planning system's Scanning Spot Size, FWHM in air at the isocentre, of a plan of 2022.

    It says which sign a correlation has: with the other one, y would be half as wide.
    """
    read = clinical(data_dir, "v2")  # the version valid in 2022
    (beam,) = read_ion_plan(next((data_dir / FOLDER / "plan01_sobp").glob("RN*178319*.dcm"))).beams
    energies = np.array([layer.nominal_energy_mev for layer in beam.layers])
    planned = np.array([layer.spot_fwhm_mm for layer in beam.layers])
    ours = np.array(
        [
            [
                np.interp(
                    e,
                    read.nominal_energies_mev,
                    [FWHM * s.phase_space[0].sigma_mm(500.0)[k] for s in read.spots],
                )
                for k in (0, 1)
            ]
            for e in energies
        ]
    )
    np.testing.assert_allclose(ours, widths_at_isocentre(read, +1, energies), rtol=1e-4)
    assert np.abs(ours / planned - 1).max() < 0.025
    other = widths_at_isocentre(read, -1, energies)
    assert np.abs(other[:, 1] / planned[:, 1] - 1).min() > 0.3


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", UnreadableFile, "line of titles"),
        (GOOD.replace("BMODPOS 500.0 mm", "somewhere"), MissingAttribute, "BMODPOS"),
        (GOOD.replace("BMODPOS 500.0 mm", "BMODPOS 500.0 cm"), MissingAttribute, "BMODPOS"),
        (GOOD.replace("sigma x [mm]", "sigma x [cm]"), MissingAttribute, r"sigma x \[mm\] absent"),
        (GOOD.replace("sigma x [mm]", "sigma x"), MissingAttribute, r"sigma x \[mm\] absent"),
        (GOOD[: -len(ROWS[1]) - 1], None, ""),
        (GOOD[:-15], UnreadableFile, "line 5 .*10 numbers; got 8"),
        (GOOD.replace("\n71,", "\n69,"), InputError, "ascend in energy"),
        (GOOD.replace("2106924", "many"), InputError, "protons/MU in line 4 .*got 'many'"),
        (GOOD.replace("0.306094", "nan"), InputError, "finite number"),
        (GOOD.replace("500.0 mm", "5000.0 mm"), InputError, "source_distance_mm"),
    ],
)
def test_read_dcpt_beam_model__says_what_is_wrong(model, text, error, says):
    if error is None:
        assert len(model(text).spots) == 1
        return
    with pytest.raises(error, match=says) as caught:
        model(text)
    assert "\n" not in str(caught.value)
