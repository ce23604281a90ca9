"""The ThreadSanitizer mode: its findings, and each known way in which it could miss all races silently."""
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from html import unescape
from pathlib import Path

from harness import BUILD, FOREIGN, FTSTRESS, SANITIZED, EndToEnd, each, functions, interpreter, run

GOOD, BROKEN = 'tsan-numpy-2.2.6', 'tsan-numpy-2.2.2'
INSTRUMENTED = {'PYTHONPATH': str(BUILD / 'child-tsan' / 'planted')}
STOCK = (BUILD.parent if SANITIZED else BUILD) / 'planted'  # not instrumented
IS_SET_UP = (BUILD / 'bin' / 'ftstress-child-tsan').exists() and (BUILD / 'venvs' / GOOD).exists()
TIMEOUT = 300  # everything is ten times slower


def stress(*arguments, python=GOOD, env=INSTRUMENTED, **options):
    return run('--tsan', '-t', 4, '--time', 3, *arguments, python=python, env=env, timeout=TIMEOUT, **options)


def planted(*statements, **options):
    return stress('-s', 'import tsan_race', *statements, **options)


class Tsan(EndToEnd):
    def setUp(self):
        if not IS_SET_UP:
            self.skipTest('needs scripts/setup.sh --with tsan, which takes a quarter of an hour the first time')

    def expect_untested(self, done, sentence):
        self.assertEqual(done.status, 3, done)
        self.check(sentence in done.err, done, f'"{sentence}" is not said')


