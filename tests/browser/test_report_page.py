"""The report as a person has it: opened in a browser, looked at, clicked."""

import gzip
import io

import nibabel
import numpy as np
import pytest
from matplotlib.image import imread

from tumorboard.plotting import (
    Colormap,
    Label,
    Layer,
    LayerKind,
    Page,
    PointLink,
    Scene,
    Section,
    SectionStatus,
    Table,
    render,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("viewer_bundle")]

HOSTILE = "<script>alert(1)</script>"
#: Nothing else on the canvas has this colour.
MAGENTA = (230, 20, 230)
SERVER_POLICY = "default-src 'self' 'unsafe-inline' data: blob:"

CT_SPACING_MM, PET_SPACING_MM = 3.0, 4.0
LESION_MM = (-31.5, 22.5, 40.5)  # LPS: the patient's right, posterior, superior


def nifti_gz(values, spacing_mm, first_mm):
    """Encode values [x, y, z] along patient x, y, z (LPS) with the first voxel's centre at first_mm."""
    affine = np.diag([-spacing_mm, -spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = np.array(first_mm) * (-1, -1, 1)
    return gzip.compress(nibabel.Nifti1Image(values, affine).to_bytes())


def ball(shape, spacing_mm, first_mm, centre_mm, radius_mm):
    axes = [f + spacing_mm * np.arange(n) for n, f in zip(shape, first_mm, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    return sum((a - c) ** 2 for a, c in zip((x, y, z), centre_mm, strict=True)) <= radius_mm**2


@pytest.fixture(scope="module")
def report():
    ct_shape, ct_first = (64, 56, 48), (-94.5, -82.5, -70.5)
    ct = np.where(ball(ct_shape, CT_SPACING_MM, ct_first, (0, 0, 0), 80), 40, -1000).astype(np.int16)
    pet_shape, pet_first = (48, 42, 36), (-94.0, -82.0, -70.0)
    pet = np.where(ball(pet_shape, PET_SPACING_MM, pet_first, LESION_MM, 14), 9.0, 0.0).astype(np.float32)
    organ = ball(ct_shape, CT_SPACING_MM, ct_first, (30, 0, 0), 25).astype(np.uint8)
    layers = (
        Layer(
            "CT", nifti_gz(ct, CT_SPACING_MM, ct_first), LayerKind.BACKGROUND, window=(-160, 240), unit="HU"
        ),
        Layer(
            "PET",
            nifti_gz(pet, PET_SPACING_MM, pet_first),
            LayerKind.OVERLAY,
            Colormap.HOT,
            (0.0, 18.0),
            "g/mL",
            opacity=0.8,
            projected=True,
        ),
        Layer(
            "Structures",
            nifti_gz(organ, CT_SPACING_MM, ct_first),
            LayerKind.LABELS,
            opacity=0.3,
            labels=(Label(1, HOSTILE, MAGENTA),),
        ),
    )
    lesion = PointLink("lesion 1", LESION_MM)
    table = Table("Lesions", ("Name", "SUVmax [g/mL]"), ((lesion, 9.0), (HOSTILE, None)))
    scene = Scene(layers, (PointLink("centre", (0.0, 0.0, 0.0)), lesion))
    sections = (
        Section("pet", "PET", SectionStatus.DONE, blocks=(table,)),
        Section("dose", "Dose", SectionStatus.NOT_POSSIBLE, needs=("a dose",)),
    )
    return render(Page(f"Synthetic {HOSTILE}", "A ball with a hot spot", sections, scene))


def open_report(driver, address):
    driver.get(address)
    problem = driver.execute_async_script(
        "const done = arguments[0];"
        "if (!window.tumorboardViewer) done('no viewer');"
        "else window.tumorboardViewer.ready.then(() => done(null), (reason) => done(String(reason)));"
    )
    assert problem is None


def position(driver):
    return np.array(driver.execute_script("return window.tumorboardViewer.position()"))


def canvas_pixels(driver):
    # Two frames later everything that was asked for has been drawn.
    driver.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))"
    )
    return imread(io.BytesIO(driver.find_element("id", "viewer-canvas").screenshot_as_png))[..., :3]


def share_like(image, *, red, green, blue):
    """Share of pixels whose channels lie in the given ranges."""
    ranges = zip(np.moveaxis(image, 2, 0), (red, green, blue), strict=True)
    return np.logical_and.reduce([(c >= low) & (c <= high) for c, (low, high) in ranges]).mean()


def orange(image):
    return share_like(image, red=(0.6, 1.0), green=(0.1, 0.6), blue=(0.0, 0.3))


def labelled(driver, text):
    return driver.find_element("xpath", f"//*[@id='viewer-root']//*[normalize-space()={text!r}]")


def layer_checkbox(driver, name):
    return driver.find_element("xpath", f"//fieldset[legend='{name}']//input[@type='checkbox']")


@pytest.mark.parametrize("way", ["file", "server"])
def test_report__opens_draws_and_asks_no_one(way, report, browser, serve, requested, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(report, encoding="utf-8")
    address = path.as_uri() if way == "file" else f"{serve(SERVER_POLICY)}/report.html"
    open_report(browser, address)
    image = canvas_pixels(browser)
    assert image.max() > 0.3, "the CT is drawn"
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    assert requested(browser) == [address]


def test_viewer__goes_to_a_lesion_and_shows_its_uptake(report, browser, tmp_path):
    (tmp_path / "report.html").write_text(report, encoding="utf-8")
    open_report(browser, (tmp_path / "report.html").as_uri())
    np.testing.assert_allclose(position(browser), (0, 0, 0), atol=CT_SPACING_MM)
    away = orange(canvas_pixels(browser))

    browser.find_element("css selector", "td .go-to").click()
    np.testing.assert_allclose(position(browser), LESION_MM, atol=0.5 * CT_SPACING_MM)
    fused = canvas_pixels(browser)
    assert orange(fused) > away + 0.005, "uptake is drawn in colour over the CT"
    readout = browser.find_element("class name", "readout").text
    assert "PET: 9 g/mL" in readout
    assert "CT: 40 HU" in readout
    assert "−31.5, 22.5, 40.5 mm" in readout

    layer_checkbox(browser, "PET").click()
    assert orange(canvas_pixels(browser)) < 0.001, "no colour is left of a hidden overlay"


def test_viewer__switches_structures_and_windows(report, browser, tmp_path):
    (tmp_path / "report.html").write_text(report, encoding="utf-8")
    open_report(browser, (tmp_path / "report.html").as_uri())
    browser.execute_script("window.tumorboardViewer.goTo([30, 0, 0])")

    def magenta():
        return share_like(canvas_pixels(browser), red=(0.8, 1.0), green=(0.0, 0.2), blue=(0.8, 1.0))

    assert magenta() > 0.0005
    assert HOSTILE in browser.find_element("class name", "readout").text
    browser.find_element("css selector", ".structures input").click()
    assert magenta() == 0

    before = canvas_pixels(browser).mean()
    preset = browser.find_element("xpath", "//label[span='Preset']/select/option[.='Lung']")
    preset.click()
    assert canvas_pixels(browser).mean() > before + 0.02, "soft tissue is bright in the lung window"


def test_viewer__is_used_by_keyboard_and_projection(report, browser, tmp_path):
    (tmp_path / "report.html").write_text(report, encoding="utf-8")
    open_report(browser, (tmp_path / "report.html").as_uri())
    start = position(browser)
    canvas = browser.find_element("id", "viewer-canvas")
    for key, step in (("\ue014", (1, 0, 0)), ("\ue015", (0, 1, 0)), ("\ue00e", (0, 0, 1))):
        canvas.send_keys(key)  # arrow right, arrow down, page up
        start = start + CT_SPACING_MM * np.array(step)
        np.testing.assert_allclose(position(browser), start, atol=0.6 * CT_SPACING_MM)

    # The projection from the front: the hot spot is at the patient's right, thus left of the middle.
    found = browser.execute_script(
        "const c = document.getElementById('viewer-projection'), box = c.getBoundingClientRect();"
        "const g = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0, sx = 0, sy = 0;"
        "for (let i = 0; i < g.length / 4; i++) if (Math.max(g[4 * i], g[4 * i + 1], g[4 * i + 2]) < 140)"
        " { n++; sx += i % c.width; sy += Math.floor(i / c.width); }"
        "const at = {clientX: box.left + sx / n / c.width * box.width,"
        " clientY: box.top + sy / n / c.height * box.height, bubbles: true};"
        "c.dispatchEvent(new MouseEvent('click', at)); return [sx / n / c.width, sy / n / c.height]"
    )
    assert found[0] < 0.5
    assert found[1] < 0.5
    assert np.linalg.norm(position(browser) - LESION_MM) < 14 + PET_SPACING_MM


def test_report__shows_hostile_text_and_runs_none_of_it(report, browser, tmp_path):
    (tmp_path / "report.html").write_text(report, encoding="utf-8")
    open_report(browser, (tmp_path / "report.html").as_uri())
    assert browser.title == f"Synthetic {HOSTILE}"
    for selector in ("h1", "table", ".structures"):
        assert HOSTILE in browser.find_element("css selector", selector).text
    # An alert would have made each of the calls above fail.


def test_report__says_so_when_webgl_is_missing(report, start_browser, tmp_path):
    (tmp_path / "report.html").write_text(report, encoding="utf-8")
    with start_browser("--disable-3d-apis") as driver:
        driver.get((tmp_path / "report.html").as_uri())
        assert "needs WebGL 2" in driver.find_element("css selector", "#viewer-root .caution").text
        assert "lesion 1" in driver.find_element("tag name", "table").text
