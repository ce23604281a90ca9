"""How children end, and where the output goes: no end of a child stops the run, and findings are never lost."""
import json
import os
import re
import signal
import tempfile
import time
import unittest
from pathlib import Path

from harness import BESIDE, LAST_LINE, PATIENCE, EndToEnd, Run, each, interpreter, run, wait_until

COUNT = ('-s', 'import counter', 'counter.add(1)')


def kill_one(children):
    """A child may end before it is killed, and between two children there is none for a moment. Forks come after it."""
    try:
        os.kill(min(children), signal.SIGKILL)
    except (ValueError, ProcessLookupError):
        return False
    return True


class Ends(EndToEnd):
    def test_round(self):
        """a round ends for all threads when the first one has made its calls: a slower one is not left alone"""
        done = self.expect(run('--detect', 'exception', '--time', 2, '-t', 2, '-s', 'import time', '--role', 'time.sleep(.002)',
                               '--role', 'time.sleep(.0001)'), 0)
        self.check(done.json['overlap'] > 0.7, done, f"overlap {done.json['overlap']}")

    def test_stop_on_first(self):
        """a child that stops at its first finding leaves the end of Python out; those before it do not"""
        with tempfile.TemporaryDirectory() as folder:
            mark = f'import atexit, os; atexit.register(lambda: open("{folder}/%d" % os.getpid(), "w").close())'
            done = self.expect(run('-s', f'import exception_race as m; {mark}', '--detect', 'exception,guard', '--verify', 0,
                                   '--time', 20, '--stop-on-first', 'm.bug()'), 1)
            self.assertEqual(len(os.listdir(folder)), len(done.json['children']) - 1, done)

    def test_killed_from_outside(self):
        """a child that is killed from outside is a note, and the run goes on"""
        with Run('--time', '15', *COUNT) as started:
            self.assertTrue(wait_until(started.children, 30), started)
            time.sleep(1)
            self.assertTrue(wait_until(lambda: kill_one(started.children()), 30), started)
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
        step = ('if iteration_index == 500: os.closerange(3, 100000)\n'
                'if beside(): int("three")')
        done = self.expect(run('-s', BESIDE, step, '--time', '3'), 1)
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
        with Run('--time', '5', *COUNT) as started:
            self.assertTrue(wait_until(lambda: (started.dir / 'out').exists(), 30), started)
            (started.dir / 'out').rmdir()
            (started.dir / 'out').write_text('')
            done = started.finish()
        self.assertEqual(done.status, 125, done)
        self.assertRegex(done.err, '(?m)^ftstress: cannot keep the run under .*; name another folder with --out$', done)

    def test_more_than_are_kept(self):
        """of 200 different exceptions a child reports 64, and a note says that there are more"""
        setup = BESIDE + '\nwords = ["".join(chr(97 + (i >> 2 * k) % 4) for k in range(4)) for i in range(200)]'
        step = 'if beside(): raise type(words[iteration_index % 200], (ValueError,), {})'
        done = self.expect(run('--time', '4', '-s', setup, step), 1)
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
