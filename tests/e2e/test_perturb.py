"""Members of the portfolio that let threads meet where they seldom do: in lock step, at first uses, at collections."""
import os
import tempfile
import unittest
from pathlib import Path

from harness import EndToEnd, each, run

LAZY = ('-s', 'import lazy_once as m')
HANG = ('-s', 'import hang_attached as m\ndef make(): return [[i] for i in range(200)]', '--timeout', '1s', '--verify', 0)
# Each child meets, so that a busy machine has more chances.
POINT = ('-s', 'import point_race as m')
MEET = ('--detect', 'crash', '--verify', 0, '--stop-on-first')


def run_until(kind, *options):
    """On a busy machine threads seldom run at the same time: makes up to three runs."""
    for _ in range(3):
        done = run(*options, until=lambda done: done.findings(kind=kind))
        if done.findings(kind=kind):
            break
    return done


class Lockstep(EndToEnd):
    def crash(self, *options):
        done = self.expect(run_until('crash', *LAZY, *MEET, *options), 1)
        finding = done.findings(kind='crash')[0]
        self.assertEqual((finding['function'], finding['package'], finding['blame']), ('bug', 'lazy_once', 'target'), done)
        return finding, done

    def test_first_use(self):
        """objects are made again before each round, and all threads meet at their first use; the plan says so"""
        finding, done = self.crash('--time', 20, '--perturb', 'fresh', '-s', 'c = m.new()', 'm.bug(c)')
        self.assertIn('\nperturb: fresh', '\n' + finding['plan']['yaml'].replace('lockstep,', ''), done)
        self.check(any('the setup runs again before each round' in line for line in finding['explanation']), done,
                   'the report does not say what the child did')

    def test_each_iteration(self):
        """in lock step all threads are in one iteration, so that the first uses of a list's items meet"""
        self.crash('--time', 20, '--perturb', 'lockstep', '-s', 'N = [m.new() for _ in range(20000)]', 'm.bug(N[iteration_index % 20000])')

    def test_twin(self):
        """a lock around the first use: no finding, in any member"""
        done = self.expect(run(*LAZY, '-s', 'c = m.new()', '--time', 8, 'm.twin(c)', until=lambda done: not done.json['no_turn']), 0)
        self.assertEqual(done.json['no_turn'], [], done)

    @each([('raise', 'sum(range(3000)) // (iteration_index % 5 - thread_index)'), ('stop', 'thread_index == 3 and iteration_index > 9 and exit()'),
           ('slow', 'thread_index == 2 and time.sleep(0.01)')])
    def test_goes_on(self, _, statement):
        """a thread that raises, stops or is slow holds no other up for ever"""
        done = run('-s', 'import time', '--time', 3, '--perturb', 'lockstep', '--detect', 'hang', '--timeout', '2s', statement)
        self.expect(done, 0)
        self.check(done.json['calls'] > 100, done, 'the others waited')

    def test_hang(self):
        """a thread that hangs is found, although the others wait for it in the next meeting"""
        done = run('-s', 'import threading; lock = threading.Lock(); lock.acquire()', '--time', 3, '--perturb', 'lockstep',
                   '--detect', 'hang', '--timeout', '1s', '--verify', 0, 'thread_index == 2 and iteration_index > 9 and lock.acquire()')
        self.expect(done, 1)
        self.assertEqual([finding['kind'] for finding in done.findings()], ['hang'], done)

    def test_hint(self):
        """the windows that look at memory at the end of a child have no meetings: nothing hangs"""
        done = self.expect(run('-s', '', '--time', 4, '--perturb', 'lockstep,fresh', '--detect', 'hint,hang', 'len([1])'), 0)
        self.check(done.json['calls'] > 100, done, 'the others waited')

    def test_once(self):
        """a setup that fails the second time is noted, and the run goes on with its first objects"""
        done = self.expect(run('-s', 'import builtins', '-s', 'assert not hasattr(builtins, "made"); builtins.made = 1; x = [1]',
                               '--time', 3, '--perturb', 'fresh', '--detect', 'crash', 'len(x)'), 0)
        self.check(any('uses for the first time' in note for note in done.json['notes']), done, 'no note')


