"""The targets, each with what is measured of it.  A target holds when every one of its parts does; a part is a label, the
value, and what it may be at most or must be at least."""
from dataclasses import dataclass, field


@dataclass
class Part:
    kind: str  # what is compared
    row: str  # where
    value: float | None
    at_most: float | None = None
    at_least: float | None = None

    def holds(self):
        if self.value is None:
            return None
        return not ((self.at_most is not None and self.value > self.at_most) or
                    (self.at_least is not None and self.value < self.at_least))


@dataclass
class Target:
    key: str  # of its section in REASONS.md
    work: str
    wanted: str
    parts: list = field(default_factory=list)

    def verdict(self):
        verdicts = [part.holds() for part in self.parts]
        if False in verdicts:
            return 'does not hold'
        return 'holds' if True in verdicts else 'not measured'


def ratios(results, rows, dear, cheap, **bound):
    found = [(row, results.ratio(row, dear, cheap)) for row in rows]
    return [Part(f'{dear} ÷ {cheap}', row, ratio[0] if ratio else None, **bound) for row, ratio in found]



def all_targets(results):
    one, many = ['echo-100x1', 'echo-1000x1', 'ack-100x1', 'ack-1000x1'], ['echo-100x16', 'echo-1000x16', 'ack-100x16', 'ack-1000x16']
    fan_one, fan_many = ['fanout-1000x1', 'fanout-10000x1'], ['fanout-1000x16', 'fanout-10000x16']

    def above(rows, peer, least):
        return ratios(results, rows, peer, 'sioc', at_least=least)

    def below(rows, peer, most):
        return ratios(results, rows, 'sioc', peer, at_most=most)

    def weight(row, most):
        return Part('bytes', row, results.median(row, 'sioc'), at_most=most)

    deflated, plain = results.median('fanout-1000x1-1k-deflate', 'sioc'), results.median('fanout-1000x1-wire', 'sioc')
    rate = {peer: results.median('connect-256', peer, 'rate') for peer in ('sioc', 'limit', 'node')}

    def of_rate(peer, least):
        return Part(f'rate of sioc ÷ {peer}', 'connect-256', rate['sioc'] / rate[peer] if rate['sioc'] and rate[peer] else None, at_least=least)

    late = results.ratio('latency-100', 'sioc', 'limit', 'p99')
    return [
        Target('one-in-flight', 'echo and ack, 1 in flight, 100–1,000 conns', '≤ 1.20 × limit; ≥ 2.5 × cheaper than Node, ahead of Bun',
               below(one, 'limit', 1.2) + above(one, 'node', 2.5) + above(one, 'bun', 1)),
        Target('many-in-flight', 'echo and ack, 16 in flight', '≤ 2.2 × limit-co (≤ 1.0 µs); ≥ 15 × cheaper than Node, ≥ 3.5 × than Bun',
               below(many, 'limit-co', 2.2) + [Part('µs', row, results.median(row, 'sioc'), at_most=1.0) for row in many] +
               above(many, 'node', 15) + above(many, 'bun', 3.5)),
        Target('large', 'echo 64 KiB, 1 in flight', '≤ 1.6 × limit; ≥ 12 × cheaper than Node',
               below(['echo-100x1-64k'], 'limit', 1.6) + above(['echo-100x1-64k'], 'node', 12)),
        Target('fanout-one', 'fan-out, 1 in flight, 1,000–10,000 receivers', '≤ 1.10 × limit, ≤ raw uWebSockets (here: Bun raw); ≥ 2 × cheaper than Node',
               below(fan_one, 'limit', 1.1) + below(fan_one, 'bun-raw', 1) + above(fan_one, 'node', 2)),
        Target('fanout-many', 'fan-out, 16 in flight, 1,000–10,000 receivers',
               '≤ 1.25 × limit-co, ≤ Bun raw; ≥ 20 × cheaper than Node and than socket.io on Bun',
               below(fan_many, 'limit-co', 1.25) + below(fan_many, 'bun-raw', 1) + above(fan_many, 'node', 20) + above(fan_many, 'bun', 20)),
        Target('fanout-deflate', 'fan-out with permessage-deflate, 1 KiB', 'compressed once; ≤ 1.3 × the plain fan-out of the same wire bytes',
               [Part('deflated ÷ plain', 'fanout-1000x1', deflated / plain if deflated and plain else None, at_most=1.3)]),
        Target('latency', 'latency p99 at half load', "≤ 1.3 × limit's", [Part('p99 of sioc ÷ limit', 'latency-100', late[0] if late else None, at_most=1.3)]),
        Target('idle', 'idle client joined to /, one Lua handler per namespace', '≤ 1.2 KiB; ≤ 2 KiB with per-socket closures; polling ≤ 2.5 KiB; ≥ 10 × less than Node',
               [weight('idle-10000', 1.2 * 1024), weight('idle-19800', 1.2 * 1024), weight('idle-10000-closures', 2048),
                weight('idle-10000-polling', 2560)] + above(['idle-10000'], 'node', 10)),
        Target('python', 'Python handler (asyncio, sync def)', '≤ 1.6 × the Lua host; ≥ 40 × cheaper than python-socketio with 16 in flight, ≥ 10 × with 1',
               ratios(results, one[:1] + many[:1] + many[2:3], 'sioc-python', 'sioc', at_most=1.6) +
               ratios(results, many[:1], 'python', 'sioc-python', at_least=40) +
               ratios(results, one[:1], 'python', 'sioc-python', at_least=10)),
        Target('connect', 'connect: WebSocket handshake + CONNECT', "≥ 0.6 × limit's rate; ≥ 5 × Node's", [of_rate('limit', 0.6), of_rate('node', 5)]),
        Target('workers', 'workers', 'two workers ≥ 1.9 × one where cores allow'),
    ]
