"""Makes a somersd plan with six inputs, nine steps and 16 threads smaller, and runs the script of what is left on NumPy with
and without the bug. Half an hour: not in the suite.

usage: python3 tests/e2e/minimize_somersd.py [RUNS]
"""
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import BROKEN, FTSTRESS, GOOD, interpreter, run

PLAN = '''
setup: |
  import json, math, re
  import numpy as np
  from scipy import stats
  table = {"a": [1, 2], "b": [3]}
inputs:
- {name: x, recipe: 'i8[10]'}
- {name: y, recipe: 'f8[4,5].T'}
- {name: z, recipe: 'f8[20]'}
- {name: u, recipe: 'i4[6,7][::2]'}
- {name: v, recipe: 'f4[3,3]'}
- {name: w, recipe: 'u1[64]'}
steps:
- json.dumps(table)
- np.sort(z)
- stats.somersd(x, x)
- y.sum(axis=0)
- np.repeat(x, 2)
- u.T.copy()
- np.linalg.norm(v)
- re.sub("a", "b", str(len(table)))
- w.astype("f8").mean()
threads: 16
'''
SCRIPT_RUNS = 10


def run_script(path, venv):
    """Returns how many of the runs of the script failed."""
    failed = 0
    for _ in range(SCRIPT_RUNS):
        done = subprocess.run([interpreter(venv), path], capture_output=True, text=True)
        failed += done.returncode != 0
    return failed


def check(folder):
    plan = Path(folder, 'plan.yaml')
    plan.write_text(PLAN)
    done = run(plan, '--time', '20', '--stop-on-first', python=BROKEN, timeout=300)
    finding = next(iter(done.findings(function='PyArray_Repeat')), None) or next(iter(done.findings()), None)
    if not finding:
        return f'no finding{done}'
    out = done.dir / 'out'
    began = time.monotonic()
    smaller = subprocess.run([FTSTRESS, 'minimize', finding['id'], '--time', '5m', '--out', out], capture_output=True, text=True)
    took = time.monotonic() - began
    print(smaller.stdout[-1500:], smaller.stderr[-500:], sep='\n')
    least = out / finding['id'] / 'minimized' / 'plan.yaml'
    print(f"{finding['kind']} in {finding['function']}: {took:.0f} s\n{least.read_text() if least.exists() else 'no plan'}", flush=True)
    script = Path(folder, 'bug.py')
    made = subprocess.run([FTSTRESS, 'report', finding['id'], '--as', 'script', '--out', out], capture_output=True, text=True)
    script.write_text(made.stdout)
    print(made.stdout, made.stderr, sep='\n')
    print(f'the script fails in {run_script(script, BROKEN)} of {SCRIPT_RUNS} runs with {BROKEN}, in '
          f'{run_script(script, GOOD)} with {GOOD}', flush=True)
    return ''


def main():
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 5):
        with tempfile.TemporaryDirectory() as folder:
            print(check(folder), flush=True)


if __name__ == '__main__':
    main()
