"""Synthetic patients and scanners with known truth."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "anatomy": ["Anatomy", "Organ", "torso"],
        "brain": ["Brain", "BrainScanConfig", "brain_of", "scan_brain"],
        "digital_patient": ["DigitalPatient", "DigitalPatientConfig", "TrueLesion", "simulate_patient"],
        "radioligand_patient": [
            "RadioligandPatient",
            "RadioligandPatientConfig",
            "RadioligandScan",
            "simulate_radioligand",
        ],
        "scanner": ["simulate_ct", "simulate_pet"],
        "planted_epitopes": ["PLANTED", "Making", "PlantedEpitope"],
        "synthetic_gene": ["SyntheticGene"],
        "tumour_genome": ["TumourGenome", "TumourGenomeConfig", "simulate_tumour_genome"],
    },
)
