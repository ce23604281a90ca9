"""Each detector finds its planted bug and is silent on the clean twin; with the detector off the finding is gone."""
import re
import unittest
from typing import NamedTuple

from harness import OWN_MALLOC, EndToEnd, each, functions, others, run


class Planted(NamedTuple):
    module: str
    arguments: str  # of bug and twin
    detector: str
    kind: str
    frame: str      # a function on a native stack; '' if there is no stack
    function: str   # the function of the finding; '' if it names none
    options: tuple = ()


# A shape that lasts one microsecond is rarely seen without the tripwire, but often enough in a run of two seconds.
PLANTED = [
    Planted('crash_abort', '', 'crash', 'crash', 'bug', 'bug'),
    Planted('crash_exit', '', 'crash', 'crash', '', ''),
    Planted('crash_null_write', 'x, 5', 'crash', 'crash', 'bug', 'bug'),
    Planted('diverge_race', 'x', 'diverge', 'wrong-result', '', 'diverge_race.bug', ('--time', '6')),
    Planted('exception_race', '', 'exception', 'exception', '', 'exception_race.bug'),
    Planted('hang_lock_order', 'thread_index', 'hang', 'hang', 'lock_both', 'lock_both', ('--timeout', '1s')),
    Planted('hang_spin', '', 'hang', 'hang', 'spin_for_ever', 'spin_for_ever', ('--timeout', '1s')),
    Planted('invariant_bytes', 'x', 'invariant', 'input-mutated', '', ''),
    Planted('invariant_extent', 'x', 'invariant', 'wrong-result', '', 'invariant_extent.bug'),
    Planted('invariant_shape', 'x', 'invariant', 'input-mutated', '', 'tamper'),
    Planted('log_double_free', '', 'log', 'double-free', 'bug', 'bug'),
]

# These modules write on every call: one call on one thread is enough.
TRIPWIRES = [
    ('tripwire_meta', 'hidden-mutation', 'store_and_restore', ['shape[0]: 20 -> 19', 'shape[0]: 19 -> 20']),
    ('tripwire_data', 'hidden-mutation', 'bug', ['byte 0 of its data is written, 8 bytes'] * 2),
]
ONE_CALL = ('-t', 1, '--iterations', 1)
# Objects with an array inside, their code, and the path of the array.
INSIDE = [
    ('tuple', 't = (1, np.arange(1.0, 9))', 't[1]'),
    ('dict', "d = {'x': [np.arange(1.0, 9)]}", "d['x'][0]"),
    ('instance', 'from types import SimpleNamespace as S; m = S(coef_=np.arange(1.0, 9)); m.self = m', 'm.coef_'),
    ('slot', 'class C: __slots__ = ("a", "c")\nc = C(); c.a = np.arange(1.0, 9); c.c = c', 'c.a'),
]
# Changes for good of arrays inside objects: no bugs on their own. The state is seen to change after many calls only.
CHANGES = '''
import threading, numpy as np
class State:
    def __init__(self): self.lock = threading.Lock(); self.s = np.arange(300.0); self.i = 0
    def next(self):
        with self.lock:
            self.i += 1
            if self.i % 300 == 0: self.s += 1
class Called(State): __call__ = State.next
s, c, inner, buffers = State(), Called(), State(), [np.zeros(4) for _ in range(16)]
def through(): inner.next()
def rarely(i):
    if i % 500 == 499: buffers[0][0] += 1
'''


def stress(module, call, *options, **more):
    return run('-i', 'x=f8[20]', '-s', f'import {module}', '--time', '2', *options, f'{module}.{call}', **more)


