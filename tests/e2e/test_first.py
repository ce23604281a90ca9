"""First uses: short-lived processes in which all threads make their first calls together."""
import tempfile
import unittest
from pathlib import Path

from harness import EndToEnd, each, run
from test_perturb import run_until

LAZY = ('-s', 'import lazy_static as m')
ALONE = ('--perturb', 'first', '--stop-on-first', '--time', 20)

# The second thread finds the list announced, and not whole.
PACKAGE = {'__init__.py': 'from .table import square\n',
           'table.py': 'table = None\n\ndef square(i):\n    global table\n    if table is None:\n        table = []\n'
                       '        for k in range(400):\n            table.append(k * k)\n    return table[i]\n'}
SETUP = 'import itertools, os, random, threading\ncounter = itertools.count()\nstate = [False]\ndef flip():\n    state[0] = not state[0]\n    return state[0]'
# Each is right under threads, and has other results in another order of the calls, at another time, or in another process.
HEALTHY = [('count', 'next(counter)'), ('flip', 'flip()'), ('seed', 'random.seed(iteration_index % 5)', 'x = random.random()'),
           ('identity', 'os.getpid()', 'threading.get_ident()', 'iteration_index * 3 + thread_index')]


def left_in(session):
    """Returns the processes of a session that are still there, zombies included."""
    left = []
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            fields = stat.read_text().rpartition(')')[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            left.append(stat.parent.name)
    return left


class First(EndToEnd):
    def check_static(self, done):
        finding = done.findings(kind='wrong-result')[0]
        self.assertIn('m.bug(200) gives 0 ', finding['message'], done)
        self.assertIn(', 601 on one thread', finding['message'], done)
        self.assertIn('in a process where the threads make their first calls together', finding['message'], done)
        self.assertRegex(finding['plan']['yaml'], r'(?m)^perturb: (\w+,)*first,stall$', done)
        self.check(any('each of many new processes' in line for line in finding['explanation']), done, 'the report does not say what the child did')
        return finding

    def test_static(self):
        """a table of a module, without a lock at the first call in the process, is found by a run without options; its plan finds it again"""
        done = self.expect(run_until('wrong-result', *LAZY, '--time', 10, 'm.bug(200)'), 1)
        finding = self.check_static(done)
        processes = done.json['first_uses']['processes']
        self.assertGreater(processes, 0, done)
        self.assertRegex(done.out, rf'first uses: {processes} new process(es)?, \d+ per second')
        plan = Path(done.dir) / 'plan.yaml'
        plan.write_text(finding['plan']['yaml'])
        again = self.expect(run_until('wrong-result', plan, '--time', 10, '--stop-on-first'), 1)
        self.check_static(again)

    def test_twin(self):
        """a lock around the first call: no finding, and results are compared"""
        done = self.expect(run(*LAZY, '--time', 8, 'm.twin(200)', until=lambda done: not done.json['no_turn']), 0)
        self.assertEqual(done.json['no_turn'], [], done)
        self.assertGreater(done.json['first_uses']['processes'], 1, done)

    def test_roles(self):
        """each role's own statement has its own result"""
        done = self.expect(run(*LAZY, '--perturb', 'first', '--time', 4, '--role', 'm.twin(2)', '--role', 'm.twin(3) + thread_index'), 0)
        self.assertGreater(done.json['first_uses']['processes'], 1, done)

    def test_package(self):
        """Python code of a package that fills its table at the first call: an exception or a wrong result"""
        with tempfile.TemporaryDirectory() as folder:
            package = Path(folder) / 'squares'
            package.mkdir()
            for name, text in PACKAGE.items():
                (package / name).write_text(text)
            done = run(*ALONE, '-s', 'import squares', 'squares.square(399)', env={'PYTHONPATH': folder}, until=lambda done: done.findings())
        self.expect(done, 1)
        self.assertIn(done.findings()[0]['kind'], ('exception', 'wrong-result'), done)

    def test_crash(self):
        """a crash in a new process is a crash, with its function"""
        done = self.expect(run_until('crash', *ALONE, '--detect', 'crash', '-s', 'import crash_abort as m', 'm.bug()'), 1)
        finding = done.findings(kind='crash')[0]
        self.assertEqual((finding['function'], finding['blame']), ('bug', 'target'), done)

    def test_exit(self):
        """a process that a call ends is a crash, with its status"""
        done = self.expect(run_until('crash', *ALONE, '--detect', 'crash', '-s', 'import crash_exit as m', 'm.bug()'), 1)
        self.assertIn('exited with status 7', done.findings(kind='crash')[0]['message'], done)

    def test_hang(self):
        """a hang in a new process is a hang, with the deadlock; no process is left"""
        done = self.expect(run_until('hang', *ALONE, '--detect', 'hang', '--timeout', '1s', '-s', 'import hang_lock_order as m', 'm.bug(thread_index)'), 1)
        finding = done.findings(kind='hang')[0]
        self.assertIn('a deadlock: ', finding['message'], done)
        self.assertEqual(left_in(done.process.pid), [], done)

    @each(HEALTHY)
    def test_healthy(self, _, *statements):
        """results that depend on the order of the calls, the time or the process are no findings"""
        done = self.expect(run('-s', SETUP, '--perturb', 'first', '--time', 3, '--detect', 'diverge', *statements), 0)
        self.assertGreater(done.json['first_uses']['processes'], 1, done)

    def test_not_forked(self):
        """a setup that fails in a forked process is noted, and is no finding"""
        done = run('-s', 'import os; assert os.getpgid(0) == os.getpid()', '--time', 4, '--detect', 'crash,exception', 'len([1])')
        self.expect(done, 0)
        self.assertNotIn('first', done.json['no_turn'], done)
        self.check(any('first uses in new processes are not tested: ' in note and 'AssertionError' in note for note in done.json['notes']),
                   done, 'no note')

    def test_slow(self):
        """slow calls leave no time for the calls on one thread: a note, and the run ends in time"""
        done = self.expect(run('-s', 'import time', '--time', 4, '--detect', 'crash,exception', 'time.sleep(0.2)'), 0)
        self.check(any('are compared with take too long; give it more --time' in note for note in done.json['notes']), done,
                   'no note')

    def test_arrays(self):
        """inputs from recipes, with NumPy in each process"""
        done = self.expect(run('--perturb', 'first', '--time', 4, '-s', 'import numpy as np', '-i', 'a=f8[20]', 'np.add(a, a)'), 0)
        self.assertGreater(done.json['first_uses']['processes'], 1, done)


if __name__ == '__main__':
    unittest.main()
