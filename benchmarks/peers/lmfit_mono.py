"""Fit mono-exponentials one by one with lmfit: python lmfit_mono.py IN.npz OUT.npz."""

import sys
import time

import lmfit
import numpy as np


def main(source, target):
    given = dict(np.load(source))
    t, y, sigma, slowest = given["t"], given["y"], given["sigma"], float(given["slowest"])
    model = lmfit.Model(lambda t, a, rate: a * np.exp(-rate * t))
    found = np.empty((len(y), 4))
    started = time.process_time()
    for i, values in enumerate(y):
        parameters = model.make_params(a=values[0], rate={"value": 0.015, "min": slowest})
        fit = model.fit(values, parameters, t=t, weights=1 / sigma[i], scale_covar=False)
        a, rate = fit.params["a"], fit.params["rate"]
        found[i] = a.value, rate.value, a.stderr or np.nan, rate.stderr or np.nan
    np.savez(target, found=found, seconds=time.process_time() - started, version=lmfit.__version__)


if __name__ == "__main__":
    main(*sys.argv[1:])
