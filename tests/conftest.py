"""What all tests share: pinned threads, and the way to the real data."""

import os

# Before numpy and numba load: tests run side by side, so each keeps to few threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "2")

import shutil
import tarfile
import tempfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_dir():
    """Folder of real patient data; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("TUMORBOARD_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set TUMORBOARD_DATA")
    return folder


@pytest.fixture(scope="session")
def unpacked_data(data_dir):
    """Find the folder called ``name`` of the real data, unpacked once into a cache when it is an archive."""

    def find(name):
        if (data_dir / name).is_dir():
            return data_dir / name
        archive = data_dir / f"{name}.tar.xz"
        if not archive.is_file():
            pytest.skip(f"real data {name} not found in {data_dir}")
        cache = Path(tempfile.gettempdir()) / f"tumorboard-test-data-{os.getuid()}"
        target = cache / f"{name}-{archive.stat().st_size}"
        if not target.is_dir():
            cache.mkdir(mode=0o700, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(dir=cache))
            with tarfile.open(archive) as tar:
                tar.extractall(fresh, filter="data")
            try:
                fresh.rename(target)
            except OSError:  # another worker was first
                shutil.rmtree(fresh)
        return target / name

    return find
