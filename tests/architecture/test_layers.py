"""The import contracts of pyproject.toml, run as a test."""

import os
import re
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()"]


def lint_imports(folder, path):
    environment = os.environ | {"PYTHONPATH": str(path), "NO_COLOR": "1"}
    return subprocess.run(
        [*COMMAND, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_layers__every_contract_is_kept(repository):
    run = lint_imports(repository, repository / "src")
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("module", "imports", "contract"),
    [
        ("core/rogue.py", "import tumorboard.pet", "Data flows one way"),
        ("pet/rogue.py", "import tumorboard.io", "Data flows one way"),
        ("core/rogue.py", "import scipy", "Nouns and foundation need only numpy"),
        ("numerics/rogue.py", "import pydicom", "Only io touches file formats"),
        ("numerics/_kernels/rogue.py", "import logging", "Kernels see arrays and numbers only"),
        ("cli/rogue.py", "import tumorboard.pet", "Apps call workflows"),
        ("rogue/__init__.py", "", "Data flows one way"),
    ],
)
def test_layers__a_rogue_import_is_caught(repository, tmp_path, module, imports, contract):
    root = tmp_path / "tumorboard"
    for folder in (repository / "src" / "tumorboard").rglob("*"):
        if (folder / "__init__.py").is_file():
            copy = root / folder.relative_to(repository / "src" / "tumorboard")
            copy.mkdir(parents=True)
            (copy / "__init__.py").touch()
    for name in ("__init__", "errors", "units", "provenance", "registry", "workflows/board/config"):
        (root / f"{name}.py").touch()
    (root / module).parent.mkdir(exist_ok=True)
    (root / module).write_text(imports + "\n")
    (tmp_path / "pyproject.toml").write_text((repository / "pyproject.toml").read_text())
    run = lint_imports(tmp_path, tmp_path)
    assert run.returncode == 1, run.stdout + run.stderr
    # Long contract names are wrapped, and none has a capital letter but its first.
    assert re.search(f"{contract}[^A-Z]* BROKEN", " ".join(run.stdout.split())), run.stdout
