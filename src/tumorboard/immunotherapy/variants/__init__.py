"""What a tumour's variants do to transcripts and proteins, and how many of its cells carry them."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "clonality": [
            "Assumption",
            "CellFraction",
            "Clonality",
            "cancer_cell_fraction",
            "cancer_cell_fractions",
            "normal_copies",
        ],
        "consequence": ["call_consequences"],
        "expression": ["AlleleExpression", "AlleleReads", "allele_expression", "with_expression"],
        "mutant_transcript": ["MutantProtein", "MutantTranscript", "mutant_protein", "mutant_transcript"],
        "phase_groups": ["Copies", "PhaseCalls", "copies_of", "pair_of"],
        "read_phasing": ["PhaseCall", "pairs_to_phase", "phase_calls", "phase_from_reads"],
        "spliced_transcript": ["SplicedTranscript", "splice"],
        "transcript_index": ["TranscriptIndex"],
        "transcript_site": ["TranscriptSite", "site_of"],
        "translation": ["GeneticCode", "genetic_code_of", "reverse_complement", "translate"],
    },
)
