"""Processes: no child stays behind, an interrupt ends a run soon, hangs are found soon, and limits hold."""
import json
import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from harness import (BROKEN, BUILD, FTSTRESS, GOOD, OWN_MALLOC, PATIENCE, EndToEnd, Run, each, functions, interpreter, run,
                     wait_until)

COUNT = ('-s', 'import counter', 'counter.add(1)')
SPIN = ('-s', '', 'while True: pass')
DEADLOCK = ('-s', 'import hang_lock_order as m', 'm.bug(thread_index)')
# A handler of a signal could release a lock, so that only --timeout makes it a hang.
UNPROVEN = ('-s', 'import signal; signal.signal(signal.SIGALRM, lambda *_: None)', *DEADLOCK)


class Orphans(EndToEnd):
    @each([('at_work', COUNT), ('in_a_loop', SPIN), ('in_a_deadlock', UNPROVEN),
           ('at_the_import', ('-s', 'import time; time.sleep(60)', 'pass'))])
    def test_driver_is_killed(self, _, arguments):
        """kill -9 of the driver leaves no child behind"""
        with Run('--time', '60', *arguments) as started:
            working = wait_until(lambda: 'seed' in started.err and started.children(), 10 * PATIENCE)
            self.assertTrue(working, 'no child was started')
            time.sleep(1)
            self.check(wait_until(started.children, 5 * PATIENCE), started, 'there is no child')  # one may just have ended
            started.process.kill()
            started.process.wait()
            self.assertTrue(wait_until(lambda: not started.children(), 3), f'left behind: {started.children()}')

    def test_nothing_is_left(self):
        """a run that ends by itself leaves no process behind, with hung or crashed children too"""
        with Run('--time', '2', '--timeout', '1s', *DEADLOCK) as started:
            started.finish(30)
            self.assertEqual(started.children(), [])


class Interrupt(EndToEnd):
    def interrupt(self, started, after):
        time.sleep(after * PATIENCE)
        self.check(started.process.poll() is None, started, 'the run was over already')
        began = time.monotonic()
        started.process.send_signal(signal.SIGINT)
        started.finish(15)
        took = time.monotonic() - began
        self.check(took < 6 * PATIENCE, started, f'it took {took:.1f} s to end')
        self.assertEqual(started.children(), [])
        return started

    def test_with_findings(self):
        """Ctrl-C prints and keeps the findings so far, writes the JSON, and ends with status 1"""
        with Run('repeat', '--time', '60', python=BROKEN) as started:
            done = self.expect(self.interrupt(started, 5 * PATIENCE), 1)
            self.check(done.findings(function='PyArray_Repeat'), done, 'the finding is lost')
            self.assertIn('PyArray_Repeat', done.out, done)
            self.assertTrue(done.last_line.endswith(' s; interrupted before its end'), done)
            for finding in done.findings():
                self.check((done.dir / 'out' / finding['id'] / 'plan.yaml').exists(), done, 'not kept')

    def test_closed_pipe(self):
        """findings are kept where the report goes to a closed pipe, as with `head`"""
        with tempfile.TemporaryDirectory() as out:
            reader, writer = os.pipe()
            os.close(reader)
            done = subprocess.run([FTSTRESS, 'run', '-p', interpreter(GOOD), '--time', '2', '--verify', '0', '--out', out, '-s',
                                   'import crash_null_write as m', 'm.bug(1, 2)'], stdout=writer, stderr=subprocess.PIPE,
                                  text=True, env=os.environ | {'PYTHONPATH': str(BUILD / 'planted')})
            os.close(writer)
            self.assertEqual(done.returncode, 1, done)
            self.assertTrue([plan for plan in Path(out).glob('F*/plan.yaml')], done)

    def test_without(self):
        """Ctrl-C without a finding ends with status 3"""
        with Run('--time', '60', *COUNT) as started:
            done = self.expect(self.interrupt(started, 2), 3)
            self.assertIn('interrupted', done.last_line, done)

    def test_at_once(self):
        """Ctrl-C before the first child starts ends like any other, with a report"""
        with tempfile.TemporaryDirectory() as folder:
            slow = Path(folder) / 'python'
            slow.write_text(f'#!/bin/sh\nsleep 2\nexec {interpreter(GOOD)} "$@"\n')
            slow.chmod(0o755)
            with Run('--time', '60', *COUNT, python=str(slow)) as started:
                done = self.expect(self.interrupt(started, 0.5), 3)
        self.assertIn('interrupted', done.last_line, done)
        self.assertEqual(done.json['verdict'], 'untested', done)

    @each([('in_a_loop', SPIN), ('in_a_deadlock', UNPROVEN), ('at_the_import', ('-s', 'import time; time.sleep(60)', 'pass'))])
    def test_stuck(self, _, arguments):
        """a child that ignores signals is killed; the interruption is no finding"""
        with Run('--time', '60', '--timeout', '50s', *arguments) as started:
            done = self.expect(self.interrupt(started, 2), 3)
            self.assertIn('interrupted', done.last_line, done)

    def test_group(self):
        """a terminal sends Ctrl-C to the whole process group: the child has its own group"""
        with Run('--time', '60', *COUNT) as started:
            child = wait_until(started.children, 30)
            self.assertTrue(child, started)
            self.assertNotEqual(os.getpgid(child[0]), os.getpgid(started.process.pid))