class Collect(EndToEnd):
    def test_bug(self):
        """threads that wait attached for a lock hold up a collection for ever: a deadlock, with their function"""
        done = self.expect(run_until('hang', *HANG, '--time', 10, '--detect', 'hang', 'm.bug(make)'), 1)
        finding = done.findings(kind='hang')[0]
        self.assertEqual((finding['function'], finding['package'], finding['blame']), ('bug', 'hang_attached', 'target'), done)
        self.assertIn('a deadlock: ', finding['message'], done)
        self.assertIn('attached for the pthread mutex', finding['message'], done)
        self.assertIn('\nperturb: collect', finding['plan']['yaml'], done)

    def test_twin(self):
        """threads that detach before they wait are no deadlock"""
        self.expect(run(*HANG, '--time', 4, '--perturb', 'collect', '--detect', 'hang,crash', 'm.twin(make)'), 0)


class Points(EndToEnd):
    @each([('malloc', 'alloc', 'm.around_malloc_bug()', 'where a call has allocated or freed memory'),
           ('object', 'alloc', 'm.around_object_bug()', 'where a call has allocated or freed memory'),
           ('locks', 'locks', 'm.between_locks_bug()', 'where a call has taken or released a lock'),
           ('rwlocks', 'locks', 'm.between_rwlocks_bug()', 'where a call has taken or released a lock'),
           ('sections', 'locks', 'm.between_sections_bug()', 'where a call has taken or released a lock'),
           ('pct', 'pct', 'm.around_malloc_bug()', 'an order of depth 3 has a chance of at least 1 in 8192')])
    def test_bug(self, _, name, statement, sentence):
        """a wait at the point in the window finds it; the report says so, and the finding's plan has it"""
        done = self.expect(run_until('wrong-result', *POINT, '--perturb', name, '--detect', 'diverge', '--time', 12, '--verify', 0,
                                     '--stop-on-first', statement), 1)
        finding = done.findings(kind='wrong-result')[0]
        self.assertIn('gives False under threads, True on one thread', finding['message'], done)
        self.check(any(sentence in line for line in finding['explanation']), done, 'the report does not say what the child did')
        self.check(any(line.startswith('perturb: ') and name in line for line in finding['plan']['yaml'].splitlines()), done, 'not in the plan')

    def test_replay(self):
        """the plan of a finding has the points, its seed and nothing else to type; its trials see the bug again, too"""
        done = self.expect(run_until('wrong-result', *POINT, '--perturb', 'locks', '--detect', 'diverge', '--time', 6, 'm.between_locks_bug()'), 1)
        finding = done.findings(kind='wrong-result')[0]
        with tempfile.TemporaryDirectory() as folder:
            plan = Path(folder, 'plan.yaml')
            plan.write_text(finding['plan']['yaml'])
            again = self.expect(run_until('wrong-result', plan, '--time', 10, '--verify', 0, '--stop-on-first'), 1)
        self.assertEqual(done.json['seed'], again.json['seed'], again)
        self.check(any('taken or released a lock' in line for line in again.findings()[0]['explanation']), again, 'no such points')

    @each([('malloc', 'm.around_malloc_twin()'), ('object', 'm.around_object_twin()'), ('locks', 'm.between_locks_twin()')])
    def test_twin(self, _, statement):
        """a word of its own for each call: no finding"""
        self.expect(run(*POINT, '--time', 4, '--perturb', 'skew,delay,alloc,locks,starve,crowd,pin', statement), 0)
        self.expect(run(*POINT, '--time', 3, '--perturb', 'collect,pct', statement), 0)

    def test_crowd(self):
        """the default number of threads rises to 4 for each core; a number from the command line stays"""
        for options, threads in ((), max(8, min(256, 4 * os.cpu_count()))), (('-t', 3), 3):
            done = self.expect(run('--perturb', 'crowd', '--dry-run', *options, '-s', '', 'len([1])'), 0)
            self.assertIn(f'\nthreads: {threads}\n', done.out, done)

    def test_off(self):
        """no child perturbs, and those of which it is the purpose have no turn"""
        done = self.expect(run(*POINT, '--perturb', 'off', '--time', 5, '-v', 'm.between_locks_twin()'), 0)
        self.assertIn('(bare)', done.err, done)
        self.assertNotIn('(lockstep)', done.err, done)
        self.assertNotIn('(collect)', done.err, done)


if __name__ == '__main__':
    unittest.main()
