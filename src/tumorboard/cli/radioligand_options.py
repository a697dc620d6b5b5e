"""Options of the command line about the dose of a radioligand."""

from __future__ import annotations

from typing import Annotated

import typer

from tumorboard.workflows.board.radioligand_choices import CURVES, LIBRARIES, PROGENY, SINGLE_SCANS

__all__ = ["AlphaRbe", "Curve", "HalfLives", "Library", "Progeny", "SingleScan"]

Curve = Annotated[
    str,
    typer.Option("--radioligand-curve", help=f"Through a radioligand's activities: {', '.join(CURVES)}."),
]
SingleScan = Annotated[
    str | None,
    typer.Option(
        "--radioligand-single-scan",
        help=f"How decays follow from one scan: {', '.join(SINGLE_SCANS)}.",
        show_default=False,
    ),
]
HalfLives = Annotated[
    list[str] | None,
    typer.Option(
        "--radioligand-half-lives",
        help="Effective half-lives of a population for one scan, 50:1.3 (median [h], geometric standard "
        "deviation) or REGION=50:1.3; may be repeated.",
        show_default=False,
    ),
]
Progeny = Annotated[
    str | None,
    typer.Option(
        "--radioligand-progeny",
        help=f"Where progeny decays: {', '.join(PROGENY)}, or what leaves, such as Fr-221=0.3,Bi-213=2h; "
        "with its parent where an alpha emitter's is not chosen.",
        show_default=False,
    ),
]
Library = Annotated[
    str,
    typer.Option("--radioligand-library", help=f"Decay data of a radioligand: {', '.join(LIBRARIES)}."),
]
AlphaRbe = Annotated[
    float | None,
    typer.Option(
        "--radioligand-alpha-rbe",
        help="Relative biological effectiveness of alphas, for a weighted dose beside the absorbed one.",
        show_default=False,
    ),
]