class PlantedBugs(EndToEnd):
    @each([('setup', ('-s', 'import numpy as np; x = np.arange(30.0)')), ('out', ('-i', 'x=f8[20]@out')),
           ('private', ('--share', 'private', '-i', 'x=f8[20]'))])
    def test_array_that_is_released_too_often(self, name, options):
        """an array that each call releases once too often stays alive: a finding, and no crash of the harness"""
        base = ('-s', 'import refcount_double', *options, '--time', '1', '--verify', '0')
        done = self.expect(run(*base, 'refcount_double.bug(x)'), 1)
        kinds = {finding['kind'] for finding in done.json['findings']}
        self.check(kinds == {'refcount-underflow'}, done, f'the findings are {kinds}')
        finding = done.json['findings'][0]
        self.check(finding['blame'] == 'target', done, finding)
        self.assertEqual(finding['message'], 'released too often: fewer references to x are left than the harness '
                         'holds; --detect refcount counts the references that each call releases', done)
        self.expect(run(*base, 'refcount_double.twin(x)'), 0)

    @each(PLANTED)
    def test_bug(self, module, arguments, detector, kind, frame, function, options):
        """the detector reports the bug with its kind, its function and a native stack, as the target's fault"""
        self.unless_sanitized(OWN_MALLOC, here=module == 'log_double_free')
        seen = {'detector': detector, 'kind': kind}
        done = self.expect(stress(module, f'bug({arguments})', *options, until=lambda done: done.findings(**seen)), 1)
        found = done.findings(**seen)
        self.check(len(found) == 1, done, f'{len(found)} findings of {detector}, {kind}; one was planted')
        finding = found[0]
        self.check((finding['function'] or '') == function, done, f"the function is {finding['function']}")
        self.check(not function or finding['package'] == module, done, f"the package is {finding['package']}")
        self.check(not function or finding['blame'] == 'target', done, f"blame: {finding['blame']}")
        self.check(not frame or frame in functions(finding['stacks'][0]), done, f'no {frame} on the first stack')
        self.check(finding['rung'] == 'readonly' and not finding['serial'], done, 'a rung or serial that is wrong')
        self.check(0 < finding['runs']['hit'] <= finding['runs']['of'], done, f"runs: {finding['runs']}")

    @each(PLANTED)
    def test_twin(self, module, arguments, detector, kind, frame, function, options):
        """every detector is silent on the clean twin, which ran with several threads inside"""
        done = self.expect(stress(module, f'twin({arguments})', *options, until=lambda done: done.json['calls'] > 1000), 0)
        self.check(done.json['calls'] > 1000 and done.json['overlap'] > 0, done, 'too little was tested')

    @each(PLANTED)
    def test_without(self, module, arguments, detector, kind, frame, function, options):
        """with the detector off the finding is gone, so the tests above depend on it"""
        done = stress(module, f'bug({arguments})', '--detect', others(detector), *options)
        self.check(done.status in (0, 1, 3), done, 'the run broke')
        self.check(not done.findings(detector=detector), done, f'{detector} is off and reports')

    @each(row[:1] for row in PLANTED if row.detector == 'crash')
    def test_unseen(self, module):
        """a run with dead children is not clean, even if the crash detector is off"""
        arguments = {row.module: row.arguments for row in PLANTED}[module]
        done = stress(module, f'bug({arguments})', '--detect', 'exception,invariant')
        self.check(done.status == 3 or done.json['notes'], done, 'clean without a word, and every child died')


