"""`ftstress reproduce`: a kept finding runs again in fresh children, and only the same failure counts."""
import json
import os
import re
import shutil
import subprocess
import unittest

from harness import BROKEN, BUILD, FTSTRESS, GOOD, EndToEnd, interpreter, patient, run

CRASH = ('-s', 'import crash_null_write as m', '--detect', 'crash,exception', '--time', '2')
REPEAT = ('-s', 'import numpy as np; x = np.arange(20.)', 'np.repeat(x, 2)', '--detect', 'tripwire', '--time', '2')
ENVIRONMENT = {'PYTHONPATH': str(BUILD / 'planted'), 'PATH': '/usr/bin:/bin'}


class Reproduce(EndToEnd):
    def reproduce(self, done, finding, *args, **options):
        """Runs `reproduce` on a finding of a run. Returns its exit status, output and JSON."""
        path = done.dir / 'again.json'
        again = subprocess.run([FTSTRESS, 'reproduce', finding, '--out', done.dir / 'out', '--json', path, *patient(args)],
                               capture_output=True, text=True, env=ENVIRONMENT, cwd=done.cwd, **options)
        return again, json.loads(path.read_text()) if path.exists() else None

    def found(self, *args, **options):
        done = self.expect(run(*args, **options), 1)
        return done, done.findings()[0]

    def test_again(self):
        """a crash comes again in each child, in the interpreter of the finding"""
        done, finding = self.found(*CRASH, 'm.bug(1, 5)', until=lambda done: done.findings())
        self.assertIn(f"    run it again: ftstress reproduce {finding['id']} --out ", done.out)
        again, result = self.reproduce(done, finding['id'], '--time', '60')
        self.assertEqual(again.returncode, 1, again)
        self.assertEqual((result['hit'], result['of'], result['differs']), (3, 3, None), again)
        self.assertRegex(again.stdout, r'fails in 3 of 3 fresh children, .* \(44 to 100 % at 95 % confidence\)')
        self.assertEqual(again.stderr.splitlines()[-1], f"ftstress: {finding['id']} fails in 3 of 3 fresh children")

    def test_repaired(self):
        """another failure of the same plan does not count, and it is named"""
        done, finding = self.found(*CRASH, 'm.bug(1, 5)', until=lambda done: done.findings())
        plan = done.dir / 'out' / finding['id'] / 'plan.yaml'
        text = plan.read_text().replace('m.bug(1, 5)', 'kinds.null_member()')
        plan.write_text(text.replace('import crash_null_write as m', 'import crash_kinds as kinds'))
        again, result = self.reproduce(done, finding['id'], '--trials', '2')
        self.assertEqual((again.returncode, result['hit'], result['of']), (0, 0, 2), again)
        self.assertRegex(again.stdout, 'does not fail in 2 fresh children, .*: it fails in less than 78 % of them')
        self.assertIn('another failure, in 2 of 2 children: crash', again.stdout)

    def test_elsewhere(self):
        """other versions are refused unless -p names them, and named"""
        done, finding = self.found(*REPEAT, python=BROKEN)
        path = done.dir / 'out' / finding['id'] / 'finding.json'
        document = json.loads(path.read_text())
        path.write_text(json.dumps(document | {'interpreter': interpreter(GOOD)}))
        again, result = self.reproduce(done, finding['id'])
        self.assertEqual(again.returncode, 3, again)
        self.assertIn('numpy was 2.2.2 and is 2.2.6', again.stderr)
        again, result = self.reproduce(done, finding['id'], '--trials', '2', '-p', interpreter(GOOD))
        self.assertEqual((again.returncode, result['hit']), (0, 0), again)
        self.assertIn('in another environment: numpy was 2.2.2 and is 2.2.6', again.stdout)
        again, result = self.reproduce(done, finding['id'], '-p', interpreter(BROKEN))
        self.assertEqual((again.returncode, result['hit']), (1, 3), again)

    def test_another_build(self):
        """a file that was built anew is named, where no version says so"""
        done, finding = self.found(*CRASH, 'm.bug(1, 5)', until=lambda done: done.findings())
        path = done.dir / 'out' / finding['id'] / 'finding.json'
        text = path.read_text()
        files = re.findall(r'"_file [^"]*/(crash_null_write\.[^"]*)": "(\w{16})"', text)
        self.assertEqual(len(files), 1, text)
        path.write_text(text.replace(files[0][1], '0' * 16))
        plan = path.parent / 'plan.yaml'
        plan.write_text(plan.read_text().replace('m.bug(1, 5)', 'm.twin(1, 5)'))
        again, _ = self.reproduce(done, finding['id'])
        self.assertEqual(again.returncode, 3, again)
        self.assertIn(f"the environment is not the finding's: {files[0][0]} is another build; name one with -p", again.stderr)

    def bisect(self, done, finding, *args):
        return subprocess.run([FTSTRESS, 'bisect', finding, *args, '--out', done.dir / 'out'], capture_output=True, text=True,
                              env=os.environ | ENVIRONMENT, cwd=done.cwd)

    def test_bisect(self):
        """two releases differ; what was tried is kept; a wrong range is refused"""
        done, finding = self.found(*REPEAT, python=BROKEN)
        found = self.bisect(done, finding['id'], 'numpy', '2.2.2..2.2.3')
        self.assertEqual(found.returncode, 0, found)
        self.assertIn('fails in numpy 2.2.2 (3 of 3), not in 2.2.3 (0 of 3; below 63 % at 95 %)', found.stdout)
        self.assertEqual(found.stderr.splitlines()[-1], 'ftstress: it goes away between numpy 2.2.2 and 2.2.3')
        again = self.bisect(done, finding['id'], 'numpy', '2.2.2..2.2.3')
        self.assertEqual((again.returncode, again.stdout), (0, found.stdout), again)
        self.assertEqual(len(again.stderr.splitlines()), 1, again)
        for words in (('2.2.3..2.2.2',), ('2.2.2',), ('9.9..9.10',)):
            self.assertEqual(self.bisect(done, finding['id'], 'numpy', *words).returncode, 2, words)

    def test_bisect_not_installed(self):
        """a release that pip cannot install has a line with the reason, and the next one is tried"""
        done, finding = self.found(*REPEAT, python=BROKEN)
        path = done.dir / 'out' / finding['id'] / 'finding.json'
        document = json.loads(path.read_text())
        document['environment']['threadpoolctl'] = '0.0.1'
        path.write_text(json.dumps(document))
        found = self.bisect(done, finding['id'], 'numpy', '2.2.2..2.2.3')
        self.assertEqual(found.returncode, 3, found)
        reason = 'No matching distribution found for threadpoolctl==0.0.1'
        self.assertEqual([line for line in found.stderr.splitlines()], [
            f'ftstress: numpy 2.2.2: not tried: {reason}', f'ftstress: numpy 2.2.3: not tried: {reason}',
            f'ftstress: no version of numpy in this range can be tried: {reason}'])

    def script(self, done, finding, form):
        path = done.dir / f'{form}.py'
        written = subprocess.run([FTSTRESS, 'report', finding, '--out', done.dir / 'out', '--as', form, '-o', path],
                                 capture_output=True, text=True, env=ENVIRONMENT, cwd=done.cwd)
        return written, path

    def test_script(self):
        """the script of a crash crashes, and its docstring has its own rate; the test is a function"""
        done, finding = self.found(*CRASH, 'm.bug(1, 5)', until=lambda done: done.findings())
        written, path = self.script(done, finding['id'], 'script')
        self.assertEqual(written.returncode, 0, written)
        self.assertIn('ftstress: the script fails in 5 of 5 runs', written.stderr)
        self.assertIn('Fails in 5 of 5 runs of 5 s here.', path.read_text())
        self.assertLess(len(path.read_text().splitlines()), 45)
        ended = subprocess.run([interpreter(GOOD), path], env=ENVIRONMENT, capture_output=True)
        self.assertEqual(ended.returncode, -11, ended)
        written, path = self.script(done, finding['id'], 'test')
        self.assertIn('def test_threads():', path.read_text())

    def test_script_rare(self):
        """a script that shows nothing says so, and offers the plan"""
        done, finding = self.found(*CRASH, '--verify', '20', 'm.bug(1, 5)', until=lambda done: done.findings())
        plan = done.dir / 'out' / finding['id'] / 'plan.yaml'
        plan.write_text(plan.read_text().replace('m.bug(1, 5)', 'm.twin(1, 5)'))
        written, _ = self.script(done, finding['id'], 'script')
        self.assertRegex(written.stderr, 'fails in 0 of 5 runs: send the plan instead; ')

    def test_no_script(self):
        """a plan that writes has no script, with the reason"""
        done, finding = self.found(*CRASH, 'm.bug(1, 5)', until=lambda done: done.findings())
        plan = done.dir / 'out' / finding['id'] / 'plan.yaml'
        plan.write_text(plan.read_text().replace('share: readonly', 'share: all'))
        written, path = self.script(done, finding['id'], 'script')
        self.assertEqual((written.returncode, path.exists()), (3, False), written)
        self.assertIn('the plan writes to what its threads share (sharing level all)', written.stderr)

    @unittest.skipUnless(shutil.which('gdb'), 'gdb is not installed')
    def test_gdb(self):
        """gdb stops in the thread that crashes, and in the one that writes to its input"""
        for function, (done, finding) in (
                ('bug', self.found(*CRASH, 'm.bug(1, 5)', until=lambda done: done.findings())),
                ('PyArray_Repeat', self.found(*REPEAT, python=BROKEN))):
            again, _ = self.reproduce(done, finding['id'], '--gdb', stdin=subprocess.DEVNULL, timeout=200)
            self.assertRegex(again.stdout, fr'gdb stopped at the finding, in the thread that shows it\n#0 .*{function}', again)

    @unittest.skipUnless(shutil.which('gdb'), 'gdb is not installed')
    def test_gdb_hang(self):
        """gdb stops where the threads hang, in one that waits for a lock"""
        done, finding = self.found('-s', 'import hang_lock_order as m', 'm.bug(thread_index)', '--detect', 'hang', '--timeout', '1',
                                   until=lambda done: done.findings())
        again, _ = self.reproduce(done, finding['id'], '--gdb', stdin=subprocess.DEVNULL, timeout=200)
        self.assertIn('gdb stops when the threads have slept for 2 s; press Ctrl-C if they hang awake', again.stderr)
        self.assertRegex(again.stdout, r'gdb stopped at the finding, in the thread that shows it\n#0 (?s:.*) lock_both \(')

    def test_no_gdb(self):
        """without gdb one sentence names its package"""
        done, finding = self.found(*CRASH, 'm.bug(1, 5)', until=lambda done: done.findings())
        again = subprocess.run([FTSTRESS, 'reproduce', finding['id'], '--gdb', '--out', done.dir / 'out'], env={'PATH': '/nowhere'},
                               capture_output=True, text=True)
        self.assertEqual(again.returncode, 3, again)
        self.assertIn('gdb is not installed; install the package gdb', again.stderr)

    def test_no_finding(self):
        """what is no finding is refused in one sentence"""
        again = subprocess.run([FTSTRESS, 'reproduce', 'Fnope'], capture_output=True, text=True)
        self.assertEqual((again.returncode, again.stdout), (3, ''), again)
        self.assertIn("'Fnope' is no kept finding", again.stderr)


if __name__ == '__main__':
    unittest.main()
