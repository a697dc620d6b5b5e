"""What each hostile file costs: a table of file, outcome, seconds and peak memory.

Each file is scanned beside three healthy slices by a fresh process; the memory is the largest of that
process and of its sandbox's workers.
"""

import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MAKERS = Path(__file__).resolve().parents[1] / "tests" / "io" / "dicom" / "hostile_files.py"
ACCEPTED = (
    "structures_without_their_frame",
    "identical_duplicates",
    "not_dicom",
    "dicomdir",
    "link_loops",
    "pipe",
    "socket_file",
)


def makers():
    spec = importlib.util.spec_from_file_location("hostile_files", MAKERS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scan_one(folder):
    from tumorboard.io.dicom import sandbox, scan

    begin = time.perf_counter()
    study = scan(folder)
    seconds = time.perf_counter() - begin
    sandbox._POOL.close()  # ends the workers, so that their memory is counted
    usages = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    healthy = sum(len(s.headers) for s in study.series if s.description == "healthy")
    if study.quarantined:
        outcome = "set aside: " + study.quarantined[0].reason.replace(folder, "")
    elif study.ignored:
        outcome = "ignored"
    else:
        outcome = "read" + "".join(f"; {note}" for s in study.series for note in s.notes).replace(folder, "")
    print(json.dumps({"outcome": outcome, "healthy": healthy, "seconds": seconds, "mb": max(usages) / 1024}))


def main():
    if len(sys.argv) > 1:
        scan_one(sys.argv[1])
        return
    files = makers()
    names = [maker.__name__ for maker in files.QUARANTINED] + list(ACCEPTED)
    print("| file | outcome | healthy slices read | seconds | peak memory MB |\n|---|---|---|---|---|")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            files.healthy_study(Path(folder))
            getattr(files, name)(Path(folder))
            run = subprocess.run(
                [sys.executable, __file__, folder], capture_output=True, text=True, check=True
            )
        r = json.loads(run.stdout)
        title = name.replace("_", " ")
        print(f"| {title} | {r['outcome']} | {r['healthy']} | {r['seconds']:.2f} | {r['mb']:.0f} |")


if __name__ == "__main__":
    main()
