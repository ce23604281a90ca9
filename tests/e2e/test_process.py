"""Processes: no child stays behind, no child's end stops the run, and findings are never lost."""
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from harness import (BROKEN, GOOD, LAST_LINE, OWN_MALLOC, PATIENCE, EndToEnd, Run, each, functions, interpreter,
                     run)

COUNT = ('-s', 'import counter', 'counter.add(1)')
SPIN = ('-s', '', 'while True: pass')
DEADLOCK = ('-s', 'import hang_lock_order as m', 'm.bug(thread_index)')


def wait_until(condition, seconds):
    """Polls the condition; returns its value, or None after the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    return None


class Orphans(EndToEnd):
    @each([('at_work', COUNT), ('in_a_loop', SPIN), ('in_a_deadlock', DEADLOCK),
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

    @each([('in_a_loop', SPIN), ('in_a_deadlock', DEADLOCK), ('at_the_import', ('-s', 'import time; time.sleep(60)', 'pass'))])
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


class Ends(EndToEnd):
    def test_killed_from_outside(self):
        """a child that is killed from outside is a note, and the run goes on"""
        with Run('--time', '10', *COUNT) as started:
            self.assertTrue(wait_until(started.children, 30), started)
            time.sleep(1.5)
            # Between two children there is no child for a moment.
            children = wait_until(started.children, 30)
            self.assertTrue(children, started)
            os.kill(children[0], signal.SIGKILL)
            done = self.expect(started.finish(), 0)
            killed = [child['end'] for child in done.json['children']].index('Killed')
            self.check(killed + 1 < len(done.json['children']), done, 'no child after it')
            self.assertEqual([note for note in done.json['notes'] if 'signal 9' in note],
                             ['a child was ended by signal 9 (Killed), which it did not send itself: by the kernel, because '
                              'memory was out or a limit was reached, or by an operator'], done)
            self.check(done.seconds > 5, done, 'the run ended early')

    def test_killed_each_time(self):
        """children that are all killed from outside tested nothing: status 3"""
        limit = 'import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))'  # the kernel sends SIGKILL
        done = self.expect(run('-s', limit, 'while True: pass', '--time', '5', '-t', '2', '--timeout', '30s'), 3)
        self.assertIn('every child was ended by signal 9', done.last_line, done)

    def test_lost_records(self):
        """a target that closes the descriptor of the records: status 3, a note, and no crash"""
        done = self.expect(run('-s', '', 'import os; os.closerange(3, 100000)', '--time', '2'), 3)
        self.assertIn('records of a child were lost', done.last_line, done)
        self.check(any("descriptor of the harness's records" in note for note in done.json['notes']), done, 'no note')

    def test_lost_records_later(self):
        """what a child found before the target closes the descriptor is kept"""
        step = ('if iteration_index == 2000: os.closerange(3, 100000)\n'
                'if len(sys._current_frames()) > 1: int("three")')
        done = self.expect(run('-s', 'import os, sys', step, '--time', '3'), 1)
        self.assertEqual(done.kinds(), ['exception'], done)
        self.check(any("descriptor of the harness's records" in note for note in done.json['notes']), done, 'no note')

    @each([('usual', ''), ('few', 'ulimit -n 64; ')])
    def test_low_descriptors(self, _, limit):
        """the harness's descriptors are out of reach of a target that closes low ones, or another's"""
        done = run('-s', 'import os', 'os.closerange(3, 40)', '--time', '2',
                   prefix=('sh', '-c', limit + 'exec "$@"', 'sh'))
        self.expect(done, 0)
        self.assertFalse(any('descriptor' in note for note in done.json['notes']), done)

    def test_every_child_at_once(self):
        """children that die before their first call are not started again and again"""
        done = run('--time', '60', '-s', 'import os; os.abort()', 'pass', timeout=30)
        self.expect(done, 1)
        self.assertRegex(done.findings()[0]['message'], 'Aborted during setup', done)

    @each([('exit', 'import os; os._exit(5)', 'exited with status 5'),
           ('abort', 'import os; os.abort()', 'Aborted'),
           ('kill', 'import os; os.kill(os.getpid(), 9)', 'signal 9'),
           ('segv', 'import os; os.kill(os.getpid(), 11)', 'Segmentation fault')])
    def test_step(self, _, end, message):
        """a child that exits during a round is a finding, and the next child starts"""
        step = f'if thread_index == 3:\n    {end}'
        done = self.expect(run('--time', 3 * PATIENCE, '-s', '', step), 1)
        self.assertEqual(done.kinds(), ['crash'], done)
        found = done.findings()[0]
        self.assertIn(message, found['message'], done)
        self.check(found['runs']['hit'] > 1, done, 'one child only')

    @each([('C', 'import crash_exit as m', 'm.bug()', 'm.bug()'),
           ('handler', 'import os, signal; signal.signal(signal.SIGUSR1, lambda *_: os._exit(4))',
            'os.kill(os.getpid(), signal.SIGUSR1); sum(range(999))', 'os.kill'),
           ('one_thread', 'import os', 'len(()) if iteration_index < 9 else os._exit(4)', 'len')])
    def test_exit_names_its_statement(self, _, setup, step, words):
        """exit and _exit name the statement that called them, also in C and on one thread"""
        done = self.expect(run('--time', 2, '-s', setup, '1 + 1', step), 1)
        found = done.findings(kind='crash')[0]
        self.assertRegex(found['message'], f', in {re.escape(words)}')
        self.check(found['statement'].startswith(words), done, f"statement: {found['statement']}")

    def test_forked_exit(self):
        """the end of a process that the target forked is no end of the child"""
        step = 'pid = os.fork() or os._exit(3); os.waitpid(pid, 0)'
        done = run('--time', 2, '-t', 1, '-s', 'import os', step)
        self.assertEqual([finding for finding in done.findings() if 'exited' in finding['message']], [], done)

    def test_abort_of_python(self):
        """Python code that aborts is not the interpreter's fault: its own function is named"""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / 'stopper.py').write_text('import os\ndef stop(i):\n    if i == 3: os.abort()\n')
            done = self.expect(run('-s', 'import stopper', 'stopper.stop(thread_index)', '--time', '2', '--verify', '2',
                                   env={'PYTHONPATH': folder}), 1)
        found = done.findings(kind='crash')[0]
        self.assertEqual((found['blame'], found['function']), ('target', 'stop'), done)
        self.assertIn('the interpreter printed no reason', found['blame_reason'], done)

    def test_own_limit(self):
        """a target that lowers its own limit on memory tests nothing, and breaks nothing of the interpreter's"""
        limit = 'import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))'
        done = self.expect(run('-s', limit, '[bytes(100000) for i in range(1000)]', '--time', '2'), 3)
        self.assertIn('the target lowered its own limit on memory', done.last_line, done)

    def test_system_exit(self):
        """SystemExit ends the run early and is no finding"""
        done = run('-s', '', 'if iteration_index == 1000: raise SystemExit', '--time', '20', '-t', '1')
        self.expect(done, 0)
        self.check(done.seconds < 10, done, 'it did not end')

    def test_system_exit_at_once(self):
        """SystemExit in the first call is no exception that cannot be tested"""
        done = self.expect(run('-s', '', 'raise SystemExit', '--time', '2'), 3)
        self.assertIn('SystemExit ends the run before a serial call returns', done.last_line, done)

    def test_slow_start(self):
        """the threads run even if the imports take longer than the whole time"""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / 'slow.py').write_text('import time\ntime.sleep(3)\n')
            done = self.expect(run('-s', 'import slow', '--time', 2, 'len(())', env={'PYTHONPATH': folder}), 0)
        self.check(done.json['calls'] > 1000, done, 'the threads had no turn')


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
        step = 'while thread_index: pass'
        done = self.expect(run('--time', '3', '--timeout', '1s', '-s', '', step), 1)
        self.assertEqual(done.kinds(), ['hang'], done)
        self.check(done.seconds < 25, done, f'it took {done.seconds:.1f} s')

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
                 '    sum(range(2_000_000))')
        spin = subprocess.Popen([interpreter(GOOD), '-c', 'import os\nos.sched_setaffinity(0, {0})\nwhile True: pass'])
        try:
            done = run('--time', '3', '--timeout', '100ms', '-t', '2', '--detect', 'hang,crash', '-s', setup, 'call()')
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
        self.assertIn('already on one thread', finding['message'], done)
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
        done = run('--time', '0.2', '-s', 'x = [1]', 'len(x)')
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


