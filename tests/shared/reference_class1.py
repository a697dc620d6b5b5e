"""Class I written out in numpy, one pair at a time: what the kernels must agree with."""

import numpy as np

from tumorboard.immunotherapy.residues import RESIDUES


def reference_logits(weights, peptide, allele):
    """Logits (K, 2) of one peptide and one allele's number, straight from the stored arrays."""
    groove = weights.alleles.groove[allele]
    length, longest = len(peptide), weights.table.shape[2]
    both = []
    for k in range(len(weights.table)):
        total = weights.pads[k, length].astype(float)
        for place, residue in enumerate(peptide):
            code = RESIDUES.index(residue)
            total = total + weights.table[k, 0, place, code] + weights.table[k, 1, length - 1 - place, code]
        latent = np.append(weights.latent[k, groove].astype(float), 1.0)
        gain, shift = np.split(latent @ weights.modulation[k].astype(float), 2)
        joined = np.maximum(total * gain + shift, 0.0)
        layer = weights.first[k].astype(float) @ joined + weights.first_bias[k]
        heads = weights.second[k].astype(float) @ np.maximum(layer[:-2], 0.0) + weights.second_bias[k]
        both.append(heads + layer[-2:])
    assert length <= longest
    return np.array(both)
