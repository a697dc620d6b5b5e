"""Every regular file below a folder, each once, whatever else is in it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from tumorboard.errors import InputError
from tumorboard.io.dicom.study import Quarantined

__all__ = ["Walk", "walk"]


@dataclass(frozen=True, slots=True)
class Walk:
    """What is below a folder.

    Parameters
    ----------
    files
        Regular files, each once however many names lead to it, sorted by name.
    quarantined
        What could not be visited, and why.
    ignored
        Pipes, sockets and devices: seen, never opened.
    """

    files: tuple[Path, ...]
    quarantined: tuple[Quarantined, ...]
    ignored: tuple[Path, ...]


def walk(folder: Path) -> Walk:
    """Visit a folder to any depth, not following links out of it.

    Parameters
    ----------
    folder
        Where to begin; it may itself be a link.

    Returns
    -------
    Walk
        Paths begin with ``folder`` as given.

    Raises
    ------
    InputError
        When ``folder`` is not a folder that can be listed.
    """
    if not folder.is_dir():
        raise InputError(f"folder must be an existing folder; got {folder}")
    visit = _Visit(os.path.realpath(folder))
    visit.enter(os.fspath(folder))
    if visit.quarantined and not visit.files and visit.quarantined[0].path == folder:
        raise InputError(f"folder must be one that can be listed; {folder}: {visit.quarantined[0].reason}")
    files = tuple(path for _, path in sorted(visit.files))
    return Walk(files, tuple(visit.quarantined), tuple(visit.ignored))


class _Visit:
    def __init__(self, root: str) -> None:
        self.root = root
        self.seen: set[tuple[int, int]] = set()
        self.files: list[tuple[str, Path]] = []
        self.quarantined: list[Quarantined] = []
        self.ignored: list[Path] = []

    def enter(self, folder: str) -> None:
        waiting = [folder]
        links: list[str] = []
        while waiting or links:
            # Links last, so that a file is known by its own name where it has one below the folder.
            name = waiting.pop() if waiting else links.pop()
            try:
                if os.path.islink(name) and name != folder:
                    self._follow(name, waiting)
                elif self._is_new(status := os.stat(name)):
                    self._list(name, status.st_dev, waiting, links)
            except OSError as error:
                self._refuse(name, f"it must be readable; {error.strerror}")

    def _list(self, folder: str, device: int, waiting: list[str], links: list[str]) -> None:
        # A folder makes the paths of its children much sooner than a path is made of a text.
        paths = {path.name: path for path in Path(folder).iterdir()}
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    links.append(entry.path)
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    key = (device, entry.inode())
                    if key not in self.seen:
                        self.seen.add(key)
                        self.files.append((entry.path, paths.get(entry.name) or Path(entry.path)))
                else:
                    self.ignored.append(Path(entry.path))

    def _follow(self, link: str, waiting: list[str]) -> None:
        target = os.path.realpath(link, strict=True)
        if os.path.commonpath((self.root, target)) != self.root:
            self._refuse(link, "a link must stay within the folder; it leads out of it")
            return
        status = os.stat(target)
        if stat.S_ISDIR(status.st_mode):
            waiting.append(target)
        elif not stat.S_ISREG(status.st_mode):
            self.ignored.append(Path(link))
        elif self._is_new(status):
            self.files.append((link, Path(link)))

    def _is_new(self, status: os.stat_result) -> bool:
        key = (status.st_dev, status.st_ino)
        if key in self.seen:
            return False
        self.seen.add(key)
        return True

    def _refuse(self, name: str, reason: str) -> None:
        self.quarantined.append(Quarantined(Path(name), reason))
