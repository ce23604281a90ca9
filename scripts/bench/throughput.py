"""Compares calls per second of the harness with loops in Python and in C that do the same, and with itself at many threads.
Each row is the median of interleaved rounds. usage: throughput.py [ROUNDS]"""
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time

import numpy as np

SECONDS = 2.0
WHOLE = 10.0  # seconds of a whole run, as without --time
FTSTRESS = os.path.join(os.getcwd(), 'build', 'bin', 'ftstress')
FOLDER = os.path.join(os.getcwd(), 'build', 'bench')
x, short = np.arange(40.0), np.arange(20.0)


def python_strided(stop):
    calls = 0
    while not stop.is_set():
        for _ in range(1000):
            x[::2]
        calls += 1000
    return calls


def python_ufunc(stop):
    calls = 0
    while not stop.is_set():
        for _ in range(1000):
            view = x[::2]
            np.add(view, view)
        calls += 1000
    return calls


def python_negative(stop):
    calls = 0
    while not stop.is_set():
        for _ in range(1000):
            np.negative(short)
        calls += 1000
    return calls


def in_python(body, threads, seconds=SECONDS):
    stop, totals = threading.Event(), []
    workers = [threading.Thread(target=lambda: totals.append(body(stop))) for _ in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    time.sleep(seconds)
    stop.set()
    for worker in workers:
        worker.join()
    return sum(totals) / (time.perf_counter() - began)


def load_loop():
    """Compiles and imports the loop in C."""
    source, target = 'scripts/bench/vectorcall_loop.c', os.path.join(FOLDER, 'vectorcall_loop.so')
    os.makedirs(FOLDER, exist_ok=True)
    subprocess.run(['cc', '-O2', '-shared', '-fPIC', '-DPy_GIL_DISABLED', '-I', sysconfig.get_path('include'), source, '-o',
                    target], check=True)
    sys.path.insert(0, FOLDER)
    import vectorcall_loop
    return vectorcall_loop.run


def in_c():
    """Returns the rate of PyObject_Vectorcall on the same objects in two threads, with nothing around it."""
    began = time.perf_counter()
    calls = LOOP(2, WHOLE, np.negative, short)
    return calls / (time.perf_counter() - began)


def whole_run():
    """Returns the calls of a run by its whole time, starts and ends of children included."""
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, 'r.json')
        began = time.perf_counter()
        subprocess.run([FTSTRESS, 'run', '-p', sys.prefix, '-q', '--detect', 'none', '-t', '2', '--time', str(WHOLE),
                        '--out', folder, '--json', report, 'numpy:negative(f8[20])'], check=False, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        with open(report) as file:
            return json.load(file)['calls'] / seconds


def in_ftstress(arguments, threads):
    """Returns the rate of the concurrent rounds, without start-up and serial pass, which do not depend on the time."""
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, 'r.json')
        subprocess.run([FTSTRESS, 'run', '-p', sys.prefix, '-q', '--detect', 'crash', '-t', str(threads), '--time', str(SECONDS),
                        '--out', folder, '--json', report, *arguments], check=False, stderr=subprocess.DEVNULL)
        with open(report) as file:
            return json.load(file)['rate']


LOOP = load_loop()
ROWS = [
    ('strided view, 2 threads', '>= 4', lambda: in_python(python_strided, 2), lambda: in_ftstress(['strided'], 2)),
    ('view and ufunc call, 2 threads', '>= 1.5', lambda: in_python(python_ufunc, 2), lambda: in_ftstress(['strided-ufunc'], 2)),
    ('strided view, 256 threads against 2', '>= 0.8', lambda: in_ftstress(['strided'], 2),
     lambda: in_ftstress(['strided'], 256)),
    ('view and ufunc call, 256 threads against 2', '>= 0.8', lambda: in_ftstress(['strided-ufunc'], 2),
     lambda: in_ftstress(['strided-ufunc'], 256)),
    ('whole run against a loop in Python', '>= 1.3', lambda: in_python(python_negative, 2, WHOLE), whole_run),
    ('C loop over vectorcall on the same objects', '>= 0.9', in_c, whole_run),
]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f'{"":44} {"base M/s":>9} {"ours M/s":>9} {"ratio":>6}   (min..max)     goal')
    for name, goal, base, ours in ROWS:
        pairs = [(base(), ours()) for _ in range(rounds)]
        ratios = sorted(b / a for a, b in pairs)
        print(f'{name:44} {statistics.median(a for a, _ in pairs) / 1e6:9.2f} '
              f'{statistics.median(b for _, b in pairs) / 1e6:9.2f} {statistics.median(ratios):6.2f}   '
              f'({ratios[0]:.2f}..{ratios[-1]:.2f})   {goal}', flush=True)


if __name__ == '__main__':
    main()
