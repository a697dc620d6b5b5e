"""Import every module of the installed package, each in an interpreter of its own.

In one interpreter a module could lean on what another one happened to import.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tumorboard

ROOT = Path(tumorboard.__file__).parent


def import_alone(name: str) -> str:
    """Return what went wrong, or an empty string."""
    command = [sys.executable, "-c", f"import {name}"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if run.returncode == 0 else f"{name}: {run.stderr.strip().splitlines()[-1]}"


def main() -> int:
    """Import all; the exit code says whether all went well."""
    if "site-packages" not in ROOT.parts:
        sys.exit(f"tumorboard must be the installed one; got {ROOT}")
    files = (f.relative_to(ROOT.parent).with_suffix("") for f in sorted(ROOT.rglob("*.py")))
    # __main__ would run the app.
    names = [".".join(f.parts).removesuffix(".__init__") for f in files if f.name != "__main__"]
    with ThreadPoolExecutor(2) as pool:
        faults = list(filter(None, pool.map(import_alone, names)))
    print(f"imported {len(names) - len(faults)} of {len(names)} modules, each on its own", *faults, sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
