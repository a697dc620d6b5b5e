"""Peptides of mutant proteins, and what of them occurs in normal ones."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "altered_protein": ["AlteredProtein", "ProteinEdit", "edit_between"],
        "event_peptides": ["DoubtfulResidues", "EventPeptides"],
        "fusion": ["fusion_peptides", "fusion_protein"],
        "haplotype": ["Carrier", "Haplotype", "UnknownResidues"],
        "haplotype_of_bases": ["BaseHaplotypes"],
        "haplotype_of_residues": ["Contribution", "contribution_of", "haplotype_of_residues"],
        "protein_of_change": ["Refusal", "protein_of_change"],
        "proteome_index": ["ProteomeIndex"],
        "self_screen": ["screen_proteome"],
        "small_variants": ["AnnotatedVariant", "VariantFilter", "neopeptides"],
        "splice": ["junction_protein", "splice_peptides"],
        "spliced_junction": ["Respliced", "is_annotated", "respliced"],
        "windows": ["FoundWindows", "Window", "find_windows"],
    },
)
