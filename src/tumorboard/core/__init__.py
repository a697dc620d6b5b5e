"""The nouns: what the package computes with. They need only numpy."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "acquisition": ["DecayReference", "PetAcquisition", "PetSlice", "PetUnits", "Sex", "SuvType"],
        "annotated_variants": ["AnnotatedVariants"],
        "beam": ["BeamModel", "EnergySpectrum", "PhaseSpace", "ProtonMachine", "RangeShifter", "SpotModel"],
        "beam_geometry": ["BeamGeometry"],
        "blood": ["BloodCurve", "BloodSamples"],
        "case": ["Case", "CaseDifference", "CaseItem", "ItemKind"],
        "curves": ["TimeActivityCurves"],
        "dynamic": ["DynamicImage"],
        "emission": ["Emission", "EmissionMap", "EmissionPer"],
        "grid": ["AXIAL", "CORNER_TOLERANCE_MM", "Grid", "grid_difference", "require_same_grid"],
        "hla": ["HlaAllele", "HlaMolecule", "HlaType", "MhcClass"],
        "hu_curve": ["HuCurve"],
        "image": ["Image", "Quantity"],
        "lesion": ["Lesion"],
        "material": ["Material"],
        "neopeptide": [
            "DropReason",
            "DroppedPeptide",
            "Neopeptide",
            "NeopeptideSet",
            "OriginKind",
            "PeptideOrigin",
        ],
        "nuclide": ["Nuclide"],
        "patient_position": ["PatientPosition"],
        "pencil_kernel": ["PencilKernel"],
        "plan": ["EnergyLayer", "IonBeam", "IonPlan"],
        "presentation": ["PresentationRows"],
        "tissue_curves": ["TissueCurves"],
        "structures": ["Contour", "Structure", "StructureKind", "StructureSet"],
        "transcript": ["Interval", "Transcript"],
        "variant": [
            "Fusion",
            "Phase",
            "SmallVariant",
            "SpliceJunction",
            "TranscriptChange",
            "VariantEvidence",
        ],
        "transform": ["Deformation", "PointTransform", "RigidTransform", "require_frames"],
    },
)
