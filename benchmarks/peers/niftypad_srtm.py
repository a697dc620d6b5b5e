"""SRTM by NiftyPAD's 128 basis functions, curve by curve: python niftypad_srtm.py IN.npz OUT.npz."""

import importlib.metadata
import sys
import time

import numpy as np
from niftypad import basis, kt
from niftypad.models import srtmb_basis


def main(source, target):
    given = dict(np.load(source))
    frames = np.rint(np.array([given["start_min"], given["end_min"]]) * 60).astype(int)
    on_grid = kt.interpt1(kt.dt2mft(frames), given["reference"], frames)
    low, high = (float(v) / 60 for v in given["k2a_range_per_min"])
    b = basis.make_basis(on_grid, frames, beta_lim=[low, high], n_beta=128, w=None)
    seconds = []
    for _ in range(2):
        started = time.process_time()
        found = np.array([srtmb_basis(y, b)["bp"] for y in given["y"]])
        seconds.append(time.process_time() - started)
    version = importlib.metadata.version("niftypad")
    np.savez(target, found=found, seconds=min(seconds), version=version)


if __name__ == "__main__":
    main(*sys.argv[1:])
