"""--outcome: results and state of roles that ran at the same time, against all orders of their calls."""
import tempfile
import unittest
from pathlib import Path

from harness import EndToEnd, each, run

COUNTER = ('-s', 'import outcome_counter', '--state', 'c.value', '-s')
ONCE = ('-s', 'import outcome_once', '-s', 'c = outcome_once.Once()')
SWAP = ('-s', 'import outcome_swap', '-s', 'p = outcome_swap.Pair(1, 2)')

# Options, the guilty function, and an outcome that no order gives.
PLANTED = [
    ((*COUNTER, 'c = outcome_counter.Bug()', 'c += 1'), 'outcome_counter.Bug.__iadd__',
     ['None', 'None'], 'c.value = 1'),
    ((*ONCE, 'c.bug()'), 'outcome_once.Once.bug', ['object 1', 'object 2'], None),
    ((*SWAP, '--role', 'p.bug()', '--role', 'p.both()'), 'outcome_swap.Pair.bug', None, None),
]

HEALTHY = [
    (*COUNTER, 'c = outcome_counter.Twin()', 'c += 1'),
    (*ONCE, 'c.twin()'),
    (*SWAP, '--role', 'p.twin()', '--role', 'p.twin_both()'),
    ('-s', 'q = []', '--role', 'q.append(1)', '--role', 'q.append(2)', '--role', 'len(q)'),
    ('-s', 'd = {}', 'd.setdefault("a", object())'),
    ('-s', 'd = {}', '--role', 'd.pop("a")', '--role', 'd.setdefault("a", 1)'),
    ('-s', 'import threading', '-s', 'lock, box = threading.Lock(), []', '-s',
     'def add():\n    with lock:\n        box.append(len(box))\n        return len(box)', 'add()'),
]

# Options and the sentence of a run that cannot compare.
CANNOT = [
    (('-s', 'import random', 'random.random()'), 'cannot compare outcomes: every part of an outcome differs'),
    (('-s', 'import outcome_counter', '-s', 'c = outcome_counter.Bug()', 'c += 1'),
     'cannot compare outcomes: no statement has a result, and the state of the shared objects cannot be read: c: '
     'outcome_counter.Bug has no pickle; give --state'),
    (('-s', 'import queue', '-s', 'q = queue.Queue()', '--role', 'q.get()', '--role', 'q.put(1)'),
     'q.get() does not return while the other roles wait'),
    (('-s', 'q = []', '--check', 'len(q) == 1', 'q.append(1)'), "--check 'len(q) == 1' is false after the order 1 2"),
]

USAGE = [
    (('-s', '', '--state', '1', 'abs(1)'), 'state is for a plan with outcome'),
    (('--outcome', '-s', '', *['--role', 'abs(1)'] * 5), 'outcome is for 2 to 4 roles, not 5'),
    (('--outcome', '-s', '', '-t', '8', 'abs(1)'), 'outcome has one thread for each role'),
    (('--outcome', '-s', '', '--share', 'private', 'abs(1)'), 'outcome compares what roles do to objects that they share'),
    (('--outcome', '--tsan', '-s', '', 'abs(1)'), '--tsan and --outcome do not go together'),
]