class Tripwire(EndToEnd):
    @each(TRIPWIRES)
    def test_bug(self, module, severity, function, titles):
        """one call on one thread lists every write with its function"""
        done = self.expect(stress(module, 'bug(x)', *ONE_CALL, '--detect', 'tripwire'), 1)
        found = done.findings()
        self.check(len(found) == 1, done, f'{len(found)} findings; one was planted')
        finding = found[0]
        seen = {key: finding[key] for key in ('detector', 'kind', 'severity', 'function', 'package', 'blame', 'serial')}
        self.assertEqual(seen, {'detector': 'tripwire', 'kind': 'input-mutated', 'severity': severity,
                                'function': function, 'package': module, 'blame': 'target', 'serial': True}, done)
        self.assertEqual([stack['title'] for stack in finding['stacks']], titles, done)
        for stack in finding['stacks']:
            self.check(function in functions(stack), done, f'no {function} on a stack')
        self.assertEqual(finding['array']['name'], 'x', done)

    def test_more_places_than_counted(self):
        """writes at more places than the detector keeps apart are noted"""
        done = self.expect(stress('tripwire_data', 'many(x)', '-t', 1, '--iterations', 12, '--detect', 'tripwire'), 1)
        self.check(any('at more than 256 places; the later ones are not reported' in note for note in done.json['notes']), done, 'not noted')

    @each([('bug', 'more', 1, True), ('inplace', 'inplace', 0, False)])
    def test_more_writes_than_kept(self, _, call, status, noted):
        """a call that writes at more places than are kept is noted; one that writes often at one place is not"""
        done = self.expect(run('-i', 'x=f8[200]', '-s', 'import tripwire_data', f'tripwire_data.{call}(x)', '-t', 1,
                               '--iterations', 2, '--detect', 'tripwire'), status)
        words = 'a call wrote to inputs more than 64 times; what it wrote later at other places is not reported'
        self.assertEqual(words in done.json['notes'], noted, done)

    @each(TRIPWIRES)
    def test_twin(self, module, *_):
        """the twin is silent, on one thread and on several"""
        self.expect(stress(module, 'twin(x)', *ONE_CALL, '--detect', 'tripwire'), 0)
        self.expect(stress(module, 'twin(x)'), 0)

    @each(TRIPWIRES)
    def test_without(self, module, *_):
        """no other detector finds it on one thread"""
        self.expect(stress(module, 'bug(x)', *ONE_CALL, '--detect', others('tripwire')), 0)

    def test_same(self):
        """a write of the same value is a note with the function and the field"""
        done = self.expect(stress('tripwire_same', 'bug(x)', *ONE_CALL, '--detect', 'tripwire'), 0)
        self.assertEqual(len(done.json['notes']), 1, done)
        self.assertRegex(done.json['notes'][0], r'value-benign: bug \(tripwire_same\) writes to its input x .* flags', done)
        for call, detect in (('bug(x)', others('tripwire')), ('twin(x)', 'default')):
            done = self.expect(stress('tripwire_same', call, *ONE_CALL, '--detect', detect), 0)
            self.assertEqual(done.json['notes'], [], done)

    def test_threads(self):
        """with several threads the wrong shape is a consequence of the write: one cause"""
        done = self.expect(stress('tripwire_meta', 'bug(x)', '--time', '3'), 1)
        causes = done.findings(severity='hidden-mutation')
        self.check(len(causes) == 1, done, f'{len(causes)} hidden mutations')
        for finding in done.findings():
            self.check(finding is not causes[0] or finding['cause'] is None, done, 'a cause has a cause')
            self.check(finding['id'] == causes[0]['id'] or finding['cause'] == causes[0]['id'], done,
                       f"{finding['id']} is not explained")

    def test_shape(self):
        """the short store of invariant_shape is found on one thread too"""
        done = self.expect(stress('invariant_shape', 'bug(x)', *ONE_CALL, '--detect', 'tripwire'), 1)
        self.check(done.findings(function='tamper', serial=True), done, 'tamper is not named')

    def test_inplace(self):
        """a function that changes its input for good is no bug: a note names function and input"""
        done = self.expect(stress('tripwire_data', 'inplace(x)', *ONE_CALL, '--detect', 'tripwire'), 0)
        self.check(any('inplace(x) changes x for good' in note for note in done.json['notes']), done, 'no note')

    def test_out(self):
        """for an input declared @out there is not even a note"""
        done = self.expect(run('-i', 'x=f8[20]@out', '-s', 'import tripwire_data', '--detect', 'tripwire', *ONE_CALL,
                               '--time', '2', 'tripwire_data.inplace(x)'), 0)
        self.check(not done.json['notes'], done, f"notes: {done.json['notes']}")

    @each(INSIDE)
    def test_inside(self, _, setup, path):
        """a write to an array inside an object is found, and named by the path; the twin is silent"""
        setup = ('-s', f'import numpy as np, tripwire_data\n{setup}')
        done = self.expect(run(*setup, *ONE_CALL, '--detect', 'tripwire', f'tripwire_data.bug({path})'), 1)
        self.assertRegex(done.findings()[0]['message'], f'writes to the data of its input {re.escape(path)} and puts it', done)
        self.assertEqual((done.findings()[0]['function'], done.findings()[0]['array']['name']), ('bug', path), done)
        for options in (ONE_CALL, ('--time', '2', '--share', 'private'), ('--time', '2', '--detect', 'tripwire,invariant')):
            done = self.expect(run(*setup, *options, f'tripwire_data.twin({path})'), 0)
            self.assertEqual(done.json['notes'], [], done)

    @each([('private',), ('readonly',), ('one-writer',)])
    def test_inside_level(self, level):
        """an array inside an object is watched at every sharing level"""
        done = self.expect(run('-s', 'import numpy as np, tripwire_data; t = (1, np.arange(1.0, 9))', '--share', level, '--time',
                               '2', '--iterations', 2, '--detect', 'tripwire', 'tripwire_data.bug(t[1])'), 1)
        self.check(done.findings(serial=True), done, 'one thread does not see it')
        self.check({finding['array']['name'] for finding in done.findings()} == {'t[1]'}, done, 'a wrong name')

    def test_inside_damage(self):
        """a change that only threads make to an array inside an object is found without the tripwire"""
        done = self.expect(run('-s', 'import numpy as np, invariant_bytes as m; t = (1, np.arange(9))', '--time', '3', '--detect',
                               'invariant', 'm.bug(t[1])'), 1)
        self.check('input t[1]: its data changed' in done.findings()[0]['message'], done, 'no path')

    @each([('s.next()', ''), ('c()', ''), ('through()', ''), ('rarely(iteration_index)', ''),
           ('np.add(1, 2, out=buffers[thread_index])', 'buffers')])
    def test_inside_change(self, statement, noted):
        """a change for good of arrays inside objects is no finding, however late it happens"""
        done = self.expect(run('-s', CHANGES, '--time', '3', '--detect', 'tripwire,invariant', statement), 0)
        self.check(not noted or any(f'changes arrays inside {noted} for good' in note for note in done.json['notes']), done,
                   'no note')

    def test_inside_limits(self):
        """a note names objects that were not searched whole"""
        done = self.expect(run('-s', 'import numpy as np; n = [np.ones(3) for _ in range(99)]; t = (n[0],)', *ONE_CALL,
                               'n[0].sum()'), 0)
        self.assertEqual(len(done.json['notes']), 1, done)
        self.assertRegex(done.json['notes'][0], r'^not all of n was searched for arrays to watch: .* \d+ arrays', done)

    def test_lu_solve(self):
        """SciPy's LAPACK wrappers write to pivots inside a tuple, and put them back"""
        done = self.expect(run('-s', 'import numpy as np, scipy.linalg as la; b = np.ones(5)',
                               '-s', 'lu = la.lu_factor(np.eye(5) + 1)', *ONE_CALL, 'la.lu_solve(lu, b)'), 1)
        self.assertRegex(done.findings()[0]['message'], r'getrs \(scipy .*\) writes to the data of its input lu\[1\] and', done)


