"""What the architecture tests look at: the package's source files."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def repository():
    return REPOSITORY


@pytest.fixture(scope="session")
def sources():
    """Every Python file of the package."""
    files = sorted((REPOSITORY / "src" / "tumorboard").rglob("*.py"))
    assert files
    return files


@pytest.fixture(scope="session")
def public_sources(sources):
    """Files whose path below the package has no private part; __init__ is public, __main__ has no names."""
    root = REPOSITORY / "src" / "tumorboard"
    return [f for f in sources if not any(_is_private(part) for part in f.relative_to(root).parts)]


def _is_private(part):
    return part.startswith("_") and part != "__init__.py"
