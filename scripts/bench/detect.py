"""Measures how soon each tool finds each bug: the narrow races of tests/races, and bugs of released packages. The tools take
turns at one bug, each run in a new process. A tool that ends without a finding starts again, until the time is over.
usage: detect.py [--runs N] [--time SECONDS] [--only BUGS] [--tools TOOLS]"""
import argparse
import json
import math
import os
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from detect_cases import cases

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / 'build'
FTSTRESS = BUILD / 'bin' / 'ftstress'
PEERS = TOP / 'scripts' / 'bench' / 'detect_peers.py'
PACKAGES = BUILD / 'bench' / 'detect'  # pytest, pytest-run-parallel, racecheck
SILENCE = 15  # seconds without output after which a peer hangs; pytest prints at its end
TEST = '''\
import sys
sys.path.insert(0, {peers!r})
from detect_peers import Case, INDICES
case = Case({case!r})


def test_calls(thread_index, iteration_index):
    case.check(thread_index, iteration_index % INDICES)
'''


def interpreter(case):
    return str(BUILD / 'venvs' / case.venv / 'bin' / 'python')


def environment(*folders):
    return os.environ | {'PYTHONPATH': os.pathsep.join(map(str, [BUILD / 'planted', *folders])), 'PYTHON_GIL': '0'}


def ends(process, silence):
    """Returns the exit status, or None if the process printed nothing for `silence` seconds; kills what is left of it."""
    try:
        while select.select([process.stdout], [], [], silence)[0]:
            if not os.read(process.stdout.fileno(), 65536):
                return process.wait()
        return None
    finally:
        process.kill()
        process.wait()


class Peer:
    """A loop in Python: any wrong result, exception, crash or hang is its finding, and is right."""

    def __init__(self, name, command):
        self.name, self.command = name, command

    def fits(self, case):
        return self.name != 'racecheck' or not case.mutates

    def find(self, case, file, seconds):
        """Returns if it found the bug, and the number of findings that were not right."""
        command = self.command(case, file, seconds)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                              env=environment(PACKAGES), cwd=file.parent) as process:
            return ends(process, SILENCE) != 0, 0


def python_loop(case, file, seconds):
    return [interpreter(case), '-B', PEERS, 'loop', file, str(seconds)]


def python_racecheck(case, file, seconds):
    return [interpreter(case), '-B', PEERS, 'racecheck', file, str(seconds)]


def run_parallel(case, file, _):
    test = file.with_name('test_case.py')
    test.write_text(TEST.format(peers=str(PEERS.parent), case=str(file)))
    return [interpreter(case), '-B', '-m', 'pytest', '-q', '-x', '-p', 'no:cacheprovider', '--parallel-threads=10',
            '--iterations=200', str(test)]


class Ours:
    """`ftstress run` with the options; a finding is right if its kind and its function are among those of the case."""

    def __init__(self, name, *options):
        self.name, self.options = name, options

    @staticmethod
    def fits(_):
        return True

    def find(self, case, file, seconds):
        report = file.with_suffix('.report')
        statements = [part for role in case.roles for part in ('--role', role)] if len(case.roles) > 1 else case.roles[0].split('\n')
        command = [FTSTRESS, 'run', '-q', '-p', interpreter(case), '--time', f'{max(1, seconds):.0f}', '--verify', '0',
                   '--stop-on-first', '--json', report, '--out', file.with_suffix('.out'), '-s', case.setup, *statements]
        command[2:2] = self.options
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(), check=False)
        findings = json.loads(report.read_text())['findings']
        right = [finding for finding in findings if is_right(case, finding)]
        return bool(right), len(findings) - len(right)


def is_right(case, finding):
    name = re.split(r'\W', (finding['function'] or '').removesuffix('.cold'))[-1]
    return (not case.kinds or finding['kind'] in case.kinds) and (not case.functions or name in case.functions)


def without_issue():
    """Returns the options that switch off what makes races likelier, as far as this ftstress has them."""
    listed = subprocess.run([FTSTRESS, 'list', 'detectors'], capture_output=True, text=True, check=True).stdout.splitlines()
    names = [line.split()[0] for line in listed if not line.endswith('(off by default)')]
    options = ['--detect', ','.join(name for name in names if name != 'watch')]
    perturb = ['--perturb', 'off']
    dry = subprocess.run([FTSTRESS, 'run', *perturb, '--dry-run', 'null'], capture_output=True, check=False)
    return options + (perturb if dry.returncode == 0 else [])


