"""
Targets of a synthetic tumour
=============================

Twelve epitopes that T cells are known to see are planted in an invented genome: some to be found, some to no
use. Which come out, and what shows it.
"""

# %%
# The genome is random but for the planted peptides. Each stands where one change of the tumour makes it: an
# exchanged residue, two on one copy, lost residues, a lost base. Bystanders carry random changes.
import io

import matplotlib.pyplot as plt

from tumorboard.phantoms import TumourGenomeConfig, simulate_tumour_genome
from tumorboard.plotting import (
    ScatterAxis,
    ScatterPoint,
    funnel,
    grouped_scatter,
    percentile_map,
    sequence_logo,
)
from tumorboard.workflows.immunotherapy import ImmunotherapyConfig, ImmunotherapyInputs
from tumorboard.workflows.immunotherapy.inputs import NormalProteins
from tumorboard.workflows.immunotherapy.new_peptides import of_variants
from tumorboard.workflows.immunotherapy.run import run

genome = simulate_tumour_genome(TumourGenomeConfig(seed=1))
config = ImmunotherapyConfig()
found = run(
    config,
    ImmunotherapyInputs(
        genome.hla,
        of_variants(config, genome.variants),
        genome.variants,
        NormalProteins(tuple(gene.protein for gene in genome.genes), "the proteome", is_whole=True),
    ),
)
targets = {target.variant: target for target in found.targets}
for epitope, variant in genome.planted:
    target = targets[variant]
    shown = target.peptide, target.allele
    if target.other_class.get("allele") == epitope.allele:  # each target knows the best of the other class
        shown = target.other_class["peptide"], target.other_class["allele"]
    print(f"{target.rank:2}  {target.tier.value:17}{shown[0]:16}{shown[1]:16}  {epitope.teaches}")

# %%
# All come out as they must. The swapped anchor binds as well as any, but so does what it replaces; the silent
# gene and the change that few cells carry bind and are no use; no target is on the molecule that was lost.
# One epitope is for helper cells: it is of class II.
for reason in targets[genome.planted[7][1]].tiering.reasons:
    print(reason)

# %%
# Where variants are lost, which molecule presents what, and how far the change makes the binder.
best = [target for target in found.targets if target.mhc_class == "I"][:12]
motif = found.motifs[0]
tiers = tuple(dict.fromkeys(target.tier.value for target in found.targets))[:8]
pairs = [t for t in found.targets if t.wild_type_affinity_nm is not None and t.tier.value in tiers]
pictures = [
    funnel(found.funnel, title="Changes left after each step"),
    percentile_map(
        [f"{t.title} {t.peptide}" for t in best],
        list(best[0].by_allele),
        [list(t.by_allele.values()) for t in best],
        title="Percentile of presentation",
    ),
    grouped_scatter(
        [
            ScatterPoint(t.affinity_nm, t.wild_type_affinity_nm, t.tier.value, t.title if t.rank < 9 else "")
            for t in pairs
        ],
        title="Mutant and wild type",
        x=ScatterAxis("Mutant peptide, IC50 [nM]", "log", config.affinity_nm),
        y=ScatterAxis("Wild-type peptide, IC50 [nM]", "log", config.affinity_nm),
        groups=tiers,
        diagonal=True,
    ),
    sequence_logo(
        motif.frequency,
        motif.letters,
        title=motif.target.allele,
        peptides=[
            (motif.target.title, motif.target.peptide, motif.target.new_positions),
            ("wild type", motif.target.wild_type or "-" * len(motif.target.peptide), ()),
        ],
    ),
]
figure, panels = plt.subplots(2, 2, figsize=(15, 9.5), layout="constrained")
for panel, png in zip(panels.flat, pictures, strict=True):
    panel.imshow(plt.imread(io.BytesIO(png)))
    panel.axis("off")
plt.show()
