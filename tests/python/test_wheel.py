"""The package as people get it: a source distribution, the wheel made of it, installed into a fresh
virtual environment, and a program of four lines.  Nothing is fetched: what building needs is in
build/venv."""

import asyncio
import os
import pathlib
import subprocess
import sys
import tarfile
import urllib.request

import pytest
import socketio

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = """\
import sioc
io = sioc.Server()
io.event("add", lambda socket, a, b: a + b)
io.run(port=0)
"""


def environment():
    """The process's, without what makes this test run from the build tree."""
    return {name: value for name, value in os.environ.items()
            if name not in ("PYTHONPATH", "LD_PRELOAD", "ASAN_OPTIONS", "SIOC_CLIENT_DIR")}


def call(*command, **options):
    done = subprocess.run([str(part) for part in command], env=environment(), capture_output=True, text=True,
                          timeout=240, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """(the interpreter of an environment that has the wheel, the names in the source distribution)"""
    work = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-c", "import sys; from scikit_build_core.build import build_sdist; build_sdist(sys.argv[1])",
         work / "sdist", cwd=ROOT)
    (sdist,) = (work / "sdist").iterdir()
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
    call(sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-index", "--no-deps", "-w", work / "dist", sdist)
    (wheel,) = (work / "dist").iterdir()
    call(sys.executable, "-m", "venv", work / "venv")
    call(work / "venv/bin/python", "-m", "pip", "install", "--no-index", wheel)
    return work / "venv/bin/python", names


def test_the_source_distribution_is_whole_and_nothing_else(installed):
    names = {name.partition("/")[2] for name in installed[1]}
    for needed in ("CMakeLists.txt", "LICENSE", "bindings/python/sioc.i", "bindings/python/sioc/py.typed",
                   "core/include/sioc/sioc.h", "scripts/cmake/FindPythonModule.cmake"):
        assert needed in names
    others = {name for name in names if not name.startswith("build/data/client/")}
    assert not [name for name in others if name.startswith((".git", "build/", "tests/")) or "node_modules" in name]


def test_the_wheel_has_types_and_the_compatibility_layer(installed, tmp_path):
    said = call(installed[0], "-c", "import sioc, sioc.compat.socketio, pathlib; p = pathlib.Path(sioc.__file__).parent; "
                "print(sioc.__version__, (p / 'py.typed').exists() and (p / 'native.pyi').exists(), 'site-packages' in str(p))", cwd=tmp_path)
    assert said.split() == ["0.1.0", "True", "True"]


async def test_a_program_of_four_lines_serves_a_stock_client(installed, tmp_path):
    (tmp_path / "app.py").write_text(PROGRAM)
    process = await asyncio.create_subprocess_exec(installed[0], tmp_path / "app.py", env=environment(),
                                                   stdout=asyncio.subprocess.PIPE)
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        assert line.startswith("listening on http://127.0.0.1:")
        client = socketio.AsyncClient(reconnection=False)
        await client.connect(line.split()[-1])
        assert await client.call("add", (1, 2), timeout=10) == 3
        await client.disconnect()
        if (ROOT / "build/data/client/socket.io.js").exists():
            page = line.split()[-1] + "/socket.io/socket.io.js"
            script = await asyncio.to_thread(lambda: urllib.request.urlopen(page, timeout=10).read())
            assert b"socket.io" in script.lower()
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 0