class Expected(EndToEnd):
    def test_beside_a_good_role(self):
        """an exception that the serial run raises too is expected: no finding"""
        done = run('-s', 'import exception_race as m', '--time', '2', '--role', 'm.always()', '--role', 'm.twin()')
        self.expect(done, 0)

    def test_alone(self):
        """a statement that always raises tests nothing: status 3, with the reason"""
        done = self.expect(run('-s', 'import exception_race as m', '--time', '2', 'm.always()'), 3)
        self.assertRegex(done.last_line, r'could not test: every one of \d+ serial calls raises an exception', done)
        self.assertRegex(done.json['reason'], 'raises an exception', done)

    @each([('readonly',), ('private',)])
    def test_private(self, rung):
        """bugs that need no shared input are found at every sharing level, which is named"""
        done = self.expect(run('-i', 'x=f8[20]', '-s', 'import invariant_extent as m', '--time', '2', '--share', rung,
                               'm.bug(x)'), 1)
        self.check(done.findings(detector='invariant', kind='wrong-result', rung=rung), done, f'not found at {rung}')

    def test_private_twin(self):
        """the tripwire finds nothing in a clean function with private inputs"""
        for _ in range(4):
            self.expect(run('-i', 'x=f8[20]', '-s', 'import tripwire_meta as m', '--time', '2', '--share', 'private',
                            '--detect', 'tripwire,invariant,crash,log', 'm.twin(x)'), 0)


if __name__ == '__main__':
    unittest.main()
