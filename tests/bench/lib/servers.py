"""Starts and stops the servers and the generator, each pinned to a core of its own.  Whatever was started is known by its
process id and ended by it, also after ^C."""
import json
import os
import re
import resource
import signal
import subprocess
import tempfile
import time

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[1 % len(CORES)]
LISTENING = re.compile(r'^listening on http://\S+:(\d+)$', re.M)
START_S = 20
STOP_S = 10


class Failure(Exception):
    pass


def raise_files():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def spawn(command, core, **files):
    """In a session of its own, so that ^C reaches this program only, which then ends it in order."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **files)
    os.sched_setaffinity(child.pid, {core})  # before it has made threads: they inherit it
    return child


def end(child):
    """Asks, waits, insists."""
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


class Server:
    def __init__(self, command):
        self.out, self.err = tempfile.TemporaryFile('w+'), tempfile.TemporaryFile('w+')
        try:
            self.child = spawn(command, SERVER_CORE, stdout=self.out, stderr=self.err)
        except OSError as error:
            raise Failure(str(error)) from None
        try:
            self.port = self.wait()
        except BaseException:
            end(self.child)
            raise

    def wait(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            self.out.seek(0)
            found = LISTENING.search(self.out.read())
            if found:
                return int(found[1])
            if self.child.poll() is not None:
                break
            time.sleep(0.02)
        raise Failure(f'no "listening on" line: {self.said()}')

    def said(self):
        self.err.seek(0)
        return ' / '.join(self.err.read().strip().splitlines()[-3:])[-400:]

    def alive(self):
        return self.child.poll() is None

    def stop(self):
        end(self.child)
        self.out.close()
        self.err.close()


def generate(program, server, options, timeout_s):
    """Runs the generator; what it says as a dictionary, with "complaints"."""
    command = program + [f'http://127.0.0.1:{server.port}', '--pid', str(server.child.pid), '--json'] + [str(o) for o in options]
    child = spawn(command, CLIENT_CORE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        out, err = '', f'not done within {timeout_s:.0f} s'
    finally:
        end(child)
    try:
        result = json.loads(out)
    except ValueError:
        result = {'verdict': 'failed'}
    if not server.alive():
        result['verdict'] = 'crashed'
    result['complaints'] = (err.strip() + ' ' + ('' if result['verdict'] == 'ok' else server.said())).strip()[:600]
    return result


def stop_on_signals():
    """^C and SIGTERM become an exception, so that every `finally` runs."""
    def interrupt(number, frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
