"""Work for the benchmark, in a plain interpreter: threads make arrays of N float64 and drop them.
One item is `y = np.repeat(x, 2); y + y`: two arrays of N elements, their dimensions, and the objects around them.
Prints one line of JSON: items after the warm-up, processor seconds of the process and wall seconds for them, and the
highest resident memory (VmHWM; ru_maxrss would include the parent's). usage: numpy_loop.py N THREADS SECONDS"""
import json
import sys
import threading
import time

import numpy as np

WARM_UP = 0.2


def work(counts, me, elements, stop):
    x = np.arange(elements // 2, dtype=float)
    chunk = max(1, 20_000 // elements)
    while not stop:
        for _ in range(chunk):
            y = np.repeat(x, 2)
            y + y
        counts[me] += chunk


def peak_kib():
    with open('/proc/self/status') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('VmHWM:'))


def main():
    elements, threads, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    counts, stop = [0] * threads, []
    workers = [threading.Thread(target=work, args=(counts, i, elements, stop)) for i in range(threads)]
    for worker in workers:
        worker.start()
    time.sleep(WARM_UP)
    while min(counts) == 0:
        time.sleep(WARM_UP)
    items, cpu, wall = sum(counts), time.process_time(), time.perf_counter()
    time.sleep(seconds)
    items, cpu, wall = sum(counts) - items, time.process_time() - cpu, time.perf_counter() - wall
    stop.append(True)
    for worker in workers:
        worker.join()
    print(json.dumps({'items': items, 'cpu': cpu, 'wall': wall, 'peak_kib': peak_kib()}))


if __name__ == '__main__':
    main()
