"""Run a report: ingest, sections, pages. What is already there and still true is not made again."""

from __future__ import annotations

import json
import logging
import shutil
import time
import traceback
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import tumorboard
from tumorboard.errors import InputError, TumorboardError
from tumorboard.io.case_encoding import text_digest
from tumorboard.io.case_store import CaseStore
from tumorboard.io.dicom.scan import scan
from tumorboard.io.files import write_text
from tumorboard.numerics.threads import threads_at_most
from tumorboard.plotting.blocks import Caution, Note, Section, SectionStatus
from tumorboard.plotting.page import Page, render
from tumorboard.provenance import Record
from tumorboard.workflows.board.cache import code_digest, decode, encode
from tumorboard.workflows.board.config import SECTIONS, BoardConfig
from tumorboard.workflows.board.context import Context
from tumorboard.workflows.board.immunotherapy_ingest import TumourFiles, targets_item
from tumorboard.workflows.board.ingest import ingest, one_patient
from tumorboard.workflows.board.kinetic_ingest import kinetic_item
from tumorboard.workflows.board.proton_items import export_plan, plans_apart
from tumorboard.workflows.board.radioligand_scans import nameless_scans, treatment_scans
from tumorboard.workflows.board.result import BoardResult, SectionResult
from tumorboard.workflows.board.scene import build_scene, treated_frame
from tumorboard.workflows.board.sections import SECTION_INPUTS, SECTION_RUNNERS, SECTION_TITLES
from tumorboard.workflows.immunotherapy.folder import find_immunotherapy_files
from tumorboard.workflows.kinetics.folder import KineticFiles, find_kinetic_files
from tumorboard.workflows.printable import printable
from tumorboard.workflows.progress import Progress, silent

__all__ = ["DISCLAIMER", "run"]

DISCLAIMER = "Research software, not a medical device: not for diagnosis or treatment."

_log = logging.getLogger("tumorboard")


def run(
    config: BoardConfig, source: Path, *, out: Path, truth: Path | None = None, progress: Progress = silent
) -> BoardResult:
    """Make the report of one patient.

    Parameters
    ----------
    config
        The choices.
    source
        A folder of DICOM files, of a dynamic scan in BIDS-PET or of its tables, or a case folder that an
        earlier run wrote.
    out
        Where ``report.html``, ``report.json`` and ``case/`` go; made when absent. Running again
        takes up what is there.
    truth
        A phantom's known values (JSON), for the section that lays them beside the measured ones.
    progress
        Told how far it is.

    Returns
    -------
    BoardResult
        Where the reports are and how each section ended.

    Raises
    ------
    InputError
        When the folder holds no readable patient, or several and none is chosen.
    """
    if not source.is_dir():
        raise InputError(
            f"folder must be there and be a folder; got {source}; name a folder of DICOM files or a case"
        )
    with threads_at_most(config.jobs), _opened(config, source, out, progress) as store:
        context = Context(store, config, progress)
        if truth is not None:
            store.put_result("truth", json.loads(truth.read_text(encoding="utf-8")), Record("phantoms.truth"))
        results: dict[str, tuple[SectionResult, float]] = {}
        asked = _asked(context)
        for done, name in enumerate(asked):
            progress("making sections", done, len(asked))
            results[name] = _section(name, context)
            context.earlier[name] = results[name][0]
        progress("making sections", len(asked), len(asked))
        _export(context, results, out)
        return _write(context, results, out)


def _opened(config: BoardConfig, source: Path, out: Path, progress: Progress) -> CaseStore:
    """Return the case; where the input cannot be used, what was made for it is taken away again."""
    new = [folder for folder in (out / "case", out) if not folder.exists()]
    out.mkdir(parents=True, exist_ok=True)
    try:
        return _open_store(config, source, out, progress)
    except TumorboardError:
        for folder in new:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _open_store(config: BoardConfig, source: Path, out: Path, progress: Progress) -> CaseStore:
    if (source / "index.sqlite").is_file():
        return CaseStore(source)
    progress("looking for files", 0, 1)
    study = scan(source, jobs=config.jobs, progress=partial(progress, "looking for files"))
    # Images before an earlier report that stands beside them: they may have changed since.
    if not study.series and (source / "case" / "index.sqlite").is_file():
        return CaseStore(source / "case")
    kinetics = _kinetic_files(config, source, has_dicom=bool(study.series))
    has_others = bool(study.series) or kinetics is not None
    tumour = _tumour_files(config, source, has_others=has_others)
    if kinetics is not None and not study.series:
        patient = kinetics.subject
    elif tumour is not None and not study.series:
        patient = printable(source.resolve().name)
    else:
        patient = one_patient(study, config.patient_id)
    store = CaseStore(out / "case", identifier=patient or "unnamed")
    try:
        ingest(study, patient, store, jobs=config.jobs, progress=progress, kinetics=kinetics, tumour=tumour)
    except BaseException:
        store.close()
        raise
    return store


