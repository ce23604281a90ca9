"""Makes a plan smaller that fails in one process of 20: three statements fail together, 20 do not matter, and one of those
fails in another way. An hour and more: not in the suite.

usage: python3 tests/e2e/minimize_rare.py [RUNS]
"""
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import BUILD, FTSTRESS, run

PLAN = '''
setup: |
  import rare_steps as m
  import json, re, math
  d = {"a": 1}
  n = 5
  names = ["a", "b", "c"]
  text = "hello"
steps:
- m.prepare()
- str(n)
- json.dumps(d)
- m.idle()
- len(names)
- m.beside()
- text.upper()
- re.escape(text)
- n + 1
- math.sqrt(n)
- m.load()
- sorted(names)
- abs(-n)
- list(range(n))
- text * 2
- tuple(names)
- m.bug()
- repr(d)
- math.floor(2.5)
- hash(text)
- n * n
- text.split()
- min(names)
threads: 4
'''
ESSENTIAL = {'m.prepare()', 'm.load()', 'm.bug()'}
TIME = '20m'


def find(folder):
    """Returns the run and the crash in bug(), which this run makes certain."""
    plan = Path(folder, 'plan.yaml')
    plan.write_text(PLAN)
    for _ in range(5):
        done = run(plan, '--detect', 'crash', '--time', '3', '--stop-on-first', env={'RARE_STEPS': '1'}, timeout=100)
        for finding in done.findings(kind='crash', function='bug'):
            return done, finding
    sys.exit(f'no crash in bug(){done}')


def check(folder):
    """Returns whether only the three statements are left."""
    done, finding = find(folder)
    began = time.monotonic()
    smaller = subprocess.run([FTSTRESS, 'minimize', finding['id'], '--time', TIME, '--out', done.dir / 'out'],
                             capture_output=True, text=True,
                             env={'PYTHONPATH': str(BUILD / 'planted'), 'PATH': '/usr/bin:/bin', 'RARE_STEPS': '20'})
    took = time.monotonic() - began
    least = (done.dir / 'out' / finding['id'] / 'minimized' / 'plan.yaml').read_text()
    left = {line.removeprefix('- ') for line in least.splitlines() if line.startswith('- ')}
    print(smaller.stdout, smaller.stderr, sep='\n')
    print(f'{took:.0f} s; left: {sorted(left)}', flush=True)
    return left == ESSENTIAL


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    right = 0
    for n in range(1, runs + 1):
        with tempfile.TemporaryDirectory() as folder:
            right += check(folder)
        print(f'only the three statements are left in {right} of {n} runs', flush=True)


if __name__ == '__main__':
    main()
