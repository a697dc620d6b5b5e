"""Specific absorbed fractions: tables that users have, in the layout of ICRP Publication 133."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.provenance import Record

__all__ = ["SafRadiation", "SafTable", "read_icrp133_saf"]

#: Names take 10 columns each with ``<-`` between; then values take 10 each.
_NAME: Final = 10
_FIRST_VALUE: Final = 22
_HEAD_LINES: Final = 5


class SafRadiation(Enum):
    """What carries the energy."""

    PHOTON = "photon"
    ELECTRON = "electron"
    ALPHA = "alpha"


@dataclass(frozen=True, slots=True, eq=False)
class SafTable:
    """Fraction of a radiation's energy from sources that targets absorb, over the targets' masses [1]_.

    Parameters
    ----------
    radiation
        What carries the energy.
    targets, sources
        Names of regions, each once.
    energy_mev
        Of the radiation, ascending from >= 0, at least two, shape ``(n_energies,)`` [MeV].
    saf_per_kg
        Finite and >= 0, shape ``(n_targets, n_sources, n_energies)`` [1/kg].
    provenance
        Where they come from.

    Raises
    ------
    InputError
        When shapes, names or numbers do not fit.

    References
    ----------
    .. [1] bolch2016icrp133

    Examples
    --------
    >>> table = SafTable(
    ...     SafRadiation.ELECTRON, ("Liver",), ("Liver",), [0.0, 1.0], [[[0.5, 0.4]]], Record("example")
    ... )
    >>> table.at(np.array([0.5]))
    array([[[0.45]]])
    """

    radiation: SafRadiation
    targets: tuple[str, ...]
    sources: tuple[str, ...]
    energy_mev: NDArray[np.float64]
    saf_per_kg: NDArray[np.float64]
    provenance: Record

    def __post_init__(self) -> None:
        for name in ("targets", "sources"):
            names = tuple(getattr(self, name))
            object.__setattr__(self, name, names)
            if not names or len(set(names)) != len(names):
                raise InputError(f"{name} must be names, each once; got {', '.join(names) or 'none'}")
        for name in ("energy_mev", "saf_per_kg"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        energy, saf = self.energy_mev, self.saf_per_kg
        if energy.ndim != 1 or energy.size < 2 or energy[0] < 0 or not (np.diff(energy) > 0).all():
            raise InputError(
                f"energy_mev must be two or more, ascending from >= 0 [MeV]; got {energy.tolist()}"
            )
        shape = (len(self.targets), len(self.sources), energy.size)
        if saf.shape != shape:
            raise InputError(f"saf_per_kg must have the shape {shape}; got {saf.shape}")
        if not (np.isfinite(saf) & (saf >= 0)).all():
            raise InputError("saf_per_kg must be finite and >= 0 [1/kg]; got others")

    def at(self, energy_mev: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return fractions at energies, along monotone cubic curves between those of the table.

        Parameters
        ----------
        energy_mev
            Up to the table's highest; below its lowest, that one's holds; shape ``(n,)`` [MeV].

        Returns
        -------
        ndarray
            Shape ``(n_targets, n_sources, n)`` [1/kg].

        Raises
        ------
        InputError
            When an energy is above the table's highest.
        """
        energies = np.asarray(energy_mev, np.float64)
        if energies.size and energies.max() > self.energy_mev[-1]:
            raise InputError(
                f"energy_mev must be at most the table's {self.energy_mev[-1]:g} [MeV]; "
                f"got {energies.max():g}"
            )
        curves = scipy.interpolate.PchipInterpolator(self.energy_mev, self.saf_per_kg, axis=2)
        # Monotone curves do not fall below 0, but for rounding.
        return np.asarray(np.maximum(curves(np.maximum(energies, self.energy_mev[0])), 0.0))