class Findings(Tsan):
    def test_bug(self):
        """a race without visible effect is found, with both stacks, their lines and the statement"""
        done = self.expect(planted('tsan_race.bug()'), 1)
        found = done.findings(detector='tsan')
        self.check(len(found) == 1, done, f'{len(found)} races; one was planted')
        finding = found[0]
        seen = {key: finding[key] for key in ('kind', 'function', 'package', 'blame', 'rung', 'statement')}
        self.assertEqual(seen, {'kind': 'data-race', 'function': 'count', 'package': 'tsan_race', 'blame': 'target',
                                'rung': 'readonly', 'statement': 'tsan_race.bug()'}, done)
        for stack in finding['stacks'][:2]:
            self.check(functions(stack)[:2] == ['count', 'bug'], done, 'a stack does not begin with count and bug')
            self.check(stack['frames'][0]['file'].endswith('tests/planted/tsan_race.c'), done, 'no source')
            self.check('tsan_race.bug()' in stack['title'], done, 'a stack is not of the statement')

    def test_twin(self):
        """its clean twin is silent, and the planted canary is reported"""
        done = self.expect(planted('tsan_race.twin()'), 0)
        self.check(done.json['calls'] > 1000 and done.json['overlap'] > 0, done, 'too little was tested')
        notes = '\n'.join(done.json['notes'])
        self.assertRegex(notes, r'reported the planted race in (\d+) of \1 children', done)
        self.check('of ftstress itself' not in notes, done, 'the harness has a race')

    def test_without(self):
        """without --tsan no detector finds it"""
        self.expect(run('-s', 'import tsan_race', '--time', 2, 'tsan_race.bug()'), 0)

    def test_roles(self):
        """each form names the statement of each stack; a library function on top does not hide the owner"""
        done = self.expect(planted('-t', 2, '--role', 'tsan_race.copy()', '--role', 'tsan_race.look()', '--as', 'html',
                                   '-o', 'out.html'), 1)
        finding = done.findings(detector='tsan')[0]
        self.assertEqual((finding['function'], finding['blame']), ('copy', 'target'), done)
        html = re.sub(r'<[^>]*>', ' ', unescape((done.cwd / 'out.html').read_text()))
        for function in ('copy', 'look'):
            stack = next(stack for stack in finding['stacks'] if function in functions(stack)[:2])
            title = stack['title']
            self.check(title.endswith(f', in tsan_race.{function}()'), done, f'{function} has the title {title}')
            self.assertRegex(done.out, rf'{re.escape(title)}:\n( +#\d.*\n)? +#\d  {function} ', done)
            self.assertRegex(html, rf'(?s){re.escape(title)}.{{0,300}}?\b{function}\b', done)

    def test_forms(self):
        """the other forms of a report have both stacks too"""
        done = self.expect(planted('tsan_race.bug()', '--as', 'sarif', '-o', 'out.sarif'), 1)
        text = (done.cwd / 'out.sarif').read_text()
        self.check(text.count('tsan_race.c') >= 2 and '"startLine": 13' in text, done, text[:3000])

    def test_suppressed(self):
        """a known race is a note with link, version and reason; unused suppressions are listed"""
        with tempfile.NamedTemporaryFile('w', suffix='.txt') as known:
            known.write('# link: https://example.org/1\n# version: 1.0\n# Nobody minds.\nrace:^count$\nrace:^nothing$\n')
            known.flush()
            done = self.expect(planted('tsan_race.bug()', '--suppressions', known.name), 0)
        notes = '\n'.join(done.json['notes'])
        self.check('race:^count$' in notes and 'Nobody minds. (1.0, https://example.org/1)' in notes, done, notes)
        self.check('not needed' in notes and 'race:^nothing$' in notes, done, notes)
        used = {rule['pattern']: (rule['used'] > 0, rule['why'], rule['version'], rule['link'])
                for rule in done.json['suppressions']}
        mine = {pattern: used.pop(pattern) for pattern in ('^count$', '^nothing$')}
        told = ('Nobody minds.', '1.0', 'https://example.org/1')
        self.assertEqual(mine, {'^count$': (True, *told), '^nothing$': (False, *told)}, done)
        self.check(used and not any(theirs[0] for theirs in used.values()), done, "CPython's own are not listed")

    def test_verbose(self):
        """--verbose lists unused suppressions of CPython's own list; otherwise they are counted"""
        done = self.expect(planted('tsan_race.twin()', '-v'), 0)
        self.check('race_top:update_one_slot (cpython.txt:' in done.out, done, 'not listed')
        done = self.expect(planted('tsan_race.twin()'), 0)
        self.assertRegex(done.out, r"not needed: \d+ of CPython's own", done)

    def test_suppressions_alone(self):
        """suppressions without --tsan are refused"""
        done = run('-s', '', '--suppressions', 'x.txt', 'pass')
        self.assertEqual(done.status, 2, done)

    def test_wrong_suppression(self):
        """a suppression without a reason is refused, with its line"""
        with tempfile.NamedTemporaryFile('w', suffix='.txt') as known:
            known.write('race:count\n')
            known.flush()
            done = planted('tsan_race.bug()', '--suppressions', known.name)
        self.assertEqual(done.status, 2, done)
        self.check(":1: the suppression 'race:count' does not state" in done.err, done, 'no line')


class NumPy(Tsan):
    def test_repeat(self):
        """np.repeat of NumPy 2.2.2: the store of the length races with its restore, at their lines"""
        done = self.expect(run('repeat', '--tsan', '--time', 10, python=BROKEN, timeout=TIMEOUT), 1)
        found = done.findings(detector='tsan', function='PyArray_Repeat', blame='target')
        self.check(found, done, 'no race in PyArray_Repeat')
        pairs = {frozenset(pair) for finding in found for pair in self.pairs(finding)}
        wanted = frozenset({('item_selection.c', 926), ('item_selection.c', 934)})
        self.check(wanted in pairs, done, f'926 against 934 is not among {pairs}')
        self.check(found[0]['statement'] == 'np.repeat(x, 2)', done, f"statement: {found[0]['statement']}")

    def test_memory_error(self):
        """a request for too much memory raises MemoryError, as without ThreadSanitizer"""
        done = self.expect(stress('-s', 'import numpy as np\ndef ask():\n    try: np.zeros(2**50)\n'
                                  '    except MemoryError: pass', 'ask()', '--time', 8), 0)
        self.check(done.json['calls'] > 100, done, 'too little was tested')

    def test_deadlock(self):
        """a hang below the runtime's interceptors has its owner and its whole stack"""
        done = self.expect(stress('-s', "import numpy as np; a, b = (np.array([c * 9] * 1000, 'T') for c in 'xy')",
                                  '--role', 'np.less(a, b)', '--role', 'np.less(b, a)', '--time', 20, '--timeout', 4,
                                  python=BROKEN), 1)
        hang = done.findings(kind='hang')
        self.check(len(hang) == 1 and hang[0]['function'] == 'NpyString_acquire_allocator', done, 'no such hang')
        self.assertRegex(done.out, r'(?s)interceptor_sem_wait .*NpyString_acquire_allocators ', done)

    @staticmethod
    def pairs(finding):
        """Returns the innermost frames of each pair of stacks."""
        tops = [stack['frames'][0] for stack in finding['stacks']]
        places = [(top.get('file', '').rpartition('/')[2], top.get('line')) for top in tops]
        return zip(places, places[1:])

    def test_fixed(self):
        """no race in NumPy 2.2.6"""
        done = run('repeat', '--tsan', '--time', 10, python=GOOD, timeout=TIMEOUT)
        self.check(not [f for f in done.findings() if (f['package'] or '').startswith('numpy')], done, 'NumPy is blamed')
        self.expect(done, 0)


