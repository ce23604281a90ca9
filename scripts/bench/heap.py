"""Compares the price and the catches of the guard with other memory tools. The tools take turns at the same work, each
time in a new process. Slowdowns are per processor second, against glibc in the same round."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import heap_arms
import heap_matrix

SIZES = (20, 4096, 262144)
CHURN_COLUMNS = ('2', '4', '8')  # threads
CHURN_OPS = 6_000_000
LIVE_BLOCKS = 1_000_000
NUMPY_THREADS = 4
SECONDS = 0.8
BUILD = os.path.join('build', 'bench')
CHURN = os.path.join(BUILD, 'churn')
SECTIONS = ('numpy', 'churn', 'checker', 'matrix')
began = time.monotonic()


def progress(text):
    print(f'[{time.monotonic() - began:5.0f} s] {text}', file=sys.stderr, flush=True)


def numpy_loop(elements, seconds=SECONDS):
    return [sys.executable, '-B', os.path.join('scripts', 'bench', 'numpy_loop.py'), str(elements), str(NUMPY_THREADS),
            str(seconds)]


def churn(threads, arm):
    return [CHURN, 'ops', threads, str(int(CHURN_OPS * arm.share))]


def measure(arm, command, wrong):
    """Returns the numbers of the work (items, cpu, wall, peak_kib) and of the checker, or None after a line to `wrong`."""
    try:
        done = arm.run(command)
        result = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        wrong.append(f'{arm.label}: timeout: {" ".join(command)}')
        return None
    except ValueError:
        wrong.append(f'{arm.label}: exit {done.returncode}: {" ".join(command)}\n{done.stderr[-600:]}')
        return None
    said = heap_arms.guard_reports(done.stderr)
    if said or done.returncode != 0:
        wrong.append(f'{arm.label}: exit {done.returncode}, {len(said)} reports on work without a bug: {" ".join(command)}\n'
                     + ('\n'.join(said[:3]) or done.stderr[-600:]))
    result['checker'] = heap_arms.guard_statistics(done.stderr)
    return result


def median(values):
    """Returns NaN for an empty list, which meets no goal."""
    values = list(values)
    return statistics.median(values) if values else float('nan')


class Table:
    """Slowdown and memory of each tool (row) in each piece of work (column), from rounds in which the tools take turns."""

    def __init__(self, arms, columns):
        self.arms, self.columns, self.base = arms, columns, {c: [] for c in columns}
        self.cells = {(a.name, c): [] for a in arms for c in columns}

    def one_round(self, arms, column, command_of, wrong):
        results = {arm.name: measure(arm, command_of(arm), wrong) for arm in arms}
        base = results['glibc']
        if base is None:
            return
        self.base[column].append(base)
        for name, result in results.items():
            if result:
                slowdown = base['items'] / base['cpu'] / (result['items'] / result['cpu'])
                self.cells[name, column].append((slowdown, result['peak_kib'] / base['peak_kib']))

    def slowdown(self, name, column):
        return median(cell[0] for cell in self.cells[name, column])

    def memory(self, name, column):
        return median(cell[1] for cell in self.cells[name, column])

    def cell(self, name, column):
        values = sorted(cell[0] for cell in self.cells[name, column])
        if not values:
            return '-'
        digits = 2 if values[-1] < 10 else 0 if values[-1] > 100 else 1
        spread = f' ({values[0]:.{digits}f}..{values[-1]:.{digits}f})' if len(values) > 1 else ' (once)'
        return f'{statistics.median(values):.{digits}f}{spread} {self.memory(name, column):6.2f}'

    def show(self, title, unit):
        print(f'\n{title}\nslowdown per processor second, median (min..max), then highest memory; '
              'both against glibc of the same round')
        print(f'{"":36}' + ''.join(f'{c + " " + unit:>28}' for c in self.columns))
        for arm in self.arms:
            print(f'{arm.label:36}' + ''.join(f'{self.cell(arm.name, c):>28}' for c in self.columns))
        print(f'{"glibc: k items/cpu-s, cores, MB":36}' + ''.join(f'{self.base_cell(c):>28}' for c in self.columns), flush=True)

    def base_cell(self, column):
        """Includes the cores that the work had, because other load changes the result: churn is slower on two cores than on one."""
        runs = self.base[column]
        rate = median(r['items'] / r['cpu'] / 1e3 for r in runs)
        return (f'{rate:,.{0 if rate > 100 else 2}f} {median(r["cpu"] / r["wall"] for r in runs):5.2f} '
                f'{median(r["peak_kib"] / 1024 for r in runs):4.0f}')


def turns(arms, number):
    """Returns the tools of a round, in the opposite order every other round, in case the machine becomes slower."""
    return [a for a in (reversed(arms) if number % 2 else arms) if not (a.once and number)]


def numpy_section(arms, rounds, wrong):
    table = Table(arms, [f'{s:,}' for s in SIZES])
    for number in range(rounds):
        for size in SIZES:
            progress(f'NumPy loop, {size:,} elements, round {number + 1} of {rounds}')
            table.one_round(turns(arms, number), f'{size:,}', lambda arm, size=size: numpy_loop(size), wrong)
    table.show(f'NumPy loop, {NUMPY_THREADS} threads, {rounds} rounds of {SECONDS} s', 'elements')
    return table


def churn_section(arms, rounds, wrong):
    """Runs fast tools for twice the number of rounds, because the rates of churn differ much between processes."""
    table = Table(arms, CHURN_COLUMNS)
    for number in range(2 * rounds):
        turn = [a for a in turns(arms, number) if a.share == 1 or number % 2 == 0]
        for threads in CHURN_COLUMNS:
            progress(f'churn, {threads} threads, round {number + 1} of {2 * rounds}')
            table.one_round(turn, threads, lambda arm, threads=threads: churn(threads, arm), wrong)
    table.show(f'Allocation churn, {2 * rounds} rounds of {CHURN_OPS:,} operations', 'threads')
    return table


def checker_section(arms, rounds, wrong):
    """Returns million blocks a second for each heap, from the statistics of the guard with its default settings."""
    ours = next((a for a in arms if a.name == 'guard'), None)
    heaps = {'NumPy loop, 20 elements': numpy_loop(20),
             f'{LIVE_BLOCKS:,} small blocks at rest': [CHURN, 'live', str(LIVE_BLOCKS), '2']}
    rates = {}
    if ours is None:
        return rates
    print(f'\nThe checker, {rounds} rounds\n{"":36}{"million blocks/s":>28}{"walks":>10}{"blocks":>12}{"ms a walk":>12}')
    for name, command in heaps.items():
        progress(f'checker: {name}')
        seen = [r['checker'] for r in (measure(ours, command, wrong) for _ in range(rounds)) if r and r['checker']]
        values = sorted(walked / ns * 1e3 for _, walked, ns, _ in seen if ns)
        if not values:
            wrong.append(f'the guard prints no statistics of its checker: {name}')
            continue
        rates[name] = statistics.median(values)
        walks, walked, ns = (statistics.median(s[i] for s in seen) for i in range(3))
        rate = f'{rates[name]:.1f} ({values[0]:.1f}..{values[-1]:.1f})'
        print(f'{name:36}{rate:>28}{walks:10.0f}{walked / max(walks, 1):12,.0f}{ns / 1e6 / max(walks, 1):12.3f}', flush=True)
    return rates


def goals(tables, rates, empty_rows):
    """Returns rows of name, measured value, comparison and goal, for the sections of this run."""
    rows = []
    if 'numpy' in tables:
        table = tables['numpy']
        rows += [(f'NumPy loop, {c} elements', table.slowdown('guard', c), '<=', most)
                 for c, most in zip(table.columns, (1.25, 1.15, 1.05))]
        rows += [(f'memory, NumPy loop, {c} elements', table.memory('guard', c), '<=', 1.5) for c in table.columns]
    if 'churn' in tables:
        rows += [(f'churn, {c} threads', tables['churn'].slowdown('guard', c), '<=', 3) for c in CHURN_COLUMNS]
    rows += [(f'checker, million blocks/s, {name}', rate, '>=', 20) for name, rate in rates.items()]
    if empty_rows is not None:
        rows.append((f'bugs that only other tools find{": " if empty_rows else ""}{", ".join(empty_rows)}', len(empty_rows), '<=', 0))
    return rows


def show_goals(rows):
    print('\nGoals')
    for name, value, sign, goal in rows:
        met = value <= goal if sign == '<=' else value >= goal
        print(f'{name:64}{value:8.2f}   {sign} {goal:<6}{"ok" if met else "MISSED"}')


def arguments():
    parser = argparse.ArgumentParser(prog='scripts/bench.sh heap', description=__doc__)
    parser.add_argument('rounds', nargs='?', type=int, default=3)
    parser.add_argument('--only', default=','.join(SECTIONS), help='sections, with commas: %(default)s')
    parser.add_argument('--arms', help='tools, with commas; guard:OPTION=VALUE+... sets FTSTRESS_GUARD')
    parser.add_argument('--guard', default=heap_arms.GUARD_LIBRARY, help='the library to preload: %(default)s')
    options = parser.parse_args()
    options.only = options.only.split(',')
    if set(options.only) - set(SECTIONS) or options.rounds < 1:
        parser.error(f'the sections are {", ".join(SECTIONS)}, and ROUNDS is 1 or more')
    return options


def main():
    options = arguments()
    arms, sentences = heap_arms.chosen_arms(options.arms.split(',') if options.arms else None, options.guard)
    print(''.join(f'{sentence}\n' for sentence in sentences), end='', flush=True)
    os.makedirs(BUILD, exist_ok=True)
    subprocess.run(['cc', '-O2', '-g', '-pthread', os.path.join('scripts', 'bench', 'churn.c'), '-o', CHURN], check=True)
    wrong, tables, rates, empty_rows = [], {}, {}, None
    if 'numpy' in options.only:
        tables['numpy'] = numpy_section(arms, options.rounds, wrong)
    if 'churn' in options.only:
        tables['churn'] = churn_section(arms, options.rounds, wrong)
    if 'checker' in options.only:
        rates = checker_section(arms, options.rounds, wrong)
    if 'matrix' in options.only:
        empty_rows = heap_matrix.section(arms, BUILD, progress, wrong)
    if 'guard' in {arm.name for arm in arms}:
        show_goals(goals(tables, rates, empty_rows))
    for line in wrong:
        print(f'WRONG: {line}')


if __name__ == '__main__':
    main()
