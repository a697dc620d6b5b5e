"""How the documentation is built: make docs."""

import os
import re
import types
import warnings

os.environ.setdefault("NUMBA_NUM_THREADS", "2")

import tumorboard

project = "tumorboard"
author = "The tumorboard authors"
copyright = f"2026, {author}"
release = version = tumorboard.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinxcontrib.bibtex",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "examples", "decisions/template.md"]
templates_path = ["_templates"]
html_static_path = ["_static"]
html_theme = "furo"
html_title = "tumorboard"
html_theme_options = {"announcement": "Research software, not a medical device."}
html_css_files = ["tumorboard.css"]

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
# Sections unknown or out of order. The rest is found by tests/architecture/test_docstrings.py, which knows
# shapes and units, and that one entry may serve several parameters.
numpydoc_validation_checks = {"GL06", "GL07"}

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "min_reported_time": 1e9,
    "write_computation_times": False,
}
suppress_warnings = [
    "config.cache",  # Sphinx cannot keep every kind of object of the gallery's settings between builds
    "sphinx_gallery.space_in_filename",  # that is the folder the checkout stands in; no name of ours has one
]
warnings.filterwarnings("ignore", message=".*non-interactive.*")


#: As in ``kinahan2010suv`` or ``dicomPS33``; within a text only those with a year, for ``[mm2]`` is a unit.
KEY = r"[a-z][A-Za-z]*\d[A-Za-z0-9]*"
DATED_KEY = r"[a-z]+(?:18|19|20)\d\d[a-z0-9]*"


def cite_keys(app, what, name, obj, options, lines):
    """Make ``.. [1] kinahan2010suv`` and ``[kinahan2010suv]`` citations that lead to the bibliography.

    Docstrings hold bare keys, so that they read well in a terminal.
    """
    for number, line in enumerate(lines):
        line = re.sub(rf"^(\s*\.\. \[\d+\] )({KEY})\s*$", r"\1:cite:t:`\2`", line)
        lines[number] = re.sub(rf"\[({DATED_KEY})\]_?", r":cite:t:`\1`", line)


def leave_aliases_alone(app, what, name, obj, options, signature, returns):
    """Let a type alias have no signature: numpydoc offers that of ``tuple``, which Sphinx cannot place."""
    return () if isinstance(obj, types.GenericAlias) else None


def setup(app):
    # Before numpydoc (500) rewrites the sections.
    app.connect("autodoc-process-docstring", cite_keys, priority=100)
    app.connect("autodoc-process-signature", leave_aliases_alone, priority=100)
