import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.hu_curve import HuCurve
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.physics._kernels import piecewise
from tumorboard.physics.elements import element_of
from tumorboard.physics.hounsfield import (
    REFERENCE_ENERGY_MEV,
    HounsfieldTable,
    density,
    material_index,
    relative_stopping_power,
    schneider2000,
)
from tumorboard.physics.materials import material
from tumorboard.physics.stopping_power import stopping_power_ratio
from tumorboard.provenance import Record

VALIDATION = Path(__file__).resolve().parents[2] / "validation" / "schneider"
SIX = ("H", "C", "N", "O", "P", "Ca")
MEASURED = Record("test.measured")


def ct_of(values, quantity=Quantity.CT_NUMBER):
    values = np.atleast_3d(values)
    grid = Grid(values.shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    return Image(values, grid, quantity, MEASURED)


def curve(hu, values, quantity=Quantity.RELATIVE_STOPPING_POWER):
    return HuCurve("mine", np.array(hu, dtype=float), np.array(values, dtype=float), quantity, MEASURED)


def test_schneider2000__tissues_equal_mcsquares():
    with (VALIDATION / "mcsquare_tissues.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(schneider2000().tissues) == 24
    for row, tissue in zip(rows[1:], schneider2000().tissues[1:], strict=True):
        own = np.array([tissue.fraction(element_of(symbol).atomic_number) for symbol in SIX])
        assert 100 * own / own.sum() == pytest.approx([float(row[s]) for s in SIX], abs=1e-4), row["tissue"]


def test_schneider2000__densities_equal_mcsquares_at_an_end_of_each_bin():
    table = schneider2000()
    ends = np.append(table.from_hu, 1600.0)
    at_ends = density(ct_of(np.stack([ends[:-1], ends[1:] - 1, ends[1:]])), table).values[..., 0]
    with (VALIDATION / "mcsquare_tissues.csv").open(encoding="utf-8") as file:
        theirs = np.array([float(row["density_g_cm3"]) for row in csv.DictReader(file)])
    assert abs(at_ends - theirs).min(axis=0)[1:].max() < 1.2e-3


def test_schneider2000__density_is_that_of_the_paper():
    # The paper's lines, written out.
    got = density(ct_of([-1000, -98, 0, 14, 15, 22, 23, 100, 101, 1000]), schneider2000()).values.ravel()
    expected = [0.00121, 1.018 - 98 * 0.893e-3, 1.018, 1.018 + 14 * 0.893e-3, 1.03, 1.03]
    expected += [1.003 + 23 * 1.169e-3, 1.003 + 0.1169, 1.017 + 101 * 0.592e-3, 1.609]
    assert got == pytest.approx(expected, abs=2e-6)


def test_schneider2000__relative_stopping_power_of_tissues_is_known():
    # By ICRU's compositions and I: adipose tissue, muscle, and dense bone where the density is 1.85 g/cm3.
    names = ("adipose tissue, ICRP", "muscle, skeletal, ICRP", "bone, cortical, ICRP")
    hu = np.array([-98.0, 40.0, (1.85 - 1.017) / 0.592e-3])
    got = relative_stopping_power(ct_of(hu), schneider2000()).values.ravel()
    expected = [float(stopping_power_ratio(material(n), 100.0)) for n in names]
    assert got == pytest.approx(expected, rel=0.025)


def test_relative_stopping_power__is_density_times_that_of_the_tissue():
    table = schneider2000()
    hu = np.arange(-1000.0, 2500.0, 7.3)
    index, tissues = material_index(ct_of(hu), table)
    rho = density(ct_of(hu), table).values.ravel()
    each = np.array([float(stopping_power_ratio(t, REFERENCE_ENERGY_MEV)) / t.density_g_cm3 for t in tissues])
    got = relative_stopping_power(ct_of(hu), table).values.ravel()
    assert got == pytest.approx(rho * each[index.values.ravel()], rel=1e-5)


@given(
    points=st.lists(st.tuples(st.floats(-1100, 3000), st.floats(0, 3)), min_size=2, max_size=30),
    values=st.lists(st.floats(-2000, 5000), min_size=1, max_size=20),
    kind=st.sampled_from(["float32", "float64", "int16"]),
)
def test_relative_stopping_power__of_a_curve_is_interpolation(points, values, kind):
    hu, rsp = np.array(sorted(points, key=lambda p: p[0])).T
    keep = np.append(True, np.diff(hu) > 1e-3)
    if keep.sum() < 2:
        return
    ct = np.array(values).astype(kind)
    got = relative_stopping_power(ct_of(ct), curve(hu[keep], rsp[keep])).values.ravel()
    assert got.dtype == np.float32
    assert got == pytest.approx(np.interp(ct.astype(float), hu[keep], rsp[keep]), rel=1e-6, abs=1e-6)


def test_relative_stopping_power__takes_the_value_after_a_step():
    steps = curve([-1000, 0, 0, 0, 1000], [0.0, 0.9, 5.0, 1.0, 1.5])
    got = relative_stopping_power(ct_of([-0.001, 0.0, 500.0]), steps).values.ravel()
    assert got == pytest.approx([0.9, 1.0, 1.25], abs=1e-5)


def test_relative_stopping_power__of_a_density_curve_takes_schneiders_tissues():
    own = schneider2000().density
    hu = np.arange(-1000.0, 2000.0, 3.7)
    by_table = relative_stopping_power(ct_of(hu), schneider2000())
    by_curve = relative_stopping_power(ct_of(hu), own)
    np.testing.assert_array_equal(by_curve.values, by_table.values)
    assert "schneider2000" in list(by_curve.provenance.citations())


def test_relative_stopping_power__keeps_what_is_not_a_number():
    got = relative_stopping_power(ct_of([np.nan, 0.0]), schneider2000()).values.ravel()
    assert np.isnan(got[0])
    assert got[1] > 1


def test_relative_stopping_power__says_what_was_done():
    image = relative_stopping_power(ct_of([0.0]), schneider2000())
    assert image.quantity is Quantity.RELATIVE_STOPPING_POWER
    assert dict(image.provenance.parameters) == {"calibration": "Schneider 2000", "energy_mev": 100.0}


def test_material_index__follows_the_bins():
    hu = [-3000, -1000, -951, -950, -121, -120, 18.9, 19, 1499, 1500, 9000, np.nan]
    index, tissues = material_index(ct_of(np.array(hu)), schneider2000())
    assert index.values.ravel().tolist() == [0, 0, 0, 1, 1, 2, 6, 7, 22, 23, 23, 0]
    assert len(tissues) == 24


def test_kernels__compiled_equals_python():
    rng = np.random.default_rng(1)
    values = np.append(rng.uniform(-1500, 2500, 500), [np.nan, np.inf, -np.inf]).astype(np.float32)
    edges = np.array([-1000.0, -200.5, -200.25, 0.0, 1000.0])
    offsets, slopes = rng.random(5), rng.random(5)
    first = np.maximum(np.searchsorted(edges, -1000.0 + np.arange(2001), side="right") - 1, 0).astype(
        np.int32
    )
    outs = [np.empty(values.size, np.float32) for _ in range(2)]
    with np.errstate(invalid="ignore"):
        for kernel, out in zip(
            (piecewise.evaluate_pieces, piecewise.evaluate_pieces.py_func), outs, strict=True
        ):
            kernel(values, edges, offsets, slopes, first, -1000.0, 1000.0, out)
    np.testing.assert_array_equal(*outs)
    finite = values[np.isfinite(values)]
    found = [np.empty(finite.size, np.uint8) for _ in range(2)]
    for kernel, out in zip((piecewise.find_pieces, piecewise.find_pieces.py_func), found, strict=True):
        kernel(finite, edges, first, -1000.0, out)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("function", [relative_stopping_power, density, material_index])
def test_hounsfield__refuses_what_is_no_ct(function):
    with pytest.raises(InputError, match=r"must hold CT numbers \[HU\]; got dose"):
        function(ct_of([1.0], Quantity.DOSE), schneider2000())


@pytest.mark.parametrize("function", [relative_stopping_power, density])
def test_hounsfield__refuses_a_ct_without_a_curve(function):
    with pytest.raises(InputError, match=r"must be chosen.*got None; pass .*schneider2000\(\)"):
        function(ct_of([1.0]), None)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: density(ct_of([1.0]), curve([0, 1], [0, 1])), "must give a density"),
        (lambda: material_index(ct_of([1.0]), curve([0, 1], [0, 1])), "must be a HounsfieldTable"),
        (lambda: relative_stopping_power(ct_of([1.0]), curve([0, 1e9], [0, 1])), "within 1e"),
        (
            lambda: HounsfieldTable("t", np.array([0.0, 0.0]), (), schneider2000().density, MEASURED),
            "must ascend",
        ),
        (
            lambda: HounsfieldTable("t", np.array([0.0]), (), schneider2000().density, MEASURED),
            "one for each",
        ),
        (
            lambda: HounsfieldTable(
                "t", np.array([0.0]), (material("PMMA"),), curve([0, 1], [0, 1]), MEASURED
            ),
            "curve of DENSITY",
        ),
    ],
)
def test_hounsfield__refuses_a_calibration_that_does_not_fit(call, message):
    with pytest.raises(InputError, match=message):
        call()
