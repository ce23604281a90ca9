"""Evidence of crashes and hangs: Python and native stacks of every thread, the faulting address, the locks waited for."""
import unittest

from harness import TAKE_LOCKS, EndToEnd, each, functions, run

THREADS = 16
# Sixteen workers meet inside a recursion and go on from there; the serial pass, with one thread, does not wait.
MEETING = f'''
import threading, time, crash_null_write as m, crash_kinds as kinds
inside, alone = [0] * {THREADS}, threading.main_thread().ident
def down(n, i, leaf):
    return down(n - 1, i, leaf) if n else meet(i, leaf)
def meet(i, leaf):
    if threading.get_ident() == alone:
        return m.twin(1, 5)
    inside[i] = 1
    while sum(inside) < {THREADS}:
        time.sleep(0.001)
    leaf(i)
def crash(i):
    while True:
        m.bug(1, 5)
def hush(i):
    time.sleep(0.3) if i else kinds.hush()
    crash(i)
'''

# A function of crash_kinds, and the explanation of its fault.
FAULTS = [
    ('null_member', r'a read from null \+ 0x18$'),
    ('null_call', 'a jump to null$'),
    ('read_only', r'a write to a read-only mapping of /.*crash_kinds.*\.so$'),
    ('unmapped', 'a write to 0x.* in no mapping, 8 bytes past the end of a mapping'),
    ('overflow', 'stack overflow: a write to 0x'),
]


def threads(finding):
    """Returns the stacks of a finding by the number of the worker."""
    return {stack['thread']: stack for stack in finding['stacks'] if stack.get('thread') is not None}


class Crash(EndToEnd):
    def crashed(self, leaf):
        done = self.expect(run('-s', MEETING, '-t', THREADS, '--detect', 'crash', '--time', '20', '--stop-on-first',
                               f'down(10, thread_index, {leaf})'), 1)
        found = done.findings(kind='crash', function='bug')
        self.check(len(found) == 1, done, f'{len(found)} crashes in bug')
        self.assertEqual(sorted(threads(found[0])), list(range(THREADS)), done)
        return done, found[0]

    def whole(self, stack, done):
        self.check('worker_main' in functions(stack), done, 'a native stack without the worker')
        self.check('clone' in functions(stack)[-1], done, f'a native stack ends in {functions(stack)[-1]}')

    def test_threads(self):
        """sixteen threads have sixteen Python and native stacks, each complete down to the worker's first frame"""
        done, crash = self.crashed('crash')
        for stack in crash['stacks']:
            self.whole(stack, done)
            names = [frame['function'] for frame in stack['python']]
            self.assertEqual(names[-12:], ['down'] * 11 + ['down(10, thread_index, crash)'], done)
            self.check(names[0] in ('crash', 'meet') and not stack['cut'], done, f'frames {names}')
            self.check(all(frame['line'] > 0 for frame in stack['python'][:-1]), done, 'a line is not known')
        self.check('which crashed' in crash['stacks'][0]['title'], done, 'the thread that crashed is not the first')
        self.check('bug' in functions(crash['stacks'][0]), done, 'and does not show the bug')
        self.check('the fault: a write to null' in done.out and '  (11 times)' in done.out, done, 'not in the text')
        self.check(crash['registers']['rip'].startswith('0x'), done, 'no registers')

    def test_silent(self):
        """a thread that does not respond gets its native stack by ptrace, and keeps its number"""
        done, crash = self.crashed('hush')
        for number, stack in threads(crash).items():
            self.whole(stack, done)
            self.check(bool(stack['python']) == (number > 0), done, f"thread {number}: {stack['python']}")
        self.check('hush' in functions(threads(crash)[0]), done, 'the silent thread is somewhere else')
        self.check('did not answer' in threads(crash)[0]['title'], done, 'no thread is marked as silent')

    @each(FAULTS)
    def test_fault(self, function, sentence):
        """the report explains the faulting address"""
        done = self.expect(run('-s', 'import crash_kinds', '--detect', 'crash', '--time', '10', '--stop-on-first', f'crash_kinds.{function}()'), 1)
        lines = '\n'.join(done.findings(kind='crash')[0]['explanation'])
        self.assertRegex(lines, f'(?m)^the fault: {sentence}', done)

    def test_freed(self):
        """a pointer read from a freed block is recognised by the guard's poison"""
        done = self.expect(run('-s', 'import crash_kinds', '--detect', 'crash,guard', '--time', '2', 'crash_kinds.freed()'), 1)
        lines = [line for crash in done.findings(kind='crash') for line in crash['explanation']]
        self.check(any("holds 0xdbdb" in line and "the guard's fill of freed memory" in line for line in lines), done,
                   f'explained by {lines}')

    def test_lost(self):
        """if the interpreter's list of frames is corrupt, Python frames are missing and everything else is there"""
        done = self.expect(run('-s', 'import crash_kinds', '--detect', 'crash', '--time', '10', '--stop-on-first', 'crash_kinds.lost_frames()'), 1)
        crash = done.findings(kind='crash', function='lost_frames')[0]
        self.check(functions(crash['stacks'][0])[0] == 'lost_frames', done, 'no native stack')
        self.assertEqual([frame['function'] for frame in crash['stacks'][0]['python']], ['crash_kinds.lost_frames()'], done)


class Hang(EndToEnd):
    def test_lock_order(self):
        """two mutexes: which thread holds and waits for which, with the stacks of both acquisitions first"""
        done = self.expect(run('-s', 'import hang_lock_order as m', '--time', 20, '--stop-on-first', '--timeout', '1s', 'm.bug(thread_index)'), 1)
        hang = done.findings(kind='hang')[0]
        self.assertRegex(hang['message'], r'a deadlock: thread (\d+) holds the pthread mutex ([ab]) and waits for the pthread '
                         r'mutex ([ab]); thread (\d+) holds the pthread mutex \3 and waits for the pthread mutex \2', done)
        first, second = hang['waits'][:2]
        self.assertEqual((first['holder_tid'], second['holder_tid']), (second['tid'], first['tid']), done)
        self.assertEqual({wait['variable'][:5] for wait in hang['waits']}, {'a in ', 'b in '}, done)
        self.assertEqual([stack['tid'] for stack in hang['stacks'][:2]], [first['tid'], second['tid']], done)
        for stack in hang['stacks'][:2]:
            self.check('lock_both' in functions(stack), done, 'no acquisition on a stack')
            self.check(any('pthread_mutex_lock' in name for name in functions(stack)), done, 'no lock on a stack')
            self.assertEqual(stack['python'][-1]['function'], 'm.bug(thread_index)', done)

    def test_python_locks(self):
        """two locks that Python code takes in both orders: its function is blamed, not the interpreter"""
        done = self.expect(run('-s', TAKE_LOCKS, '-t', 4, '--time', 20, '--stop-on-first', '--timeout', '1s', '--role', 'take(a, b)',
                               '--role', 'take(b, a)'), 1)
        hang = done.findings(kind='hang')[0]
        self.assertEqual((hang['blame'], hang['function']), ('target', 'take'), done)
        self.assertEqual(len({wait['lock'] for wait in hang['waits']}), 2, done)
        self.check({'take(a, b)', 'take(b, a)'} <= {stack['python'][-1]['function'] for stack in hang['stacks']}, done,
                   'a statement is missing')


if __name__ == '__main__':
    unittest.main()
