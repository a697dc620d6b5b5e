"""Progress bars on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tumorboard.workflows.printable import printable

__all__ = ["shown_progress"]


@contextmanager
def shown_progress() -> Iterator[_Bars]:
    """Show one bar per stage; nothing where standard error is no terminal.

    An interrupt ends the command with exit code 130 and says that nothing is lost.
    """
    console = Console(stderr=True)
    # No markup: a Series Description such as "[/b]" is text.
    label = TextColumn("{task.description}", markup=False)
    columns = (label, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
            yield _Bars(bars)
    except KeyboardInterrupt as stop:
        typer.echo("Interrupted. What was finished is kept: run the same command again to go on.", err=True)
        raise typer.Exit(130) from stop


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(printable(what), total=total)
        self._bars.update(self._tasks[what], completed=done, total=total)
