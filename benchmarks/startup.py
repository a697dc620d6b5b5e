"""How long `import tumorboard` and `tumorboard --help` take, each in fresh interpreters.

The bare interpreter's start is measured too and taken off the imports: what is left is the package's cost.
The peer is SimpleITK's import, as the package of comparable purpose that everybody has.
"""

import statistics
import subprocess
import sys
import time
from importlib.metadata import version

from result import write

REPEATS = 15


def seconds(*arguments):
    """Median wall time of fresh interpreters, after one that warms the file cache."""
    times = []
    for _ in range(REPEATS + 1):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def main():
    bare = seconds("-c", "pass")
    ours = seconds("-c", "import tumorboard") - bare
    peer = seconds("-c", "import SimpleITK") - bare
    print(f"python -c pass {bare:.3f} s; import tumorboard +{ours:.3f} s; import SimpleITK +{peer:.3f} s")
    write(
        "startup_import",
        what="import, without the interpreter's own start",
        ours=ours,
        peer=peer,
        peer_name="SimpleITK",
        peer_version=version("SimpleITK"),
        unit="s",
        interpreter_s=bare,
        goal_s=0.05,
    )
    help_s = seconds("-c", "from tumorboard.cli.main import main; main()", "--help")
    print(f"tumorboard --help {help_s:.3f} s")
    write(
        "startup_help",
        what="tumorboard --help, against the interpreter's own start",
        ours=help_s,
        peer=bare,
        peer_name="python -c pass",
        peer_version=sys.version.split()[0],
        unit="s",
        goal_s=0.5,
    )


if __name__ == "__main__":
    main()
