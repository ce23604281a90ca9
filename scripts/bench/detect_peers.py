"""The work of the tools that detect.py compares ftstress with, in a process of its own: it dies, hangs, or ends with status 1
if it finds something. usage: detect_peers.py expect|loop|racecheck CASE.json SECONDS"""
import functools
import json
import pickle
import sys
import threading
import time
from pathlib import Path

INDICES = 64  # iteration_index repeats after as many calls, so that all results are known


class Case:
    """A case of detect.py with its setup done; `expected` holds the results of each role by iteration_index."""

    def __init__(self, path):
        case = json.loads(Path(path).read_text())
        self.setup, self.roles, self.mutates, self.racecheck = case['setup'], case['roles'], case['mutates'], case['racecheck']
        self.results = Path(path).with_suffix('.results')
        self.calls = self.made()

    def made(self):
        """Returns a function of (thread_index, iteration_index) for each role, on newly made objects."""
        space = {}
        exec(self.setup, space)
        return [self.function(role, space) for role in self.roles]

    @staticmethod
    def function(role, space):
        *before, last = role.split('\n')
        body = ''.join(f'    {line}\n' for line in before)
        exec(f'def call(thread_index, iteration_index):\n{body}    return {last}', space)
        return space.pop('call')

    @functools.cached_property
    def expected(self):
        return pickle.loads(self.results.read_bytes())

    def check(self, thread, index, calls=None):
        """Calls the role of the thread once. Raises AssertionError if the result is not that of one thread."""
        role = thread % len(self.roles)
        call = (calls or self.calls)[role]
        if self.mutates:
            try:
                call(thread, index)
            except Exception:  # objects that others change raise: only a crash and a hang count
                pass
            return
        result, right = call(thread, index), self.expected[role][index]
        same = result == right
        assert result.shape == right.shape and same.all() if hasattr(same, 'all') else same, f'{result} is not {right}'


def expect(case, _):
    """Keeps the results of one thread for the other commands."""
    results = [] if case.mutates else [[call(0, index) for index in range(INDICES)] for call in case.calls]
    case.results.write_bytes(pickle.dumps(results))


def loop(case, seconds, threads=8):
    """Prints a line each half second in which all threads went on."""
    start, wrong, counts = threading.Barrier(threads), threading.Event(), [0] * threads
    end = time.monotonic() + seconds

    def body(thread):
        try:
            start.wait()
            while not wrong.is_set() and time.monotonic() < end:
                for index in range(INDICES):
                    case.check(thread, index)
                counts[thread] += 1
        except Exception:
            wrong.set()
    for thread in range(threads):
        threading.Thread(target=body, args=(thread,), daemon=True).start()
    before = [-1] * threads
    while time.monotonic() < end and not wrong.wait(0.5):
        now = counts.copy()
        if all(a != b for a, b in zip(before, now)):
            print('on', flush=True)
            before = now
    return wrong.is_set()


def racecheck(case, seconds):
    """Two operations on a new state in each trial; they assert their results, and `racecheck` is the predicate, if any."""
    from racecheck import check
    namespace = {}
    exec(case.setup, namespace)
    end, index = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        index = (index + 2) % INDICES
        ops = [functools.partial(lambda calls, thread: case.check(thread, (index + thread) % INDICES, calls), thread=thread)
               for thread in range(2)]
        before = eval(case.racecheck, namespace) if case.racecheck else 0
        trials = 20  # its barrier spins, which takes long if there are more threads than cores
        if not check(setup=case.made, ops=ops, invariant=lambda _: True, trials=trials, timeout=5).ok:
            return True
        if case.racecheck and eval(case.racecheck, namespace) - before != 2 * trials:
            return True
        print('on', flush=True)
    return False


if __name__ == '__main__':
    sys.exit(bool(globals()[sys.argv[1]](Case(sys.argv[2]), float(sys.argv[3]))))
