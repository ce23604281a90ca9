"""Runs the guard for long on a NumPy without the bug: it must report nothing, and memory must not grow. One child, 8
threads, a checker that sleeps 1 ms. usage: soak.py [MINUTES]"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

PLAN = """\
name: soak
setup: |
  import numpy as np
  big = np.arange(300000.)
inputs:
  - {{name: x, recipe: "f8[20]"}}
  - {{name: y, recipe: "f8[40][::2]"}}
  - {{name: m, recipe: "f8[64,64]"}}
steps:
  - np.repeat(x, 2)
  - (x + y).astype('i4')
  - m @ m
  - np.sort(big[:5000])[::-7]
  - big * 2 if iteration_index % 50 == 0 else None
threads: 8
time: {seconds}s
detect: guard,exception
guard: interval=1000
"""


def resident(pid):
    """Returns MiB, or None after the process ended."""
    try:
        with open(f'/proc/{pid}/statm') as file:
            return int(file.read().split()[1]) * os.sysconf('SC_PAGESIZE') / 2**20
    except (OSError, IndexError, ValueError):
        return None


def watch(child, began):
    """Samples the resident memory once a second, and prints it each half minute."""
    samples = []
    while child.poll() is None:
        now = resident(child.pid)
        if now:
            samples.append(now)
        if len(samples) % 30 == 0 and samples:
            print(f'[{time.monotonic() - began:5.0f} s] resident {samples[-1]:.1f} MiB', flush=True)
        time.sleep(1)
    return samples


def main():
    seconds = round(60 * float(sys.argv[1] if len(sys.argv) > 1 else 10))
    with tempfile.TemporaryDirectory() as folder:
        plan, out = os.path.join(folder, 'plan.yaml'), os.path.join(folder, 'out')
        with open(plan, 'w') as file:
            file.write(PLAN.format(seconds=seconds))
        with open(out, 'w') as file:
            child = subprocess.Popen(['build/bin/ftstress-child', '-p', sys.executable, plan], stderr=file)
            samples = watch(child, time.monotonic())
        with open(out) as file:
            lines = file.read().splitlines()
    reports = [line for line in lines if line.startswith(('heap', 'exception', 'crash', 'note', 'cannot'))]
    calls = next((line for line in lines if line.startswith('finished')), 'it did not come to its end')
    tenth = max(1, len(samples) // 10)
    early, late = statistics.median(samples[tenth:2 * tenth] or samples), statistics.median(samples[-tenth:])
    print(*reports, sep='\n', end='\n' if reports else '')
    print(f'{calls}; {len(reports)} reports; exit status {child.returncode}')
    print(f'resident: {early:.1f} MiB after a tenth of the time, {late:.1f} MiB at the end ({late / early:.3f})')
    sys.exit(bool(reports or child.returncode or late > 1.1 * early))


main()
