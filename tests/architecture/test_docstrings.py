"""Every public name is documented, with the shape of each array and the unit of each quantity.

The rules, for every public function, class, method and property of a public module:

* it has a docstring (an override marked ``@override`` may leave it to its base class);
* when it has a ``Parameters`` section, each parameter has an entry there, and each entry is a parameter;
* a parameter, field or result whose name ends in a unit (``half_life_s``, ``activity_bq_ml``) says the
  unit in brackets, ``[s]``, ``[Bq/mL]``, in its entry (in the docstring, where there are no sections);
* a parameter, field or result annotated as an array states a shape there: the word "shape", a tuple such
  as ``(n_points, 3)``, or "scalar".
"""

import ast
import re
from dataclasses import dataclass, field

import pytest

SYMBOLS = {
    "mm": "mm", "mm2": "mm2", "mm3": "mm3", "cm": "cm", "cm2": "cm2", "cm3": "cm3", "m": "m", "um": "um",
    "s": "s", "ms": "ms", "h": "h", "d": "d", "bq": "Bq", "kbq": "kBq", "mbq": "MBq", "gbq": "GBq",
    "ml": "mL", "gy": "Gy", "mgy": "mGy", "sv": "Sv", "msv": "mSv", "g": "g", "kg": "kg", "mg": "mg",
    "ev": "eV", "kev": "keV", "mev": "MeV", "k": "K", "hu": "HU",
    "deg": "deg", "rad": "rad", "percent": "%", "mb": "MB",
}  # fmt: skip
ARRAY = re.compile(r"\b(NDArray|ArrayLike|ndarray)\b")
SHAPE = re.compile(r"\b[Ss]hape[ds]?\b|\([^()]*,[^()]*\)|\bscalars?\b")
SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\s*$", re.MULTILINE)


def unit_of(name):
    """Symbols that ``name`` ends in: ``"activity_bq_ml"`` gives ``["Bq", "mL"]``; none for ``"shape"``."""
    units = []
    words = name.lower().split("_")
    while len(words) > 1 and (words[-1] == "per" or words[-1] in SYMBOLS):
        word = words.pop()
        if word != "per":
            units.insert(0, SYMBOLS[word])
    return units


def states_unit(text, units):
    """Whether a bracket in ``text`` holds these symbols in this order: ``[Bq/mL]``, ``[1/mm]``."""
    for bracket in re.findall(r"\[([^\[\]]*)\]", text):
        symbols = re.findall(r"%|[^\W\d_]+\d?", bracket)
        if any(symbols[i : i + len(units)] == units for i in range(len(symbols))):
            return True
    return False


def sections_of(docstring):
    """Section name to text, with the part before the first section under ``""``."""
    parts = SECTION.split(docstring)
    return {"": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))


def entries_of(section):
    """Entry name to its text, of a numpydoc section; ``a, b : int`` is an entry for each."""
    entries = {}
    for head, body in re.findall(
        r"^(\*{0,2}\w[^\n]*)\n((?:[ \t]+[^\n]*\n?|\s*\n)*)", section + "\n", re.MULTILINE
    ):
        for name in re.split(r",\s*", head.split(" : ")[0]):
            entries[name.strip("* ")] = head + "\n" + body
    return entries


@dataclass
class Checker:
    file: str
    faults: list = field(default_factory=list)

    def module(self, tree):
        named = None
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                named = {element.value for element in getattr(node.value, "elts", [])}
        if not ast.get_docstring(tree):
            self.faults.append(f"{self.file}:1: the module has no docstring")
        for node in tree.body:
            public = hasattr(node, "name") and (
                node.name in named if named is not None else not node.name.startswith("_")
            )
            if public and isinstance(node, ast.ClassDef):
                self.klass(node)
            elif public and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.function(node, node.name)
        return self.faults

    def klass(self, node):
        # A class without __init__ is a dataclass, an enum or an exception: only fields are parameters.
        fields = {n.target.id: n.annotation for n in node.body if isinstance(n, ast.AnnAssign)}
        fields = {name: note for name, note in fields.items() if not name.startswith("_")}
        fields = {name: note for name, note in fields.items() if "ClassVar" not in ast.unparse(note)}
        methods = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        for method in methods:
            if method.name == "__init__":
                fields |= arguments_of(method)
        derived = {n.target.id for n in node.body if isinstance(n, ast.AnnAssign) and is_derived(n.value)}
        self.check(node, node.name, fields, returns=None, optional=derived)
        for method in methods:
            decorators = {ast.unparse(d).rpartition(".")[2] for d in method.decorator_list}
            if not method.name.startswith("_") and not decorators & {"override", "setter", "overload"}:
                self.function(method, f"{node.name}.{method.name}")

    def function(self, node, name):
        if not any(ast.unparse(d).endswith("overload") for d in node.decorator_list):
            self.check(node, name, arguments_of(node), returns=node.returns)

    def check(self, node, name, parameters, returns, optional=frozenset()):
        def fault(what):
            self.faults.append(f"{self.file}:{node.lineno}: {name}{what}")

        docstring = ast.get_docstring(node)
        if not docstring:
            fault(" has no docstring")
            return
        sections = sections_of(docstring)
        entries = entries_of(sections.get("Parameters", "") + "\n" + sections.get("Attributes", ""))
        if "Parameters" in sections:
            for missing in parameters.keys() - entries.keys() - optional:
                fault(f": parameter {missing} is not under Parameters")
            for unknown in entries_of(sections["Parameters"]).keys() - parameters.keys():
                fault(f": {unknown} stands under Parameters but is none")
        for parameter, annotation in parameters.items():
            if parameter in optional and parameter not in entries:
                continue
            text = entries.get(parameter, docstring if not entries else "")
            units = unit_of(parameter)
            if units and not states_unit(text, units):
                fault(f": {parameter} does not state its unit in brackets, [{' '.join(units)}]")
            if annotation is not None and ARRAY.search(ast.unparse(annotation)) and not SHAPE.search(text):
                fault(f": array {parameter} states no shape")
        result = sections.get("Returns", sections.get("Yields", docstring))
        units = unit_of(node.name) if returns is not None else []
        if units and not states_unit(result, units):
            fault(f": the result does not state its unit in brackets, [{' '.join(units)}]")
        if returns is not None and ARRAY.search(ast.unparse(returns)) and not SHAPE.search(result):
            fault(": the array returned states no shape")


