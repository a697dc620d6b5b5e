"""``tumorboard immunotherapy``: targets of a tumour's variants."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tumorboard.cli.json_output import ToJson, put_json
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig
from tumorboard.workflows.printable import printable

__all__ = ["PassingOnly", "PatientSex", "Purity", "TumourSample", "app"]

#: Targets that are shown to people; JSON has all.
_SHOWN = 20
_DEFAULT = ImmunotherapyConfig()
_FILES, _RULES = "Files", "Choices"

app = typer.Typer(
    name="immunotherapy",
    help="Targets that T cells may see: from variants and HLA types to a ranked list.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    """Keep ``targets`` a command of its own, so that others can stand beside it."""


def _file(name: str, text: str) -> Any:
    return typer.Option(name, help=text, rich_help_panel=_FILES, show_default=False)


def _rule(name: str, text: str) -> Any:
    return typer.Option(name, help=text, rich_help_panel=_RULES)


Purity = Annotated[
    float | None, _rule("--purity", "Part of the sample's cells that are tumour; estimated if none.")
]
PatientSex = Annotated[str | None, _rule("--sex", "Of the patient, for variants on X: female or male.")]
TumourSample = Annotated[str | None, _rule("--tumour-sample", "Name of the tumour's column in the VCF.")]
PassingOnly = Annotated[bool, _rule("--passing-only", "Leave out variants that failed a filter.")]


@app.command()
def targets(
    vcf: Annotated[Path | None, _file("--vcf", "Somatic variants: VCF, BCF or MAF.")] = None,
    hla: Annotated[Path | None, _file("--hla", "HLA types of two fields: a list, or a program's.")] = None,
    hla_loss: Annotated[Path | None, _file("--hla-loss", "Alleles that the tumour lost.")] = None,
    germline: Annotated[Path | None, _file("--germline", "Germline or phased VCF.")] = None,
    table: Annotated[
        list[Path] | None, _file("--table", "Of fusions or splice junctions; may be repeated.")
    ] = None,
    expression: Annotated[Path | None, _file("--expression", "Transcripts per million.")] = None,
    copy_number: Annotated[Path | None, _file("--copy-number", "Segments of the tumour.")] = None,
    gtf: Annotated[Path | None, _file("--gtf", "Annotation, for a VCF without VEP's.")] = None,
    genome: Annotated[Path | None, _file("--genome", "FASTA of the same assembly.")] = None,
    proteome: Annotated[Path | None, _file("--proteome", "FASTA of all normal proteins.")] = None,
    reads: Annotated[Path | None, _file("--reads", "BAM of the tumour, for phases.")] = None,
    purity: Purity = None,
    sex: PatientSex = None,
    tumour_sample: TumourSample = None,
    passing_only: PassingOnly = False,
    mhc_class: Annotated[list[str] | None, _rule("--class", "I or II; both if none.")] = None,
    affinity_nm: Annotated[float, _rule("--affinity-nm", "Binders lie below it.")] = _DEFAULT.affinity_nm,
    expression_tpm: Annotated[
        float, _rule("--expression-tpm", "Expressed above this times --rna-vaf.")
    ] = _DEFAULT.expression_tpm,
    rna_vaf: Annotated[float, _rule("--rna-vaf", "Fraction of RNA reads.")] = _DEFAULT.rna_vaf,
    least_tumour_vaf: Annotated[
        float | None, _rule("--least-tumour-vaf", "Leave out variants below it.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Threads at most; the result is the same.")] = 2,
    to_json: ToJson = "",
) -> None:
    """Rank the new peptides of one tumour: one target for each variant, fusion or junction.

    Affinities are IC50 in nM, percentiles 0 (best) to 100 among random peptides. Every choice is told with
    the result. Research only.
    """
    from tumorboard.cli.progress import shown_progress
    from tumorboard.workflows.immunotherapy.folder import ImmunotherapyFiles, caller_of
    from tumorboard.workflows.immunotherapy.read import read_inputs
    from tumorboard.workflows.immunotherapy.run import require_molecules, run

    config = ImmunotherapyConfig(
        classes=tuple(mhc_class) if mhc_class else _DEFAULT.classes,
        affinity_nm=affinity_nm,
        expression_tpm=expression_tpm,
        rna_vaf=rna_vaf,
        purity=purity,
        sex=sex,
        passing_only=passing_only,
        least_tumour_vaf=least_tumour_vaf,
        tumour_sample=tumour_sample,
        threads=jobs,
    )
    told = [(*caller_of(path), path) for path in table or ()]
    files = ImmunotherapyFiles(
        variants=vcf,
        hla=hla,
        hla_loss=hla_loss,
        germline=germline,
        fusions=tuple((caller, path) for what, caller, path in told if what == "fusions"),
        junctions=tuple((caller, path) for what, caller, path in told if what == "junctions"),
        expression=expression,
        copy_number=copy_number,
        gtf=gtf,
        genome=genome,
        proteome=proteome,
        reads=reads,
    )
    with shown_progress() as progress:
        inputs = read_inputs(config, files, progress=progress)
        require_molecules(config, inputs.hla)
        found = run(config, inputs, progress=progress).to_dict()
    if to_json:
        put_json(found, to_json)
        return
    for line in _lines(found):
        typer.echo(printable(line))


def _lines(found: dict[str, Any]) -> list[str]:
    lines = ["Research only: presentation predicts weakly whether T cells respond."]
    for one in found["targets"][:_SHOWN]:
        lines.append(
            f"{one['rank']:>3}  {one['tier']:<17} {one['gene']} {one['change']}  {one['peptide']}  "
            f"{one['allele']}  {one['affinity_nm']:.3g} nM  {one['percentile']:.3g} %"
        )
        if one["tier"] != "Pass":
            lines += [f"       {reason}" for reason in one["reasons"]]
    if len(found["targets"]) > _SHOWN:
        lines.append(f"and {len(found['targets']) - _SHOWN} more: --json has all.")
    lines.append("Tiers: " + ", ".join(f"{name} {count}" for name, count in found["tiers"].items()))
    lines.append("Dropped: " + ", ".join(f"{name} {count}" for name, count in found["dropped"].items()))
    lines.append(
        "Time: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in found["stages_s"].items())
    )
    left = set(found["chosen_by_default"])
    lines.append("Choices, those by default marked *:")
    lines += [
        f"  {name}{'*' if name in left else ''}: {value}"
        for name, value in found["choices"].items()
        if value is not None
    ]
    return lines + [f"Caution: {text}" for text in found["cautions"]] + [f"Note: {t}" for t in found["notes"]]
