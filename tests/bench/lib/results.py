"""What was measured: results.json, runs of (row, peer), and what is made of them.

{"runs": {"echo-100x16": {"sioc": [{"cost": 0.8, "rate": 1e6, ...}, ...]}}, "conditions": {...}}
"""
import json
import statistics

KEPT = ('rate', 'p50', 'p99', 'p999', 'max', 'bytes_in', 'wanted_rate')


def number(result, row):
    """The figure of a row: bytes per client when idle, else CPU microseconds per message."""
    return result.get('pss_bytes_per_client' if row.mode == 'idle' else 'server_cpu_us')


def condensed(result, row):
    run = {'verdict': result['verdict'], 'cost': number(result, row)}
    run.update(rate=result.get('messages_per_s'), p50=result.get('latency_p50_us'), p99=result.get('latency_p99_us'),
               p999=result.get('latency_p999_us'), max=result.get('latency_max_us'), bytes_in=result.get('bytes_in_per_message'),
               cpu_share=result.get('server_cpu_share'), generator_share=result.get('generator_cpu_share'), wanted_rate=result.get('rate'))
    return {name: value for name, value in run.items() if value is not None}


class Results:
    def __init__(self, path):
        self.path = path
        self.data = {'conditions': {}, 'runs': {}}
        if path.exists():
            self.data = json.loads(path.read_text())

    def save(self):
        """One line for each run: so that git shows which have changed."""
        lines = []
        for row, peers in self.data['runs'].items():
            inner = []
            for peer, runs in peers.items():
                listed = ',\n'.join('   ' + json.dumps(run, separators=(',', ':')) for run in runs)
                inner.append(f'  {json.dumps(peer)}: [\n{listed}]')
            lines.append(f' {json.dumps(row)}: {{\n' + ',\n'.join(inner) + '}')
        temporary = self.path.with_suffix('.new')
        temporary.write_text('{"conditions": ' + json.dumps(self.data['conditions'], indent=1) + ',\n"runs": {\n' + ',\n'.join(lines) + '}}\n')
        temporary.replace(self.path)

    def add(self, row, peer, run):
        self.data['runs'].setdefault(row, {}).setdefault(peer, []).append(run)

    def forget(self, row, peer):
        self.data['runs'].get(row, {}).pop(peer, None)

    def runs(self, row, peer):
        return self.data['runs'].get(row, {}).get(peer, [])

    def peers(self):
        return {peer for peers in self.data['runs'].values() for peer in peers}

    def bad(self, row, peer):
        """How a run of it went wrong, or None."""
        return next((run['verdict'] for run in self.runs(row, peer) if run['verdict'] != 'ok'), None)

    def values(self, row, peer, field='cost'):
        return [run[field] for run in self.runs(row, peer) if run['verdict'] == 'ok' and field in run]

    def median(self, row, peer, field='cost'):
        """None when there is nothing, or a run of it went wrong."""
        values = self.values(row, peer, field)
        return statistics.median(values) if values and not self.bad(row, peer) else None

    def ratio(self, row, dear, cheap, field='cost'):
        """How many times the one is the other, with the least and the most of the rounds: a round's runs are neighbours in time."""
        a, b = self.median(row, dear, field), self.median(row, cheap, field)
        if not a or not b:
            return None
        pairs = [x / y for x, y in zip(self.values(row, dear, field), self.values(row, cheap, field)) if y]
        return a / b, min(pairs), max(pairs)
