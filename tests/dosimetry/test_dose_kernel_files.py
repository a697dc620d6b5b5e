from pathlib import Path

import numpy as np
import pytest
from nuclides import emissions_of

from tumorboard.dosimetry.dose_kernel_files import KernelUnit, read_dose_kernel
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.physics.transport.medium import GY_G_PER_MEV

LUTETIUM = emissions_of("Lu-177")
VALIDATION = Path(__file__).resolve().parents[2] / "validation" / "radioligand_dose"


def read(path, unit=KernelUnit.MEV, octant=False, density=1.0, spacing=(5.0, 4.0, 3.0)):
    return read_dose_kernel(
        path, LUTETIUM, spacing_mm=spacing, density_g_cm3=density, unit=unit, octant=octant
    )


def some(shape=(5, 3, 7)):
    values = np.random.default_rng(1).uniform(0, 1, shape)
    return 0.14 * values / values.sum()


def test_read_dose_kernel__of_numpy_keeps_its_values(tmp_path):
    path = tmp_path / "kernel.npz"
    np.savez(path, kernel=some())
    found = read(path)
    np.testing.assert_allclose(found.energy_mev, some())
    assert "photons carry" not in found.explanation
    assert found.missing_mev == pytest.approx(found.emitted_mev - 0.14)


def test_read_dose_kernel__of_csv_equals_that_of_numpy(tmp_path):
    path = tmp_path / "kernel.csv"
    rows = (f"{x - 3},{y - 1},{z - 2},{float(v)!r}" for (z, y, x), v in np.ndenumerate(some()))
    path.write_text("# mine\nx, y, z, value\n" + "\n".join(rows), encoding="utf-8")
    np.testing.assert_allclose(read(path).energy_mev, some())


def test_read_dose_kernel__mirrors_an_octant(tmp_path):
    path = tmp_path / "kernel.npz"
    octant = np.random.default_rng(1).uniform(0, 0.001, (2, 3, 4))
    np.savez(path, kernel=octant)
    found = read(path, octant=True).energy_mev
    assert found.shape == (3, 5, 7)
    np.testing.assert_array_equal(found[1:, 2:, 3:], octant)
    np.testing.assert_array_equal(found[::-1, ::-1, ::-1], found)


def test_read_dose_kernel__takes_published_tables_and_says_what_they_lack():
    # Lanconelli 2012, Lu-177 in voxels of 2.21 mm of soft tissue of 1.04 g/cm3.
    found = read(
        VALIDATION / "lanconelli_lu177.txt",
        KernelUnit.MGY_PER_MBQ_S,
        octant=True,
        density=1.04,
        spacing=(2.21,) * 3,
    )
    assert found.energy_mev.shape == (5, 5, 5)
    assert found.dose_gy[2, 2, 2] == pytest.approx(1.66e-9)
    assert found.dose_gy[1, 2, 2] == found.dose_gy[2, 2, 3] == pytest.approx(4.83e-11)
    # It has less than the electrons bring: validation/radioligand_dose/README.md.
    assert found.missing_mev > found.photons_mev
    assert "conversion" in found.explanation


def test_read_dose_kernel__knows_units(tmp_path):
    path = tmp_path / "kernel.npz"
    mass = 0.06 * 1.05
    np.savez(path, kernel=some() * GY_G_PER_MEV / mass)
    np.testing.assert_allclose(read(path, KernelUnit.GY, density=1.05).energy_mev, some())
    np.savez(path, kernel=some() * GY_G_PER_MEV / mass * 1e9)
    np.testing.assert_allclose(read(path, KernelUnit.MGY_PER_MBQ_S, density=1.05).energy_mev, some())
    # The density of another medium, or another unit, shows in the energy.
    with pytest.raises(InputError, match="check its unit, voxel size, density and nuclide"):
        read(path, KernelUnit.MGY_PER_MBQ_S, density=1.85)
    with pytest.raises(InputError, match="more"):
        read(path, KernelUnit.GY)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no line"),
        ("x,y,value\n0,0,1\n", "no line"),
        ("x,y,z,value\n", "no line"),
        ("a\nb\nc\nd\n0,0,0,1\n", "no line"),
        ("x,y,z,value\n0,0,0,0.1\n0,0,0,0.1\n", "twice"),
        ("x,y,z,value\n0,0,0,0.1\n0.5,0,0,0.1\n", "0.5 0 0 0.1"),
        ("x,y,z,value\n0,0,0,0.1\n0,0,1,\n", "whole numbers and a value"),
        ("x,y,z,value\n0,0,0,0.1\n0,0,1,nan\n", "nan"),
        ("x,y,z,value\n100000,0,0,0.1\n", "120"),
    ],
)
def test_read_dose_kernel__says_what_is_wrong_with_a_table(tmp_path, text, match):
    path = tmp_path / "kernel.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UnreadableFile, match=match):
        read(path)


def test_read_dose_kernel__refuses_other_files(tmp_path):
    path = tmp_path / "kernel.npz"
    path.write_bytes(b"not an archive")
    with pytest.raises(UnreadableFile, match="kernel"):
        read(path)
    np.savez(path, other=np.ones(3))
    with pytest.raises(UnreadableFile, match="kernel"):
        read(path)
    np.savez(path, kernel=np.array([None]))
    with pytest.raises(UnreadableFile, match="kernel"):
        read(path)
    with pytest.raises(UnreadableFile, match="gone"):
        read(tmp_path / "gone.npz")
