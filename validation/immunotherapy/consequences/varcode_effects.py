"""Effects by varcode, in an environment of its own: the files of a FOLDER in, FOLDER/varcode.tsv out."""

import sys
from pathlib import Path

import pyensembl
import varcode


def main(folder):
    """Write the files."""
    genome = pyensembl.Genome(
        reference_name="GRCh38",
        annotation_name="synthetic",
        gtf_path_or_url=str(folder / "genes.gtf"),
        transcript_fasta_paths_or_urls=[str(folder / "cdna.fa")],
        protein_fasta_paths_or_urls=[str(folder / "proteins.fa")],
        cache_directory_path=str(folder / "cache"),
    )
    genome.index()
    with (folder / "varcode.tsv").open("w") as out:
        for line in (folder / "variants.tsv").read_text().splitlines():
            chromosome, position, reference, alternative = line.split("\t")
            variant = varcode.Variant(chromosome, int(position), reference, alternative, genome)
            for effect in variant.effects(raise_on_error=False):
                transcript = getattr(effect, "transcript", None)
                if transcript is None:
                    continue
                protein = getattr(effect, "mutant_protein_sequence", None) or ""
                inner = getattr(effect, "alternate_effect", None)
                row = [
                    line,
                    transcript.id,
                    type(effect).__name__,
                    type(inner).__name__ if inner else "",
                    effect.short_description,
                    protein,
                ]
                out.write("\t".join(row) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
