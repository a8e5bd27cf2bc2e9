"""The package's types hold (mypy --strict over it, over the examples, over typing_use.py), what is wrong is
complained of (typing_misuse.py), and the stubs are true (stubtest)."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "bindings" / "python"
# The folder of the build tree: a cache there makes the second run quick.
CACHE = pathlib.Path(os.environ["PYTHONPATH"].split(os.pathsep)[0]).parent / "mypy"
EXAMPLES = {"chat": ["examples/chat_python/chat.py", "examples/chat_python/history.py"],
            "fastapi": ["examples/fastapi/app.py"], "flask": ["examples/flask/app.py"]}

pytest.importorskip("mypy", reason="mypy is not for this Python")
if sys.version_info < (3, 11):
    pytest.skip("the mypy that is pinned is not for this Python", allow_module_level=True)


def run(module, *words, **environment):
    env = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-m", module, *map(str, words)], env=env, cwd=ROOT, capture_output=True,
                          text=True, timeout=300)
    assert not done.stderr or module == "mypy.stubtest", done.stderr
    return done.returncode, done.stdout + done.stderr


def mypy(*words, name):
    path = os.pathsep.join(map(str, (PACKAGE, ROOT / "examples" / "chat_python")))
    environment = {"MYPYPATH": path}
    environment["LD_PRELOAD"] = ""  # a checker needs no sanitizer
    return run("mypy", "--strict", "--no-error-summary", "--cache-dir", CACHE / name, *words, **environment)


@pytest.mark.parametrize("version", ["3.10", "3.13"])  # some lines are for one of them only
def test_the_package_is_typed(version):
    assert mypy("-p", "sioc", "--python-version", version, name="package") == (0, "")


def test_the_programs_that_use_it_are_typed():
    code, said = mypy("tests/python/typing_use.py", name="use")
    assert (code, said) == (0, "")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_typed(name):
    assert mypy(*EXAMPLES[name], name=name) == (0, "")


def test_what_is_wrong_is_complained_of():
    _, said = mypy("tests/python/typing_misuse.py", name="use")
    complaints = {int(n) for n in re.findall(r"typing_misuse\.py:(\d+): error: ", said)}
    lines = (HERE / "typing_misuse.py").read_text().splitlines()
    wrong = {n for n, line in enumerate(lines, 1) if "# wrong" in line}
    assert len(wrong) > 20
    assert {n: lines[n - 1] for n in wrong - complaints} == {}, "nobody complains of this"
    assert {n: lines[n - 1] for n in complaints - wrong} == {}, said


def test_the_stubs_are_true():
    code, said = run("mypy.stubtest", "sioc.native", "--concise")
    assert (code, said) == (0, ""), "native.pyi has to have what sioc_py.h has"


def test_the_options_are_the_core_s():
    from sioc import _types, native

    kinds = {name: kind for name, kind in vars(_types).items() if hasattr(kind, "__total__")}

    def flat(kind, prefix=""):
        for name, what in kind.__annotations__.items():
            text = getattr(what, "__forward_arg__", str(what))
            nested = [k for n, k in kinds.items() if re.search(rf"\b{n}\b", text)]
            if not nested or "bool" in text:
                yield prefix + name
            for k in nested:
                yield from flat(k, prefix + name + ".")

    typed, known = set(flat(_types.Options)), {option[0] for option in native.options()}
    assert typed - known <= {"cors"}
    assert known - typed == set()
