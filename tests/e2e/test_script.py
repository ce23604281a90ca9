"""The script of a finding of each kind shows the failure by itself, and passes with the clean twin."""
import json
import os
import subprocess
import tempfile
from pathlib import Path

from harness import BUILD, GOOD, OWN_MALLOC, EndToEnd, each, interpreter

SCRIPT = Path(__file__).resolve().parents[2] / 'harness' / 'driver' / 'script' / 'script.py'
ENVIRONMENT = os.environ | {'PYTHONPATH': str(BUILD / 'planted')}
X = [{'name': 'x', 'recipe': 'f8[20]'}]
KINDS = [('crash', 'crash_null_write', 'm.{}(x, 5)', {'inputs': X}), ('crash', 'crash_exit', 'm.{}()', {}),
         ('hang', 'hang_lock_order', 'm.{}(thread_index)', {}), ('heap-corruption', 'heap_over_one', 'm.{}()', {}),
         ('heap-corruption', 'heap_array', 'm.{}()', {'checked': True}), ('double-free', 'log_double_free', 'm.{}()', {}),
         ('wrong-result', 'diverge_race', 'm.{}(x)', {'inputs': X}), ('exception', 'exception_race', 'm.{}()', {}),
         ('wrong-result', 'diverge_race', 'm.{}(x)', {'inputs': X, 'thread_setup': 'i = 1', 'seconds': 3}),
         ('wrong-result', 'opaque_result', 'm.{}(1, thread_index)', {'message': 'gives 4 as result.number under threads, 3 on one thread'}),
         ('wrong-result', 'opaque_result', 'm.{}(2, thread_index)',
          {'message': 'gives a str with 0x36 at 6 as repr(result) under threads, a str with 0x37 at 6 on one thread'}),
         ('wrong-result', 'opaque_result', '[m.{}(3, thread_index)]',
          {'message': 'gives 4 as list(result[0])[1] under threads, 3 on one thread'}),
         ('reference-leak', 'refcount_kept', 'm.{}(x)', {'setup': '\nx = object()'}), ('memory-growth', 'growth_native', 'm.{}()', {}),
         ('shutdown-leak', 'growth_object', 'm.{}()', {}),
         ('data-race', 'watch_update', 'm.{}_add()', {'passes': True, 'twin': None})]


def make(kind, module, statement, more, form):
    """Returns the program of a finding in a form."""
    plan = {'setup': f'import {module} as m' + more.get('setup', ''), 'thread_setup': more.get('thread_setup', ''), 'writer': '',
            'inputs': more.get('inputs', []), 'steps': [statement], 'roles': [], 'threads': more.get('threads', 8),
            'share': 'readonly', 'native': ''}
    facts = {'id': 'F1', 'kind': kind, 'function': 'bug', 'package': module, 'message': more.get('message', 'a message'),
             'hit': 1, 'of': 5, 'seconds': more.get('seconds', 2), 'checked': more.get('checked', False), 'plan': plan}
    made = subprocess.run([interpreter(GOOD), '-I', SCRIPT, form, json.dumps(facts)], capture_output=True, text=True, check=True)
    return json.loads(made.stdout.removeprefix('ftstress\tscript\t'))['text']


class Script(EndToEnd):
    def run_script(self, kind, module, statement, more):
        text = make(kind, module, statement, more, 'script')
        self.assertTrue(15 <= len(text.splitlines()) <= 43, text)
        return subprocess.run([interpreter(GOOD), '-c', text], env=ENVIRONMENT, capture_output=True, text=True), text

    @each([(f'{kind} {module} {i}', kind, module, statement, more) for i, (kind, module, statement, more) in enumerate(KINDS)])
    def test_kind(self, _, kind, module, statement, more):
        """the script fails with the bug, and ends well with the twin"""
        self.unless_sanitized(OWN_MALLOC)
        done, text = self.run_script(kind, module, statement.format('bug'), more)
        if more.get('passes'):
            self.assertEqual((done.returncode, done.stdout), (0, 'not seen\n'), (done, text))
        else:
            self.assertNotEqual(done.returncode, 0, (done, text))
            self.assertTrue('failed: ' in done.stdout or done.returncode not in (0, 1), (done, text))
        if 'twin' not in more:
            clean, text = self.run_script(kind, module, statement.format('twin'), more)
            self.assertEqual((clean.returncode, clean.stdout), (0, 'not seen\n'), (clean, text))

    @each([(name, 'exception', 'exception_race', f'{name}.{{}}()') for name in ('work', 'call', 'time', 'threading', 'failures')] +
          [('np', 'wrong-result', 'diverge_race', 'np.{}(x)')])
    def test_names(self, name, kind, module, statement):
        """a module with a name that the program has for something else fails in it, and its twin does not"""
        more = {'setup': f'\nimport {module} as {name}', 'inputs': X if 'x' in statement else []}
        done, text = self.run_script(kind, module, statement.format('bug'), more)
        self.assertIn('failed: ', done.stdout, (done, text))
        clean, text = self.run_script(kind, module, statement.format('twin'), more)
        self.assertEqual((clean.returncode, clean.stdout), (0, 'not seen\n'), (clean, text))

    @each([('from time import time\nimport exception_race', 'exception_race.{}() or time()'),
           ('from datetime import time\nimport exception_race', 'exception_race.{}() or time(1)')])
    def test_imported_names(self, setup, statement):
        """a name that the setup imports from a module is no module of the program, whatever its own name"""
        done, text = self.run_script('exception', 'exception_race', statement.format('bug'), {'setup': '\n' + setup})
        self.assertIn('failed: ', done.stdout, (done, text))
        clean, text = self.run_script('exception', 'exception_race', statement.format('twin'), {'setup': '\n' + setup})
        self.assertEqual((clean.returncode, clean.stdout), (0, 'not seen\n'), (clean, text))

    def build_program(self, folder, statement):
        """Compiles the form in C. Returns the program."""
        text = make('exception', 'exception_race', statement, {}, 'c')
        Path(folder, 'bug.c').write_text(text)
        query = 'import sysconfig as s; print(s.get_path("include"), s.get_config_var("LIBDIR"), s.get_config_var("LDVERSION"))'
        include, library, version = subprocess.run([interpreter(GOOD), '-c', query], capture_output=True, text=True,
                                                   check=True).stdout.split()
        subprocess.run(['cc', '-Wall', '-Werror', f'{folder}/bug.c', '-o', f'{folder}/bug', f'-I{include}', f'-L{library}',
                        f'-Wl,-rpath,{library}', f'-lpython{version}'], check=True)
        return f'{folder}/bug'

    def test_program(self):
        """the program in C fails with the bug, and ends well with the twin"""
        with tempfile.TemporaryDirectory() as folder:
            for function, status in (('bug', 1), ('twin', 0)):
                program = self.build_program(folder, f'm.{function}()')
                done = subprocess.run([program, interpreter(GOOD)], env=ENVIRONMENT, capture_output=True, text=True)
                self.assertEqual(done.returncode, status, done)
                self.assertIn('failed: ' if status else 'not seen', done.stdout)


if __name__ == '__main__':
    import unittest
    unittest.main()
