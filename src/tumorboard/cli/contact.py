"""``tumorboard contact``: how long people keep away from a patient, and when the patient may go home."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tumorboard.cli.json_output import ToJson, put_json
from tumorboard.errors import InputError
from tumorboard.workflows.contact.config import (
    HIGHEST_USV_PER_UGY,
    PATTERNS,
    RELEASE_LIMITS_USV_H,
    ContactConfig,
    read_dose_rates,
)
from tumorboard.workflows.nuclide.config import LIBRARIES

__all__ = ["contact"]

_Hours = Annotated[
    list[float] | None, typer.Option("--half-life-h", help="Effective; twice for two phases [h].")
]
_Shares = Annotated[
    list[float] | None, typer.Option("--share", help="Of the activity, one for each half-life.")
]
_Limits = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="PATTERN=MSV", help="Other limit of one pattern [mSv]; may be repeated."),
]
_Releases = Annotated[
    list[float] | None,
    typer.Option(
        "--release-usv-h",
        help=f"Dose rate at 1 m at which patients go home [uSv/h]; {RELEASE_LIMITS_USV_H} if none.",
    ),
]


def contact(
    nuclide: Annotated[str, typer.Option(help="In any usual spelling: I-131, Lu-177.")],
    activity_mbq: Annotated[float, typer.Option(help="At administration [MBq].")],
    half_life_h: _Hours = None,
    share: _Shares = None,
    half_life_uncertainty: Annotated[float, typer.Option(help="Relative, of each half-life.")] = 0.0,
    activity_uncertainty: Annotated[float, typer.Option(help="Relative.")] = 0.0,
    dose_rates: Annotated[
        Path | None,
        typer.Option(help="CSV of dose rates at 1 m: time_h, dose_rate_usv_h, uncertainty_usv_h."),
    ] = None,
    exponentials: Annotated[int, typer.Option(help="1 or 2, through those dose rates.")] = 1,
    usv_per_ugy: Annotated[
        float, typer.Option(help="Dose by air kerma of the bare nuclide; the highest is an upper limit.")
    ] = HIGHEST_USV_PER_UGY,
    least_energy_mev: Annotated[float, typer.Option(help="Photons below it stay inside [MeV].")] = 0.02,
    patterns: Annotated[str, typer.Option(help=f"Of contact: {' or '.join(PATTERNS)}.")] = PATTERNS[0],
    limit_msv: Annotated[
        float | None, typer.Option(help="For patterns that --limit does not name; else their own [mSv].")
    ] = None,
    limit: _Limits = None,
    treatments_in_year: Annotated[float, typer.Option(help="They share yearly limits.")] = 1.0,
    release_usv_h: _Releases = None,
    confidence: Annotated[float, typer.Option(help="With which limits are kept.")] = 0.95,
    administered_at_h: Annotated[float, typer.Option(help="Time of day [h].")] = 10.0,
    distance_exponent: Annotated[float, typer.Option(help="1 (line) to 2 (point).")] = 1.5,
    library: Annotated[str, typer.Option(help=f"Whose data: {' or '.join(LIBRARIES)}.")] = LIBRARIES[0],
    to_json: ToJson = "",
) -> None:
    """Say how long people keep away from a patient, and when the patient may go home.

    For every pattern of contact: expected, and with a confidence. Activity in [MBq],
    half-lives and times in [h], energy in [MeV], limits in [mSv], and [uSv/h] at 1 m. Estimates, no
    instruction: what is permitted is for your country and your physicist to say.
    """
    from tumorboard.workflows.contact.run import run

    config = ContactConfig(
        nuclide,
        activity_mbq,
        half_lives_h=tuple(half_life_h or ()),
        shares=tuple(share or ()),
        half_life_relative_uncertainty=half_life_uncertainty,
        activity_relative_uncertainty=activity_uncertainty,
        measured=None if dose_rates is None else read_dose_rates(dose_rates, n_exponentials=exponentials),
        library=library,
        least_energy_mev=least_energy_mev,
        usv_per_ugy=usv_per_ugy,
        patterns=patterns,
        limit_msv=limit_msv,
        limits_msv=_named(limit or []),
        treatments_in_year=treatments_in_year,
        release_limits_usv_h=tuple(release_usv_h or RELEASE_LIMITS_USV_H),
        confidence=confidence,
        administered_at_h=administered_at_h,
        distance_exponent=distance_exponent,
    )
    found = run(config).to_dict()
    if to_json:
        put_json(found, to_json)
        return
    for line in _lines(found):
        typer.echo(line)


def _named(limits: list[str]) -> dict[str, float]:
    found = {}
    for text in limits:
        name, equals, value = text.rpartition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals or not name.strip():
            raise InputError(f"limit must be PATTERN=MSV, such as 'informed carer=3'; got {text!r}")
    return found


def _lines(found: dict[str, Any]) -> list[str]:
    percent = f"{100 * found['confidence']:g} %"
    phases = ", ".join(
        f"{e['dose_rate_1m_usv_h']:.4g} uSv/h with {e['effective_half_life_h']:.4g} h"
        for e in found["exponentials"]
    )
    lines = [
        f"{found['nuclide']}, {found['activity_mbq']:g} MBq, given at {found['administered_at_h']:g} h",
        f"Dose rate at 1 m at administration, from {found['from']}: {found['dose_rate_1m_usv_h']:.4g} +- "
        f"{found['dose_rate_1m_uncertainty_usv_h']:.2g} uSv/h ({phases})",
        *found["notes"],
        "",
    ]
    head = ("Contact", "limit [mSv]", "expected [d]", "+- [d]", f"{percent} [d]", "resumes [d]", "dose [mSv]")
    rows = [
        (
            r["pattern"],
            f"{r['limit_msv']:g}",
            f"{r['restriction_h'] / 24:.2f}",
            f"{r['restriction_uncertainty_h'] / 24:.2f}",
            f"{r['restriction_confident_h'] / 24:.2f}",
            f"{r['resumes_h'] / 24:.2f}",
            f"{r['dose_msv']:.3f} +- {r['dose_uncertainty_msv']:.3f}",
        )
        for r in found["restrictions"]
    ]
    lines += _columns([head, *rows])
    lines.append("")
    head_of_release = ("Release at 1 m [uSv/h]", "expected [h]", "+- [h]", f"{percent} [h]")
    rows_of_release = [
        (
            f"{r['limit_usv_h']:g}",
            f"{r['release_h']:.1f}",
            f"{r['release_uncertainty_h']:.1f}",
            f"{r['release_confident_h']:.1f}",
        )
        for r in found["release"]
    ]
    return lines + _columns([head_of_release, *rows_of_release])


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    """Return a table as text: names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