CRASH = ('--time', '2', '-s', 'import crash_abort', 'crash_abort.bug()')


class Output(EndToEnd):
    """Results that cannot be written: one sentence, status 125, and the text report is complete."""

    def expect_lost(self, done, wanted):
        self.assertEqual(done.status, 125, done)
        said = [line for line in done.err.splitlines() if 'cannot' in line]
        self.assertEqual(len(said), 1, done)
        self.assertRegex(said[0], f'^ftstress: {wanted}', done)
        self.assertIn('crash_abort', done.out, done)
        self.assertRegex(done.last_line, LAST_LINE, done)

    @each([('json_without_folder', '--json', '/nowhere/report.json'), ('json_folder', '--json', '/tmp'),
           ('output_below_a_file', '-o', '/dev/null/x'), ('out_below_a_file', '--out', '/dev/null/out')])
    def test_refused(self, _, option, path):
        """a path that cannot be written is refused before the run"""
        done = run(option, path, *CRASH)
        self.assertEqual((done.status, done.out), (125, ''), done)
        self.assertRegex(done.err, rf'\Aftstress: cannot write {path}[^\n]*: [^\n]*; name another place with {"--output" if option == "-o" else option}\n\Z', done)

    @each([('text', ()), ('quiet', ('-q',)), ('junit', ('--as', 'junit'))])
    def test_full_standard_output(self, _, options):
        """a report on a full disk is lost: status 125, one sentence, and the last line"""
        with open('/dev/full', 'wb') as full:
            done = run(*options, *CRASH, stdout=full)
        self.assertEqual(done.status, 125, done)
        self.assertRegex(done.err, r'ftstress: cannot write to standard output: No space left on device', done)
        self.assertRegex(done.last_line, LAST_LINE, done)

    # Uses a link of the test: a program that renames its file over a device destroys the device.
    def test_json_on_a_full_disk(self):
        """--json to a full disk; a link is followed, not replaced"""
        with tempfile.TemporaryDirectory() as folder:
            full = Path(folder, 'full')
            full.symlink_to('/dev/full')
            self.expect_lost(run('--json', full, *CRASH), f'cannot write {full}: ')
            self.assertTrue(full.is_symlink(), 'the link was replaced by a file')

    def test_json_to_a_pipe(self):
        """--json to a named pipe, as of a shell's >(...): it is written to, not replaced"""
        with tempfile.TemporaryDirectory() as folder:
            pipe = Path(folder, 'pipe')
            os.mkfifo(pipe)
            with open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), 'rb') as reader:
                done = self.expect(run('--json', pipe, '--time', '1', '--iterations', '5', '-t', '1', *COUNT), 0)
                self.assertTrue(pipe.is_fifo(), 'the pipe was replaced by a file')
                self.check(json.loads(reader.read())['schema'] == 'ftstress-report/1', done, 'another report')

    def test_json_on_full_standard_output(self):
        """--json - to a full disk"""
        with open('/dev/full', 'wb') as full:
            done = run('--json', '-', '--time', '1', *COUNT, stdout=full)
        self.assertEqual(done.status, 125, done)
        self.assertRegex(done.err, '(?m)^ftstress: cannot write .*No space left', done)

    def test_out_that_is_lost(self):
        """--out that cannot be written at the end of a run: status 125, for a clean run too"""
        with Run('--time', '1', *COUNT) as started:
            self.assertTrue(wait_until(lambda: (started.dir / 'out').exists(), 30), started)
            (started.dir / 'out').rmdir()
            (started.dir / 'out').write_text('')
            done = started.finish()
        self.assertEqual(done.status, 125, done)
        self.assertRegex(done.err, '(?m)^ftstress: cannot keep the run under .*; name another folder with --out$', done)

    def test_more_than_are_kept(self):
        """of 200 different exceptions a child reports 64, and a note says that there are more"""
        setup = 'import sys; words = ["".join(chr(97 + (i >> 2 * k) % 4) for k in range(4)) for i in range(200)]'
        done = self.expect(run('--time', '2', '-s', setup, 'if len(sys._current_frames()) > 1: raise type(words[iteration_index % 200], (ValueError,), {})'), 1)
        self.check(len(done.findings(kind='exception')) >= 64, done, 'fewer than 64')
        self.assertIn('a child raised more than 64 different exceptions; the later ones are not reported', done.json['notes'])
        self.assertIn('note: a child raised more than 64', done.out, done)

    def test_kept(self):
        """a finding is kept under its id with its plan and evidence; the plan runs"""
        done = self.expect(run(*CRASH), 1)
        folder = done.dir / 'out' / done.findings()[0]['id']
        self.check((folder / 'finding.json').exists(), done, 'no finding.json')
        again = self.expect(run(folder / 'plan.yaml', '--time', '3'), 1)
        self.assertEqual([f['id'] for f in again.findings()], [f['id'] for f in done.findings()], again)

    def test_run_again(self):
        """`run` takes a finding by its id, its folder or its finding.json, and runs its plan"""
        done = self.expect(run(*CRASH), 1)
        out, name = done.dir / 'out', done.findings()[0]['id']
        plans = {run('--out', out, '--dry-run', finding).out for finding in (name, out / name, out / name / 'finding.json')}
        self.assertEqual(plans, {run('--dry-run', out / name / 'plan.yaml').out})
        again = self.expect(run('--out', out, name, '--time', '3'), 1)
        self.assertEqual([f['id'] for f in again.findings()], [name], again)


if __name__ == '__main__':
    unittest.main()
