"""Grey and white matter of the MNI template that the nilearn package brings (a test-time dependency)."""

from __future__ import annotations

from functools import cache

import numpy as np

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.provenance import Record


@cache
def mni_maps() -> tuple[Image, Image, Image]:
    """Grey matter, white matter and the T1 template, voxels of 2 mm."""
    from nilearn.datasets import load_mni152_gm_template, load_mni152_template, load_mni152_wm_template

    loaders = (load_mni152_gm_template, load_mni152_wm_template, load_mni152_template)
    return tuple(_image(loader(resolution=2)) for loader in loaders)


def _image(nifti) -> Image:
    values = np.clip(np.asarray(nifti.dataobj, np.float32), 0.0, 1.0)
    spacing, first = np.diag(nifti.affine)[:3], nifti.affine[:3, 3]
    assert (spacing > 0).all(), "axes along MNI's"
    last = first + spacing * (np.array(values.shape) - 1)
    # From right, front, up to left, back, up; arrays are [z, y, x].
    grid = Grid(
        values.shape[::-1], spacing[::-1], (-last[0], -last[1], first[2]), AXIAL, frame_of_reference="1.2.3"
    )
    record = Record("tests.mni_template", {}, (), ("fonov2009template",))
    return Image(values[::-1, ::-1].transpose(2, 1, 0), grid, Quantity.FRACTION, record)
