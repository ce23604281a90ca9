"""Ends `ftstress minimize` and `ftstress bisect` at ten random moments, with SIGKILL and SIGINT in turn, and compares what the
next runs end with to a run that nothing ended. Some minutes, and wheels from the package index: not in the suite.

usage: FTSTRESS_BUILD=build python3 tests/e2e/resume_kills.py
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import BROKEN, BUILD, FTSTRESS, interpreter, run
from test_minimize import PLAN

KILLS, SOON, LATE = 10, 0.3, 6  # s
ENVIRONMENT = os.environ | {'PYTHONPATH': str(BUILD / 'planted')}


def start(*args):
    return subprocess.Popen([FTSTRESS, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=ENVIRONMENT, start_new_session=True)


def end_at_random(seed, *args):
    """Runs the command, and ends it KILLS times. Returns the output of the run that came to its end."""
    moments = random.Random(seed)
    for kill in range(KILLS):
        process = start(*args)
        try:
            process.wait(moments.uniform(SOON, LATE))
            return f'ended after {kill} kills\n' + process.stdout.read()
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT if kill % 2 else signal.SIGKILL)
            process.communicate(timeout=60)
    out, err = start(*args).communicate(timeout=900)
    return out + err


def compare(seed, done, finding, read, command, *args):
    """Runs the command once to its end and once with kills, on copies of the finding. Returns 1 where they differ."""
    results = []
    for name in 'whole', 'killed':
        out = done.dir / name
        shutil.copytree(done.dir / 'out', out)
        words = (command, finding['id'], *args, '--out', out)
        text = start(*words).communicate(timeout=900)[0] if name == 'whole' else end_at_random(seed, *words)
        results.append(read(out / finding['id'], text))
    same = results[0] == results[1]
    print(f'{command}: {"the same" if same else "NOT the same"}\n{results[0]}\n' + ('' if same else f'{results[1]}\n'), flush=True)
    return not same


def main():
    faults, seed = 0, int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'plan.yaml')
        path.write_text(PLAN)
        done = run(path, '--detect', 'crash', '--time', '3', '--stop-on-first')
        finding = done.findings(kind='crash')[0]
        faults += compare(seed, done, finding, lambda folder, _: (folder / 'minimized/plan.yaml').read_text(), 'minimize', '--time', '9m')
    done = run('-s', 'import numpy as np; x = np.arange(20.)', 'np.repeat(x, 2)', '--detect', 'tripwire', '--time', '2', python=BROKEN)
    faults += compare(seed, done, done.findings()[0], lambda _, text: [line for line in text.splitlines() if 'not in' in line],
                      'bisect', 'numpy', '2.2.1..2.2.4', '-p', interpreter(BROKEN))
    return bool(faults)


if __name__ == '__main__':
    sys.exit(main())