def all_tools():
    return [Peer('loop', python_loop), Peer('run-parallel', run_parallel), Peer('racecheck', python_racecheck),
            Ours('ours-plain', *without_issue()), Ours('ours')]


def one_run(tool, case, seconds):
    """Returns the seconds to the first right finding, or None; and the number of other findings."""
    began, others = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, 'case.json')
        file.write_text(json.dumps(case._asdict()))
        if isinstance(tool, Peer):
            subprocess.run([interpreter(case), '-B', PEERS, 'expect', file, '0'], env=environment(), check=True)
            began = time.monotonic()
        while True:
            found, wrong = tool.find(case, file, seconds - (time.monotonic() - began))
            others += wrong
            took = time.monotonic() - began
            if found or took > seconds - 1:
                return took if found and took <= seconds else None, others


class Table:
    def __init__(self, tools, seconds):
        self.tools, self.seconds, self.rows = tools, seconds, {}

    def add(self, case, tool, took, others):
        self.rows.setdefault(case.name, {}).setdefault(tool.name, []).append((took, others))

    def times(self, case, tool):
        """Returns the times; a run without a right finding counts as the whole time."""
        return [self.seconds if took is None else took for took, _ in self.rows[case].get(tool, [])]

    def cell(self, case, tool):
        runs = self.rows[case].get(tool)
        if not runs:
            return 'does not fit'
        found = sum(took is not None for took, _ in runs)
        others = sum(number for _, number in runs)
        median = f'{statistics.median(self.times(case, tool)):.1f} s, ' if 2 * found > len(runs) else ''
        return f'{median}{found} of {len(runs)}' + (f' ({others} other findings)' if others else '')

    def mean(self, tool, names):
        """Returns the geometric mean of the medians, of the bugs that fit the tool."""
        medians = [statistics.median(self.times(name, tool)) for name in names if self.rows[name].get(tool)]
        return f'{math.exp(statistics.fmean(map(math.log, medians))):.2f} s' if medians else '-'

    def show(self):
        names, tools = list(self.rows), [tool.name for tool in self.tools]
        lines = [['', *tools], *[[name, *[self.cell(name, tool) for tool in tools]] for name in names],
                 ['geometric mean', *[self.mean(tool, names) for tool in tools]]]
        widths = [max(map(len, column)) for column in zip(*lines)]
        for number, line in enumerate(lines):
            print('| ' + ' | '.join(cell.ljust(width) for cell, width in zip(line, widths)) + ' |')
            if number == 0:
                print('|' + '|'.join('-' * (width + 2) for width in widths) + '|', flush=True)


def chosen(values, names, what):
    """Returns the values with one of the names given, separated by commas; where none has it, those that begin with it."""
    full = {value.name for value in values}
    picked = [value for value in values if not names or any(
        value.name == name or (name not in full and value.name.startswith(name)) for name in names.split(','))]
    return picked or sys.exit(f'no such {what}; there are: ' + ', '.join(value.name for value in values))


def main():
    parser = argparse.ArgumentParser(prog='scripts/bench.sh detect', description='measure how soon each tool finds each bug')
    parser.add_argument('--runs', type=int, default=10, help='runs of each tool at each bug')
    parser.add_argument('--time', type=float, default=60, help='seconds that each run may take')
    parser.add_argument('--only', default='', help='beginnings of names of bugs, separated by commas')
    parser.add_argument('--tools', default='', help='beginnings of names of tools, separated by commas')
    options = parser.parse_args()
    bugs, tools = chosen(cases(), options.only, 'bug'), chosen(all_tools(), options.tools, 'tool')
    table = Table(tools, options.time)
    for number in range(1, options.runs + 1):
        for case in bugs:
            for tool in tools:
                if tool.fits(case):
                    took, others = one_run(tool, case, options.time)
                    table.add(case, tool, took, others)
                    print(f'[{number} of {options.runs}] {case.name}: {tool.name}: '
                          + ('not found' if took is None else f'{took:.2f} s') + (f', {others} other findings' if others else ''),
                          file=sys.stderr, flush=True)
    print(f'\nmedian time to the first right finding, and runs that had one in {options.time:g} s; a run without one counts as '
          f'{options.time:g} s')
    table.show()


if __name__ == '__main__':
    main()
