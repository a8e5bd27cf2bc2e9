"""Who is measured: how each is installed (or why it cannot be), and how it is started.

A peer is a server that prints `listening on http://HOST:PORT` and ends on SIGTERM.  Variants: bench (all events), idle (one
handler), idle-closures, idle-polling, deflate; a peer that has none of a kind gives no command for it.
"""
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).parents[3]
HERE = ROOT / 'tests/bench/peers'
BUILT = ROOT / 'build/bench-peers'
INSTALL_S = 600


class Missing(Exception):
    """Why a peer cannot take part: one line."""


def run(command, folder, env=None):
    """Installs something; says the last line of what it said when that fails."""
    BUILT.mkdir(parents=True, exist_ok=True)
    if not shutil.which(command[0]):
        raise Missing(f'{command[0]} is not installed')
    try:
        done = subprocess.run(command, cwd=folder, env={**os.environ, **(env or {})}, text=True, timeout=INSTALL_S,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except subprocess.TimeoutExpired:
        raise Missing(f'{" ".join(command[:3])} takes longer than {INSTALL_S} s') from None
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if 'rror' in line and 'complete log' not in line] or ['?']
        told = next((line for line in lines if 'Error: ' in line), lines[0]).replace('npm error', '').strip()
        raise Missing(f'{" ".join(command[:3])}: {told[:160]}')


def newer(target, *sources):
    return target.exists() and all(target.stat().st_mtime >= source.stat().st_mtime for source in sources)


def npm(folder):
    stamp = HERE / folder / 'node_modules/.package-lock.json'
    if not newer(stamp, HERE / folder / 'package-lock.json'):
        run(['npm', 'ci'], HERE / folder)


class Peer:
    title = ''

    def __init__(self, name):
        self.name = name

    def install(self):
        """Raises Missing."""

    def command(self, variant):
        """A list, or None."""
        raise NotImplementedError


class Sioc(Peer):
    title = 'sioc, handlers in Lua'

    def __init__(self, name, program):
        super().__init__(name)
        self.program = program

    def install(self):
        if not self.program.exists():
            raise Missing(f'{self.program} is not there')

    def command(self, variant):
        polling = variant == 'idle-polling'
        script = {'idle': HERE / 'sioc/idle.lua', 'idle-polling': HERE / 'sioc/idle.lua',
                  'idle-closures': HERE / 'sioc/closures.lua'}.get(variant, ROOT / 'examples/bench/bench.lua')
        command = [str(self.program), str(script), '--port', '0', '--no-serve-client', '--log-level', 'warn',
                   '--transports', 'polling' if polling else 'websocket']
        return command + (['--per-message-deflate'] if variant == 'deflate' else [])


class SiocPython(Peer):
    title = 'sioc, handlers in Python (plain functions, asyncio)'

    def install(self):
        if not list((ROOT / 'build/release/python/sioc').glob('_native.*.so')):
            raise Missing('build/release has no module for Python')

    def command(self, variant):
        if variant not in ('bench', 'idle'):
            return None
        return ['env', f'PYTHONPATH={ROOT}/build/release/python', '/usr/bin/python3', str(ROOT / 'examples/bench/bench.py'), '0']


class Limit(Peer):
    title = 'epoll in C, pastes strings, one system call per message'
    options = []

    def command(self, variant):
        if variant not in ('bench', 'idle'):
            return None
        return [str(ROOT / 'build/release/bench/bench_limit'), *self.options]


class LimitCo(Limit):
    title = 'the same, one system call for all messages of a read'
    options = ['--coalesce']


class Node(Peer):
    title = 'socket.io 4.8 on Node, ws'

    def install(self):
        npm('node')

    def command(self, variant):
        words = {'bench': [], 'idle': ['idle'], 'idle-polling': ['idle', 'polling'],
                 'deflate': ['deflate']}.get(variant)
        return None if words is None else ['node', str(HERE / 'node/server.mjs'), '0'] + words


