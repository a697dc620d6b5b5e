"""Logan's VT of an image by PETPAL's numba loop: python petpal_logan.py IN.npz OUT.npz."""

import importlib.metadata
import sys
import time

import numpy as np
from petpal.kinetic_modeling.parametric_images import (
    generate_parametric_images_with_graphical_method as parametric,
)


def main(source, target):
    given = dict(np.load(source))
    image = np.ascontiguousarray(given["y"].reshape(-1, 10, 10, given["y"].shape[1]))
    chosen = {"pTAC_times": given["mid_min"], "pTAC_vals": given["plasma"], "method_name": "logan"}
    parametric(tTAC_img=image[:2], t_thresh_in_mins=float(given["t_star_min"]), **chosen)
    seconds = []
    for _ in range(3):
        started = time.process_time()
        slope, _ = parametric(tTAC_img=image, t_thresh_in_mins=float(given["t_star_min"]), **chosen)
        seconds.append(time.process_time() - started)
    version = importlib.metadata.version("petpal")
    np.savez(target, found=slope.ravel(), seconds=min(seconds), version=version)


if __name__ == "__main__":
    main(*sys.argv[1:])
