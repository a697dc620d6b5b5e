"""Run every benchmark in this folder, one at a time, each in an interpreter of its own: make bench.

Scripts named on the command line are run alone: ``python benchmarks/run.py startup``.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def benchmarks():
    """Names of the scripts that can be run: what they share has no ``__main__``."""
    scripts = (f for f in HERE.glob("*.py") if f.name != "run.py")
    return sorted(f.stem for f in scripts if '__name__ == "__main__"' in f.read_text(encoding="utf-8"))


def main():
    names = sys.argv[1:] or benchmarks()
    started, failed = time.time(), []
    for name in names:
        print(f"==== {name} ====", flush=True)
        if subprocess.run([sys.executable, HERE / f"{name}.py"], check=False).returncode:
            failed.append(name)
    print("==== results ====")
    for file in sorted((HERE / "results").glob("*.json")):
        if file.stat().st_mtime >= started - 1:
            r = json.loads(file.read_text(encoding="utf-8"))
            peer = f"{r['peer_name']} {r['peer_version']}".strip()
            print(
                f"{r['what']}: {r['ours']:.4g} {r['unit']}; {peer}: {r['peer']:.4g}; ratio {r['ratio']:.3g}"
            )
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
