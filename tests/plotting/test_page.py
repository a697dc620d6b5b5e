import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from tumorboard.errors import InputError, MissingData
from tumorboard.plotting import (
    Caution,
    Facts,
    Fold,
    Gallery,
    Label,
    Layer,
    LayerKind,
    Note,
    Page,
    Picture,
    PointLink,
    Scene,
    Section,
    SectionStatus,
    Table,
    Text,
    page,
    render,
)

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{ 7 * 7 }}</title></style>-->"""
PNG = b"\x89PNG\r\n\x1a\nrest"
VOLUME = gzip.compress(b"volume")


class Outline(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


def sections(text):
    picture = Picture(PNG, text, text)
    blocks = (
        Text(text),
        Note(text),
        Caution(text),
        Facts(((text, text),)),
        Table(text, (text,), ((text,), (PointLink(text, (1, 2, 3)),))),
        picture,
        Gallery((picture, picture)),
        Fold(text, (Text(text), Fold(text, (Note(text),)))),
    )
    return (
        Section("all", text, SectionStatus.DONE, blocks=blocks, wall_s=1.234),
        Section("none", text, SectionStatus.NOT_POSSIBLE, needs=(text,)),
        Section("broken", text, SectionStatus.FAILED, needs=(text,), blocks=(Caution(text),)),
    )


@pytest.fixture
def bundle(monkeypatch):
    """Stand-in for the viewer, so that these tests need no built bundle."""
    script = "window.viewer = 1;\n"
    monkeypatch.setattr(page, "_viewer_bundle", lambda: script)
    return script


def scene(text):
    layers = (
        Layer(text, VOLUME, LayerKind.BACKGROUND, unit=text),
        Layer(text, VOLUME, LayerKind.LABELS, labels=(Label(1, text, (1, 2, 3)),)),
    )
    return Scene(layers, (PointLink(text, (1.0, 2.0, 3.0)),))


def whole_page(text):
    return Page(text, text, sections(text), scene(text), ((text, text),))


def test_render__hostile_text_adds_no_tag_and_no_attribute(bundle):
    hostile, tame = Outline(render(whole_page(HOSTILE))), Outline(render(whole_page("tame")))
    assert hostile.tags == tame.tags
    assert [name for name, _ in hostile.attributes] == [name for name, _ in tame.attributes]


def test_render__shows_hostile_text_as_it_is(bundle):
    text = "".join(Outline(render(whole_page(HOSTILE))).text)
    assert text.count(HOSTILE) >= 15


def test_render__scene_survives_as_json(bundle):
    html = render(whole_page(HOSTILE))
    body = re.search(
        r'<script type="application/json" id="viewer-scene">(.*?)</script>', html, re.DOTALL
    ).group(1)
    description = json.loads(body)
    assert description["layers"][1]["labels"] == [{"value": 1, "name": HOSTILE, "rgb": [1, 2, 3]}]
    assert description["points"] == [{"name": HOSTILE, "point_mm": [1.0, 2.0, 3.0]}]


def test_render__volumes_survive(bundle):
    html = render(whole_page("x"))
    found = re.findall(
        r'<script type="application/octet-stream;base64" id="viewer-volume-\d">(.*?)</script>', html
    )
    assert [base64.b64decode(volume) for volume in found] == [VOLUME, VOLUME]


def test_render__policy_allows_its_own_parts_and_nothing_else(bundle):
    html = render(whole_page("x"))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="(.*?)"', html).group(1)
    directives = dict(part.split(" ", 1) for part in policy.replace("&#39;", "'").split("; "))
    digest = base64.b64encode(hashlib.sha256(bundle.encode()).digest()).decode()
    assert directives["script-src"] == f"'sha256-{digest}'"
    assert directives["default-src"] == directives["object-src"] == directives["base-uri"] == "'none'"
    assert directives["connect-src"] == "data: blob:"
    style = re.search("<style>(.*?)</style>", html, re.DOTALL).group(1)
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in directives["style-src"]
    assert not re.search(r'\bstyle="|\bon\w+="', html)


def test_render__links_lead_nowhere_but_into_the_page(bundle):
    outline = Outline(render(whole_page("x")))
    targets = [value for name, value in outline.attributes if name in ("href", "src")]
    assert all(target.startswith(("#", "data:")) for target in targets)
    anchors = {value for name, value in outline.attributes if name == "id"}
    assert {target[1:] for target in targets if target.startswith("#")} <= anchors


def test_render__page_without_scene_has_no_viewer_and_no_buttons():
    html = render(Page("P01", "", sections("x")))
    assert "<script" not in html
    assert "viewer-root" not in html.split("</style>")[1]
    assert "<button" not in html


def test_render__a_missing_bundle_says_how_to_make_it(monkeypatch):
    monkeypatch.setattr(page, "_BUNDLE_FOLDER", "_no_such_folder")
    with pytest.raises(MissingData, match=r"pip install \."):
        render(whole_page("x"))


def test_page__names_of_sections_are_unique():
    with pytest.raises(InputError, match="must be unique"):
        Page("x", "", (sections("x")[0],) * 2)


def test_render__refuses_what_is_no_block():
    section = Section("scans", "Scans", SectionStatus.DONE, blocks=("text",))
    with pytest.raises(InputError, match="a block must be one of Text, Note"):
        render(Page("x", "", (section,)))


def test_render__links_into_another_frame_of_reference_are_text(bundle):
    links = tuple(
        PointLink(name, (1, 2, 3), frame) for name, frame in (("here", "1"), ("there", "2"), ("any", ""))
    )
    blocks = (Table("", ("Where",), tuple((link,) for link in links)),)
    shown = Scene(scene("CT").layers, frame_of_reference="1")
    html = render(Page("a", "b", (Section("s", "S", SectionStatus.DONE, blocks=blocks),), scene=shown))
    assert html.count('class="go-to"') == 2
    assert 'title="Show in the viewer">there' not in html
