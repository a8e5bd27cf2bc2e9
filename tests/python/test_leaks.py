"""What many events leave behind is nothing; leaks.py by itself does it with a million."""

import json
import os
import pathlib
import subprocess
import sys

LEAKS = pathlib.Path(__file__).parent / "leaks.py"
# A sanitizer makes each event dear, and has counters of its own.
EVENTS = 20_000 if "asan" in os.environ.get("LD_PRELOAD", "") else 50_000


def run(*words, **environment):
    done = subprocess.run([sys.executable, LEAKS, *map(str, words)], capture_output=True, text=True, timeout=240,
                          env={**os.environ, **environment})
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout


def test_events_leave_nothing_behind():
    code, figures, said = run(EVENTS)
    assert figures["leaks"] == [], said
    assert code == 0 and {"blocks", "objects", "traced", "rss_kib"} <= set(figures["grown"])


def test_one_small_object_of_every_seventh_event_would_be_seen():
    """The measure can fail: a handler keeps what it gets."""
    code, figures, said = run(EVENTS, SIOC_TEST_LEAK="1")
    assert code == 1 and {"blocks", "traced"} & set(figures["leaks"]), said
