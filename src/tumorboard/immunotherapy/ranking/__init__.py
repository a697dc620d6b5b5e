"""Which peptides T cells are likely to answer: features, tiers, a model of immunogenicity."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "agretopicity": ["BINDER_BELOW_NM", "agretopicity", "differential_agretopicity"],
        "amplitude": ["amplitude"],
        "anchors": [
            "AnchorProfile",
            "anchor_profile",
            "anchors_by_rule",
            "mutated_at_anchors_only",
        ],
        "classical_neopeptide": ["alternatively_defined", "classically_defined", "generator_rate"],
        "cross_validation": ["CrossValidation", "cross_validate", "grouped_folds"],
        "dissimilarity": ["dissimilarity"],
        "exposed_residues": ["exposed_hydrophobicity", "exposed_residues", "mean_hydropathy"],
        "foreignness": ["foreignness", "recognition_potential"],
        "harmonic_rank": ["harmonic_best_rank"],
        "immunogenicity_calis": ["calis_immunogenicity", "calis_mask"],
        "immunogenicity_features": [
            "IMMUNOGENICITY_FEATURES",
            "PRESENTATION_FEATURES",
            "immunogenicity_features",
        ],
        "immunogenicity_model": [
            "ImmunogenicityFit",
            "ImmunogenicityModel",
            "installed_immunogenicity",
        ],
        "improved_binder": ["improved_binder"],
        "mismatches": ["mismatches", "mutated_positions"],
        "mutant_expression": ["clonal_expression", "mutant_expression"],
        "peptide_groups": ["groups_by_shared_words"],
        "promiscuity": ["promiscuity"],
        "ranking_quality": [
            "Interval",
            "area_under_curve",
            "area_within",
            "average_precision",
            "bootstrap_interval",
            "top_share",
        ],
        "self_similarity": ["exposed_similarity", "self_similarity"],
        "tiers": [
            "MOST_AT_ANCHORS",
            "Criterion",
            "Tier",
            "TierFacts",
            "TierThresholds",
            "Tiering",
            "tier_of",
        ],
        "vaxrank_score": ["vaxrank_binding_score"],
    },
)
