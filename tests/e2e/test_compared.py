"""Which results are compared and which exceptions are judged, and what the report says of the others."""
import tempfile
import unittest
from pathlib import Path

from harness import BUILD, EndToEnd, each, run

KEYS = ('-s', 'import last_key', '--detect', 'exception,diverge')
OPAQUE = ('-s', 'import opaque_method', '-s', 'o = opaque_method.make()', '--detect', 'exception,diverge')

# Instances of a class of the setup, and an object without a pickle in an attribute.
INSTANCE = ('-s', 'class C:\n n = 0', '-s', 'c = C()\nc.w = 3.5', '--detect', 'exception,diverge')
HELD = ('-s', 'import opaque_method, types', '-s', 'class C:\n __slots__ = "o",', '-s',
        'c, w = C(), types.SimpleNamespace()\nc.o = w.o = opaque_method.make()', '--detect', 'exception,diverge')

# Statement, options, and the sentence of the report.
UNSEEN = [
    ('time.sleep(0.3) or iteration_index', ('-s', 'import time'), 'results not compared: a few calls on one thread take too long; give it more --time'),
    ('r.random() + iteration_index % 3', ('-s', 'import random as r'), 'results not compared: one thread gets different results'),
    ('len(gc.get_objects()) + iteration_index', ('-s', 'import gc'), 'results not compared: one thread gets different results'),
    ('sys.getrefcount(x)', ('-s', 'import sys; x = object()'), 'results not compared: one thread gets different results'),
    ('sys.getallocatedblocks()', ('-s', 'import sys'), 'results not compared: one thread gets different results'),
    ('open("/dev/null").fileno() + thread_index', (), "open('/dev/null').fileno() + thread_index: results not compared: one thread gets different results"),
    ('len(os.listdir("/proc/self/task")) + thread_index', ('-s', 'import os'),
     "len(os.listdir('/proc/self/task')) + thread_index: results not compared: one thread gets different results"),
    ('t.time_ns() // 10**8 + thread_index', ('-s', 'import time as t'), 'results not compared: one thread gets different results'),
    ('[[1], object()]', (), 'results not compared: a value of type object cannot be compared'),
    ('opaque_result.twin(5, 1)', ('-s', 'import opaque_result'), 'results not compared: a value of type opaque_result.Hidden cannot be compared'),
    ('q.append(1)', ('-s', 'q = []'), 'results not compared, exceptions not judged: the statements change what they share (q)'),
    ('o.step()', OPAQUE, 'o.step(): results not compared, exceptions not judged: o has no pickle, so the statements may '
                         'change it unseen'),
    ('o.push() + iteration_index % 3', OPAQUE, 'o has no pickle, so the statements may change it unseen'),
    ('c.w += 1', INSTANCE, 'results not compared, exceptions not judged: the statements change what they share (c)'),
    ('type(c).n += 1', INSTANCE, 'results not compared, exceptions not judged: the statements change what they share (c)'),
    ('c.f()', ('-s', 'class C:\n def f(self):\n  self.l.append(1)\n  return self.l.pop()', '-s', 'c = C()\nc.l = []'),
     'the statements may run methods of the setup, which may change what they share'),
    ('c.o.step()', HELD, 'results not compared, exceptions not judged: c has no pickle, so the statements may change it unseen'),
]

# A package that sorts an object in place at its first use: without a lock, and with one.
PACKAGE = '''
import threading

class Bug:
    def __init__(self):
        self.items, self.clean = [3, 1, 2] * 100, False

    def max(self):
        if not self.clean:
            items, self.items = self.items, []
            for item in sorted(items):
                if not self.items or self.items[-1] != item:
                    self.items.append(item)
            self.clean = True
        return self.items[-1]

    def set(self, value):
        self.items[0] = value
        return True

    def get(self):
        return self.items[0]

lock = threading.Lock()

class Twin(Bug):
    def max(self):
        with lock:
            return super().max()
'''

# Code of the user that changes such an object.
USERS = '''
import types
S = Twin()
def work(s):
    s.items.sort()
    return s.items[0]
class Holder:
    s = S
    def work(self):
        return work(self.s)
    def __getitem__(self, at):
        return work(self.s)
h, w = Holder(), types.SimpleNamespace(s=S)
h.s = S
'''