class Outcome(EndToEnd):
    @each([('text', 2, r'<Text (\d) at .*<Text \1 at '), ('items', 3, r'Items 1 \[1, (\d)\], .*Items 2 \[1, \1\]'),
           ('buffer', 4, r"Buffer 1 b'\\x0(\d).*Buffer 2 b'\\x0\1")])
    def test_object(self, _, kind, shown):
        """results without a pickle are read by their text, items or buffer; the clean twin has no finding"""
        roles = [part for n in (1, 2) for part in ('--role', f'opaque_result.{{}}({kind}, {n})')]
        done, twin = (run('--outcome', '--time', '4', '--stop-on-first', '--verify', '0', '-s', 'import opaque_result',
                          *(part.format(call) for part in roles), until=until)
                      for call, until in (('bug', lambda done: done.findings()), ('twin', None)))
        self.expect(done, 1)
        self.assertRegex(done.findings()[0]['message'], 'no order of the calls gives .*' + shown, done)
        self.expect(twin, 0)
        self.assertNotIn('has no pickle', twin.out, twin)

    @each(PLANTED)
    def test_planted(self, options, function, results, state):
        """a planted bug gives what no order gives: a finding with the function and the table"""
        done = self.expect(run('--outcome', '--time', '10', '--stop-on-first', *options,
                               until=lambda done: done.findings()), 1)
        found = done.findings(kind='wrong-result', blame='target', function=function)
        self.check(len(found) == len(done.findings()) == 1, done, f'findings: {done.json["findings"]}')
        self.assertRegex(found[0]['message'], 'no order of the calls gives ', done)
        self.assertIn('no order of them gives this', found[0]['blame_reason'], done)
        rows = done.json['outcomes']['rows']
        odd = [row for row in rows if not row['serial']]
        self.check(odd and all(row['count'] and row['order'] is None for row in odd), done, f'rows: {rows}')
        self.check(all(row['order'] for row in rows if row['serial']), done, f'rows: {rows}')
        own = next(row['count'] for row in odd if all(f'→ {text}' in found[0]['message'] for text in row['results']))
        self.check(own <= found[0]['count'] <= sum(row['count'] for row in odd), done, f'rows: {rows}')
        if results:
            self.assertEqual([row['results'] for row in odd], [results], done)
        if state:
            self.assertIn(f'; {state}  (no order gives it)', done.out, done)

    @each([(options,) for options in HEALTHY])
    def test_healthy(self, options):
        """calls that are atomic, or hold a lock, give only what their orders give"""
        done = self.expect(run('--outcome', '--time', '4', *options), 0)
        outcomes = done.json['outcomes']
        self.check(outcomes['meetings'] > 0 and all(row['serial'] for row in outcomes['rows']), done, f'{outcomes}')
        self.assertIn('an order of the calls gives each outcome of', done.out, done)

    @each(CANNOT)
    def test_cannot(self, options, sentence):
        """outcomes that cannot be compared are named, and the run is not a clean one"""
        done = self.expect(run('--outcome', '--time', '3', *options), 3)
        self.assertIn(sentence, done.json['reason'], done)

    @each(USAGE)
    def test_usage(self, options, sentence):
        """options that do not go together"""
        done = self.expect(run(*options), 2)
        self.assertIn(sentence, done.err, done)

    def test_members(self):
        """a plan that names kinds of children of an ordinary run can be run here, and a note says that they are left out"""
        done = self.expect(run('--outcome', '--members', 'bare', '--time', 2, *HEALTHY[3]), 0)
        self.assertIn('members: bare left out, because a run in this mode (outcome) has kinds of children of its own', done.json['notes'], done)

    def test_user(self):
        """x.n += 1 is several operations: the user's own race"""
        done = self.expect(run('--outcome', '--time', '10', '--strict', '-s', 'class Box: pass', '-s', 'x = Box()', '-s',
                               'x.n = 0', 'x.n += 1', until=lambda done: done.findings()), 1)
        found = done.findings(kind='wrong-result', blame='user')
        self.check(len(found) == len(done.findings()) == 1, done, f'findings: {done.json["findings"]}')
        self.assertIn('a statement is several operations on what the roles share, and no lock holds them together',
                      found[0]['blame_reason'], done)
        self.assertIn('user error: a statement is several operations, or changes an array', done.out, done)

    def test_array(self):
        """two roles change one array: documented user error, also where each makes one call"""
        done = self.expect(run('--outcome', '--time', '10', '--strict', '-s', 'import numpy as np', '-s',
                               'x = np.zeros(2000)', 'np.add(x, 1, out=x)', until=lambda done: done.findings()), 1)
        found = done.findings(kind='wrong-result', blame='user')
        self.check(len(found) == len(done.findings()) == 1, done, f'findings: {done.json["findings"]}')
        self.assertIn('the statements change arrays while other threads use them', found[0]['blame_reason'], done)

    def test_library(self):
        """a method of CPython's library that is Python code: blame is unknown"""
        done = self.expect(run('--outcome', '--time', '10', '-s', 'from collections import Counter', '-s', 'c = Counter()',
                               'c.update(["a"] * 3)', until=lambda done: done.findings()), 1)
        found = done.findings(kind='wrong-result', blame='unknown', function='collections.Counter.update')
        self.check(len(found) == len(done.findings()) == 1, done, f'findings: {done.json["findings"]}')

    def test_setup(self):
        """code of the setup may be the user's: blame is unknown"""
        done = self.expect(run('--outcome', '--time', '10', '-s', 'n = 0', '-s',
                               'def add():\n    global n\n    n += 1\n    return n', 'add()',
                               until=lambda done: done.findings()), 1)
        found = done.findings(kind='wrong-result', blame='unknown')
        self.check(len(found) == len(done.findings()) == 1, done, f'findings: {done.json["findings"]}')
        self.assertIn('or runs Python code of the setup', found[0]['blame_reason'], done)

    def test_check(self):
        """a check that is false is a finding, also where outcomes differ from run to run"""
        done = self.expect(run('--outcome', '--time', '10', '-s', 'import outcome_once, random', '-s',
                               'c = outcome_once.Once()', '--check', 'results[0][0] is results[1][0]',
                               'c.bug(), random.random()', until=lambda done: done.findings()), 1)
        message = done.findings(kind='wrong-result')[0]['message']
        self.assertIn('the check results[0][0] is results[1][0] is false after the calls ran together', message, done)
        self.check(any(row['check_failed'] for row in done.json['outcomes']['rows']), done, 'no row')
        self.assertIn('(the check is not true)', done.out, done)
        self.assertIn('the results of role 1 are not compared: on one thread, the same order gives another one each time',
                      done.out, done)

    def test_members(self):
        """children of all kinds, unless --perturb off leaves meetings as they come"""
        done = self.expect(run('--outcome', '--time', '6', *ONCE, 'c.twin()'), 0)
        self.assertEqual({child['member'] for child in done.json['children']}, {'outcome', 'stalled', 'delayed'}, done)
        self.check(all(child['calls'] > 0 for child in done.json['children']), done, 'calls')

    def test_gil(self):
        """the trials of verification: with the GIL on the planted calls are whole"""
        done = self.expect(run('--outcome', '--time', '3', '--verify', '20', *ONCE, 'c.bug()',
                               until=lambda done: done.findings()), 1)
        self.assertRegex(done.findings()[0]['blame_reason'], r'control run with the GIL on 0 of \d', done)

    def test_parts(self):
        """an opaque state is named, and results are compared all the same"""
        done = self.expect(run('--outcome', '--time', '3', *ONCE, 'c.twin()'), 0)
        self.assertEqual(done.json['outcomes']['not_compared'],
                         ['the state is not compared in part: c: outcome_once.Once has no pickle'], done)
        self.assertRegex(done.out, 'nothing found, but not all is compared: .*, as far as it is compared', done)

    def test_many(self):
        """four roles have 24 orders: the report shows some of their outcomes, and the JSON report all"""
        roles = [word for i in range(4) for word in ('--role', f'q.append((c.bug(), {i}))')]
        done = self.expect(run('--outcome', '--time', '10', '--strict', *ONCE, '-s', 'q = []', *roles,
                               until=lambda done: done.findings()), 1)
        self.assertRegex(done.out, r'\d+ meetings over fresh objects, \d+ a second; 24 orders of the calls on one thread', done)
        self.assertRegex(done.out, r'… and \d+ more outcomes, all in the JSON report', done)
        self.assertRegex(done.out, r'… and at least \d+ more outcomes of orders', done)
        self.assertEqual(sum(row['serial'] for row in done.json['outcomes']['rows']), 24, done)
        texts = [(*row['results'], row['state']) for row in done.json['outcomes']['rows']]
        self.assertEqual(len(texts), len(set(texts)), done)

    def test_plans(self):
        """a plan file has the keys; plans with and without outcome do not go together"""
        with tempfile.TemporaryDirectory() as folder:
            one, other = Path(folder, 'one.yaml'), Path(folder, 'other.yaml')
            one.write_text('setup: q = []\noutcome: true\nstate: len(q)\ncheck: q\nroles: [q.append(1), q.append(2)]\n')
            other.write_text('steps: [abs(1)]\n')
            done = self.expect(run(one, '--time', '2'), 0)
            self.assertEqual((done.json['outcomes']['state'], done.json['threads']), ('len(q)', 2), done)
            done = self.expect(run(one, other), 2)
            self.assertIn('plans with and without outcome do not go together; run them one after the other', done.err, done)


if __name__ == '__main__':
    unittest.main()
