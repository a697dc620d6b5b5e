"""Choose MCsquare's binary and make it run.

MCsquare comes built for several instruction sets. Its start script takes the plainest one when the processor
is not Intel's, because the compiler's start-up check of the others turns away every other make, whatever it
can do. That build runs at 0.4 of the speed: a comparison with it would flatter us. So on such a processor a
copy of the best build is told the processor's own name in that check, and nothing else is touched.
"""

import shutil
import struct
from importlib import metadata
from pathlib import Path

KINDS = ("avx512", "avx2", "avx", "sse4")
NEEDS = {"avx512": "avx512vl", "avx2": "avx2", "avx": "avx", "sse4": "sse4_2"}
CHECK = b"__intel_cpu_features_init_body"
INTEL, AMD = (b"Genu", b"ineI", b"ntel"), (b"Auth", b"enti", b"cAMD")


def home():
    """Return the folder of MCsquare's binaries and materials."""
    package = metadata.distribution("opentps-core")
    return Path(package.locate_file("opentps/core/processing/doseCalculation/protons/MCsquare"))


def best_binary():
    """Return the name of the build for this processor, and whether its check must be told the make."""
    cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    flags = next(line for line in cpu.splitlines() if line.startswith("flags")).split()
    for kind in KINDS:
        if NEEDS[kind] in flags:
            return f"MCsquare_linux_{kind}", "AuthenticAMD" in cpu
    return "MCsquare_linux", False


def functions(data, name):
    """Yield where the functions of a name are in a 64-bit ELF file: first byte and length."""
    (table,), (size, count) = struct.unpack_from("<Q", data, 40), struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, table + n * size) for n in range(count)]
    for _, kind, _, _, offset, length, link, _, _, entry in sections:
        if kind != 2:  # the table of symbols
            continue
        names = sections[link][4]
        for at in range(offset, offset + length, entry):
            where, _, _, section, address, extent = struct.unpack_from("<IBBHQQ", data, at)
            if data[names + where : data.index(b"\0", names + where)] == name and section < count:
                yield address - sections[section][3] + sections[section][4], extent


def install(folder, name=None):
    """Copy a binary, or the best one, into a folder, executable; return the copy and what to call it."""
    told = False
    if name is None:
        name, told = best_binary()
    program = Path(folder) / "MCsquare"  # the wheel's own file may not be executed
    if not told:
        shutil.copyfile(home() / name, program)
    else:
        data = bytearray((home() / name).read_bytes())
        for first, extent in list(functions(bytes(data), CHECK)):
            for theirs, ours in zip(INTEL, AMD, strict=True):
                body = bytes(data[first : first + extent]).replace(theirs, ours)
                data[first : first + extent] = body
        program.write_bytes(data)
    program.chmod(0o755)
    return program, f"{name}, told the processor's make" if told else str(name)
