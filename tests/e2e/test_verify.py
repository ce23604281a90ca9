"""Verification: the blame, the sharing level, the control run with the GIL, and the call that the failure needs."""
import unittest

from harness import BROKEN, SANITIZED, EndToEnd, functions, run

# Times for the run, for verification, and until the end: importing SciPy or NumPy takes long in a sanitizer build.
LONG, BRIEF = ((30, '600s', 500), (4, '250s', 500)) if SANITIZED else ((8, '150s', 240), (4, '40s', 90))
# With its sources, the function that is inlined into the other is named.
ACQUIRE = 'NpyString_acquire_allocator' if SANITIZED else 'NpyString_acquire_allocators'


class Verified(EndToEnd):
    def test_somersd(self):
        """the published case: read-only sharing, never with the GIL on, and numpy.repeat is the call that it needs"""
        seconds, again, timeout = LONG
        done = self.expect(run('somersd', '--time', seconds, '--verify', again, python=BROKEN, timeout=timeout), 1)
        verified = done.json['verification']
        self.check(verified['again']['hit'] >= 2, done, 'it does not fail again')
        self.check(verified['gil'] and verified['gil']['hit'] == 0, done, 'it fails with the GIL on, or was not tried')
        self.check(verified['private'] and verified['private']['hit'] == 0, done, 'it fails with private inputs')
        self.check('never fails without numpy.repeat: look at numpy.repeat' in verified['sentence'], done, 'not blamed')
        self.check('numpy.repeat' in done.out, done, 'the text does not say so')
        rungs = {finding['rung'] for finding in done.findings()}
        self.check(rungs == {'readonly'}, done, f'the rungs are {rungs}')

    def test_deadlock(self):
        """NumPy 2.2.2's StringDType deadlock: a hang at two lock acquisitions, with the GIL on too"""
        seconds, again, timeout = BRIEF
        done = self.expect(run('-s', "import numpy as np; a, b = (np.array([c * 9] * 1000, 'T') for c in 'xy')",
                               '--role', 'np.less(a, b)', '--role', 'np.less(b, a)', '--time', seconds, '--timeout', '2s',
                               '--verify', again, python=BROKEN, timeout=timeout), 1)
        hang = done.findings(kind='hang')
        self.check(len(hang) == 1 and hang[0]['function'] == ACQUIRE, done, 'no such hang')
        waits = [wait for wait in hang[0]['waits'] if wait['function'] == ACQUIRE]
        self.check({wait['what'] for wait in waits} == {'PyMutex'}, done, f'they wait for {waits}')
        self.check(len({wait['lock'] for wait in waits}) == 2, done, 'the two locks have the same name')
        for lock in {wait['lock'] for wait in waits}:
            stacks = [stack for stack in hang[0]['stacks'] if lock in stack['title']]
            self.check(stacks and all('NpyString_acquire_allocators' in functions(stack) for stack in stacks), done,
                       'an acquisition is on no stack')
        self.check('with the GIL on, too' in done.json['verification']['sentence'], done, 'the control run is not reported')

    def test_gil_off_in_environment(self):
        """PYTHON_GIL=0 of the user does not reach the control run: a failure without the GIL fails in 0 of n with it"""
        done = self.expect(run('-s', 'import sys', '1/0 if (not sys._is_gil_enabled() and '
                               'len(sys._current_frames()) > 1) else None', '--time', 3, '--verify', '30s', '--detect', 'exception',
                               env={'PYTHON_GIL': '0'}, timeout=90), 1)
        control = done.json['verification']['gil']
        self.check(control and control['hit'] == 0 and control['of'] >= 3, done, f'the control run is {control}')
        self.check('with the GIL on, too' not in done.out, done, 'the text says that it fails with the GIL on')

    def test_builtin_around_the_call(self):
        """a builtin around the guilty call is not named, but the call of the package's object inside"""
        done = self.expect(run('-s', 'L = [0]\ndef lines(i):\n  L[0] = i; assert L[0] == i\n  return L', 'len(lines(thread_index))',
                               '--time', 3, '--verify', '30s', '--detect', 'exception', timeout=90), 1)
        self.check('look at lines' in done.json['verification']['sentence'], done, 'another call is named')

    def test_two_statements_that_race(self):
        """two statements that race with each other are verified together, with controls and a sharing level"""
        done = self.expect(run('-s', 'L = [0]\ndef set1():\n  L[0] = 1; assert L[0] == 1\n'
                               'def set2():\n  L[0] = 2; assert L[0] == 2, "set2"', '--role', 'set1()', '--role', 'set2()',
                               '--time', 4, '--verify', '60s', '--detect', 'exception', timeout=120), 1)
        ids = {finding['id'] for finding in done.findings(kind='exception')}
        self.check(len(ids) == 2, done, f'the findings are {ids}')
        verified = done.json['verification']
        self.check(set(verified['finding'].split()) == ids, done, 'the trials are not of both')
        self.check(verified['again']['hit'] >= 1 and not verified['left_out'], done, 'it does not fail again')
        self.check(verified['gil'] and verified['private'] and verified['one_thread'], done, 'there are no controls')

    def test_interpreter(self):
        """a bug of CPython 3.13 is the interpreter's fault; a crash without a stack has no blame"""
        blamed = set()
        for _ in range(4):
            done = self.expect(run('-s', 'import io; b = io.BytesIO()', '--role', "b.write(b'x' * 100)", '--role',
                                   'b.getvalue()', '--role', 'b.truncate(0)', '--time', 4, '--timeout', '2s',
                                   '--detect', 'crash,hang'), 1)
            blamed |= {finding['blame'] for finding in done.findings()}
            self.check(blamed <= {'interpreter', 'unknown'}, done, f'blamed: {blamed}')
            if 'interpreter' in blamed:
                break
        self.check('interpreter' in blamed, done, f'blamed: {blamed}')

    def test_held_by_a_list(self):
        """what the setup puts into a list belongs to its package: not the interpreter's, nor that of what is deeper inside"""
        setup = 'import functools, numpy, diverge_race as m; calls = [functools.partial(m.bug, numpy.arange(20.))]; del m, numpy'
        done = self.expect(run('-s', setup, 'calls[0]()',
                               '--time', 4, '--verify', '20s', '--detect', 'diverge', timeout=90), 1)
        self.assertEqual({(finding['blame'], finding['package']) for finding in done.findings()}, {('target', 'diverge_race')}, done)

    def test_user(self):
        """statements that reshape a shared array are user error: status 1 with --strict only"""
        plan = ('-s', 'import numpy as np; x = np.arange(20.)', '--role', 'x.shape = (4, 5)', '--role', 'x.sum()',
                '--role', 'x.shape = (20,)', '--time', 3)
        for _ in range(4):  # a race may not happen at once on a busy machine
            done = self.expect(run(*plan), 0)
            if done.findings():
                break
        self.check({finding['blame'] for finding in done.findings()} == {'user'}, done, 'not the user is blamed')
        for _ in range(4):
            done = run(*plan, '--strict')
            if done.findings():
                break
        self.expect(done, 1)


if __name__ == '__main__':
    unittest.main()
