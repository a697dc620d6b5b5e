import json
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from tumorboard.core import (
    AXIAL,
    Contour,
    DynamicImage,
    Grid,
    Image,
    Quantity,
    Structure,
    StructureKind,
    StructureSet,
    TimeActivityCurves,
    grid_difference,
)
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.case_store import CaseStore
from tumorboard.provenance import Record

MADE = Record("test.made", {"n": 1})
# A spacing that 32-bit floats cannot hold: the store must give it back exactly.
GRID = Grid((2, 3, 4), (3.27, 0.9765625, 0.1), (-1 / 3, 2.0, 5.0), AXIAL, frame_of_reference="1.2.3")


@pytest.fixture
def store(tmp_path):
    with CaseStore(tmp_path / "case", identifier="P01") as store:
        yield store


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64, np.uint8, bool])
def test_image__comes_back_as_it_went(store, dtype):
    values = np.arange(24).reshape(GRID.shape).astype(dtype)
    quantity = Quantity.LABEL if dtype is bool else Quantity.CT_NUMBER
    item = store.put_image("ct-1", Image(values, GRID, quantity, MADE), {"modality": "CT"})
    image = store.image("ct-1")
    assert image.values.dtype == dtype
    np.testing.assert_array_equal(image.values, values)
    np.testing.assert_array_equal(image.grid.affine, GRID.affine)
    assert grid_difference(image.grid, GRID) is None
    assert image.provenance.digest == MADE.digest
    assert store.case()["ct-1"].digest == item.digest


def test_dynamic_image__comes_back_as_it_went(store):
    values = np.random.default_rng(0).random((2, *GRID.shape)).astype(np.float32)
    frames = DynamicImage(values, GRID, Quantity.COUNTS, [0.0, 1.5], [1.5, 2.0], "injection", MADE)
    store.put_image("pet", frames)
    again = store.image("pet")
    np.testing.assert_array_equal(again.values, values)
    np.testing.assert_array_equal(again.frame_duration_s, frames.frame_duration_s)
    assert again.time_zero == "injection"


def test_structures__come_back_with_contours_and_masks(store):
    mask = Image(np.ones(GRID.shape, bool), GRID, Quantity.LABEL, MADE)
    square = Contour([[0.1, 0, 0], [1, 0, 0], [1, 1 / 3, 0]])
    there = StructureSet(
        (
            Structure("Léber ../x", (square,), kind=StructureKind.GTV, colour_rgb=(1, 2, 3)),
            Structure("b", mask=mask),
        ),
        "1.2.3",
        MADE,
        "label",
        "4.5.6",
        ("nothing",),
    )
    store.put_structures("structures-1", there)
    again = store.structures("structures-1")
    assert again.names == there.names
    assert again["Léber ../x"].kind is StructureKind.GTV
    np.testing.assert_array_equal(again["Léber ../x"].contours[0].points_mm, square.points_mm)
    assert again["b"].mask.values.dtype == bool
    assert again.referenced_series == "4.5.6"
    assert again.empty_names == ("nothing",)


def test_curves_and_results__come_back(store):
    store.put_curves("tac", TimeActivityCurves([0.0, 1.0], [[1.0, 1 / 3]], MADE))
    assert store.curves("tac").activity_bq[0, 1] == 1 / 3
    store.put_result("suv", {"factor": 0.1}, MADE)
    assert store.result("suv") == {"factor": 0.1}
    with pytest.raises(InputError, match="finite"):
        store.put_result("bad", {"factor": float("nan")}, MADE)


def test_is_fresh__only_for_the_same_inputs_and_whole_files(store):
    store.put_result("suv", {"x": 1}, MADE, made_from="abc")
    assert store.is_fresh("suv", "abc")
    assert not store.is_fresh("suv", "abd")
    assert not store.is_fresh("other", "abc")
    for file in (store.folder / "items").iterdir():
        file.unlink()
    assert not store.is_fresh("suv", "abc")


