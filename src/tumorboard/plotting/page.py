"""A report page: one HTML file that opens offline and asks no one for anything."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from tumorboard.errors import InputError, MissingData
from tumorboard.plotting.blocks import (
    Block,
    Caution,
    Cell,
    Facts,
    Fold,
    Gallery,
    Note,
    Picture,
    PointLink,
    Section,
    SectionStatus,
    Table,
    Text,
)
from tumorboard.plotting.number_format import ABSENT, format_number
from tumorboard.plotting.scene import Layer, Scene

__all__ = ["Page", "render"]

#: One template for each kind of block.
_TEMPLATES: dict[type, str] = {
    Text: "text.html",
    Note: "note.html",
    Caution: "caution.html",
    Facts: "facts.html",
    Table: "table.html",
    Picture: "picture.html",
    Gallery: "gallery.html",
    Fold: "fold.html",
}

_BUNDLE_FOLDER = "_assets"

_STATUS_WORDS = {
    SectionStatus.DONE: "done",
    SectionStatus.NOT_POSSIBLE: "not possible",
    SectionStatus.FAILED: "failed",
}


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A report page.

    Parameters
    ----------
    title
        Heading and window title.
    subtitle
        One line below it.
    sections
        In reading order; names are unique.
    scene
        What the interactive viewer shows; ``None`` for a page without viewer.
    facts
        Footer: ``(name, value)``, e.g. the version and the disclaimer.

    Raises
    ------
    InputError
        When two sections share a name.
    """

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    scene: Scene | None = None
    facts: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "sections", tuple(self.sections))
        object.__setattr__(self, "facts", tuple((name, value) for name, value in self.facts))
        names = [section.name for section in self.sections]
        if len(set(names)) != len(names):
            raise InputError(f"names of sections must be unique on a page; got {', '.join(names)}")


def render(page: Page) -> str:
    """Return the page as one self-contained HTML document.

    Styles, viewer, pictures and volumes are inline. Its Content-Security-Policy forbids every
    request and every script but its own, whatever text the sections hold.

    Parameters
    ----------
    page
        What to show.

    Returns
    -------
    str
        HTML, to be written as UTF-8.

    Raises
    ------
    MissingData
        When the page has a scene and this installation has no viewer bundle.

    Examples
    --------
    >>> html = render(Page("P01", "synthetic", (Section("scans", "Scans", SectionStatus.DONE),)))
    >>> "<h2" in html, "<script" in html
    (True, False)
    """
    environment = _environment()
    has_viewer = page.scene is not None
    style = _asset("page.css", folder="_templates")
    scripts = [_viewer_bundle()] if has_viewer else []
    template = environment.get_template("page.html")
    return template.render(
        page=page,
        has_viewer=has_viewer,
        policy=_policy(style, scripts),
        style=Markup(style),  # noqa: S704 - our own file
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - our own bundle
        scene=_scene_json(page.scene) if page.scene else "",
        volumes=[_base64(layer.nifti_gz) for layer in page.scene.layers] if page.scene else [],
        status_words=_STATUS_WORDS,
        done=SectionStatus.DONE,
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tumorboard.plotting", "_templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = _cell_text
    environment.filters["base64"] = _base64
    environment.filters["point"] = _point_text
    environment.tests["link"] = lambda cell: isinstance(cell, PointLink)
    environment.globals["template_of"] = _template_of
    return environment


def _template_of(block: Block) -> str:
    try:
        return _TEMPLATES[type(block)]
    except KeyError:
        known = ", ".join(kind.__name__ for kind in _TEMPLATES)
        raise InputError(f"a block must be one of {known}; got {type(block).__name__}") from None


def _cell_text(cell: Cell, digits: int) -> str:
    if cell is None:
        return ABSENT
    if isinstance(cell, PointLink):
        return cell.text
    return cell if isinstance(cell, str) else format_number(cell, digits=digits)


def _point_text(link: PointLink) -> str:
    return ",".join(f"{v:.4f}" for v in link.point_mm)


def _base64(data: bytes) -> Markup:
    return Markup(base64.b64encode(data).decode("ascii"))  # noqa: S704 - its alphabet has no markup


def _scene_json(scene: Scene) -> Markup:
    body: dict[str, Any] = {
        "layers": [_layer_json(layer) for layer in scene.layers],
        "points": [{"name": point.text, "point_mm": list(point.point_mm)} for point in scene.points],
    }
    # Inside <script> only "<" could end the element or open a comment; JSON may spell it \u003c.
    text = json.dumps(body, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return Markup(text)  # noqa: S704 - escaped above


def _layer_json(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind.value,
        "colormap": layer.colormap.value,
        "window": list(layer.window),
        "unit": layer.unit,
        "inverted": layer.inverted,
        "opacity": layer.opacity,
        "projected": layer.projected,
        "shown": layer.shown,
        "labels": [
            {"value": label.value, "name": label.name, "rgb": list(label.rgb)} for label in layer.labels
        ],
    }


def _policy(style: str, scripts: list[str]) -> str:
    """Content-Security-Policy of the page: nothing but its own inline parts, no network at all."""
    hashes = " ".join(_source_hash(script) for script in scripts) or "'none'"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {hashes}",
            f"style-src {_source_hash(style)}",
            "img-src data: blob:",
            # The viewer decodes its font and icons with fetch() on data: addresses.
            "connect-src data: blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _source_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _asset(name: str, *, folder: str) -> str:
    # The browser hashes the text between the tags with its line ends normalised.
    return (files("tumorboard.plotting") / folder / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _viewer_bundle() -> str:
    try:
        return _asset("viewer.js", folder=_BUNDLE_FOLDER)
    except FileNotFoundError:
        raise MissingData(
            "the interactive viewer's bundle must be built before a page with a scene is rendered; "
            f"{_BUNDLE_FOLDER}/viewer.js is absent beside tumorboard.plotting; install the package "
            "(pip install .), whose build makes it, or run: python hatch_build.py"
        ) from None
