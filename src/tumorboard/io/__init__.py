"""Files in and out. Units are converted here and nowhere else."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=[
        "bids_maps",
        "bids_pet",
        "bids_pet_folder",
        "blood_table",
        "case_store",
        "copy_number_segments",
        "dicom",
        "expression_table",
        "fasta",
        "fusions_arriba",
        "fusions_easyfuse",
        "fusions_star_fusion",
        "genome",
        "gtf",
        "hla_loss",
        "hla_types",
        "junctions_leafcutter",
        "junctions_regtools",
        "junctions_spladder",
        "junctions_splice2neo",
        "junctions_star",
        "machines",
        "maf",
        "nifti",
        "pmod",
        "read_phase",
        "tissue_table",
        "vcf_records",
    ],
)