class Compared(EndToEnd):
    @each(UNSEEN)
    def test_unseen(self, statement, options, sentence):
        """the report names what was not compared, and states no rate for it"""
        done = self.expect(run('--time', '5', '--detect', 'exception,diverge', '-s', '', *options, statement), 0)
        entry = done.json['compared'][0]
        self.check(not entry['results'] and entry['reason'] in sentence, done, f'compared: {entry}')
        self.assertIn(sentence, done.out, done)
        self.assertRegex(done.out, 'nothing found, but results were not compared.*the rate of other failures is below', done)

    @each([('abs(-1)',), ('abs(iteration_index % 7)',), ('abs(thread_index - 2)',), ('dumps(iteration_index & 12)',), ("""loads('[[1], {"a": 3, "b": [null, {}]}]')""",), ("dumps({'a': [3, None]})",)])
    def test_seen(self, statement):
        """a statement that was looked at has no such sentence"""
        done = self.expect(run('--time', '3', '--detect', 'exception,diverge', '-s', 'from json import dumps, loads',
                               statement, until=lambda done: not done.json['no_turn']), 0)
        entry, = done.json['compared']
        self.check(entry.pop('calls') > 0, done, 'no call was compared')
        self.assertEqual([entry], [{'statement': statement, 'results': True, 'reason': None,
                                                  'exceptions': True, 'exceptions_reason': None}], done)
        self.assertRegex(done.out, 'nothing found: 0 in .*, the rate is below', done)

    def test_unequal_roles(self):
        """roles of different speed make the same iterations, so that results of each are compared in every round"""
        done = self.expect(run('--time', '3', '-t', '2', '--detect', 'diverge', '--perturb', 'off', '-s',
                               'def slow(i): return sum(range(1000)) + i', '--role', 'abs(iteration_index)', '--role',
                               'slow(iteration_index)', until=lambda done: not done.json['no_turn']), 0)
        fewest = min(entry['calls'] for entry in done.json['compared'])
        self.check(fewest > done.json['calls'] / 1000, done, f'compared: {done.json["compared"]}')

    @each([('class C:\n n = 0',), ('from dataclasses import dataclass\n@dataclass\nclass C:\n n: int = 0',)])
    def test_instance(self, source):
        """an instance of a class of the setup is looked into"""
        done = self.expect(run('--time', '3', '-s', source, *INSTANCE[2:], 'c.w*2'), 0)
        self.check(done.json['compared'][0]['results'] and done.json['compared'][0]['exceptions'], done, 'not compared')

    @each([('c',), ('w',)])
    def test_held(self, name):
        """a race in an object that is an attribute is found, and its clean twin has no finding"""
        done = self.expect(run('--time', '6', *HELD, f'{name}.o.bug((1, 2, 3))', until=lambda done: done.findings()), 1)
        self.assertEqual(len(done.findings(kind='wrong-result', blame='target')), 1, done)
        self.expect(run('--time', '3', *HELD, f'{name}.o.twin((1, 2, 3))'), 0)

    def test_some(self):
        """of results without a period some are compared, and the rate of wrong ones is stated apart"""
        done = self.expect(run('--time', '3', '--detect', 'exception,diverge', '-s', '', 'abs(iteration_index)'), 0)
        self.check(0 < done.json['compared'][0]['calls'] < done.json['calls'], done, 'not some')
        self.assertRegex(done.out, r'95 % confidence; \d+ results were compared, the rate of wrong ones is below', done)

    def test_bug(self):
        """a method of an object without pickle gives a wrong result: a finding"""
        done = self.expect(run('--time', '6', *OPAQUE, 'o.bug((1, 2, 3))', until=lambda done: done.findings()), 1)
        found = done.findings(kind='wrong-result', blame='target', rung='readonly')
        self.check(len(found) == len(done.findings()) == 1, done, f'findings: {done.kinds()}')

    @each([('thread', ('last_key.bug(1 + thread_index % 2)',)), ('iteration', ('last_key.bug(iteration_index % 7)',)),
           ('setup', ('--thread-setup', 'k = thread_index % 3', 'last_key.bug(k)')),
           ('statements', ('k = iteration_index % 5', 'last_key.bug(k)'))])
    def test_index(self, _, statement):
        """a wrong result is a finding where threads or iterations have different right ones"""
        done = self.expect(run('--time', '12', *KEYS, *statement, until=lambda done: done.findings()), 1)
        found = done.findings(kind='wrong-result', blame='target')
        self.check(len(found) == len(done.findings()) == 1, done, f'findings: {done.kinds()}')

    @each([('thread', ('last_key.twin(1 + thread_index % 2)',)), ('iteration', ('last_key.twin(iteration_index % 7)',)),
           ('setup', ('--thread-setup', 'k = thread_index % 3', 'last_key.twin(k)')),
           ('raise', ('last_key.fault_twin(iteration_index % 7)',))])
    def test_index_twin(self, _, statement):
        """with a lock there is none, and the results were compared"""
        done = self.expect(run('--time', '4', *KEYS, *statement), 0)
        self.check(done.json['compared'][0]['results'], done, f"compared: {done.json['compared']}")

    def test_index_raises(self):
        """an exception that one thread does not raise in the same iteration is a finding"""
        done = self.expect(run('--time', '12', *KEYS, 'last_key.fault(iteration_index % 7)', until=lambda done: done.findings()), 1)
        self.assertEqual(done.kinds(), ['exception'], done)

    @each([('iteration', '1 // (5000 - iteration_index)'), ('period', '[1, 2][(iteration_index % 4000) // 1500]'),
           ('thread', '1 // (iteration_index // 3000 - thread_index - 1)')])
    def test_index_raises_alone(self, _, statement):
        """one that one thread raises in the same iteration, too, is none, though the serial pass does not come so far"""
        done = self.expect(run('--time', '4', '-s', '', '--detect', 'exception,diverge', statement), 0)
        self.check(done.json['compared'][0]['exceptions'], done, f"compared: {done.json['compared']}")

    def test_opaque_index(self):
        """a method of an object without pickle gets the data of another iteration: a finding; the twin has none"""
        docs = ('-s', 'docs = [tuple(range(n)) for n in range(7)]')
        done = self.expect(run('--time', '8', *OPAQUE, *docs, 'o.bug(docs[iteration_index % len(docs)])',
                               until=lambda done: done.findings()), 1)
        self.assertEqual(done.kinds(), ['wrong-result'], done)
        done = self.expect(run('--time', '4', *OPAQUE, *docs, 'o.twin(docs[iteration_index % len(docs)])'), 0)
        self.check(done.json['compared'][0]['results'], done, f"compared: {done.json['compared']}")

    def test_opaque_chosen(self):
        """so does one where the data have no period"""
        done = self.expect(run('--time', '12', *OPAQUE, 'o.bug((iteration_index, 2))', until=lambda done: done.findings()), 1)
        self.assertEqual(done.kinds(), ['wrong-result'], done)
        done = self.expect(run('--time', '4', *OPAQUE, 'o.twin((iteration_index, 2))'), 0)
        self.check(done.json['compared'][0]['results'], done, f"compared: {done.json['compared']}")

    @each([('seed', ('random.seed(iteration_index % 5)', 'x = random.random()')),
           ('module', ('last_key.set(iteration_index % 5)', 'x = last_key.get()')),
           ('chosen', ('last_key.set(iteration_index)', 'x = last_key.get()')),
           ('roles', ('--role', 'last_key.set(iteration_index)', '--role', 'x = last_key.get()'))])
    def test_state_between_statements(self, _, statements):
        """a value that one statement keeps for the next is the caller's to protect, and is not compared"""
        done = self.expect(run('--time', '4', *KEYS, '-s', 'import random', *statements), 0)
        self.check(not done.json['compared'][1]['results'], done, f"compared: {done.json['compared']}")

    def dict(self, function, **options):
        return run('-i', 'x=f8[20]', '-s', 'import diverge_race', '--time', '6', '--detect', 'exception,diverge',
                   f"{{'v': [0, diverge_race.{function}(x)]}}", **options)

    @each([('member', 0, 'result.number'), ('computed', 1, 'result.number'), ('text', 2, 'repr(result)'),
           ('items', 3, 'list(result)[1]'), ('buffer', 4, 'memoryview(result).tobytes()')])
    def test_object(self, _, kind, place):
        """an object of an extension is read by public means; the sentence names the part"""
        options = ('--detect', 'exception,diverge', '--time', '8', '-s', 'import opaque_result')
        done = self.expect(run(*options, f'opaque_result.bug({kind}, thread_index)', until=lambda done: done.findings()), 1)
        self.assertEqual(done.kinds(), ['wrong-result'], done)
        self.assertIn(f' as {place} under threads, ', done.out, done)

    @each([(str(kind), kind) for kind in range(5)])
    def test_object_twin(self, _, kind):
        """the clean twin has no finding, and was compared"""
        done = self.expect(run('--detect', 'exception,diverge', '--time', '3', '-s', 'import opaque_result',
                               f'opaque_result.twin({kind}, thread_index)'), 0)
        self.check(done.json['compared'][0]['results'], done, f"compared: {done.json['compared']}")

    @each([('match', 're.search("b+", "abb" * thread_index + "b")'), ('set', '{"a", thread_index, "b"}'), ('strings', 'set("word")'),
           ('iterator', 'map(str, [1, thread_index])'), ('cached', 're.compile("a")'), ('pickle', 'decimal.Decimal(iteration_index) / 7'),
           ('file', 'tempfile.TemporaryFile()'), ('generator', '(i for i in range(thread_index))'), ('lock', 'threading.Lock()')])
    def test_object_healthy(self, _, statement):
        """objects of the interpreter give no finding, though some have an address, a file number or names of their thread"""
        self.expect(run('--detect', 'exception,diverge', '--time', '2', '-s', 'import re, decimal, tempfile, threading', statement), 0)

    def test_bug_in_dict(self):
        """a wrong value inside a dict is a finding, and its sentence names the place"""
        done = self.expect(self.dict('bug', until=lambda done: done.findings()), 1)
        found = done.findings(kind='wrong-result', blame='target', rung='readonly')
        self.check(len(found) == len(done.findings()) == 1, done, f'findings: {done.kinds()}')
        self.assertRegex(done.out, r"gives \S+ as result\['v'\]\[1\] under threads, \S+ on one thread", done)

    def test_twin_in_dict(self):
        """the same value each time is none, and was compared"""
        done = self.expect(self.dict('twin'), 0)
        self.check(done.json['compared'][0]['results'], done, f"compared: {done.json['compared']}")

    @each([('twin((1, 2, 3))',), ('push()',)])
    def test_twin(self, call):
        """the clean twin, and a method that raises at its 5000th call on one thread too, have no finding"""
        done = self.expect(run('--time', '4', *OPAQUE, f'o.{call}'), 0)
        self.assertNotIn('no finding', done.out, done)

    def test_roles(self):
        """what one role changes unseen for another is no wrong result"""
        self.expect(run('--time', '4', *OPAQUE, '--role', 'o.step()', '--role', 'o.calls()'), 0)


