"""Array algorithms that two or more domains use."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "gaussian_blur": ["gaussian_blur"],
        "overlap": ["Overlap", "compare_masks"],
        "registration": ["RigidRegistration", "register_rigid"],
        "registration_config": [
            "DeformableRegistrationConfig",
            "RigidRegistrationConfig",
            "Similarity",
            "Start",
            "ValueMatch",
        ],
        "registration_deformable": ["DeformableRegistration", "register_deformable"],
        "registration_quality": [
            "InverseConsistency",
            "correlation_through",
            "inverse_consistency",
            "inverted",
            "jacobian_determinant",
        ],
        "resample": ["Interpolation", "resample"],
        "surface": ["surface_area_mm2"],
        "threads": ["threads_at_most"],
        "transformed": ["moved", "moved_structures", "resample_through", "structure_through"],
        "trim": ["trimmed"],
        "voxelise": ["MASK_TIE_TOLERANCE", "half_covered", "structure_mask", "voxelise"],
    },
)
