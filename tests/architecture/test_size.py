"""One idea per file: files and functions stay short enough to be read at a sitting."""

import ast

FILE_LINES = 450
FUNCTION_LINES = 75  # without the docstring, which may be as long as its subject needs

#: Hot loops that are one function because parts of them were measured to cost more than a fifth of the speed:
#: numba counts references of arrays at each call (docs/decisions/0009). Still at most twice as long.
HOT_LOOPS = {"follow"}


def faults_of(name, text):
    n_lines = len(text.splitlines())
    if n_lines > FILE_LINES:
        yield f"{name}:1: {n_lines} lines; at most {FILE_LINES}: give the second idea its own file"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # Counted from the first statement, so that neither docstring nor signature is.
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            length = node.end_lineno - body[0].lineno + 1 if body else 0
            most = 2 * FUNCTION_LINES if "_kernels/" in name and node.name in HOT_LOOPS else FUNCTION_LINES
            if length > most:
                yield f"{name}:{node.lineno}: {node.name} has {length} lines; at most {most}"


def test_size__files_and_functions_are_short(repository, sources):
    files = [*sources, *(repository / "tests").rglob("*.py"), *(repository / "benchmarks").rglob("*.py")]
    faults = [
        fault
        for file in files
        for fault in faults_of(str(file.relative_to(repository)), file.read_text(encoding="utf-8"))
    ]
    assert not faults, "\n".join(faults)


def test_size__the_checker_finds_both_faults():
    long_function = "def f():\n" + "    x = 1\n" * (FUNCTION_LINES + 1)
    long_file = "x = 1\n" * (FILE_LINES + 1)
    assert [*faults_of("a.py", long_function)] == ["a.py:1: f has 76 lines; at most 75"]
    assert next(faults_of("a.py", long_file)).startswith("a.py:1: 451 lines")
    assert not [*faults_of("a.py", "x = 1\n" * FILE_LINES)]
