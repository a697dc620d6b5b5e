"""How a benchmark writes what it measured."""

import datetime
import json
import os
import platform
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"


def machine():
    """Processor, cores, system and Python."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        models = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        processor = models[0].partition(":")[2].strip() if models else processor
    return f"{processor}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def write(name, *, what, ours, peer, peer_name, peer_version, unit, **more):
    """Write ``results/NAME.json`` and return the path; ``ratio`` is peer / ours."""
    result = {
        "what": what,
        "ours": ours,
        "peer": peer,
        "peer_name": peer_name,
        "peer_version": peer_version,
        "unit": unit,
        "ratio": peer / ours,
        "machine": machine(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        **more,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return path
