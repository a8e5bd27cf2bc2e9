"""Curves as SVG: one chart, logarithmic on both axes, drawn by hand."""
import html
import math

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 130, 52, 48
COLORS = {'sioc': '#0f766e', 'limit': '#9a9a9a', 'limit-co': '#555555', 'node': '#c2410c', 'bun': '#b45309', 'bun-raw': '#7c3aed',
          'socketioxide': '#1d4ed8', 'go': '#0891b2', 'eiows': '#be185d', 'node-raw': '#4d7c0f', 'python': '#854d0e'}


def decades(low, high):
    return [10 ** e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def tidy(value):
    return f'{value:,.0f}' if value >= 10 else f'{value:g}'


class Axis:
    def __init__(self, values, begin, end, whole):
        low, high = min(values), max(values)
        if whole:  # whole decades, so that the lines of the grid have round numbers
            low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high * 1.0001))
        self.low, self.high = math.log10(low), math.log10(high if high > low else low * 10)
        self.begin, self.end = begin, end

    def at(self, value):
        return self.begin + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.begin)


def apart(labels, least=14):
    """Moves labels down until none covers another: [(y, text, color)]."""
    placed = []
    for y, text, color in sorted(labels):
        y = max(y, placed[-1][0] + least) if placed else y
        placed.append((y, text, color))
    return placed


def chart(title, x_name, y_name, series):
    """series: {peer: [(x, low, median, high)]}; returns the SVG, or None when there is nothing to draw."""
    series = {peer: points for peer, points in series.items() if len(points) >= 3}
    if not series:
        return None
    ticks = sorted({point[0] for points in series.values() for point in points})
    x = Axis(ticks, LEFT, WIDTH - RIGHT, False)
    y = Axis([value for points in series.values() for point in points for value in point[1:]], HEIGHT - BOTTOM, TOP, True)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
           f'<text x="{LEFT}" y="22" font-size="15" font-weight="600" fill="#1d2422">{html.escape(title)}</text>',
           f'<text x="{LEFT}" y="40" fill="#62696a">{html.escape(y_name)}</text>']
    for value in decades(10 ** y.low, 10 ** y.high):
        at = y.at(value)
        out.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#e3e0d9"/>'
                   f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end" fill="#62696a">{tidy(value)}</text>')
    for value in ticks:
        at = x.at(value)
        out.append(f'<path d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#f1efea"/>'
                   f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="#62696a">{tidy(value)}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle" fill="#62696a">{html.escape(x_name)}</text>')
    labels = []
    for peer, points in series.items():
        color = COLORS.get(peer, '#000000')
        line = ' '.join(f'{x.at(p[0]):.1f},{y.at(p[2]):.1f}' for p in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="{3 if peer == "sioc" else 1.6}"/>')
        for value, low, middle, high in points:
            at = x.at(value)
            out.append(f'<path d="M{at:.1f} {y.at(low):.1f}V{y.at(high):.1f}" stroke="{color}" stroke-width="1" opacity=".6"/>'
                       f'<circle cx="{at:.1f}" cy="{y.at(middle):.1f}" r="3" fill="{color}"/>')
        labels.append((y.at(points[-1][2]) + 4, peer, color))
    for at, peer, color in apart(labels):
        weight = 700 if peer == 'sioc' else 400
        out.append(f'<text x="{WIDTH - RIGHT + 10}" y="{at:.1f}" fill="{color}" font-weight="{weight}">{html.escape(peer)}</text>')
    return '\n'.join(out) + '\n</svg>\n'
