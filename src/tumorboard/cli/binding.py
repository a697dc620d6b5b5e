"""``tumorboard binding``: how well HLA molecules present peptides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tumorboard.cli.json_output import ToJson, put_json
from tumorboard.workflows.binding.config import BindingConfig
from tumorboard.workflows.printable import printable

__all__ = ["app"]

#: Rows that are shown to people; JSON has all.
_SHOWN = 20

app = typer.Typer(
    name="binding",
    help="Presentation of peptides by HLA molecules, class I and II.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Threads = Annotated[int, typer.Option("--jobs", min=1, help="Threads at most; the result is the same.")]


@app.command()
def predict(
    peptides: Annotated[
        Path, typer.Option(help="One a line, FASTA, or a table with peptide, n_flank, c_flank, allele.")
    ],
    alleles: Annotated[
        str, typer.Option(help="Separated by commas: A*02:01,DRB1*04:05; those of the table if none.")
    ] = "",
    jobs: Threads = 1,
    to_json: ToJson = "",
) -> None:
    """Predict affinity, presentation and percentile of each peptide with each allele.

    Affinity is an IC50 in nM; percentile is 0 (best) to 100 among random human peptides; uncertainty is one
    standard deviation of log10 affinity.
    """
    from tumorboard.cli.progress import shown_progress
    from tumorboard.io.peptide_list import read_peptides
    from tumorboard.workflows.binding.run import run

    config = BindingConfig(tuple(name.strip() for name in alleles.split(",") if name.strip()), jobs)
    with shown_progress() as progress:
        found = run(config, read_peptides(peptides), progress=progress).to_dict()
    if to_json:
        put_json(found, to_json)
        return
    for line in _lines(found):
        typer.echo(printable(line))


@app.command()
def compare(
    table: Annotated[Path, typer.Argument(help="Of NetMHCpan, MHCflurry, MixMHCpred or pVACseq.")],
    jobs: Threads = 1,
    to_json: ToJson = "",
) -> None:
    """Set our prediction beside another tool's table: rank correlation and shared binders by allele."""
    from tumorboard.io.presentation_tables import read_presentation_table
    from tumorboard.workflows.binding.compare import compare as compare_with

    found = {"tools": [compare_with(rows, threads=jobs).to_dict() for rows in read_presentation_table(table)]}
    if to_json:
        put_json(found, to_json)
        return
    for tool in found["tools"]:
        typer.echo(printable(f"{tool['tool']}: {tool['pairs']} pairs compared, {tool['left_out']} left out"))
        for row in tool["alleles"]:
            typer.echo(f"  {row['allele']}: {row['pairs']} pairs, rank correlation {_show(row)}")


def _show(row: dict[str, Any]) -> str:
    correlation = row["rank_correlation"]
    said = "not defined" if correlation is None else f"{correlation:.3f} of {row['compared']}"
    if row["both"] is not None:
        said += f"; among the best 2 %: {row['ours']} by us, {row['theirs']} by it, {row['both']} by both"
    return said


def _lines(found: dict[str, Any]) -> list[str]:
    best = sorted(found["pairs"], key=lambda pair: pair["percentile"])[:_SHOWN]
    lines = [f"{len(found['pairs'])} pairs, {found['pairs_per_s']:.3g} pairs/s; the best {len(best)}:"]
    lines.append(f"{'peptide':<16}{'allele':<28}{'IC50 [nM]':>10}{'percentile':>12}{'presentation':>14}")
    for pair in best:
        lines.append(
            f"{pair['peptide']:<16}{pair['allele']:<28}{pair['affinity_nm']:>10.4g}"
            f"{pair['percentile']:>12.3g}{pair['presentation']:>14.3g}"
        )
    lines += [f"{allele}: {note}" for allele, note in found["notes"].items()]
    lines += [f"{name}: {told['version']}" for name, told in found["predictor"].items()]
    return lines