class Eiows(Node):
    title = 'socket.io 4.8 on Node, eiows'

    def install(self):
        npm('node')
        npm('eiows')
        run(['node', '-e', "require('eiows')"], HERE / 'eiows')

    def command(self, variant):
        return super().command(variant) + ['eiows'] if variant in ('bench', 'idle') else None


class NodeRaw(Peer):
    title = 'ws on Node, pastes strings'

    def install(self):
        npm('node')

    def command(self, variant):
        return ['node', str(HERE / 'node/raw.mjs'), '0'] if variant in ('bench', 'idle') else None


class Bun(Peer):
    title = "socket.io 4.8 on Bun's engine"
    script = 'server.mjs'

    def install(self):
        npm('bun')

    def command(self, variant):
        program = HERE / 'bun/node_modules/bun/bin/bun.exe'
        if variant not in ('bench', 'idle'):
            return None
        return [str(program), str(HERE / 'bun' / self.script), '0'] + (['idle'] if variant == 'idle' else [])


class BunRaw(Bun):
    title = 'Bun.serve with publish (uWebSockets below), pastes strings'
    script = 'raw.mjs'


class Python(Peer):
    title = 'python-socketio on uvicorn'
    python = BUILT / 'venv/bin/python'

    def install(self):
        stamp, wanted = BUILT / 'venv/installed', HERE / 'python/requirements.txt'
        if newer(stamp, wanted):
            return
        run(['python3', '-m', 'venv', str(BUILT / 'venv')], ROOT)
        run([str(self.python), '-m', 'pip', 'install', '-q', '-r', str(wanted)], ROOT)
        stamp.touch()

    def command(self, variant):
        if variant not in ('bench', 'idle'):
            return None
        return [str(self.python), str(HERE / 'python/server.py'), '0'] + (['idle'] if variant == 'idle' else [])


class Rust(Peer):
    title = 'socketioxide on axum, one thread'
    program = BUILT / 'rust/release/bench-rust'

    def install(self):
        if not newer(self.program, *HERE.glob('rust/**/*.*')):
            run(['cargo', 'build', '-q', '--release', '--locked'], HERE / 'rust', {'CARGO_TARGET_DIR': str(BUILT / 'rust')})

    def command(self, variant):
        if variant not in ('bench', 'idle'):
            return None
        return [str(self.program), '0'] + (['idle'] if variant == 'idle' else [])


class Go(Peer):
    title = 'zishang520/socket.io, Go'
    program = BUILT / 'bench-go'

    def install(self):
        if not newer(self.program, *HERE.glob('go/*')):
            run(['go', 'build', '-o', str(self.program), '.'], HERE / 'go', {'GOFLAGS': '-mod=readonly'})

    def command(self, variant):
        if variant not in ('bench', 'idle'):
            return None
        return [str(self.program), '0'] + (['idle'] if variant == 'idle' else [])


def everybody(program):
    """In the order of the tables."""
    return {peer.name: peer for peer in (
        Sioc('sioc', program), SiocPython('sioc-python'), Limit('limit'), LimitCo('limit-co'), BunRaw('bun-raw'), NodeRaw('node-raw'), Bun('bun'),
        Rust('socketioxide'), Go('go'), Eiows('eiows'), Node('node'), Python('python'))}


def without(peer, row):
    """Why a peer is left out of a row, or None: what it cannot do, or would take minutes for."""
    if peer.command(row.variant) is None:
        return 'has no such server'
    if row.rooms > 0 and peer.name in ('limit', 'limit-co', 'bun-raw', 'node-raw', 'go'):
        return 'has no rooms here'
    if peer.name == 'python' and (row.clients * row.in_flight >= 16000 or row.clients > 10000):
        return 'takes too long'
    if peer.name == 'go' and (row.in_flight > 1 or row.mode in ('fanout', 'latency')):
        return 'mixes up the order of what one client says; its broadcasts do not arrive'
    if 'heartbeats' in row.words and peer.name != 'sioc':
        return 'is not asked'
    return None
