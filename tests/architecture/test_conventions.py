"""Conventions that no linter knows."""

import ast
import re
import tomllib
from email import message_from_string
from importlib import metadata

import pytest

#: Loading by name escapes the import contracts, so one module does it.
LOADER = "src/tumorboard/registry.py"
BY_NAME = {"import_module", "__import__"}
COPYLEFT = re.compile(r"\b(A|L)?GPL|GNU (Affero |Lesser )?General Public|GNU (Library|Affero)")


def loads_by_name(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute | ast.Name):
            if getattr(node, "attr", getattr(node, "id", None)) in BY_NAME:
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and BY_NAME & {alias.name for alias in node.names}:
            yield node.lineno


def test_conventions__only_the_registry_loads_by_name(repository, sources):
    faults = [
        f"{file.relative_to(repository)}:{line}: use tumorboard.registry"
        for file in sources
        if str(file.relative_to(repository)) != LOADER
        for line in loads_by_name(file.read_text(encoding="utf-8"))
    ]
    assert not faults, "\n".join(faults)
    assert [*loads_by_name((repository / LOADER).read_text(encoding="utf-8"))], "the check finds nothing"


def tables_without_source(folder):
    for tables in folder.rglob("tables"):
        for found in filter(lambda f: f.is_dir() and not f.name.startswith(("_", ".")), tables.iterdir()):
            if not (found / "SOURCE.md").is_file():
                yield found


def test_conventions__every_table_names_its_source(repository, tmp_path):
    assert not [*tables_without_source(repository / "src")]
    (tmp_path / "physics" / "tables" / "nist").mkdir(parents=True)
    assert [*tables_without_source(tmp_path)]


def test_conventions__every_set_of_reference_numbers_names_its_source(repository):
    folders = [f for f in (repository / "validation").iterdir() if f.is_dir()]
    assert not [f.name for f in folders if not (f / "README.md").is_file()]


def test_conventions__news_say_what_kind_they_are(repository):
    for file in (repository / "changes").glob("*.md"):
        if file.name != "README.md":
            first = file.read_text(encoding="utf-8").partition("\n")[0]
            assert re.match(r"(feature|fix|numerics|docs): \S", first), f"changes/{file.name}:1: {first!r}"


def test_conventions__decisions_are_numbered_without_gap(repository):
    numbers = sorted(int(f.name[:4]) for f in (repository / "docs" / "decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def installed_for(requirements):
    """Package name to metadata, of all that installing ``requirements`` brought to this machine."""
    found, waiting = {}, [*requirements]
    while waiting:
        requirement, _, marker = waiting.pop().partition(";")
        package = re.match(r"[\w.-]+", requirement)[0]
        if "extra" in marker or package in found:
            continue
        try:
            distribution = metadata.distribution(package)
        except metadata.PackageNotFoundError:
            continue  # for another system or Python, by its marker
        found[package] = distribution.metadata
        waiting += distribution.requires or []
    return found


def is_copyleft(about):
    # The License field is often the licence's whole text, whose first line is its name.
    said = [about.get("License-Expression") or "", (about.get("License") or "").strip().partition("\n")[0]]
    said += [c for c in about.get_all("Classifier") or [] if c.startswith("License")]
    return bool(COPYLEFT.search(" ".join(said)))


def test_conventions__no_copyleft_at_run_time(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = installed_for(project["dependencies"])
    assert {"numpy", "llvmlite"} <= needed.keys()
    assert not [name for name, about in needed.items() if is_copyleft(about)]


@pytest.mark.parametrize(
    ("line", "copyleft"),
    [
        ("License: GPL V3.0", True),
        ("License-Expression: LGPL-3.0-or-later", True),
        ("Classifier: License :: OSI Approved :: GNU Affero General Public License v3", True),
        ("License: BSD-3-Clause", False),
    ],
)
def test_is_copyleft__reads_each_field(line, copyleft):
    assert is_copyleft(message_from_string(line)) is copyleft
