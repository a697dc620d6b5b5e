"""JSON of a command's result, to standard output or to a file."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

__all__ = ["ToJson", "put_json"]

#: Where a command is to put its result; nothing: words on the screen.
ToJson = Annotated[str, typer.Option("--json", help="Write JSON to this file, or to standard output: -.")]


def put_json(found: Any, target: str) -> None:
    """Print a result as JSON where the target is ``-``, else write it to that file, whole or not at all.

    Parameters
    ----------
    found
        What JSON can hold, without NaN and infinity.
    target
        ``-`` or the name of a file in a folder that exists.
    """
    from tumorboard.io.files import atomic_write

    text = json.dumps(found, indent=1, allow_nan=False)
    if target == "-":
        typer.echo(text)
        return
    with atomic_write(target) as partial:
        partial.write_text(text + "\n", encoding="utf-8")