REFUSE = [sys.executable, str(Path(__file__).with_name('refuse_personality.py'))]
# The obstacle, the way to run ftstress with it, and the pattern of its sentence.
LIFTED = 'needs a driver that stays under the limit; the runtime of an instrumented one lifts it'
BEFORE_ANY_CHILD = [
    ('layout', {}, REFUSE, 'addresses are randomised, which moves memory to where ThreadSanitizer cannot follow'),
    ('limit', {}, ['prlimit', '--as=60000000000'], 'the address space is limited to 57220 MB'),
]


class WaysToFindNothing(Tsan):
    """Five obstacles, and others that silence the runtime: status 3 with a sentence for each."""

    @each(BEFORE_ANY_CHILD)
    def test_before(self, way, env, prefix, sentence):
        """obstacles that are detected before a child runs"""
        self.unless_sanitized(LIFTED, here=way == 'limit')
        self.expect_untested(planted('tsan_race.bug()', env=INSTRUMENTED | env, prefix=prefix), sentence)

    @each([('fixed outside', ['setarch', '-R', *REFUSE], {}),
           ('server of debug information', [], {'DEBUGINFOD_URLS': 'http://192.0.2.1/'}),
           ('limit that can be lifted', ['prlimit', '--as=60000000000:unlimited'], {})])
    def test_advice(self, _, prefix, env):
        """the advice of the sentences helps"""
        self.expect(planted('tsan_race.bug()', env=INSTRUMENTED | env, prefix=prefix), 1)

    @each([('from the start',), ('all the same', '--allow-gil')])
    def test_gil(self, _, *options):
        """the GIL"""
        done = planted('tsan_race.bug()', *options, env=INSTRUMENTED | {'PYTHON_GIL': '1'})
        self.expect_untested(done, 'the GIL is on')

    def test_not_instrumented(self):
        """a package without instrumentation is named"""
        done = planted('tsan_race.bug()', env={'PYTHONPATH': str(STOCK)})
        self.expect_untested(done, 'not instrumented, so that no race in it would be seen: tsan_race.cpython')

    @each([('of the setup', 'import no_such_module', 'tsan_race.bug()', 'no_such_module'),
           ('of the statement', 'pass', 'tsan_race.bug()', 'every one of')])
    def test_import(self, _, setup, statement, sentence):
        """an import that fails before the threads start"""
        self.expect_untested(stress('-s', setup, statement), sentence)

    def test_one_thread(self):
        """one thread alone"""
        self.expect_untested(planted('tsan_race.bug()', '-t', 1), 'one thread has no data races')

    def test_options(self):
        """options of the user that switch reports off do not reach the children"""
        self.expect(planted('tsan_race.bug()', env=INSTRUMENTED | {'TSAN_OPTIONS': 'report_bugs=0'}), 1)

    @each([
        ('layout', 'echo "FATAL: ThreadSanitizer: unexpected memory mapping 0x633365f0b000-0x633365f13000" >&2; exit 66',
         'shadow memory does not fit between the addresses'),
        ('other races', 'sed "s/\'canary\'/\'worker\'/" "$LOG" >&2', 'does not report a planted race'),
        ('silence', 'exit 0', 'does not report a planted race'),
    ])
    def test_runtime(self, _, script, sentence):
        """a runtime that does not start, reports other races, or reports nothing; a script acts as the child"""
        with tempfile.TemporaryDirectory() as folder:
            binaries = Path(folder) / 'bin'
            binaries.mkdir()
            (Path(folder) / 'share').symlink_to(BUILD / 'share')
            shutil.copy(FTSTRESS, binaries)
            child = binaries / 'ftstress-child-tsan'
            child.write_text(f'#!/bin/sh\n{script}\n')
            child.chmod(child.stat().st_mode | stat.S_IXUSR)
            log = Path(__file__).resolve().parents[1] / 'logs' / 'tsan' / 'planted.txt'
            done = subprocess.run([binaries / 'ftstress', 'run', '--tsan', '-s', '', 'pass'], capture_output=True, text=True,
                                  env=os.environ | {'LOG': str(log)}, cwd=folder, timeout=TIMEOUT)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(sentence, done.stderr)


