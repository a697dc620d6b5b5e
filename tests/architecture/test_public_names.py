"""Every public module says what it offers, and offers it."""

import ast
import importlib.util
import os
import pkgutil
import subprocess
import sys
import textwrap
import types

import tumorboard


def public_modules():
    """Names of all modules whose dotted path has no private part."""
    found = (m.name for m in pkgutil.walk_packages(tumorboard.__path__, "tumorboard."))
    return ["tumorboard", *(m for m in found if not any(part.startswith("_") for part in m.split(".")))]


def faults_of_import(name):
    try:
        module = pkgutil.resolve_name(name)
    except ImportError as reason:
        return [f"{name} does not import: {reason}"]
    return faults_of(module)


def faults_of(module):
    """What is wrong with the module's ``__all__``."""
    if not hasattr(module, "__all__"):
        # A package that only groups its modules has nothing to list.
        if hasattr(module, "__path__") and not defined_in(module):
            return []
        return [f"{module.__file__}:1: no __all__"]
    faults = []
    for name in module.__all__:
        try:
            value = getattr(module, name)
        except (AttributeError, ImportError) as reason:
            faults.append(f"{module.__file__}:1: {name} is in __all__ but does not resolve: {reason}")
            continue
        home = getattr(value, "__module__", None)
        if isinstance(value, types.ModuleType) or home is None or name.startswith("__"):
            continue
        # A package passes on what its own modules define; a module offers only what it defines itself.
        if home != module.__name__ and not (
            hasattr(module, "__path__") and home.startswith(f"{module.__name__}.")
        ):
            if name not in defined_in(module):
                faults.append(f"{module.__file__}:1: {name} is in __all__ but its home is {home}")
    unlisted = [n for n in defined_in(module) if not n.startswith("_") and n not in module.__all__]
    return faults + [f"{module.__file__}:1: {name} is public by name but not in __all__" for name in unlisted]


def defined_in(module):
    """Names that the module's own top level binds, other than by import."""
    names = []
    with open(module.__file__, encoding="utf-8") as file:
        for node in ast.parse(file.read()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.append(node.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names += [t.id for target in targets for t in ast.walk(target) if isinstance(t, ast.Name)]
    return names


def test_public_names__all_is_complete_and_resolves():
    faults = [fault for name in public_modules() for fault in faults_of_import(name)]
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults)


def test_public_names__the_checker_finds_each_kind_of_fault(tmp_path):
    file = tmp_path / "sample.py"
    file.write_text(
        textwrap.dedent("""
        from textwrap import dedent
        __all__ = ["dedent", "gone"]
        def unlisted(): ...
        def _private(): ...
    """)
    )
    spec = importlib.util.spec_from_file_location("sample", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert [fault.partition(":1: ")[2].partition(" ")[0] for fault in faults_of(module)] == [
        "dedent",
        "gone",
        "unlisted",
    ]


def test_public_names__all_load_at_once_when_asked_to():
    """With EAGER_IMPORT=1 lazy_loader hides nothing: each lazily named module and attribute exists."""
    subprocess.run(
        [sys.executable, "-c", "import tumorboard"], env=os.environ | {"EAGER_IMPORT": "1"}, check=True
    )
