import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.physics.materials import material
from tumorboard.physics.transport.decay_source import (
    ActivityBall,
    ActivityImage,
    DecayEmissions,
    EmissionLines,
    EmissionSpectrum,
    alias_table,
)
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.provenance import Record

ELECTRON, PHOTON = ParticleKind.ELECTRON, ParticleKind.PHOTON


def lines(kind, *pairs):
    energy, number = np.array(pairs, dtype=float).T
    return EmissionLines(kind, energy, number)


def image(values, grid):
    return Image(np.asarray(values, np.float32), grid, Quantity.UNCALIBRATED, Record("test", {}))


def test_alias_table__draws_each_as_often_as_it_weighs():
    weights = np.array([0.1, 3.0, 0.0, 1.9, 5.0])
    keep, other = alias_table(weights)
    shares = keep.copy()
    np.add.at(shares, other, 1 - keep)
    assert shares / 5 == pytest.approx(weights / 10.0)


def test_decay_emissions__know_their_energies():
    spectrum = EmissionSpectrum(ELECTRON, np.array([0.0, 0.1, 0.3]), np.array([0.4, 0.6]))
    found = DecayEmissions("x", lines=(lines(PHOTON, (0.2, 0.1), (0.4, 0.5)),), spectra=(spectrum,))
    assert found.energy_mev(PHOTON) == pytest.approx(0.22)
    assert found.energy_mev(ELECTRON) == pytest.approx(0.4 * 0.05 + 0.6 * 0.2)
    assert found.energy_mev(ParticleKind.POSITRON) == 0.0
    assert found.digest != DecayEmissions("x", spectra=(spectrum,)).digest


def test_for_kernel__leaves_slow_electrons_where_they_are_and_groups_the_rest():
    spectrum = EmissionSpectrum(ELECTRON, np.array([0.0, 0.1, 0.3]), np.array([0.4, 0.6]))
    source = DecayEmissions(
        "x",
        lines=(lines(ELECTRON, (0.005, 2.0), (0.15, 0.3)), lines(PHOTON, (0.2, 0.1))),
        spectra=(spectrum,),
        local_mev=5.0,
    )
    found = source.for_kernel(0.01)
    assert found.local_mev == pytest.approx(5.01)
    assert found.number == pytest.approx([1.0, 0.3, 0.1])
    assert found.first.tolist() == [0, 2, 3, 4]
    assert found.kind.tolist() == [1, 1, 1, 0]
    alone = DecayEmissions("alpha", local_mev=5.0).for_kernel(0.01)
    assert alone.number.size == 0


def test_activity_image__puts_cells_where_voxels_are_on_the_mediums_axes():
    turn = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    grid = Grid((3, 4, 5), (2.0, 3.0, 4.0), (10.0, 20.0, 30.0), turn, frame_of_reference="1.2.3")
    medium = TransportMedium.homogeneous(grid, material("water, liquid"))
    values = np.zeros((3, 4, 5))
    values[1, 2, 3] = 1.0
    found = ActivityImage(image(values, grid)).for_kernel(medium)
    assert found.cell.tolist() == [[1.0, 2.0, 3.0]]
    corner = found.corner + found.axes @ found.cell[0]
    # On the medium's own axes x, y, z from its corner.
    assert corner == pytest.approx([3 * 4.0, 2 * 3.0, 1 * 2.0])
    far = found.corner + found.axes @ (found.cell[0] + 1)
    assert far == pytest.approx([4 * 4.0, 3 * 3.0, 2 * 2.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lines(PHOTON, (140.0, 0.9)), "keV"),
        (lambda: lines(PHOTON, (0.14, -0.9)), "per_decay"),
        (lambda: lines(ParticleKind.PROTON, (0.14, 0.9)), "kind"),
        (lambda: EmissionLines(PHOTON, np.ones(2), np.ones(3)), "one length"),
        (lambda: EmissionSpectrum(ELECTRON, np.array([0.2, 0.1]), np.ones(1)), "ascend"),
        (lambda: EmissionSpectrum(ELECTRON, np.array([0.1, 0.2]), np.ones(2)), "one more"),
        (lambda: EmissionSpectrum(ELECTRON, np.array([0.1, 0.2]), np.array([np.nan])), "per_decay"),
        (lambda: DecayEmissions("x"), "must carry energy"),
        (lambda: DecayEmissions("x", local_mev=-1.0), "local_mev"),
        (lambda: ActivityBall((0.0, 0.0, np.inf)), "position_mm"),
        (lambda: ActivityBall((0.0, 0.0, 0.0), -1.0), "radius_mm"),
    ],
)
def test_decay_sources__refuse_what_they_cannot(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("value", "message"), [(-1.0, ">= 0"), (0.0, "must have activity"), (np.nan, "finite")]
)
def test_activity_image__refuses_what_is_no_activity(value, message):
    grid = Grid((2, 2, 2), (1.0,) * 3, (0.0,) * 3, AXIAL, frame_of_reference="1.2.3")
    with pytest.raises(InputError, match=message):
        ActivityImage(image(np.full((2, 2, 2), value), grid))
