"""Linear SRTM as dynamicpet fits it, curve by curve: python dynamicpet_srtm.py IN.npz OUT.npz.

dynamicpet (MIT, bilgelm/dynamicpet) is on no package index. This is the algorithm of its SRTMZhou2003.fit,
typed anew: trapezoid integrals, weights of the frames' durations, and two solutions of normal equations by
scipy for each curve. Any python with numpy and scipy will do.
"""

import sys
import time

import numpy as np
from scipy.linalg import solve


def integral(t, y):
    """Trapezoids between mid-frames, from 0."""
    first = 0.5 * y[:, :1] * t[0]
    return np.cumsum(np.concatenate([first, 0.5 * np.diff(t) * (y[:, 1:] + y[:, :-1])], axis=1), axis=1)


def normal_solution(columns, weights, values):
    """Coefficients and the variance of what they leave."""
    x = np.column_stack(columns)
    b = solve(x.T @ weights @ x, x.T @ weights @ values, assume_a="sym")
    left = values - x @ b
    return b, (left.T @ weights @ left / (len(x) - 3)).item()


def fit(t, duration, curves, reference):
    """Ratio of volumes of each curve; R1, k2, k2a are found besides, as the program does."""
    ref, ref_integral = reference[:, None], integral(t, reference[None]).T
    integrals, weights = integral(t, curves), np.diag(duration / duration.sum())
    ratio, others = np.zeros(len(curves)), np.zeros((len(curves), 5))
    for k in range(len(curves)):
        y, total = curves[k][:, None], integrals[k][:, None]
        if np.allclose(y, ref):
            continue
        b, others[k, 0] = normal_solution((ref_integral, ref, -y), weights, total)
        ratio[k] = b[0, 0]
        b, others[k, 1] = normal_solution((ref, ref_integral, -total), weights, y)
        others[k, 2:] = b[:, 0]
    return ratio


def main(source, target):
    given = dict(np.load(source))
    seconds = []
    for _ in range(2):
        started = time.process_time()
        ratio = fit(given["mid_min"], given["duration_min"], given["y"], given["reference"])
        seconds.append(time.process_time() - started)
    np.savez(target, found=ratio - 1.0, seconds=min(seconds), version="f616000, its algorithm retyped")


if __name__ == "__main__":
    main(*sys.argv[1:])
