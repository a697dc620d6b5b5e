import io
import math

import numpy as np
import pytest
from matplotlib import _pylab_helpers
from matplotlib.image import imread

from tumorboard.errors import InputError
from tumorboard.plotting import (
    ScatterAxis,
    ScatterPoint,
    funnel,
    grouped_scatter,
    percentile_map,
    sequence_logo,
)
from tumorboard.plotting.sequence_logo import information_bits

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
BLUE = np.array([0x0B, 0x5C, 0x8A]) / 255.0
RED = np.array([0xD1, 0x1A, 0x2A]) / 255.0


def shown(png, colour):
    rgb = imread(io.BytesIO(png))[..., :3]
    return np.abs(rgb - colour).max(axis=-1) < 0.06


def scatter(points, **more):
    axes = {"x": ScatterAxis("x [nM]", "log", 500.0), "y": ScatterAxis("y [nM]", "log")}
    return grouped_scatter(points, title="t", groups=("Pass", "Poor"), **{**axes, **more})


@pytest.mark.slow
def test_target_plots__are_the_same_bytes_each_time_and_leave_no_figure_behind():
    makes = (
        lambda: funnel([("a", 10), ("b", 4)], title="t"),
        lambda: scatter([ScatterPoint(10.0, 20.0, "Pass", "A")], diagonal=True),
        lambda: percentile_map(["a"], ["HLA-A*02:01"], [[0.4]], title="t"),
        lambda: sequence_logo(np.full((9, 20), 0.05), LETTERS, title="t"),
    )
    for make in makes:
        assert make() == make()
    assert not _pylab_helpers.Gcf.get_all_fig_managers()


def test_funnel__bars_are_as_long_as_their_counts():
    def longest(count):
        mask = shown(funnel([("all", 100), ("left", count)], title="t"), BLUE)
        rows = np.flatnonzero(mask.any(axis=1))
        return mask[rows[-5]].sum()

    assert longest(50) == pytest.approx(longest(100) / 2, abs=3)


@pytest.mark.parametrize("steps", [[], [("a", 3), ("b", 4)], [("a", 3), ("b", -1)]])
def test_funnel__refuses_what_is_no_funnel(steps):
    with pytest.raises(InputError, match="of a funnel must be"):
        funnel(steps, title="t")


def test_grouped_scatter__refuses_a_point_of_no_group():
    with pytest.raises(InputError, match="groups must be"):
        scatter([ScatterPoint(1.0, 1.0, "Anchor")])


def test_grouped_scatter__two_names_on_one_spot_are_written_once():
    one = scatter([ScatterPoint(10.0, 20.0, "Pass", "KRAS G12V")])
    two = scatter([ScatterPoint(10.0, 20.0, "Pass", "KRAS G12V")] * 2)
    assert np.abs(imread(io.BytesIO(one))[..., :3] - imread(io.BytesIO(two))[..., :3]).mean() < 1e-3


def test_percentile_map__what_is_not_known_stays_white():
    values = [[0.05, math.nan]]
    mask = imread(io.BytesIO(percentile_map(["a"], ["A", "B"], values, title="t")))[..., :3]
    dark = (mask.sum(axis=-1) < 1.2).sum()
    both = imread(io.BytesIO(percentile_map(["a"], ["A", "B"], [[0.05, 0.05]], title="t")))[..., :3]
    assert (both.sum(axis=-1) < 1.2).sum() > 1.5 * dark


def test_percentile_map__refuses_a_table_that_does_not_fit():
    with pytest.raises(InputError, match="percentile must be a table"):
        percentile_map(["a"], ["A"], [[1.0, 2.0]], title="t")


def test_information_bits__none_where_all_letters_are_alike_and_all_where_one_is_alone():
    rows = np.array([np.full(20, 0.05), np.eye(20)[3]])
    np.testing.assert_allclose(information_bits(rows), [0.0, math.log2(20)], atol=1e-12)


def test_sequence_logo__new_residues_stand_out():
    rows = np.eye(20)[[0, 9, 8]]
    plain = sequence_logo(rows, LETTERS, title="t", peptides=[("m", "ALK", [])])
    marked = sequence_logo(rows, LETTERS, title="t", peptides=[("m", "ALK", [1])])
    assert shown(marked, RED).sum() > shown(plain, RED).sum() + 10


@pytest.mark.parametrize(
    ("rows", "peptides", "message"),
    [
        (np.full((3, 19), 1 / 19), [], "one row a position"),
        (np.full((3, 20), 0.1), [], "sum to 1"),
        (np.full((3, 20), 0.05), [("m", "ALKV", [])], "must have 3 residues"),
    ],
)
def test_sequence_logo__refuses_what_does_not_fit(rows, peptides, message):
    with pytest.raises(InputError, match=message):
        sequence_logo(rows, LETTERS, title="t", peptides=peptides)