class Hang(EndToEnd):
    def test_deadlock(self):
        """a deadlock is found within seconds, with the stacks of two threads, and the right function is blamed"""
        done = self.expect(run('--time', '3', '--timeout', '1s', *DEADLOCK), 1)
        self.check(done.seconds < 15 * PATIENCE, done, f'it took {done.seconds:.1f} s')
        finding = done.findings(kind='hang')[0]
        inside = [stack for stack in finding['stacks'] if 'lock_both' in functions(stack)]
        self.check(len(inside) >= 2, done, f'{len(inside)} stacks show lock_both')
        self.assertEqual((finding['function'], finding['package']), ('lock_both', 'hang_lock_order'), done)

    def test_deadlock_beside_numpy(self):
        """idle threads of a library (such as the pool of OpenBLAS) are no deadlock"""
        done = self.expect(run('-i', 'x=f8[20]', '--time', '3', '--timeout', '1s', *DEADLOCK), 1)
        finding = done.findings(kind='hang')[0]
        self.assertEqual((finding['function'], finding['package']), ('lock_both', 'hang_lock_order'), done)

    def test_loop(self):
        """threads that never return, busy or waiting, are a hang"""
        step = 'while len(sys._current_frames()) > 1: pass'
        done = self.expect(run('--time', '3', '--timeout', '1s', '-s', 'import sys', step), 1)
        self.assertEqual(done.kinds(), ['hang'], done)
        self.check(done.seconds < 25, done, f'it took {done.seconds:.1f} s')

    def test_loop_on_one_thread(self):
        """a statement that does not return for some threads, without others, is untested, and the reason names it"""
        done = self.expect(run('--time', '3', '--timeout', '1s', '-s', '', 'while thread_index: pass'), 3)
        self.assertRegex(done.json['reason'], r'while thread_index: … did not return within \d+ s on one thread, with '
                                              r'thread_index = [1-9] and iteration_index = 0')

    def test_slow_is_no_hang(self):
        """a call that is slow on one thread too, and waits for its turn with several, is no hang"""
        setup = 'import threading, time; lock = threading.Lock()'
        step = 'with lock: time.sleep(0.4)'
        self.expect(run('--time', '5', '--timeout', '1s', '-t', '4', '-s', setup, step), 0)

    def test_busy_machine_is_no_hang(self):
        """threads that get a hundredth of a processor make progress, and do not hang"""
        setup = ('import os, threading\n'
                 'def call():\n'
                 '    if threading.current_thread() is threading.main_thread(): return\n'
                 '    os.nice(19)\n'
                 '    os.sched_setaffinity(0, {0})\n'
                 '    sum(range(3_000_000))')
        spin = subprocess.Popen([interpreter(GOOD), '-c', 'import os\nos.sched_setaffinity(0, {0})\nwhile True: pass'])
        try:
            done = run('--time', '3', '--timeout', '1s', '-t', '2', '--detect', 'hang,crash', '-s', setup, 'call()',
                       timeout=150)
        finally:
            spin.kill()
            spin.wait()
        self.assertEqual(done.kinds(), [], done)
        self.check(done.status in (0, 3), done, 'the run broke')
        self.assertNotIn('hung', [child['end'] for child in done.json['children']], done)

    def test_stopped_from_outside(self):
        """a child that a signal from outside stops is no hang: a note, and the run goes on"""
        with Run('--time', '4', '--timeout', '1s', *COUNT) as started:
            time.sleep(1.5)
            children = wait_until(started.children, 30)
            self.assertTrue(children, started)
            os.kill(children[0], signal.SIGSTOP)
            done = self.expect(started.finish(), 0)
        self.assertIn('was stopped', [child['end'] for child in done.json['children']], done)
        self.check(any('a signal that the target did not send to itself stopped a child' in note for note in done.json['notes']),
                   done, 'no note')

    @each([('for_good', 60), ('longer_than_the_timeout', 0.8)])
    def test_on_one_thread(self, _, seconds):
        """a call that hangs on one thread is reported as such"""
        done = run('--time', '3', '--timeout', '300ms', '-s', 'import time', f'time.sleep({seconds})', timeout=30)
        self.expect(done, 1)
        finding = done.findings(kind='hang')[0]
        self.check(finding['serial'], done, 'not serial')
        self.assertIn('already in calls from one thread', finding['message'], done)
        self.check(finding['runs']['hit'] <= finding['runs']['of'], done, f"runs: {finding['runs']}")

    def test_unseen(self):
        """with the hang detector off the run still ends, and reports that a child was stuck"""
        done = run('--time', '2', '--timeout', '1s', '--detect', 'crash,log', *DEADLOCK)
        self.check(done.status in (0, 3), done, 'the run broke')
        said = ' '.join([done.json['reason'] or '', *done.json['notes']])
        self.assertIn('a child hung', said, done)


