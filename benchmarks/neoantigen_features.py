"""All features of each of NeoFox's 3,575 neoantigens, against a proteome of 11 million residues.

The proteome is synthetic (composition of the 1,662 real proteins that the data hold, those included) and has
the neoantigens' counterparts in it. Seconds are of the processor, for one neoantigen, on one thread. The peer
is dissimilarity alone by aligning with every protein in full, compiled as well. Random peptides have no
counterpart, as those of frameshifts: the worst case.
"""

import gzip
import os
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import result

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "shared"))

from neofox_table import NeofoxTable

import tumorboard
from tumorboard.immunotherapy import ranking
from tumorboard.immunotherapy.peptides import ProteomeIndex
from tumorboard.immunotherapy.ranking._kernels.local_alignment import similarity_sums
from tumorboard.immunotherapy.ranking.alignment_sum import alignment_weights
from tumorboard.immunotherapy.ranking.substitution import blosum62_scores
from tumorboard.immunotherapy.residues import RESIDUES, join_codes, residue_codes

DATA = Path(os.environ.get("TUMORBOARD_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
N_RESIDUES, PROTEIN, N_EPITOPES, N_PEER = 11_000_000, 550, 1000, 20


def proteome_text(table, rng):
    path = DATA / "immunotherapy" / "pvactools" / "Homo_sapiens.GRCh38.pep.short.fa.gz"
    with gzip.open(path, "rt") as file:
        real = ["".join(entry.split("\n")[1:]) for entry in file.read().split(">")[1:]]
    count = Counter("".join(real))
    share = np.array([count[r] for r in RESIDUES], float)
    share /= share.sum()
    n = N_RESIDUES - sum(map(len, real))
    letters = np.frombuffer(RESIDUES.encode(), np.uint8)
    text = letters[rng.choice(20, n, p=share)].tobytes().decode()
    made = [text[i : i + PROTEIN] for i in range(0, n, PROTEIN)]
    for k, counterpart in enumerate(table.text("mutation.wildTypeXmer")):
        at = k % len(made)
        made[at] = made[at][:100] + counterpart + made[at][100:]
    random = [
        letters[rng.choice(20, length, p=share)].tobytes().decode() for length in (9,) * 100 + (11,) * 30
    ]
    return real + made, random, text


def all_features(table, proteome, epitopes):
    normal, mutant = (table.number(f"Best_affinity_MHCI_score{end}") for end in ("_WT", ""))
    normal_rank, rank = (table.number(f"Best_rank_MHCI_score{end}") for end in ("_WT", ""))
    peptides, counterparts = (table.text(f"Best_affinity_MHCI_epitope{end}") for end in ("", "_WT"))
    alleles = table.text("Best_affinity_MHCI_allele")
    gain, likeness = ranking.amplitude(normal, mutant), ranking.foreignness(peptides, epitopes)
    values = ranking.immunogenicity_features(peptides, alleles, mutant, rank)
    return (
        gain,
        likeness,
        ranking.recognition_potential(gain, likeness),
        ranking.agretopicity(normal, mutant),
        ranking.differential_agretopicity(normal, mutant),
        ranking.classically_defined(mutant),
        ranking.alternatively_defined(normal, mutant),
        ranking.improved_binder(normal_rank, rank),
        ranking.mismatches(peptides, counterparts),
        ranking.self_similarity(peptides, counterparts),
        ranking.exposed_similarity(peptides, counterparts),
        ranking.exposed_hydrophobicity(peptides),
        ranking.calis_immunogenicity(peptides, [ranking.calis_mask(allele) for allele in alleles]),
        ranking.vaxrank_binding_score(mutant[:, None]),
        ranking.generator_rate(mutant[:, None]),
        ranking.harmonic_best_rank(np.repeat(rank[:, None], 6, axis=1)),
        ranking.promiscuity(rank[:, None], below=2.0),
        ranking.installed_immunogenicity().log_odds(values),
        proteome.contains(peptides),
        proteome.nearest(peptides).mismatches,
        ranking.dissimilarity(peptides, proteome),
    )


def timed(function, *arguments):
    started = time.process_time()
    found = function(*arguments)
    return time.process_time() - started, found


def main():
    table, rng = NeofoxTable(DATA), np.random.default_rng(0)
    texts, random, text = proteome_text(table, rng)
    epitopes = [text[i : i + 9] for i in range(0, 9 * N_EPITOPES, 9)]
    small = ProteomeIndex.of(texts[:10])
    all_features(table, small, epitopes)  # compiles
    index_s, proteome = timed(ProteomeIndex.of, texts)
    ours_s, _ = timed(all_features, table, proteome, epitopes)
    dissimilarity_s, _ = timed(ranking.dissimilarity, table.text("Best_affinity_MHCI_epitope"), proteome)
    nine_s, _ = timed(ranking.dissimilarity, random[:100], proteome)
    eleven_s, _ = timed(ranking.dissimilarity, random[100:], proteome)
    few = random[:N_PEER]
    arguments = *residue_codes(few), *join_codes(texts), blosum62_scores(), 11, 1, alignment_weights(15, 32)
    peer_s, _ = timed(similarity_sums, *arguments, np.empty(N_PEER))
    n = len(table.rows)
    path = result.write(
        "neoantigen_features",
        what=f"21 features of {n} neoantigens, {proteome.n_residues} residues of normal proteins, "
        f"{N_EPITOPES} epitopes",
        ours=ours_s / n,
        peer=peer_s / N_PEER,
        peer_name="dissimilarity alone, each protein aligned in full",
        peer_version=tumorboard.__version__,
        unit="s/neoantigen",
        index_s=index_s,
        dissimilarity_s=dissimilarity_s / n,
        dissimilarity_random_9mers_s=nine_s / 100,
        dissimilarity_random_11mers_s=eleven_s / 30,
    )
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