def _kinetic_files(config: BoardConfig, source: Path, *, has_dicom: bool) -> KineticFiles | None:
    """Return a dynamic scan's files; beside DICOM only where there is one of one subject."""
    if not has_dicom:
        return find_kinetic_files(source, config.patient_id)
    try:
        return find_kinetic_files(source, None)
    except InputError as reason:
        # Whose these are nobody says, and the patient's own images must not wait for it.
        _log.warning("tables of kinetics were left out: %s", reason)
        return None


def _tumour_files(config: BoardConfig, source: Path, *, has_others: bool) -> TumourFiles | None:
    """Return a tumour's files; beside a patient's images what cannot be told apart is left out."""
    try:
        files = find_immunotherapy_files(source)
    except InputError as reason:
        if not has_others:
            raise
        _log.warning("variants were left out: %s", reason)
        return None
    return None if files is None else TumourFiles(files, config.immunotherapy, not has_others)


def _section(name: str, context: Context) -> tuple[SectionResult, float]:
    """Make one section, or read it back when nothing it could depend on has changed."""
    taken = SECTION_INPUTS.get(name, ())
    items = [i for i in context.store.case().items if not i.name.startswith("section-") or i.name in taken]
    inputs = sorted(f"{i.name}:{i.digest}" for i in items)
    choices = json.dumps(encode(_choices(context.config, name)))
    made_from = text_digest(code_digest(), name, choices, *inputs)
    item = f"section-{name}"
    if context.store.is_fresh(item, made_from):
        kept = context.store.result(item)
        return decode(kept["result"]), kept["wall_s"]
    started = time.perf_counter()
    try:
        result: SectionResult = SECTION_RUNNERS.load(name)(context)
    except TumorboardError as reason:
        result = SectionResult(
            SectionStatus.FAILED, blocks=(Caution(str(reason)),), data={"error": str(reason)}
        )
    except Exception as reason:
        # One section's defect must not cost the patient the others; the log keeps what a developer needs.
        _log.error("section %s failed\n%s", name, traceback.format_exc())
        text = f"This section failed by a defect of the program ({type(reason).__name__}: {reason})."
        result = SectionResult(SectionStatus.FAILED, blocks=(Caution(text),), data={"error": text})
    wall_s = time.perf_counter() - started
    if result.status is not SectionStatus.FAILED:
        body = {"result": encode(result), "wall_s": wall_s}
        made = result.provenance or Record(f"workflows.board.{name}")
        # Without what it was made from it is never fresh.
        context.store.put_result(item, body, made, made_from=made_from if result.is_final else "")
    return result, wall_s


def _asked(context: Context) -> list[str]:
    """Return the sections to make: a whole report leaves out what nobody could miss."""
    config = context.config
    left_out = set() if _asks_for_monte_carlo(config) else {"monte_carlo"}
    told = treatment_scans(context) or nameless_scans(context)
    if set(SECTIONS) <= set(config.sections) and not told:
        left_out.add("radioligand")
    if set(SECTIONS) <= set(config.sections) and kinetic_item(context.store) is None:
        left_out.add("kinetics")
    if set(SECTIONS) <= set(config.sections) and targets_item(context.store) is None:
        left_out.add("immunotherapy")
    return [name for name in config.sections if name not in left_out]


def _asks_for_monte_carlo(config: BoardConfig) -> bool:
    return config.prescription is not None and config.prescription.monte_carlo is not None


def _choices(config: BoardConfig, name: str) -> BoardConfig:
    """Return the choices that a section depends on: how a plan is calculated again changes no plan."""
    if name == "monte_carlo" or config.prescription is None:
        return config
    return replace(config, prescription=replace(config.prescription, monte_carlo=None))


