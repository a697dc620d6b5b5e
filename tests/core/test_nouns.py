import numpy as np
import pytest

from tumorboard.core import (
    AXIAL,
    Case,
    CaseItem,
    Contour,
    DynamicImage,
    Grid,
    Image,
    ItemKind,
    Lesion,
    Quantity,
    Structure,
    StructureSet,
    TimeActivityCurves,
)
from tumorboard.errors import InputError
from tumorboard.provenance import Record

MADE = Record("test.made")
GRID = Grid((2, 3, 4), (3.0, 1.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")


def test_image__copies_a_writeable_array_and_keeps_a_read_only_one():
    mine = np.zeros(GRID.shape)
    image = Image(mine, GRID, Quantity.DOSE, MADE)
    mine[0, 0, 0] = 7.0
    assert image.values[0, 0, 0] == 0.0
    assert not image.values.flags.writeable
    assert Image(image.values, GRID, Quantity.DOSE, MADE).values is image.values


def test_image__copies_a_read_only_view_of_a_writeable_array():
    mine = np.zeros(GRID.shape)
    view = mine.view()
    view.setflags(write=False)
    image = Image(view, GRID, Quantity.DOSE, MADE)
    mine[0, 0, 0] = 7.0
    assert image.values[0, 0, 0] == 0.0


def test_image__leaves_a_memory_map_on_disk_unless_it_may_be_written_to(tmp_path):
    np.zeros(GRID.shape).tofile(tmp_path / "values")
    for mode, kept in (("r", True), ("c", False), ("r+", False)):
        mapped = np.memmap(tmp_path / "values", np.float64, mode, shape=GRID.shape)
        image = Image(mapped, GRID, Quantity.DOSE, MADE)
        assert np.shares_memory(image.values, mapped) is kept
        assert not image.values.flags.writeable


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 3, 5)), r"values must have the grid's shape \(2, 3, 4\); got \(2, 3, 5\)"),
        (np.zeros(GRID.shape, complex), "real numbers"),
    ],
)
def test_image__says_what_is_wrong(values, message):
    with pytest.raises(InputError, match=message):
        Image(values, GRID, Quantity.DOSE, MADE)


def test_quantity__every_one_has_a_unit():
    assert all(q.unit for q in Quantity)
    assert Quantity.CT_NUMBER.unit == "HU"
    assert Quantity.ACTIVITY_CONCENTRATION.unit == "Bq/mL"
    assert [q for q in Quantity if q.is_suv] == [q for q in Quantity if q.value.startswith("suv_")]


def test_dynamic_image__mean_is_weighted_by_duration():
    values = np.stack([np.full(GRID.shape, v, np.float32) for v in (1.0, 4.0)])
    frames = DynamicImage(
        values, GRID, Quantity.ACTIVITY_CONCENTRATION, [0.0, 10.0], [10.0, 30.0], "injection", MADE
    )
    np.testing.assert_allclose(frames.mean().values, (1 * 10 + 4 * 30) / 40)
    assert frames.frame(1).values[0, 0, 0] == 4.0
    assert frames.n_frames == 2


@pytest.mark.parametrize(
    ("start_s", "duration_s", "message"),
    [
        ([10.0, 0.0], [1.0, 1.0], "increasing"),
        ([0.0, 1.0], [1.0, 0.0], "> 0"),
        ([0.0], [1.0], "2 finite increasing times"),
    ],
)
def test_dynamic_image__refuses_frames_out_of_order(start_s, duration_s, message):
    with pytest.raises(InputError, match=message):
        DynamicImage(
            np.zeros((2, *GRID.shape)), GRID, Quantity.COUNTS, start_s, duration_s, "injection", MADE
        )


def test_lesion__volume_and_centroid():
    mask = np.zeros(GRID.shape, bool)
    mask[1, 0, 0] = mask[1, 0, 2] = True
    lesion = Lesion("lesion 1", Image(mask, GRID, Quantity.LABEL, MADE), MADE)
    assert lesion.volume_ml == pytest.approx(2 * 6e-3)
    np.testing.assert_allclose(lesion.centroid_mm, [2.0, 0.0, 3.0])


def test_lesion__refuses_an_empty_mask():
    with pytest.raises(InputError, match="at least one voxel"):
        Lesion("lesion 1", Image(np.zeros(GRID.shape, bool), GRID, Quantity.LABEL, MADE), MADE)


def test_structure_set__refuses_repeated_names_and_foreign_masks():
    square = Contour([[0, 0, 0], [1, 0, 0], [1, 1, 0]])
    with pytest.raises(InputError, match="unique"):
        StructureSet((Structure("a", (square,)), Structure("a", (square,))), "1.2.3", MADE)
    mask = Image(np.ones(GRID.shape, bool), GRID, Quantity.LABEL, MADE)
    with pytest.raises(InputError, match=r"frame of reference 9\.9"):
        StructureSet((Structure("a", mask=mask),), "9.9", MADE)
    with pytest.raises(InputError, match="contours or a mask"):
        Structure("a")


def test_curves__refuse_what_is_not_finite():
    with pytest.raises(InputError, match="finite"):
        TimeActivityCurves([0.0, 1.0], [[1.0, np.nan]], MADE)
    with pytest.raises(InputError, match="increasing"):
        TimeActivityCurves([1.0, 1.0], [[1.0, 2.0]], MADE)


def test_case__difference_is_by_digest():
    a = CaseItem("ct", ItemKind.IMAGE, "1", MADE)
    b = CaseItem("ct", ItemKind.IMAGE, "2", MADE)
    c = CaseItem("pet", ItemKind.IMAGE, "1", MADE)
    difference = Case("P", (a,)).difference(Case("P", (b, c)))
    assert (difference.added, difference.removed, difference.changed) == (("pet",), (), ("ct",))
    assert not Case("P", (a,)).difference(Case("P", (a,)))


@pytest.mark.parametrize("name", ["../x", "", "A", "a/b", "a" * 81, "a.b", "a\n"])
def test_case_item__refuses_names_that_are_no_file_names(name):
    with pytest.raises(InputError, match="name of a case item"):
        CaseItem(name, ItemKind.IMAGE, "1", MADE)
