"""Array algorithms that two or more domains use."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "overlap": ["Overlap", "compare_masks"],
        "resample": ["Interpolation", "resample"],
        "surface": ["surface_area_mm2"],
        "threads": ["threads_at_most"],
        "trim": ["trimmed"],
        "voxelise": ["MASK_TIE_TOLERANCE", "half_covered", "structure_mask", "voxelise"],
    },
)