def test_put__replaces_and_leaves_no_old_file(store):
    store.put_result("suv", {"x": 1}, MADE)
    store.put_result("suv", {"x": 2}, MADE)
    assert store.result("suv") == {"x": 2}
    assert len(list((store.folder / "items").iterdir())) == 1
    store.remove("suv")
    assert not list((store.folder / "items").iterdir())
    assert not store.case().items


def test_put__interrupted_before_the_index_is_switched_keeps_the_old(store, monkeypatch):
    store.put_result("suv", {"x": 1}, MADE)

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "_put", stop)
    with pytest.raises(KeyboardInterrupt):
        store.put_result("suv", {"x": 2}, MADE)
    with CaseStore(store.folder) as again:
        assert again.result("suv") == {"x": 1}


def test_case__can_be_copied_and_compared(store, tmp_path):
    store.put_result("suv", {"x": 1}, MADE)
    shutil.copytree(store.folder, tmp_path / "copy")
    with CaseStore(tmp_path / "copy") as copy:
        assert not store.case().difference(copy.case())
        copy.put_result("suv", {"x": 2}, MADE)
        assert store.case().difference(copy.case()).changed == ("suv",)


def test_case_store__says_what_is_wrong(store, tmp_path):
    with pytest.raises(InputError, match="patient 'P02'"):
        CaseStore(store.folder, identifier="P02")
    with pytest.raises(InputError, match=r"index\.sqlite"):
        CaseStore(tmp_path / "nothing")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(InputError, match="must be empty"):
        CaseStore(tmp_path / "full", identifier="P01")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "index.sqlite").write_text("not a database, but long enough to be read as one" * 9)
    with pytest.raises(UnreadableFile, match="SQLite"):
        CaseStore(tmp_path / "broken")
    with pytest.raises(InputError, match="must be one of: none; got 'ct'"):
        store.image("ct")


def test_case_store__refuses_a_newer_schema(store):
    with sqlite3.connect(store.folder / "index.sqlite") as index:
        index.execute("PRAGMA user_version = 99")
    index.close()
    with pytest.raises(UnreadableFile, match="schema version 1; got 99"):
        CaseStore(store.folder)


FOREIGN = ["../victim.json", "items/../../victim.json", "/etc/passwd", "items/../victim.json", "items/"]


@pytest.mark.parametrize("file", FOREIGN)
@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.result("suv"),
        lambda store: store.remove("suv"),
        lambda store: store.put_result("suv", {"a": 2}, MADE),
        lambda store: store.is_fresh("suv", "inputs"),
    ],
    ids=["read", "remove", "replace", "ask"],
)
def test_case_store__touches_no_file_that_a_foreign_index_names(store, tmp_path, file, use):
    victim = tmp_path / "victim.json"
    victim.write_text("{}")
    store.put_result("suv", {"a": 1}, MADE, made_from="inputs")
    with sqlite3.connect(store.folder / "index.sqlite") as index:
        index.execute("UPDATE items SET files = ?", (json.dumps([file]),))
    index.close()
    with pytest.raises(UnreadableFile, match="must name files below items/"):
        use(store)
    assert victim.exists()


def test_case_store__is_read_without_a_write(store):
    """As on a read-only disk: another connection holds the right to write, and none is asked for."""
    store.put_result("suv", {"x": 1}, MADE)
    with closing(sqlite3.connect(store.folder / "index.sqlite")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with CaseStore(store.folder) as again:
            assert again.result("suv") == {"x": 1}


def test_case_store__killed_while_being_made_is_taken_up_again(tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    for step in ("sqlite3.connect", "tumorboard.io.case_store._require_schema"):
        with monkeypatch.context() as patch:
            patch.setattr(step, stop)
            with pytest.raises(KeyboardInterrupt):
                CaseStore(tmp_path / "case", identifier="P01")
        with CaseStore(tmp_path / "case", identifier="P01") as store:
            assert not store.case().items
        shutil.rmtree(tmp_path / "case")


def test_result__damaged_on_the_disk_is_named(store):
    store.put_result("suv", {"x": 1}, MADE)
    (file,) = (store.folder / "items").iterdir()
    file.write_text('{"x": ')
    with pytest.raises(UnreadableFile, match=f"{file.name} must be as this program wrote it"):
        store.result("suv")