class Lazy(EndToEnd):
    def stress(self, setup, *statements, **options):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / 'lazy_package.py').write_text(PACKAGE)
            return run('--detect', 'exception,diverge', '--time', '6', '-s', 'from lazy_package import Bug, Twin', '-s',
                       setup, *statements, env={'PYTHONPATH': f"{BUILD / 'planted'}:{folder}"}, **options)

    def test_bug(self):
        """an object that a call of a package changes is no excuse for what the call raises or returns"""
        done = self.expect(self.stress('N = [Bug() for _ in range(100)]', 'N[iteration_index % 100].max()',
                                       until=lambda done: done.findings()), 1)
        self.check(done.findings(kind='exception', rung='readonly', blame='target'), done, 'no exception')
        others = [finding for finding in done.findings() if finding['kind'] != 'exception']
        self.check(others in ([], done.findings(kind='wrong-result', rung='readonly', blame='target')), done, 'another finding')

    @each([('namespace', 'types.SimpleNamespace()'), ('instance', 'C()')])
    def test_attribute(self, _, holder):
        """the same for an object that is an attribute"""
        done = self.expect(self.stress(f'import types\nclass C: pass\nN = [{holder} for _ in range(100)]\n'
                                       'for n in N: n.bug = Bug()', 'N[iteration_index % 100].bug.max()',
                                       until=lambda done: done.findings()), 1)
        found = done.findings(kind='exception', rung='readonly', blame='target')
        self.check(found, done, f'findings: {done.kinds()}')
        others = [finding for finding in done.findings() if finding['kind'] != 'exception']
        self.check(others in ([], done.findings(kind='wrong-result', rung='readonly', blame='target')), done, 'another finding')

    def test_twin(self):
        """with a lock there is no finding, and results and exceptions count"""
        done = self.expect(self.stress('S = Twin()', 'S.max()'), 0)
        self.check(done.json['compared'][0]['results'] and done.json['compared'][0]['exceptions'], done, 'not compared')

    @each([('sort', 'work(S)'), ('store', 'S.items[0] = 1'), ('list', 'S.items.sort()'), ('set', 'S.set(9)', 'S.get()'),
           ('attribute', 'h.s.items.sort()'), ('method', 'h.work()'), ('item', 'h[0]'), ('value', 'w.s.items.sort()')])
    def test_user(self, _, *statements):
        """what the user's own code changes is not judged, though it gives the same on one thread"""
        roles = [part for statement in statements for part in ('--role', statement)]
        done = self.expect(self.stress(USERS, *roles), 0)
        self.assertEqual({entry['exceptions'] for entry in done.json['compared']}, {False}, done)


if __name__ == '__main__':
    unittest.main()
