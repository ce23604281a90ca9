"""A night of `ftstress fuzz`, killed at random times by kill -9 and started again. Shows that nothing found is lost, that plans
and results are whole, and that disk use is bounded. Minutes: not in the suite.

usage: FTSTRESS_BUILD=build python3 tests/e2e/night_kills.py [MINUTES [KILLS [SEED]]]     (20, 20, drawn)
"""
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from harness import Run, interpreter, GOOD

# Bytes of the corpus, the findings and the temporary folders together, at any time.
DISK_MOST = 200 << 20


class Night:
    def __init__(self, minutes, kills, seed):
        self.place = Path(tempfile.mkdtemp(prefix='ftstress-night-'))
        self.minutes, self.kills, self.random = minutes, kills, random.Random(seed)
        self.plans, self.findings, self.faults = {}, set(), []
        self.most = 0

    def start(self, seconds):
        for name in ('corpus', 'out', 'tmp'):
            (self.place / name).mkdir(exist_ok=True)
        return Run('fuzzed', '--corpus', str(self.place / 'corpus'), '--out', str(self.place / 'out'), '--baseline',
                   str(self.place / 'baseline.yaml'), '--update-baseline', '--time', f'{seconds:.0f}', command='fuzz',
                   env={'TMPDIR': str(self.place / 'tmp')})

    def measure(self):
        """Keeps the disk use, and what exists: it must exist ever after."""
        used = 0
        for path in self.place.rglob('*'):
            try:
                used += path.stat().st_blocks * 512
            except OSError:  # removed since
                continue
        self.most = max(self.most, used)
        for path in (self.place / 'corpus').glob('*.yaml'):
            self.plans.setdefault(path.name, path.read_text())
        self.findings |= {path.parent.name for path in (self.place / 'out').glob('*/finding.json')}

    def compare(self, when):
        """Adds a fault for each plan or finding that is gone or damaged."""
        for name, text in self.plans.items():
            path = self.place / 'corpus' / name
            if not path.exists() or path.read_text() != text:
                self.faults.append(f'{when}: the plan {name} is gone or changed')
        for name in self.findings:
            path = self.place / 'out' / name / 'finding.json'
            try:
                if json.loads(path.read_text())['id'] != name or not (path.parent / 'plan.yaml').exists():
                    self.faults.append(f'{when}: the finding {name} is not whole')
            except (OSError, ValueError, KeyError) as error:
                self.faults.append(f'{when}: the finding {name}: {error}')

    def watch(self, run, until):
        while time.monotonic() < until and run.process.poll() is None:
            self.measure()
            time.sleep(0.2)

    def hold(self):
        begin = time.monotonic()
        seconds = self.minutes * 60
        moments = sorted(self.random.uniform(0.5, seconds * 0.95) for _ in range(self.kills))
        for number, moment in enumerate(moments, 1):
            run = self.start(10 * seconds)
            self.watch(run, max(begin + moment, time.monotonic() + 0.5))
            if run.process.poll() is not None:
                self.faults.append(f'kill {number}: the fuzzer ended by itself:{run.finish(5)}')
            os.kill(run.process.pid, signal.SIGKILL)
            run.process.wait()
            self.measure()
            self.compare(f'kill {number}')
            print(f'kill {number} after {moment:.0f} s: {len(self.plans)} plans, {len(self.findings)} findings, '
                  f'{self.most >> 20} MiB at most', flush=True)
        done = self.start(max(20, begin + seconds - time.monotonic())).finish(600)
        self.measure()
        self.end(done)

    def end(self, done):
        self.compare('the end')
        reported = {finding['id'] for finding in done.findings()}
        if self.findings - reported:
            self.faults.append(f'the report lacks {self.findings - reported}{done}')
        if done.json['fuzz']['unread']:
            self.faults.append(f'{done.json["fuzz"]["unread"]} plans cannot be read{done}')
        if done.status != (1 if reported else 0):
            self.faults.append(f'exit status {done.status}{done}')
        left = [path.name for path in (self.place / 'tmp').iterdir()] + [
            path.name for path in (self.place / 'corpus').iterdir() if path.suffix != '.yaml']
        if left:
            self.faults.append(f'files are left: {left}')
        if self.most > DISK_MOST:
            self.faults.append(f'{self.most} bytes on disk')
        print(f'report: {len(reported)} findings, {done.json["serial_calls"]} calls on one thread, '
              f'{done.json["calls"]} by threads; exit status {done.status}')


def main():
    minutes, kills, seed = (*(int(text) for text in sys.argv[1:]), *(20, 20, random.randrange(10**6))[len(sys.argv) - 1:])
    print(f'{minutes} minutes, {kills} kills, seed {seed}; interpreter {interpreter(GOOD)}')
    night = Night(minutes, kills, seed)
    try:
        night.hold()
    finally:
        shutil.rmtree(night.place, ignore_errors=True)
    for fault in night.faults:
        print('FAULT:', fault)
    return 1 if night.faults else 0


if __name__ == '__main__':
    sys.exit(main())