def is_derived(default):
    """Whether a dataclass field is made by the class itself: ``field(init=False)``."""
    return isinstance(default, ast.Call) and "init=False" in ast.unparse(default)


def arguments_of(node):
    a = node.args
    found = [*a.posonlyargs, *a.args, *filter(None, [a.vararg]), *a.kwonlyargs, *filter(None, [a.kwarg])]
    return {p.arg: p.annotation for p in found if p.arg not in ("self", "cls") and not p.arg.startswith("_")}


def test_docstrings__say_shapes_and_units(repository, public_sources):
    faults = []
    for file in public_sources:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        faults += Checker(str(file.relative_to(repository))).module(tree)
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults)


GOOD = '''
"""Good."""
__all__ = ["Curve", "decay"]

@dataclass
class Curve:
    """A curve.

    Parameters
    ----------
    times_s
        Shape ``(n_times,)``, ascending [s].
    name
        What for.
    """

    times_s: NDArray[np.float64]
    name: str
    made_s: float = field(init=False)

    @property
    def length_mm(self) -> float:
        """Length [mm]."""

def decay(activity_bq_ml: ArrayLike, *, half_life_s: float) -> NDArray[np.float64]:
    """Decay.

    Parameters
    ----------
    activity_bq_ml
        Shape ``(n,)`` [Bq/mL].
    half_life_s
        Physical half-life [s].

    Returns
    -------
    ndarray
        Like the input, shape ``(n,)``.
    """

def _private(x_mm): ...
'''


@pytest.mark.parametrize(
    ("good", "bad", "fault"),
    [
        ('"""Good."""', "", ":1: the module has no docstring"),
        ('        """Length [mm]."""', "        return 1", "Curve.length_mm has no docstring"),
        (
            "Length [mm]",
            "Length in mm",
            "Curve.length_mm: the result does not state its unit in brackets, [mm]",
        ),
        ("ascending [s]", "ascending", "Curve: times_s does not state its unit in brackets, [s]"),
        ("Shape ``(n_times,)``, ascending", "Ascending", "Curve: array times_s states no shape"),
        ("half-life [s]", "half-life [ms]", "decay: half_life_s does not state its unit in brackets, [s]"),
        ("Shape ``(n,)`` [Bq/mL]", "Shape ``(n,)`` [Bq]", "decay: activity_bq_ml does not state its unit"),
        ("Like the input, shape ``(n,)``.", "Less.", "decay: the array returned states no shape"),
        ("    name\n        What for.\n", "", "Curve: parameter name is not under Parameters"),
        ("    name\n        W", "    nom\n        W", "Curve: nom stands under Parameters but is none"),
    ],
)
def test_docstrings__the_checker_finds_each_kind_of_fault(good, bad, fault):
    assert not Checker("sample.py").module(ast.parse(GOOD))
    assert good in GOOD
    faults = Checker("sample.py").module(ast.parse(GOOD.replace(good, bad)))
    assert any(fault in found for found in faults), faults
    assert all(re.match(r"sample\.py:\d+: ", found) for found in faults)


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("half_life_s", ["s"]),
        ("factor_per_bq_ml", ["Bq", "mL"]),
        ("attenuation_per_mm", ["mm"]),
        ("density_g_cm3", ["g", "cm3"]),
        ("area_mm2", ["mm2"]),
        ("shape", []),
        ("s", []),
        ("suv_max", []),
    ],
)
def test_unit_of__reads_the_end_of_a_name(name, units):
    assert unit_of(name) == units


def test_states_unit__reads_brackets_only():
    assert states_unit("Slope [1/mm].", ["mm"])
    assert states_unit("Activity [Bq/mL]", ["Bq", "mL"])
    assert not states_unit("in mm, from [0, 1]", ["mm"])
