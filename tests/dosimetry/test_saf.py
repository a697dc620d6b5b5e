import numpy as np
import pytest

from tumorboard.dosimetry.saf import SafRadiation, SafTable, read_icrp133_saf
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.provenance import Record

#: As many as ICRP Publication 133 has.
TARGETS = tuple(f"Target-{n}" for n in range(43))
SOURCES = tuple(f"Source-{n}" for n in range(79))
ENERGIES = np.array([0.0, *np.geomspace(0.001, 10.0, 27)])


def numbers():
    return np.round(np.random.default_rng(1).uniform(0, 2, (43, 79, 28)), 3)


def text(values, description="Photons", energies=ENERGIES, targets=TARGETS, sources=SOURCES):
    """A file of the layout: targets of a source stand together."""
    head = f"{len(targets):4}{len(sources):4}{'':14}" + "".join(f"{e:10.5f}" for e in energies)
    lines = ["Made up", "of numbers without meaning", description, head + "   Ecutoff  Icut", "-" * 315]
    for j, source in enumerate(sources):
        for i, target in enumerate(targets):
            row = "".join(f"{v:10.3E}" for v in values[i, j])
            lines.append(f"{target:10}<-{source:10}{row}{0.001:10.3E}{2:3}")
    return "\r\n".join(lines) + "\r\n"


def test_read_icrp133_saf__reads_a_file_of_its_size(tmp_path):
    path = tmp_path / "photon.SAF"
    path.write_text(text(numbers()), newline="", encoding="ascii")
    lines = path.read_text(encoding="ascii").splitlines()
    assert len(lines) == 43 * 79 + 5
    assert len(lines[-1]) == 315
    found = read_icrp133_saf(path, SafRadiation.PHOTON)
    assert (found.targets, found.sources) == (TARGETS, SOURCES)
    np.testing.assert_allclose(found.energy_mev, ENERGIES, atol=1e-5)
    np.testing.assert_allclose(found.saf_per_kg, numbers(), atol=1e-9)
    assert "bolch2016icrp133" in set(found.provenance.citations())
    with pytest.raises(InputError, match="photon"):
        read_icrp133_saf(path, SafRadiation.ELECTRON)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            lambda t: t.replace("Target-7  <-Source-3", "Target-8  <-Source-3", 1),
            "repeats Target-8 <- Source-3",
        ),
        (lambda t: "\n".join(t.splitlines()[:-1]), "43 targets and 79 sources"),
        (lambda t: t.replace("<-", "->", 1), "no '<-'"),
        (lambda t: t.replace(f"{43:4}", "  xy", 1), "invalid literal"),
        (lambda t: t[: t.index("Target-0")] + "Target-0  <-Source-0", "layout"),
        (lambda t: "\n".join(t.splitlines()[:3]), "layout"),
        (lambda t: t.replace("Made up", "Ünknown"), "layout"),
    ],
)
def test_read_icrp133_saf__says_what_is_wrong(tmp_path, change, match):
    path = tmp_path / "photon.SAF"
    path.write_text(change(text(numbers())), encoding="utf-8")
    with pytest.raises(UnreadableFile, match=match):
        read_icrp133_saf(path, SafRadiation.PHOTON)


def test_saf_table__goes_through_its_values_and_never_below_zero():
    table = SafTable(SafRadiation.PHOTON, TARGETS, SOURCES, ENERGIES, numbers(), Record("test"))
    np.testing.assert_allclose(table.at(ENERGIES), numbers(), atol=1e-12)
    between = table.at(np.geomspace(1e-5, 10, 301))
    assert between.min() >= 0
    assert between.max() <= 2
    with pytest.raises(InputError, match="at most"):
        table.at(np.array([11.0]))


def test_saf_table__refuses_what_does_not_fit():
    told = [SafRadiation.PHOTON, ("a", "b"), ("a",), [0.1, 1.0], np.ones((2, 1, 2)), Record("test")]

    def made(**changes):
        names = ("radiation", "targets", "sources", "energy_mev", "saf_per_kg", "provenance")
        return SafTable(**dict(zip(names, told, strict=True)) | changes)

    made()
    for changes, match in (
        ({"targets": ("a", "a")}, "each once"),
        ({"energy_mev": [1.0, 0.1]}, "ascending"),
        ({"saf_per_kg": np.ones((1, 1, 2))}, "shape"),
        ({"saf_per_kg": -np.ones((2, 1, 2))}, ">= 0"),
    ):
        with pytest.raises(InputError, match=match):
            made(**changes)
