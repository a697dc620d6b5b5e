"""Compare our consequences with varcode's on the case of ``make_case.py``.

python validation/immunotherapy/consequences/compare.py FOLDER [-v]

FOLDER holds ``varcode.tsv``; a table of kinds comes out, with ``-v`` examples of each difference before it.
"""

import sys
from collections import Counter
from pathlib import Path

from make_case import N_GENES, SEED
from synthetic_genes import plain_protein, synthetic_genes

from tumorboard.core.variant import SmallVariant
from tumorboard.immunotherapy.variants import TranscriptIndex, call_consequences

#: The kind of each of varcode's effects that our terms can be held against.
KINDS = {
    "Intronic": "intron",
    "NoncodingTranscript": "non-coding",
    "FivePrimeUTR": "5' UTR",
    "ThreePrimeUTR": "3' UTR",
    "Silent": "silent",
    "Substitution": "missense",
    "ComplexSubstitution": "altered",
    "Insertion": "insertion",
    "Deletion": "deletion",
    "FrameShift": "frameshift",
    "FrameShiftTruncation": "frameshift stop",
    "PrematureStop": "stop gained",
    "StopLoss": "stop lost",
    "StartLoss": "start lost",
    "AlternateStartCodon": "start changed",
    "IntronicSpliceSite": "splice",
    "SpliceDonor": "splice",
    "SpliceAcceptor": "splice",
    "ExonLoss": "splice",
    "SpliceOutcomeSet": "splice",
}


def kind_of(change):
    """Our terms in the same words."""
    terms = set(change.consequences)
    if terms & {"splice_donor_variant", "splice_acceptor_variant", "transcript_ablation"}:
        return "splice"
    if change.biotype == "lncRNA":
        return "non-coding"
    if {"stop_gained", "frameshift_variant"} <= terms:
        return "frameshift stop"
    for term, kind in (
        ("start_lost", "start lost"),
        ("stop_gained", "stop gained"),
        ("stop_lost", "stop lost"),
        ("frameshift_variant", "frameshift"),
        ("inframe_insertion", "insertion"),
        ("inframe_deletion", "deletion"),
        ("missense_variant", "missense"),
        ("protein_altering_variant", "altered"),
        ("synonymous_variant", "silent"),
        ("stop_retained_variant", "silent"),
        ("start_retained_variant", "silent"),
        ("5_prime_UTR_variant", "5' UTR"),
        ("3_prime_UTR_variant", "3' UTR"),
        ("intron_variant", "intron"),
    ):
        if term in terms:
            return kind
    return "splice region" if "splice_region_variant" in terms else "?"


def say(*words):
    """Print words with blanks between."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def main(folder):
    """Print the comparison."""
    genome, transcripts = synthetic_genes(SEED, n_genes=N_GENES, n_chromosomes=4)
    index = TranscriptIndex.of(transcripts)
    theirs = {}
    for line in (folder / "varcode.tsv").read_text().splitlines():
        c, p, r, a, transcript, name, inner, label, protein = line.split("\t")
        theirs[c, int(p), r, a, transcript] = (name, inner, label, protein)
    classes, proteins, shown = Counter(), Counter(), Counter()
    ours = {}
    for line in (folder / "variants.tsv").read_text().splitlines():
        c, p, r, a = line.split("\t")
        for change in call_consequences(SmallVariant(c, int(p), r, a), index, genome):
            ours[c, int(p), r, a, change.transcript] = change
    by_name = {t.identifier: t for t in transcripts}
    judged = Counter()
    say("transcripts only here", len(ours.keys() - theirs.keys()))
    say("transcripts only there", len(theirs.keys() - ours.keys()))
    for key in sorted(ours.keys() & theirs.keys()):
        change, (name, inner, label, protein) = ours[key], theirs[key]
        pair = (kind_of(change), KINDS.get(inner or name, inner or name) + (" (splice set)" if inner else ""))
        classes[pair] += 1
        agrees = None
        if protein and change.mutant_protein is not None:
            agrees = protein == change.mutant_protein
            proteins[pair, agrees] += 1
            if not agrees:
                plain = plain_protein(genome, by_name[change.transcript], SmallVariant(*key[:4]))
                judged[pair, change.mutant_protein == plain, protein == plain] += 1
        elif protein or change.mutant_protein not in (None, change.wild_type_protein):
            proteins[pair, "ours only" if not protein else "theirs only"] += 1
        different = pair[0] != pair[1].replace(" (splice set)", "") or agrees is False
        if different and shown[pair, agrees] < 4 and "-v" in sys.argv:
            shown[pair, agrees] += 1
            say(pair, key, "|", label, "|", change.consequences, change.hgvs_protein)
            if agrees is False:
                say(
                    "   wt    ",
                    change.wild_type_protein,
                    "\n   ours  ",
                    change.mutant_protein,
                    "\n   theirs",
                    protein,
                )
    say("\nwhere proteins differ: pair, ours is the plain one, theirs is, number")
    for key, n in sorted(judged.items()):
        say(*key, n)
    say("\nours | varcode | number | proteins: equal, different, one only")
    for pair, n in sorted(classes.items()):
        only = {k: v for (q, k), v in proteins.items() if q == pair and isinstance(k, str)}
        say(" | ".join(pair), "|", n, "|", proteins[pair, True], proteins[pair, False], only or "")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
