"""Finds the planted bugs of forms.c by `ftstress sweep` and `ftstress fuzz`, several times, and prints which were found.

    python fuzz_planted.py [RUNS] [MINUTES]

A run sweeps the module, then fuzzes it from an empty corpus for the rest of its minutes. The exit status is 1 where a bug
was not found in each run, or where a finding is in a twin. Not in CTest: a run takes minutes.
"""
import sys
import time

from harness import Run

# The callable of each bug, and the functions that a finding may name.
BUGS = {'a negative stride': 'backward', 'an axis of no length': 'hollow', 'a read-only input': 'frozen', 'a dtype': 'half',
        'no dimension': 'scalar', 'overlap': 'shift', 'a negative integer': 'count', 'a large integer': 'room',
        'an empty list': 'join', 'a keyword': 'fold', 'three calls on one object': 'total', 'two callables at once': 'look'}
FUZZ_LEAST = 30  # seconds


def rows_of(done):
    """Returns the callables with findings."""
    return {row['name'].rpartition('.')[2] if '.Ring' not in row['name'] else row['name'].partition('.')[2]
            for row in done.json['sweep']['callables'] if row.get('findings')}


def search(seconds, seed):
    """Returns the callables that a sweep and a fuzzer found, and the seconds until the sweep was done."""
    began = time.monotonic()
    done = Run('forms', '--time', f'{seconds}s', '--seed', str(seed), command='sweep').finish(seconds + 120)
    found, swept = rows_of(done), time.monotonic() - began
    left = int(max(seconds - swept, FUZZ_LEAST))
    done = Run('forms', '--time', f'{left}s', '--seed', str(seed), command='fuzz').finish(left + 200)
    return found | rows_of(done), swept


def main(runs, minutes):
    missed, wrong = {kind: 0 for kind in BUGS}, set()
    for seed in range(1, runs + 1):
        found, swept = search(60 * minutes, seed)
        names = {name.rpartition('.')[2] for name in found}
        wrong |= {name for name in found if 'win' in name}
        lost = [kind for kind, name in BUGS.items() if name not in names]
        for kind in lost:
            missed[kind] += 1
        print(f'run {seed}: {len(BUGS) - len(lost)} of {len(BUGS)}, the sweep took {swept:.0f} s; not found: {lost}', flush=True)
    for kind, times in missed.items():
        print(f'{kind}: {runs - times} of {runs}')
    print('twins with a finding:', sorted(wrong))
    return 1 if wrong or any(missed.values()) else 0


if __name__ == '__main__':
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, int(sys.argv[2]) if len(sys.argv) > 2 else 10))