def _export(context: Context, results: dict[str, tuple[SectionResult, float]], out: Path) -> None:
    """Write a finished plan as DICOM beside the report, read it back, and say what came of it."""
    result, wall_s = results.get("proton", (None, 0.0))
    if result is None or result.status is not SectionStatus.DONE:
        return
    try:
        plan_file, dose_file = export_plan(context.store, context.study["study_uids"][0], out)
        apart = plans_apart(context.store, plan_file)
    except TumorboardError as reason:
        # A plan that DICOM cannot hold is still a plan: the report says why there is no file of it.
        text = f"The plan could not be written as DICOM: {reason}"
        results["proton"] = (
            replace(result, data={**result.data, "exported": None}, blocks=(*result.blocks, Caution(text))),
            wall_s,
        )
        return
    text = (
        f"RT Ion Plan written to {plan_file.name} and read back: {apart['spots']} spots, positions within "
        f"{apart['largest_position_mm']:.2g} mm, monitor units within "
        f"{100 * apart['largest_monitor_units_relative']:.2g} %. Dose written to {dose_file.name}."
    )
    exported = {"plan": plan_file.name, "dose": dose_file.name, "read_back": apart}
    results["proton"] = (
        replace(result, data={**result.data, "exported": exported}, blocks=(*result.blocks, Note(text))),
        wall_s,
    )


def _write(context: Context, results: dict[str, tuple[SectionResult, float]], out: Path) -> BoardResult:
    store = context.store
    # Later sections know better what matters: their points come first, and the viewer opens at the first.
    points = tuple(point for result, _ in reversed(results.values()) for point in result.points)
    context.progress("drawing the page", 0, 2)
    _write_second(context, results, out)
    scene, shown = build_scene(context, points)
    context.progress("drawing the page", 1, 2)
    page = Page(
        title=f"Tumour-board report: {store.identifier}",
        subtitle=DISCLAIMER,
        sections=tuple(
            Section(name, SECTION_TITLES[name], result.status, result.needs, result.blocks, wall_s)
            for name, (result, wall_s) in results.items()
        ),
        scene=scene,
        facts=(("Viewer", shown), ("tumorboard", tumorboard.__version__)),
    )
    write_text(out / "report.html", render(page))
    write_text(out / "report.json", json.dumps(_report(context, results), indent=1, allow_nan=False))
    context.progress("drawing the page", 2, 2)
    return BoardResult(
        out,
        out / "report.html",
        out / "report.json",
        {name: result.status for name, (result, _) in results.items()},
        len(context.study["quarantined"]),
        {name: result.data["error"] for name, (result, _) in results.items() if "error" in result.data},
    )


#: A page beside the report, whose viewer shows the dose that the report's cannot.
_SECOND = "radioligand.html"


def _write_second(context: Context, results: dict[str, tuple[SectionResult, float]], out: Path) -> None:
    """Write a page for a radioligand whose dose lies in another frame of reference than a plan's."""
    (out / _SECOND).unlink(missing_ok=True)
    frames = treated_frame(context), treated_frame(context, ("radioligand",))
    if frames[1] is None or frames[0] == frames[1]:
        return
    result, wall_s = results["radioligand"]
    scene, shown = build_scene(context, result.points, doses=("radioligand",))
    name = "radioligand"
    page = Page(
        title=f"Radioligand of {context.store.identifier}",
        subtitle=DISCLAIMER,
        sections=(Section(name, SECTION_TITLES[name], result.status, result.needs, result.blocks, wall_s),),
        scene=scene,
        facts=(("Viewer", shown), ("tumorboard", tumorboard.__version__)),
    )
    write_text(out / _SECOND, render(page))
    text = (
        f"The viewer above shows the proton plan, in another frame of reference; {_SECOND} beside this "
        "report has "
        "a viewer of this dose."
    )
    results[name] = (replace(result, blocks=(Note(text), *result.blocks)), wall_s)


def _report(context: Context, results: dict[str, tuple[SectionResult, float]]) -> dict[str, Any]:
    return {
        "case": {
            "identifier": context.store.identifier,
            "study_uids": context.study["study_uids"],
            "quarantined": context.study["quarantined"],
        },
        "tumorboard": {"version": tumorboard.__version__, "disclaimer": DISCLAIMER},
        "sections": {
            name: {
                "status": result.status.value,
                "needs": list(result.needs),
                "wall_s": round(wall_s, 3),
                "provenance": result.provenance.to_dict() if result.provenance else None,
                **result.data,
            }
            for name, (result, wall_s) in results.items()
        },
    }
