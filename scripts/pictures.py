#!/usr/bin/env python3
"""Makes the pictures of the documentation: a run in a terminal (SVG), and the page of its report (PNG, by chromium).

usage: scripts/pictures.py     after scripts/setup.sh; writes docs/pictures/run.svg and docs/pictures/report.png
"""
import fcntl
import html
import os
import pty
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
PROGRAM = TOP / 'build' / 'bin' / 'ftstress'
PICTURES = TOP / 'docs' / 'pictures'
COMMAND = ['ftstress', 'run', '-s', 'import numpy as np; x = np.arange(20.)', 'np.repeat(x, 2)']
WIDTH, ROWS = 118, 24  # characters and lines of the terminal
CELL, LINE, MARGIN = 8.4, 18, 16
COLOURS = {'31': '#f07178', '32': '#a5d66f', '33': '#e6c15c', '36': '#7fd0e0', '2': '#8b949e'}
PAGE = (1000, 700)  # pixels of the page


def environment():
    venv = TOP / 'build' / 'venvs' / 'numpy-2.2.2'
    return os.environ | {'VIRTUAL_ENV': str(venv), 'TERM': 'xterm'}


def run_in_terminal(folder):
    """Returns what a terminal shows of the run, as lines with colours."""
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack('HHHH', 60, WIDTH, 0, 0))
    with subprocess.Popen([PROGRAM, *COMMAND[1:]], cwd=folder, env=environment(), stdin=end, stdout=end,
                          stderr=end) as run:
        os.close(end)
        text = b''.join(iter(lambda: read_some(terminal), b'')).decode()
        run.wait()
    lines = text.replace('\r\n', '\n').split('\n')
    return [f'$ {shlex.join(COMMAND)}', *(re.split(r'\r|\x1b\[K', line)[-1] for line in lines)]


def read_some(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # the run has ended
        return b''


def wrap(line):
    """Breaks a line where a terminal does. Codes of colours have no width."""
    rows, width = [''], 0
    for code, text in re.findall(r'(\x1b\[[0-9;]*m)|(.)', line):
        if text and width == WIDTH:
            rows, width = [*rows, ''], 0
        rows[-1] += code or text
        width += bool(text)
    return rows


def spans_of(row, style):
    """Returns the row as SVG, and the style in which it ends."""
    out = ''
    for code, text in re.findall(r'\x1b\[([0-9;]*)m|([^\x1b]+)', row):
        if text:
            weight = ' font-weight="bold"' if '1' in style else ''
            colour = next((COLOURS[part] for part in style if part in COLOURS), None)
            fill = f' fill="{colour}"' if colour else ''
            out += f'<tspan{fill}{weight}>{html.escape(text)}</tspan>'
        else:
            style = style | set(code.split(';')) if code.strip('0') else set()
    return out, style


def draw(lines):
    rows = [row for line in lines for row in wrap(line)]
    rows = rows[:ROWS] + ['…'] if len(rows) > ROWS else rows
    width, height, style, texts = WIDTH * CELL + 2 * MARGIN, len(rows) * LINE + 2 * MARGIN, set(), []
    for i, row in enumerate(rows):
        spans, style = spans_of(row, style)
        texts.append(f'<text x="{MARGIN}" y="{MARGIN + LINE * (i + 0.75):g}" xml:space="preserve">{spans}</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" width="{width:g}" height="{height}">\n'
            f'<rect width="100%" height="100%" rx="8" fill="#1c2128"/>\n'
            f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="#d0d7de">\n'
            + '\n'.join(texts) + '\n</g>\n</svg>\n')


def shoot(folder, chromium):
    page = Path(folder, 'report.html')
    subprocess.run([PROGRAM, 'report', '--as', 'html', '-o', page], cwd=folder, check=True)
    subprocess.run([chromium, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars',
                    f'--user-data-dir={folder}/browser', f'--window-size={PAGE[0]},{PAGE[1]}', f'--screenshot={PICTURES / "report.png"}', page.as_uri()],
                   check=True, capture_output=True, timeout=120)


def main():
    chromium = shutil.which('chromium') or shutil.which('google-chrome')
    if not chromium:
        sys.exit('scripts/pictures.py: install chromium, which draws the page of the report')
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        (PICTURES / 'run.svg').write_text(draw(run_in_terminal(folder)))
        shoot(folder, chromium)


if __name__ == '__main__':
    main()
