"""Every public module says what it offers, and offers it."""

import importlib.util
import inspect
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
        groups_only = hasattr(module, "__path__") and not any(map(is_offered, vars(module).values()))
        return [] if groups_only else [f"{module.__file__}:1: no __all__"]
    faults = []
    for name in module.__all__:
        try:
            value = getattr(module, name)
        except (AttributeError, ImportError) as reason:
            faults.append(f"{module.__file__}:1: {name} is in __all__ but does not resolve: {reason}")
            continue
        if is_offered(value) and not is_at_home(value.__module__, module):
            faults.append(f"{module.__file__}:1: {name} is in __all__ but its home is {value.__module__}")
    return faults


def is_offered(value):
    """Whether it knows its home: modules, constants and type aliases do not."""
    known = inspect.isfunction(value) or inspect.isclass(value)
    return known and not isinstance(value, types.GenericAlias)


def is_at_home(home, module):
    """Whether ``module`` may offer what is defined in ``home``: itself, below it, or private beside it."""
    if hasattr(module, "__path__"):
        return home == module.__name__ or home.startswith(f"{module.__name__}.")
    parent, _, last = home.rpartition(".")
    return home == module.__name__ or (last.startswith("_") and parent == module.__package__)


def test_public_names__all_resolve_and_are_at_home():
    faults = [fault for name in public_modules() for fault in faults_of_import(name)]
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults)


def test_public_names__the_checker_finds_each_kind_of_fault(tmp_path):
    file = tmp_path / "sample.py"
    file.write_text(
        textwrap.dedent("""
        from textwrap import dedent
        __all__ = ["dedent", "fine", "gone"]
        def fine(): ...
    """)
    )
    spec = importlib.util.spec_from_file_location("sample", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert [fault.partition(":1: ")[2].partition(" ")[0] for fault in faults_of(module)] == [
        "dedent",
        "gone",
    ]


def test_public_names__all_load_at_once_when_asked_to():
    """With EAGER_IMPORT=1 lazy_loader hides nothing: each lazily named module and attribute exists."""
    subprocess.run(
        [sys.executable, "-c", "import tumorboard"], env=os.environ | {"EAGER_IMPORT": "1"}, check=True
    )
