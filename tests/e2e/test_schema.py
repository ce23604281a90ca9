"""docs/report.schema.json describes the reports of all kinds of run, and leaves out no key of them; the schemas beside it
describe the other documents."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import BROKEN, BUILD, FTSTRESS, EndToEnd, Run, each, run

DOCS = Path(__file__).resolve().parents[2] / 'docs'
CHECKER = BUILD / 'venvs' / 'docs' / 'bin' / 'python'
# A user's reports may have more keys than the schema of an older version; those of this tree may not.
CHECK = '''
import json, sys
from jsonschema import Draft202012Validator
def close(schema):
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        close(part)
    if isinstance(schema, dict) and 'properties' in schema:
        schema.setdefault('additionalProperties', False)
schema, report = (json.load(open(path)) for path in sys.argv[1:])
Draft202012Validator.check_schema(schema)
close(schema)
for error in Draft202012Validator(schema).iter_errors(report):
    print('/'.join(map(str, error.absolute_path)), error.message[:300])
'''
ARRAY = ('-s', 'import numpy as np; x = np.arange(20.)')
ROLES = '''class C:
    n = 0
    def inc(self):
        n = self.n
        sum(range(50))
        self.n = n + 1
c = C()'''
COUNTERS = ('--detect', 'growth,refcount,shutdown')
RUNS = [('clean', 0, ('--time', '2', '-s', '', 'len(())')),
        ('repeat', 1, ('--time', '3', '--verify', '6', *ARRAY, 'np.repeat(x, 2)')),
        ('crash', 1, ('--time', '1', '--verify', '3', '-s', 'import crash_null_write as m', *ARRAY, 'm.bug(x, 5)')),
        ('hang', 1, ('--time', '2', '--timeout', '1', '-s', 'import hang_lock_order as m', 'm.bug(thread_index)')),
        ('guard', 1, ('--time', '2', '--detect', 'guard,crash', '-s', 'import heap_uaf_write as m', 'm.bug()')),
        ('growth', 1, ('--time', '2', *COUNTERS, '-s', 'import growth_native as m', 'm.bug()')),
        ('outcome', None, ('--time', '1', '--outcome', '-s', ROLES, '--state', 'c.n', *2 * ('--role', 'c.inc()'))),
        ('untested', 3, ('--time', '1', '-s', 'import absent_module', '1'))]
KNOWN = 'findings:\n- signature: crash|bug|crash_null_write\n  link: https://example.org/1\n  reason: planted\n'

BASELINE = 'findings: [{id: F1, callable: crash_null_write.bug, statement: x(), detector: crash, threads: one}]\n'


@unittest.skipUnless(CHECKER.exists(), 'scripts/setup.sh --with docs was not run')
class Schema(EndToEnd):
    def check_file(self, path, name='report'):
        """Checks a document against its schema, which must have each of its keys."""
        schema = DOCS / f'{name}.schema.json'
        done = subprocess.run([CHECKER, '-c', CHECK, schema, path], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, '', ''), path)

    @each(RUNS)
    def test_run(self, _, status, arguments):
        """the report of a run, and that of each of its findings alone"""
        done = run(*arguments, python=BROKEN)
        if status is not None:
            self.expect(done, status)
        self.check_file(done.dir / 'report.json')
        self.check_alone(done)
        (done.dir / 'out' / 'report.json').unlink(missing_ok=True)
        self.check_alone(done)

    def check_alone(self, done):
        for finding in done.findings():
            path = done.dir / 'one.json'
            subprocess.run([FTSTRESS, 'report', finding['id'], '--out', done.dir / 'out', '--as', 'json', '-o', path], check=True)
            self.check_file(path)

    def test_findings(self):
        """the list of kept findings, a reproduction, and the state of a minimization"""
        done = run('--time', '1', '--verify', '3', '-s', 'import crash_null_write as m', 'm.bug(1, 5)', 'len(())')
        identity = self.expect(done, 1).findings(kind='crash')[0]['id']
        path, environment = done.dir / 'document.json', os.environ | {'PYTHONPATH': str(BUILD / 'planted')}
        for words in ('list', 'findings'), ('reproduce', identity, '--trials', '2'):
            subprocess.run([FTSTRESS, *words, '--out', done.dir / 'out', '--json', path], env=environment, capture_output=True,
                           check=False)
            self.check_file(path, words[-1] if words[0] == 'list' else words[0])
        state = done.dir / 'out' / identity / 'minimized' / 'state.json'
        made = subprocess.run([FTSTRESS, 'minimize', identity, '--out', done.dir / 'out', '--time', '15'], env=environment,
                              capture_output=True, text=True, check=False)
        self.assertTrue(state.exists(), made)
        self.check_file(state, 'minimize')

    @each([('known',), ('baseline',)])
    def test_known(self, option):
        """a report with known findings"""
        with tempfile.NamedTemporaryFile('w', suffix='.yaml') as file:
            file.write(KNOWN)
            file.flush()
            done = run('--time', '1', f'--{option}', file.name, '-s', 'import crash_null_write as m', *ARRAY, 'm.bug(x, 5)')
        self.assertEqual(done.json['known'][0]['in_baseline'], option == 'baseline', done)
        self.check_file(done.dir / 'report.json')

    def test_baseline(self):
        """reports of a run and of a sweep that did not see the entries of a baseline"""
        with tempfile.NamedTemporaryFile('w', suffix='.yaml') as file:
            file.write(BASELINE)
            file.flush()
            options = ('--time', '5', '--baseline', file.name)
            for done in run(*options, '-s', '', 'len(())'), Run('crash_null_write', *options, command='sweep').finish():
                self.assertIn('now', done.json['known'][0], done)
                self.check_file(done.dir / 'report.json')

    @unittest.skipUnless(shutil.which('valgrind'), 'needs scripts/setup/packages.sh valgrind')
    def test_valgrind(self):
        """a report of Valgrind's counts"""
        done = run('--under', 'valgrind', '--time', '5', '-s', '', 'len(())', timeout=200)
        self.check_file(done.dir / 'report.json')

    def test_sweep(self):
        """the report of a sweep"""
        done = Run('crash_null_write', 'json.scanner', '--time', '10', command='sweep').finish()
        self.assertIn('sweep', done.json, done)
        self.check_file(done.dir / 'report.json')

    def test_merge(self):
        """the merged report of a run and of a shard"""
        runs = run('--time', '2', '-s', '', 'len(())'), Run('json.scanner', '--shard', '1/1', command='sweep').finish()
        done = Run(*(str(one.dir / 'out') for one in runs), command='merge', python=None).finish()
        self.assertIn('sweep', done.json, done)
        self.check_file(done.dir / 'report.json')

    def test_words(self):
        """a value of the wrong kind is refused"""
        done = run('--time', '1', '-s', '', 'len(())')
        path = done.dir / 'wrong.json'
        path.write_text(json.dumps(done.json | {'verdict': 'perhaps'}))
        self.assertRaises(AssertionError, self.check_file, path)


if __name__ == '__main__':
    unittest.main()