class Limits(EndToEnd):
    def test_memory(self):
        """a child at its memory limit is ended with a note; it is no crash, and the run goes on"""
        step = "if thread_index: kept.append(b'x' * (1 << 16) + bytes([len(kept) % 256]))"
        done = run('--memory', '200M', '--time', '4', '-s', 'kept = []', step)
        self.check(done.status in (0, 3), done, 'the run broke, or the limit is a finding')
        self.expect(done, done.status)
        self.check(any('memory limit of 200 MB' in note for note in done.json['notes']), done, 'no note')

    def test_members_without_a_turn(self):
        """a run that is too short for all kinds of children names those that had none, beside its bound"""
        for seconds in '0.2', '0.6', '1.8':  # on a busy machine a shorter one may test nothing
            done = Run('--time', seconds, '-s', 'x = [1]', 'len(x)').finish(60)
            if 'could not test' not in done.out:
                break
        missed = done.json['no_turn']
        self.check('pyheap' in missed and 'serial' not in missed, done, f'without a turn: {missed}')
        self.assertIn(', '.join(missed) + ' had no turn: give it more --time', done.out, done)
        self.check(done.json['tested_calls'] == done.json['calls'], done, 'serial calls count in the bound')
        if done.status == 0:
            self.assertIn('nothing found, but ' + ', '.join(missed), done.out, done)

    def test_flood(self):
        """the output of a step is read, and its beginning and end are kept"""
        done = self.expect(run('--time', '3', '-s', 'import os', "os.write(2, b'x' * 4096)", "os.write(1, b'\\xff\\0\\n' * 99)"), 0)
        self.check(len(done.err) + len(done.out) < 20000, done, 'the flood went through')
        self.check(done.json['calls'] > 1000, done, 'too few calls')

    def test_flood_of_a_crash(self):
        """evidence in a flood of output is found, and the JSON is valid with any bytes"""
        self.unless_sanitized(OWN_MALLOC)
        steps = ("os.write(2, b'\\xff\\xfe\\0' * 999 + b'\\n')", 'if thread_index and iteration_index > 50: m.bug()')
        done = self.expect(run('--time', '8', '-s', 'import os, log_double_free as m', *steps), 1)
        self.check(done.findings(kind='double-free'), done, f'found: {done.kinds()}')

    @each([('one', '1'), ('two', '2'), ('most', '256')])
    def test_threads(self, _, threads):
        """from one thread to 256"""
        done = self.expect(run('-t', threads, '--time', '3', *COUNT), 0)
        self.assertEqual(done.json['threads'], int(threads), done)
        self.check(done.json['calls'] + done.json['serial_calls'] > 10 * int(threads), done, 'too few calls')
        self.check(done.seconds < 20, done, f'it took {done.seconds:.1f} s')


if __name__ == '__main__':
    unittest.main()
