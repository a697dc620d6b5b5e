"""Makers of files, for all tests of DICOM."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def hostile_files():
    """The module ``hostile_files.py``: makers of hostile, broken and healthy files."""
    spec = importlib.util.spec_from_file_location(
        "hostile_files", Path(__file__).with_name("hostile_files.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