def read_icrp133_saf(path: Path | str, radiation: SafRadiation) -> SafTable:
    r"""Read a file of specific absorbed fractions in the layout of ICRP Publication 133 [1]_.

    The files, such as ``rcp-am_photon_2016-08-12.SAF``, come with that publication and are not free; they are
    not part of this package. After three lines that describe it, a file's fourth has the numbers of targets
    and sources (I4 each), 14 blanks and energies (F10.5) [MeV]; after one line more, each has a target's name
    (A10), ``<-``, a source's (A10), and a value for each energy (E10.0) [1/kg]; what follows is not needed.

    Parameters
    ----------
    path
        Of the file.
    radiation
        That it is of; must not contradict the description.

    Returns
    -------
    SafTable

    Raises
    ------
    InputError
        When the description names another radiation.
    UnreadableFile
        When the file is not of this layout, or not all pairs are there once.

    References
    ----------
    .. [1] bolch2016icrp133

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "electron.SAF"
    >>> head = ["Mine", "", "Electrons", f"{1:4}{1:4}{'':14}{0.01:10.5f}{1:10.5f}  Ecutoff", "-" * 10]
    >>> line = f"{'Liver':10}<-{'Liver':10}{0.55:10.3E}{0.5:10.3E}{0.01:10.3E}{1:3}"
    >>> _ = path.write_text("\n".join([*head, line]))
    >>> read_icrp133_saf(path, SafRadiation.ELECTRON).saf_per_kg
    array([[[0.55, 0.5 ]]])
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        lines = content.decode("ascii").splitlines()
        targets, sources, energy, values = _parsed(lines)
    except (OSError, ValueError, IndexError) as reason:
        raise UnreadableFile(
            f"file {path.name!r} must be of the layout of ICRP Publication 133's .SAF files; {reason}"
        ) from reason
    told = " ".join(lines[: _HEAD_LINES - 2]).lower()
    named = [kind for kind in SafRadiation if kind.value in told]
    if named and radiation not in named:
        raise InputError(
            f"radiation must be that of the file {path.name!r}, which says {named[0].value}; "
            f"got {radiation.value}"
        )
    record = Record(
        "dosimetry.read_icrp133_saf",
        {"file": path.name, "sha256": hashlib.sha256(content).hexdigest(), "radiation": radiation.value},
        references=("bolch2016icrp133",),
    )
    return SafTable(radiation, targets, sources, energy, values, record)


def _parsed(
    lines: list[str],
) -> tuple[tuple[str, ...], tuple[str, ...], NDArray[np.float64], NDArray[np.float64]]:
    """Return targets, sources, energies [MeV] and fractions [1/kg]."""
    head = lines[_HEAD_LINES - 2]
    n_targets, n_sources = int(head[:4]), int(head[4:8])
    energies: list[float] = []
    for start in range(_FIRST_VALUE, len(head), 10):
        try:
            energies.append(float(head[start : start + 10]))
        except ValueError:
            break
    found: dict[tuple[str, str], list[float]] = {}
    for number, line in enumerate(lines[_HEAD_LINES:], _HEAD_LINES + 1):
        if not line.strip():
            continue
        if line[_NAME : _NAME + 2] != "<-":
            raise ValueError(f"line {number} has no '<-' after the first {_NAME} columns")
        pair = (line[:_NAME].strip(), line[_NAME + 2 : _FIRST_VALUE].strip())
        if pair in found:
            raise ValueError(f"line {number} repeats {pair[0]} <- {pair[1]}")
        ends = (_FIRST_VALUE + 10 * n for n in range(len(energies)))
        found[pair] = [float(line[end : end + 10]) for end in ends]
    targets = tuple(dict.fromkeys(target for target, _ in found))
    sources = tuple(dict.fromkeys(source for _, source in found))
    if (len(targets), len(sources)) != (n_targets, n_sources) or len(found) != n_targets * n_sources:
        raise ValueError(
            f"its fourth line promises {n_targets} targets and {n_sources} sources; {len(targets)} and "
            f"{len(sources)} are there, in {len(found)} lines"
        )
    values = np.array([[found[target, source] for source in sources] for target in targets])
    return targets, sources, np.array(energies), values
