"""The races of the module `narrow`: on one thread all results are right, and the twins' are under threads, too."""
import subprocess
import sys
import threading
import unittest
from itertools import count
from pathlib import Path

from harness import BUILD, EndToEnd, each, run

sys.path += [str(Path(__file__).resolve().parents[1] / 'races'), str(BUILD / 'planted')]
from races import RACES  # noqa: E402

CALLS = 20000


def calls(race):
    """Returns a function of the iteration that runs the statement on what the setup makes."""
    space = {}
    exec(race.setup, space)
    return eval(f'lambda iteration_index: {race.statement}', space)


def results_of(race, threads):
    """Returns what each of the threads got, in the order of its calls."""
    call, start = calls(race), threading.Barrier(threads)
    got = [[] for _ in range(threads)]

    def body(results):
        start.wait()
        results.extend(map(call, range(CALLS)))
    workers = [threading.Thread(target=body, args=(results,)) for results in got]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return got


class Races(EndToEnd):
    def test_module_keeps_the_gil_off(self):
        """the module imports by itself and leaves the GIL off"""
        command = 'import sys, narrow; assert not sys._is_gil_enabled()'
        subprocess.run([sys.executable, '-c', command], check=True, env={'PYTHONPATH': str(BUILD / 'planted')})

    @each([(race.name, race) for race in RACES])
    def test_one_thread(self, _, race):
        """a race and its twin have the same results on one thread"""
        self.assertEqual(results_of(race, 1), results_of(race.twin, 1))

    @each([(race.name, race) for race in RACES])
    def test_twin(self, _, race):
        """four threads get the results of one from the twin"""
        serial = results_of(race.twin, 1)[0]
        for number, got in zip(count(), results_of(race.twin, 4)):
            self.assertTrue(got == serial, f'the results of thread {number} differ')

    def test_twin_counts_each_call(self):
        """the counter that no result depends on is right in the twin"""
        import narrow
        race = next(race for race in RACES if race.function == 'lost_update').twin
        before = narrow.counted()[1]
        results_of(race, 4)
        self.assertEqual(narrow.counted()[1] - before, 4 * CALLS)

    @each([(race.name, race) for race in RACES if race.function != 'lock_order'])
    def test_found(self, _, race):
        """the default run finds the race, and its first finding has the right kind and function"""
        for _ in range(3):  # on a busy machine threads seldom run at the same time
            done = run('-s', race.setup, '--time', 15, '--stop-on-first', race.statement)
            right = [finding for finding in done.json['findings']
                     if finding['kind'] in race.kinds and (finding['function'] or '').endswith(race.function)]
            if right:
                break
        self.check(right, done, 'no finding is right')

    @each([(race.name, race.twin) for race in RACES if race.function in ('aba', 'check_then_act', 'double_checked')])
    def test_twin_is_clean(self, _, race):
        """the default run finds nothing in a clean twin"""
        done = run('-s', race.setup, '--time', 6, race.statement)
        self.expect(done, 0)
        self.assertEqual(done.json['findings'], [], done)


if __name__ == '__main__':
    unittest.main()
