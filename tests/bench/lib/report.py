"""RESULTS.md and the plots, from results.json and REASONS.md."""
import re

import plot
import rows
import targets


def cost(value):
    return f'{value:,.0f}' if value >= 1000 else f'{value:.1f}' if value >= 100 else f'{value:.2f}'


def rate(value):
    return f'{value / 1e6:.2f}M' if value >= 1e6 else f'{value / 1e3:.0f}k' if value >= 1e4 else f'{value / 1e3:.1f}k'


def time(us):
    return f'{us / 1e3:.2f}' if us < 1e5 else f'{us / 1e3:,.0f}'


def table(head, lines):
    out = ['| ' + ' | '.join(head) + ' |', '|' + '---|' * len(head)]
    return out + ['| ' + ' | '.join(line) + ' |' for line in lines]


class Report:
    def __init__(self, results, order):
        self.results = results
        self.peers = [peer for peer in order if peer in results.peers()]

    def measured(self, names):
        return [rows.parse(name) for name in names if name in self.results.data['runs']]

    def cell(self, row, peer, make):
        if self.results.bad(row.name, peer):
            return self.results.bad(row.name, peer).upper()
        return make(row.name, peer) if self.results.values(row.name, peer) else '-'

    def costs(self, names, with_rate=True):
        def make(name, peer):
            values = self.results.values(name, peer)
            text = cost(self.results.median(name, peer))
            if len(values) > 1:
                text += f' ({cost(min(values))}–{cost(max(values))})'
            if with_rate:
                text += f' / {rate(self.results.median(name, peer, "rate"))}'
            return text
        return table(['work'] + self.peers, [[row.title] + [self.cell(row, peer, make) for peer in self.peers] for row in self.measured(names)])

    def ratios(self, names):
        pairs = [('node', 'sioc'), ('bun', 'sioc'), ('python', 'sioc'), ('socketioxide', 'sioc'), ('go', 'sioc'), ('sioc', 'limit'),
                 ('sioc', 'limit-co'), ('sioc', 'bun-raw'), ('sioc-python', 'sioc'), ('python', 'sioc-python')]
        pairs = [pair for pair in pairs if set(pair) <= set(self.peers)]

        def text(name, pair):
            ratio = self.results.ratio(name, *pair)
            if not ratio:
                return '-'
            return '{:.2f}'.format(*ratio) if len(self.results.values(name, pair[0])) < 2 else '{:.2f} ({:.2f}–{:.2f})'.format(*ratio)
        return table(['work'] + [f'{a} ÷ {b}' for a, b in pairs], [[row.title] + [text(row.name, pair) for pair in pairs] for row in self.measured(names)])

    def latencies(self, names):
        def make(name, peer):
            return f'{time(self.results.median(name, peer, "p50"))} / {time(self.results.median(name, peer, "p99"))}'
        shown = [row for row in self.measured(names) if row.mode not in ('idle', 'connect')]
        return table(['work'] + self.peers, [[row.title] + [self.cell(row, peer, make) for peer in self.peers] for row in shown])

    def half_load(self):
        lines = []
        for row in self.measured(['latency-100']):
            for peer in self.peers:
                if self.results.values(row.name, peer, 'p99'):
                    value = {field: self.results.median(row.name, peer, field) for field in ('wanted_rate', 'p50', 'p99', 'p999')}
                    lines.append([peer, rate(value['wanted_rate'])] + [time(value[field]) for field in ('p50', 'p99', 'p999')])
        return table(['peer', 'messages/s', 'p50 ms', 'p99 ms', 'p99.9 ms'], lines)

    def targets(self, reasons):
        lines, notes = [], []
        for target in targets.all_targets(self.results):
            text = '<br>'.join(f'{kind}: ' + ', '.join(told(part) for part in target.parts if part.kind == kind and part.value is not None)
                               for kind in dict.fromkeys(part.kind for part in target.parts if part.value is not None))
            verdict = target.verdict()
            if target.key in reasons:
                verdict += f' ([why](#{target.key}))'
            lines.append([target.work, target.wanted, text or '-', verdict])
            if target.key in reasons:
                notes += ['', f'### {target.key}', '', reasons[target.key]]
        return table(['work', 'target', 'measured (**bold** misses it)', ''], lines) + notes

    def plots(self):
        """{name: SVG} of the curves of which there is enough."""
        out = {}
        for key, (title, axis, points) in rows.CURVES.items():
            series = {}
            for peer in self.peers:
                values = [(n, self.results.values(name, peer)) for n, name in points if self.results.median(name, peer)]
                series[peer] = [(n, min(v), self.results.median(dict(points)[n], peer), max(v)) for n, v in values]
            svg = plot.chart(title, axis, 'server CPU, µs', series)
            if svg:
                out[key] = svg
        return out

    def heartbeats(self):
        row = 'idle-19800-heartbeats'
        share = self.results.median(row, 'sioc', 'cpu_share')
        return [] if share is None else ['', f'19,800 idle clients of sioc for 30 s, their heartbeats every 25 s: {share * 100:.1f} % of a core,'
                                         f" {self.results.median(row, 'sioc'):,.0f} bytes each."]

    def conditions(self):
        c = self.results.data['conditions']
        out = [f"Measured {c.get('date')}, sioc at {c.get('commit')}: {c.get('machine')}. Server and generator pinned to a core each, loopback, every answer checked;"
               f" windows of {c.get('seconds')} s, peers in turn, every round beginning with another one; medians (least–most)."]
        out += ['', '| peer | |', '|---|---|'] + [f"| {name} | {title} |" for name, title in c.get('peers', {}).items() if name in self.peers]
        if c.get('missing'):
            out += [''] + [f'Left out: {name}: {why}.' for name, why in c['missing'].items()]
        return out

    def files(self, folder):
        """{path: text} of all that is made of the results."""
        reasons, plots = read_reasons(folder / 'REASONS.md'), self.plots()
        curves = [name for name in dict.fromkeys(rows.curve_names()) if name not in rows.TABLE]
        perf = [name for name in rows.TABLE if not name.startswith(('latency', 'connect'))]
        text = ['# Results of scripts/bench', '', 'Written by `scripts/bench --write` from [results.json](results.json) and [REASONS.md](REASONS.md);'
                ' [README.md](README.md) says what the rows mean.', ''] + self.conditions()
        text += ['', '## Targets', ''] + self.targets(reasons)
        text += ['', '## Cost', '', 'CPU microseconds of the server (user + system) per message, per delivery in fan-out / messages or deliveries per second.', '']
        text += self.costs(perf)
        text += ['', '## Ratios', '', 'Of the medians of the costs, with the least and the most of any round.', ''] + self.ratios(perf)
        text += ['', '## Latency', '', 'At full load in a closed loop it is the queue: p50 / p99 in milliseconds.', ''] + self.latencies(perf)
        text += ['', 'At half load, with messages sent when they are due: half of what the slowest of sioc, limit, limit-co and bun-raw does with 1 in flight for these, half of its own for each of the others.', '']
        text += self.half_load()
        text += ['', '## Connections', '', 'Bytes of server memory (PSS) for each idle client; CPU microseconds for a client that connects, joins and leaves / such clients per second.', '']
        text += self.costs([name for name in rows.IDLE if 'heartbeats' not in name], False) + [''] + self.costs(['connect-32', 'connect-256'])
        text += self.heartbeats()
        text += ['', '## Curves', '', 'Flat or straight is as it should be; both axes are logarithmic.']
        for key in plots:
            text += ['', f'![{rows.CURVES[key][0]}](plots/{key}.svg)']
        if self.measured(curves):
            text += [''] + self.costs(curves)
        return {folder / 'RESULTS.md': '\n'.join(text) + '\n', **{folder / f'plots/{key}.svg': svg for key, svg in plots.items()}}

    def write(self, folder):
        (folder / 'plots').mkdir(exist_ok=True)
        for path, text in self.files(folder).items():
            path.write_text(text)

    def stale(self, folder):
        """What --report would change."""
        return [path.name for path, text in self.files(folder).items() if not path.exists() or path.read_text() != text]


def told(part):
    return f'{part.row} {cost(part.value)}' if part.holds() else f'**{part.row} {cost(part.value)}**'


def read_reasons(path):
    """Sections of REASONS.md: {key: text}."""
    parts = re.split(r'^## (\S+)\s*$', path.read_text() if path.exists() else '', flags=re.M)
    return {key: text.strip() for key, text in zip(parts[1::2], parts[2::2]) if text.strip()}