class Doctor(Tsan):
    """doctor reports the five obstacles, with the sentences of a run."""

    def doctor(self, prefix=(), env=None, python=GOOD):
        """Returns the lines of doctor by topic, as (level, text with advice)."""
        environment = {key: value for key, value in os.environ.items() if key not in FOREIGN} | (env or {})
        done = subprocess.run([*prefix, str(FTSTRESS), 'doctor', '-p', interpreter(python)], capture_output=True, text=True,
                              env=environment, timeout=TIMEOUT)
        lines = re.findall(r'^(ok|skip|warn|BROKEN) +(.+?)  +(.*(?:\n  .*)*)', done.stdout, re.M)
        return {name: (level, ' '.join(text.split())) for level, name, text in lines}

    def expect_line(self, lines, name, level, sentence):
        self.assertIn(name, lines)
        self.assertEqual(lines[name][0], level, lines)
        self.assertIn(sentence, lines[name][1])

    def test_fine(self):
        """without an obstacle: a line for each of them, and the canary"""
        lines = self.doctor()
        tsan = {name: line[0] for name, line in lines.items() if name.startswith('tsan ')}
        ways = ('layout', 'limit', 'canary', 'gil', 'import', 'files')
        self.assertEqual(tsan, {f'tsan {way}': 'ok' for way in ways}, lines)

    @each(BEFORE_ANY_CHILD)
    def test_before(self, way, env, prefix, sentence):
        """obstacles that are detected before a child runs"""
        self.unless_sanitized(LIFTED, here=way == 'limit')
        lines = self.doctor(prefix, env)
        self.expect_line(lines, f'tsan {way}', 'warn', sentence)
        self.expect_line(lines, 'tsan files', 'skip', 'what is named above')

    def test_gil(self):
        """the GIL"""
        self.expect_line(self.doctor(env={'PYTHON_GIL': '1'}), 'tsan gil', 'warn', 'the GIL is on')

    def test_files(self):
        """a stock wheel"""
        lines = self.doctor(python='numpy-2.2.6')
        self.expect_line(lines, 'tsan files', 'warn', 'not instrumented, so that no race in it would be seen: ')

    def test_import(self):
        """a package that fails to import"""
        with tempfile.TemporaryDirectory() as folder:
            venv = Path(folder) / 'venv'
            shutil.copytree(BUILD / 'venvs' / GOOD, venv, symlinks=True, ignore=shutil.ignore_patterns('numpy*'))
            packages = next(venv.glob('lib/python3*/site-packages'))
            (packages / 'lost.so').write_text('nothing that can be loaded')
            lines = self.doctor(python=venv)
        self.expect_line(lines, 'tsan import', 'warn', 'lost')


if __name__ == '__main__':
    unittest.main()
