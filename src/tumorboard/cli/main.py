"""The ``tumorboard`` command. Everything heavy is imported inside the commands, so help is quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tumorboard import __version__
from tumorboard.cli.binding import app as binding
from tumorboard.cli.contact import contact
from tumorboard.cli.immunotherapy import PassingOnly, PatientSex, Purity, TumourSample
from tumorboard.cli.immunotherapy import app as immunotherapy
from tumorboard.cli.kinetics import app as kinetics
from tumorboard.cli.nuclide import nuclide
from tumorboard.cli.organ_dose import organ_dose
from tumorboard.cli.radioligand_options import AlphaRbe, Curve, HalfLives, Library, Progeny, SingleScan
from tumorboard.cli.transport import app as transport
from tumorboard.errors import TumorboardError
from tumorboard.workflows.board.config import CONTOURS, SUV_VARIANTS, BoardConfig
from tumorboard.workflows.board.kinetic_choices import KineticsChoices
from tumorboard.workflows.board.radioligand_choices import CURVES, LIBRARIES, RadioligandChoices
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig
from tumorboard.workflows.kinetics.config import DEFAULT_VB
from tumorboard.workflows.printable import printable

__all__ = ["app", "main"]

app = typer.Typer(
    name="tumorboard",
    help="From a patient's images to the options of the tumour board. Research software, no medical device.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(transport, name="transport")
app.add_typer(kinetics, name="kinetics")
app.add_typer(immunotherapy, name="immunotherapy")
app.add_typer(binding, name="binding")
app.command()(nuclide)
app.command()(organ_dose)
app.command()(contact)

Out = Annotated[Path | None, typer.Option("--out", help="Folder to write to.", show_default=False)]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes and threads at most.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tumorboard {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    _state["verbose"] = verbose


@app.command()
def board(
    source: Annotated[
        Path, typer.Argument(metavar="CASE_OR_FOLDER", help="Of DICOM, BIDS-PET or variants, or a case.")
    ],
    out: Out = None,
    jobs: Jobs = 2,
    patient: Annotated[str | None, typer.Option(help="Patient ID, when there are several.")] = None,
    suv: Annotated[str, typer.Option(help=f"Uptake value: {', '.join(SUV_VARIANTS)}.")] = "body_weight",
    lesion_threshold_suv: Annotated[
        float | None,
        typer.Option(help="Candidate lesions are at or above this uptake value; 4.0 for body weight."),
    ] = None,
    lesion_min_volume_ml: Annotated[float, typer.Option(help="Smaller regions are left out [mL].")] = 3.0,
    prescription: Annotated[
        Path | None, typer.Option(help="Prescription of a proton plan (TOML).", show_default=False)
    ] = None,
    contours: Annotated[
        str | None,
        typer.Option(help=f"Contours of a radioligand's lesions: {', '.join(CONTOURS)}.", show_default=False),
    ] = None,
    psf_fwhm_mm: Annotated[
        float | None,
        typer.Option(help="Full width at half maximum of a radioligand's scans, for partial volume [mm]."),
    ] = None,
    reference_region: Annotated[
        str | None, typer.Option(help="Of a dynamic scan without blood; drives its kinetics.")
    ] = None,
    blood_delay_s: Annotated[
        float | None, typer.Option(help="Tissue sees blood so much later; found from the curves if none [s].")
    ] = None,
    blood_volume: Annotated[float, typer.Option(help="Share of blood in tissue, for kinetics.")] = DEFAULT_VB,
    purity: Purity = None,
    sex: PatientSex = None,
    tumour_sample: TumourSample = None,
    passing_only: PassingOnly = False,
    radioligand_curve: Curve = CURVES[0],
    radioligand_single_scan: SingleScan = None,
    radioligand_half_lives: HalfLives = None,
    radioligand_progeny: Progeny = None,
    radioligand_library: Library = LIBRARIES[0],
    radioligand_alpha_rbe: AlphaRbe = None,
) -> None:
    """Make the report of one patient: report.html, report.json and the case itself."""
    config = BoardConfig(
        suv_variant=suv,
        lesion_threshold_suv=lesion_threshold_suv,
        lesion_min_volume_ml=lesion_min_volume_ml,
        jobs=jobs,
        patient_id=patient,
        prescription=_prescribed(prescription),
        contours=contours,
        psf_fwhm_mm=psf_fwhm_mm,
        kinetics=KineticsChoices(reference_region, blood_delay_s, blood_volume),
        immunotherapy=ImmunotherapyConfig(
            purity=purity, sex=sex, tumour_sample=tumour_sample, passing_only=passing_only
        ),
        radioligand=RadioligandChoices(
            curve=radioligand_curve,
            single_scan=radioligand_single_scan,
            half_lives=tuple(radioligand_half_lives or ()),
            progeny=radioligand_progeny,
            library=radioligand_library,
            alpha_rbe=radioligand_alpha_rbe,
        ),
    )
    # After the choices: a bad one is refused without waiting for what computes.
    from tumorboard.cli.progress import shown_progress
    from tumorboard.workflows.board.run import run

    target = out or Path(f"{source.resolve().name or 'case'}-board")
    with shown_progress() as progress:
        result = run(config, source, out=target, progress=progress)
    _tell(result)


@app.command()
def demo(
    out: Out = None,
    jobs: Jobs = 2,
    seed: Annotated[int, typer.Option(help="Seed of the simulated counting noise.")] = 1,
    browser: Annotated[bool, typer.Option(help="Open the report when it is done.")] = True,
) -> None:
    """Make a synthetic patient, write it as DICOM, read it back and report on it."""
    from tumorboard.cli.progress import shown_progress
    from tumorboard.workflows.demo.config import DemoConfig
    from tumorboard.workflows.demo.run import run

    with shown_progress() as progress:
        result = run(DemoConfig(seed=seed, jobs=jobs), out=out or Path("tumorboard-demo"), progress=progress)
    _tell(result)
    if browser and sys.stdout.isatty():
        typer.launch(str(result.report_html))


@app.command()
def info(file: Annotated[Path, typer.Argument(help="A DICOM, NIfTI or report file, or a folder.")]) -> None:
    """Say what a file or folder holds."""
    from tumorboard.workflows.info import describe

    for line in describe(file):
        typer.echo(printable(line))


def _prescribed(path: Path | None) -> Any:
    if path is None:
        return None
    from tumorboard.workflows.proton_plan.prescription import read_prescription

    return read_prescription(path)


def _tell(result: Any) -> None:
    for name, status in result.statuses.items():
        why = f": {printable(result.errors[name])}" if name in result.errors else ""
        typer.echo(f"  {name}: {status.value.replace('_', ' ')}{why}")
    if result.quarantined:
        typer.echo(f"  {result.quarantined} file(s) set aside; the report says why")
    typer.echo(f"Report: {result.report_html.resolve()}")


_state: dict[str, bool] = {"verbose": False}


def main() -> None:
    """Run the command line; an error is one sentence on standard error and exit code 2."""
    try:
        app()
    except Exception as reason:
        if _state["verbose"]:
            raise
        typer.secho(f"Error: {printable(_sentence(reason))}", err=True, fg=typer.colors.RED)
        sys.exit(2)


def _sentence(reason: Exception) -> str:
    if isinstance(reason, TumorboardError):
        return str(reason)
    if isinstance(reason, OSError):
        what = f"file or folder {reason.filename}" if reason.filename else "a file of the result"
        why = reason.strerror or str(reason).partition("\n")[0]  # pydicom puts a whole traceback into it
        return (
            f"{what} must allow what is done with it; {why}; make room or give permission, or choose another"
        )
    return (
        f"tumorboard has a defect ({type(reason).__name__}: {reason}); to report it, run the command again "
        "with --verbose before its name and send what it says"
    )
