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

import hypothesis
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# No test depends on the clock: the first call of a kernel compiles it, and machines are busy at times.
hypothesis.settings.register_profile(
    "house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
# Where changes are checked, the same examples each time: chance must not stop a change that is not at fault.
hypothesis.settings.register_profile("ci", hypothesis.settings.get_profile("house"), derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "house")


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
