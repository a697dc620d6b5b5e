"""Two tissue compartments by scipy's curve_fit, curve by curve: python scipy_two_tissue.py IN.npz OUT.npz.

As it is commonly written: convolution on a grid of 1 s by Fourier transforms, means over frames, four rates
between bounds from one start.
"""

import sys
import time

import numpy as np
import scipy
from scipy.optimize import curve_fit

START, UPPER = [0.1, 0.1, 0.05, 0.05], [1, 1, 0.5, 0.5]


def main(source, target):
    given = dict(np.load(source))
    grid, plasma, starts, ends = (given[name] for name in ("grid_min", "on_grid", "start_min", "end_min"))
    size = 1 << int(np.ceil(np.log2(2 * len(grid))))
    transformed = np.fft.rfft(plasma, size)

    def model(_, k1, k2, k3, k4):
        s = k2 + k3 + k4
        d = np.sqrt(max(s * s - 4 * k2 * k4, 1e-12))
        fast, slow = (s + d) / 2, (s - d) / 2
        tissue = (fast - k3 - k4) * np.exp(-fast * grid) + (k3 + k4 - slow) * np.exp(-slow * grid)
        y = np.fft.irfft(transformed * np.fft.rfft(k1 / d * tissue, size), size)[: len(grid)] * grid[1]
        total = np.concatenate([[0], np.cumsum(np.diff(grid) * 0.5 * (y[1:] + y[:-1]))])
        return (np.interp(ends, grid, total) - np.interp(starts, grid, total)) / (ends - starts)

    sigma, found = 1 / np.sqrt(ends - starts), np.full((len(given["y"]), 4), np.nan)
    started = time.process_time()
    for k, y in enumerate(given["y"]):
        try:
            found[k] = curve_fit(model, given["mid_min"], y, START, sigma=sigma, bounds=(1e-4, UPPER))[0]
        except RuntimeError:
            continue
    seconds = time.process_time() - started
    k1, k2, k3, k4 = found.T
    np.savez(target, found=k1 / k2 * (1 + k3 / k4), seconds=seconds, version=scipy.__version__)


if __name__ == "__main__":
    main(*sys.argv[1:])
