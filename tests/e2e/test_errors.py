"""Errors before a run: one sentence, and status 2 for a wrong command line, 3 for a machine that cannot test."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from harness import FTSTRESS, GOOD, LAST_LINE, OWN_MALLOC, EndToEnd, each, interpreter, run

X = ('-i', 'x=f8[20]')
SETUP = ('-s', '')

# name, arguments, pattern of the sentence
USAGE = [
    ('no_target', (), 'say what to run'),
    ('unknown_option', ('--frobnicate', 'null'), 'frobnicate'),
    ('missing_argument', ('null', '--threads'), 'threads'),
    ('unknown_scenario', ('somersault',), "'somersault' is neither a scenario"),
    ('unknown_short_option', (*SETUP, 'pass', '-% x', 'null'), '-%'),
    ('unknown_exception', (*SETUP, '--raises', 'ValueError,NoSuch', 'pass'), "no exception is named 'NoSuch'.*correct the name"),
    ('unknown_exception_of_a_module', (*SETUP, '--raises', 'json.NoSuch', 'pass'), "no exception is named 'json.NoSuch'"),
    ('exception_with_another_name', (*SETUP, '--raises', 'csv.Error', 'pass'), "'csv.Error' has the name '_csv.Error'; write that"),
    ('unknown_audit', (*SETUP, '--detect', 'refcount', '--audit', 'nosuch', 'pass'), "audit: 'nosuch' cannot be evaluated .NameError"),
    ('unknown_detector', ('null', '--detect', 'crash,smell'), "unknown detector 'smell'"),
    ('unknown_level', ('null', '--share', 'everyone'), 'everyone'),
    ('no_threads', ('null', '-t', '0'), 'threads'),
    ('many_threads', ('null', '-t', '257'), 'threads'),
    ('threads_no_number', ('null', '-t', 'eight'), 'eight'),
    ('bad_time', ('null', '--time', '3 parsecs'), 'parsecs'),
    ('negative_time', ('null', '--time', '-1'), 'time'),
    ('bad_memory', ('null', '--memory', 'lots'), 'lots'),
    ('array_of_a_petabyte', ('-i', 'x=f8[1099511627776]', *SETUP, 'x'), '1099511627776'),
    ('bad_recipe', ('-i', 'x=f8[20', *SETUP, 'x'), r'f8\[20'),
    ('unknown_dtype', ('-i', 'x=q8[20]', *SETUP, 'x'), 'q8'),
    ('slice_out_of_place', ('-i', 'x=f8[20][1:2,3]', *SETUP, 'x'), r'\[1:2,3\]'),
    ('overflow', ('-i', 'x=f8[4611686018427387904]', *SETUP, 'x'), '4611686018427387904'),
    ('overflow_of_a_product', ('-i', 'x=f8[4294967296,4294967296]', *SETUP, 'x'), '4294967296,4294967296'),
    ('overflow_of_a_broadcast', ('-i', 'x=f8[1]~bcast(9223372036854775807,9)', *SETUP, 'x'), 'bcast'),
    ('input_without_a_name', ('-i', 'f8[20]', *SETUP, 'x'), r'f8\[20\]'),
    ('none_and_others', ('null', '--detect', 'all,none'), 'none stands alone'),
    ('quarantine_too_small', ('null', '--guard', 'quarantine=100'), r"'quarantine=100' is none of .*quarantine=BYTES \(4096 to"),
    ('seed_too_large', ('null', '--seed', '9223372036854775808'), 'from 0 to 9223372036854775807'),
    ('input_twice', (*X, *X, *SETUP, 'x'), "'?x'?"),
    ('recipe_in_a_callable', ('numpy:sort(f8[20)',), r'f8\[20'),
    ('no_plan_file', ('nothing.yaml',), 'nothing.yaml'),
    ('step_no_python', (*SETUP, 'x ='), 'x =|invalid syntax'),
    ('role_no_python', (*SETUP, '--role', 'pass', '--role', 'def'), 'def|invalid syntax'),
    ('setup_no_python', ('-s', 'import', 'pass'), 'the setup is not Python'),
    ('thread_setup_no_python', (*SETUP, '--thread-setup', 'for', 'pass'), 'the thread setup is not Python'),
]

# name, text of plan.yaml, line of the mistake, pattern of the sentence
PLANS = [
    ('unknown_key', 'setup: pass\nthraeds: 4\nsteps:\n  - pass\n', 2, 'thraeds'),
    ('unknown_key_of_an_input', 'inputs:\n  - name: x\n    recipie: f8[20]\nsteps:\n  - x\n', 3, 'recipie'),
    ('wrong_type', 'threads: many\nsteps:\n  - pass\n', 1, 'threads'),
    ('a_list_for_a_text', 'steps:\n  - pass\nsetup:\n  - pass\n', 4, 'setup'),
    ('a_text_for_a_list', 'setup: pass\nsteps: pass\n', 2, 'steps'),
    ('too_many_threads', 'steps:\n  - pass\nthreads: 257\n', 3, 'threads|257'),
    ('unknown_detector', 'steps:\n  - pass\ndetect: smell\n', 3, 'smell'),
    ('bad_recipe', 'inputs:\n  - name: x\n    recipe: f8[20\nsteps:\n  - x\n', 3, r'f8\[20'),
    ('no_yaml', 'steps:\n  - pass\nsetup: "unfinished\n', 3, 'not YAML'),
    ('key_twice', 'steps:\n  - pass\nthreads: 2\nthreads: 3\n', 4, 'threads'),
    ('nothing_to_run', 'setup: pass\n', None, 'step'),
    ('empty', '', None, ''),
]

# name, arguments, options of run(), pattern of the sentence
UNTESTED = [
    ('no_such_python', ('null',), {'python': '/nowhere/bin/python'}, '/nowhere/bin/python.* -p'),
    ('no_such_program', ('-p', 'python9.99t', 'null'), {'python': None}, "'python9.99t'.* -p"),
    ('venv_that_is_gone', ('null',), {'python': None, 'env': {'VIRTUAL_ENV': '/nowhere/venv'}}, '/nowhere/venv'),
    ('not_a_python', ('null',), {'python': '/bin/true'}, '/bin/true'),
    ('missing_import', ('-s', 'import no_such_module', 'pass'), {}, "No module named 'no_such_module'.*install"),
    ('missing_module', ('no_such_module:f()',), {}, "No module named 'no_such_module'.*install"),
    ('setup_that_raises', ('-s', '1 / 0', 'pass'), {}, 'the setup raises ZeroDivisionError'),
    ('thread_setup_that_raises', (*SETUP, '--thread-setup', '1 / 0', 'pass'), {}, 'the thread setup raises ZeroDivisionError'),
    ('gil_turned_on', ('-s', 'import gil_on', 'gil_on.f()'), {}, "'gil_on' turned the GIL back on"),
    ('gil_asked_for', (*SETUP, 'pass'), {'env': {'PYTHON_GIL': '1'}}, 'the GIL is on.*PYTHON_GIL=0'),
    ('gil_turned_on_by_a_step', (*SETUP, 'import gil_on'), {}, 'gil_on.* GIL|GIL.*gil_on'),
    ('step_that_always_raises', (*SETUP, '1 / 0'), {}, 'every one of .* serial calls raises'),
    ('a_name_that_is_not_there', (*SETUP, 'f(x)'), {}, 'every one of .* serial calls raises'),
    ('input_too_big', ('-i', 'x=f8[120000000000]', *SETUP, 'x'), {}, 'x .*cannot be made'),
    ('no_detector', (*SETUP, 'pass', '--detect', 'none'), {}, 'no detector is on'),
]


class Errors(EndToEnd):
    def expect_sentence(self, done, status, wanted):
        """Checks that standard error is one line from ftstress, and nothing else."""
        self.assertEqual(done.status, status, done)
        lines = done.err.splitlines()
        self.check(len(lines) == 1, done, f'{len(lines)} lines on standard error')
        self.check(lines[0].startswith('ftstress: '), done, 'the line does not begin with "ftstress: "')
        self.assertRegex(lines[0], wanted, done)

    @each(USAGE)
    def test_usage(self, _, arguments, wanted):
        """status 2, and a sentence that names the mistake"""
        self.expect_sentence(run('-q', '--time', '1', *arguments), 2, wanted)

    @each(PLANS)
    def test_plan(self, _, text, line, wanted):
        """a mistake in a plan file: status 2, with file and line"""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, 'plan.yaml')
            path.write_text(text)
            place = f'plan.yaml:{line}' if line else 'plan.yaml'
            done = run('-q', path)
            self.expect_sentence(done, 2, f'{place}.*({wanted})')

    @each(UNTESTED)
    def test_untested(self, name, arguments, options, wanted):
        """status 3, and a sentence with the reason"""
        self.unless_sanitized(OWN_MALLOC, here=name == 'input_too_big')
        done = run('-q', '--time', '1', *arguments, **options)
        self.expect_sentence(done, 3, wanted)
        if done.json:
            self.check(done.json['reason'] in done.last_line, done, 'the report gives another reason')

    def test_venv_without_python(self):
        """a folder without an interpreter"""
        with tempfile.TemporaryDirectory() as folder:
            self.expect_sentence(run('null', python=folder), 3, f'{folder} has no bin/python')

    def test_venv_without_its_base(self):
        """a venv with its interpreter removed: the sentence names the broken link"""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, 'bin').mkdir()
            Path(folder, 'bin', 'python').symlink_to('/nowhere/python3.13t')
            self.expect_sentence(run('null', python=folder), 3, '/nowhere/python3.13t')

    def test_other_abi(self):
        """an interpreter of another ABI than the child: the sentence gives the command that builds one"""
        question = 'import sys, sysconfig; sys.exit(not sysconfig.get_config_var("Py_GIL_DISABLED"))'
        for folder in os.get_exec_path():
            path = Path(folder, 'python3')
            if path.exists() and subprocess.run([path, '-c', question], capture_output=True).returncode == 1:
                self.expect_sentence(run('null', python=path), 3, 'free-threaded|ftstress-child was built for')
                return
        self.skipTest('there is no python3 with the GIL on PATH')

    def test_gil_allowed(self):
        """--allow-gil runs with the GIL on"""
        done = run('-s', 'import gil_on', 'gil_on.f()', '--allow-gil', '--time', '2')
        self.check(done.status in (0, 3), done, 'the run broke')
        self.check('turned the GIL' not in done.err, done, 'refused all the same')


# name, command line, what the sentence says
OF_ANOTHER_COMMAND = [
    ('list_role', ('list', '--role', 'x'), '--role is an option of `ftstress run`, not of `list`; see `ftstress list --help`'),
    ('report_tsan', ('report', '--tsan'), '--tsan is an option of `ftstress run`, not of `report`'),
    ('show_as', ('show', '--as', 'json'),
     '--as is an option of `ftstress run`, `ftstress sweep`, `ftstress fuzz`, `ftstress merge` and `ftstress report`, not of `show`'),
    ('doctor_threads', ('doctor', '-t', '4'),
     '--threads is an option of `ftstress run`, `ftstress sweep` and `ftstress fuzz`, not of `doctor`'),
]


# Lists get room for two more words: no list is as large as the headers of CPython describe it.
ENLARGE = '''
import ctypes
place = ctypes.c_ssize_t.from_address(id(list) + object.__basicsize__ + 2 * ctypes.sizeof(ctypes.c_void_p))
assert place.value == list.__basicsize__
place.value += 16
'''

# name, command line, exit status, what the sentence says
NAMES = [
    ('doctor_of_two', ('doctor', 'a', 'b'), 2, "'b' is one name too many; write ftstress doctor "),
    ('doctor_and_option', ('doctor', 'a', '-p', 'b'), 2, "'a' and -p name two interpreters"),
    ('findings_of_a_folder', ('list', 'findings', 'out'), 2, "'out' is one name too many; write ftstress list .*--out DIR"),
    ('show_two', ('show', 'a', 'b'), 2, "'b' is one name too many; write ftstress show FINDING"),
]


class Commands(EndToEnd):
    @each(NAMES)
    def test_names(self, _, words, status, wanted):
        """no name on a command line is ignored"""
        done = subprocess.run([FTSTRESS, *words], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (status, ''), done)
        self.assertRegex(done.stderr, f'\\Aftstress: {wanted}[^\n]*\n\\Z')

    def test_doctor_of_a_venv(self):
        """`doctor PATH` checks that interpreter"""
        done = subprocess.run([FTSTRESS, 'doctor', '/nowhere/venv'], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 3, done)
        self.assertRegex(done.stdout, r'(?m)^BROKEN +interpreter  there is no interpreter at /nowhere/venv')

    def test_assumptions(self):
        """an interpreter that is not what the child assumes: a run ends with status 3, and doctor names the assumption"""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, 'sitecustomize.py').write_text(ENLARGE)
            done = run('--time', '1', '-s', '', 'len(())', env={'PYTHONPATH': folder})
            doctor = subprocess.run([FTSTRESS, 'doctor', interpreter(GOOD)], capture_output=True, text=True, check=False,
                                    env=os.environ | {'PYTHONPATH': folder})
        self.expect(done, 3)
        said = r'an object of type list has \d+ bytes, not \d+'
        self.assertRegex(done.last_line, rf'CPython 3\.\S+ is not what ftstress assumes: {said} \(objects\)')
        self.assertEqual(doctor.returncode, 3, doctor)
        self.assertRegex(' '.join(doctor.stdout.split()), f'BROKEN assumptions objects: {said} -> use a CPython')

    @each([('list', ('list',)), ('help', ('--help',)), ('run_help', ('run', '--help')), ('doctor', ('doctor', '/nowhere'))])
    def test_lost_output(self, _, words):
        """output that cannot be written is an error"""
        with open('/dev/full', 'w') as full:
            done = subprocess.run([FTSTRESS, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 125, done)
        self.assertRegex(done.stderr, r'\Aftstress: cannot write all of standard output[^\n]*\n\Z')

    @each(OF_ANOTHER_COMMAND)
    def test_option_of_another_command(self, _, words, wanted):
        """exit 2, and a sentence that names the command it belongs to"""
        done = subprocess.run([FTSTRESS, *words], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ''), done)
        self.assertRegex(done.stderr, f'\\Aftstress: {wanted}[^\n]*\n\\Z')

    def test_help(self):
        """--help of run has headings; that of the others has their own options and no others"""
        texts = {command: subprocess.run([FTSTRESS, command, '--help'], capture_output=True, text=True, check=True).stdout
                 for command in ('run', 'list', 'show', 'report', 'doctor')}
        headings = ('What to run:', 'How long:', 'Sharing:', 'Detectors:', 'Leaks:', 'Tools:', 'Output:')
        self.assertEqual([line for line in texts['run'].splitlines() if line in headings], list(headings))
        for command, options in {'list': {'--out', '--json', '--help'}, 'show': {'--out', '--output', '--help'},
                                 'report': {'--out', '--as', '--output', '--help'},
                                 'doctor': {'--python', '--no-color', '--help'}}.items():
            self.assertEqual(set(re.findall(r'^  (?:-.,|   ) (--[a-z-]+)', texts[command], re.M)), options)

    def test_list(self):
        """the names of a list are padded to the widest: the sentences begin in one column"""
        for what in 'scenarios', 'detectors':
            done = subprocess.run([FTSTRESS, 'list', what], capture_output=True, text=True, check=True)
            columns = {re.match(r'\S+ +', line).end() for line in done.stdout.splitlines()}
            self.assertEqual(len(columns), 1, done.stdout)

    def test_unreadable_finding(self):
        """a kept finding that cannot be read is named with the reason, beside the list of the others"""
        with tempfile.TemporaryDirectory() as out:
            for name, text in ('F0000001', '{"id": "F0000001", "kind": "hang"}'), ('F0000002', '{"kind'):
                (Path(out) / name).mkdir()
                (Path(out) / name / 'finding.json').write_text(text)
            (Path(out) / 'F0000003').mkdir()
            done = subprocess.run([FTSTRESS, 'list', 'findings', '--out', out], capture_output=True, text=True, check=True)
            self.assertEqual([line.split()[:2] for line in done.stdout.splitlines()], [['id', 'kind'], ['F0000001', 'hang']])
            self.assertRegex(done.stderr, 'F0000002 cannot be read: .*premature end of input')
            self.assertRegex(done.stderr, 'F0000003 cannot be read: .*No such file or directory')


# A module that puts a NumPy of another ABI in place; with its table in use, each list would be an array.
OTHER_NUMPY = '''\
import ctypes, sys, types
kept = ctypes.CFUNCTYPE(ctypes.c_uint)(lambda: 0x7000000)  # an ABI of no NumPy
table = (ctypes.c_void_p * 400)(ctypes.cast(kept, ctypes.c_void_p).value, None, id(list))
new = ctypes.pythonapi.PyCapsule_New
new.restype = ctypes.py_object
new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
core = types.ModuleType('numpy._core')
core._multiarray_umath = types.ModuleType('numpy._core._multiarray_umath')
core._multiarray_umath._ARRAY_API = new(ctypes.addressof(table), None, None)
sys.modules.update({'numpy': types.ModuleType('numpy'), 'numpy._core': core,
                    'numpy._core._multiarray_umath': core._multiarray_umath})
'''


class WithoutNumPy(EndToEnd):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='ftstress-e2e-venv-')
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        subprocess.run([sys._base_executable, '-m', 'venv', '--without-pip', cls.folder], check=True)

    def test_inputs(self):
        """recipes need NumPy: status 3, and the package to install"""
        done = self.expect(run(*X, '-s', '', 'x', '--time', '1', python=self.folder), 3)
        self.assertRegex(done.last_line, 'NumPy cannot be imported.*install it', done)

    @each([('many_threads', ()), ('one_thread', ('-t', '1'))])
    def test_counter(self, _, options):
        """a target without NumPy runs in a venv without NumPy"""
        done = self.expect(run('-s', 'import counter', 'counter.add(1)', '--time', '2', *options, python=self.folder), 0)
        self.check('numpy' not in done.json['environment'], done, 'NumPy was imported')

    def test_active_venv(self):
        """without -p the active venv is used"""
        done = self.expect(run('-s', f'import sys; assert sys.prefix == {self.folder!r}', 'pass', '--time', '1',
                               python=None, env={'VIRTUAL_ENV': self.folder}), 0)
        self.check(done.json['calls'] > 0, done, 'nothing was called')

    def test_other_abi_of_numpy(self):
        """a NumPy that is refused leaves no table behind"""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / 'other.py').write_text(OTHER_NUMPY)
            done = run('-s', 'import other; x = [[1], [2]]', 'len(x)', '--time', '2', env={'PYTHONPATH': folder})
        self.expect(done, 0)

    def test_crash(self):
        """a bug in the active venv is found"""
        self.expect(run('-s', 'import crash_abort', 'crash_abort.bug()', '--time', '2', python=self.folder), 1)


DRY = [
    ('scenario', ('somersd',)),
    ('native', ('strided', '-t', '3')),
    ('callable', ('numpy:linalg.norm(f8[3,3].T, axis=0)',)),
    ('statement', ('-s', 'import numpy as np; x = np.arange(20.)', 'np.repeat(x, 2)')),
    ('roles', (*X, '-i', 'y=>c16[5,1][::-1]+8@ro', '-s', 'import numpy as np', '--thread-setup', 'z = 1',
               '--role', 'np.sort(x)', '--role', 'y.sum()')),
    ('lines', ('-s', 'import os', '-s', 'def f(x):', '-s', "    return f'{x}: \"quoted\" # no comment'", 'f(1)', "f('ü')")),
    ('options', (*SETUP, 'pass', '-t', '256', '--time', '1500ms', '--iterations', '7', '--seed', '12345678901',
                 '--share', 'one-writer', '--detect', 'crash,hang', '--stop-on-first')),
    ('odd_texts', ('-s', 'x = "yes"', 'null', '~', '--', '- a', 'x: y', '"', ' # ', "it's", '%', '|', 'true', '1')),
    ('blocks', (*SETUP, 'if thread_index:\n    x = 1\nelse:\n    x = 2', 'for i in range(3):\n    x += i\n')),
    ('long_lines', ('-s', f'x = "{"very " * 60}long"', f'y = [{"x, " * 60}]')),
]


class DryRun(EndToEnd):
    @each(DRY)
    def test_fed_back(self, _, arguments):
        """--dry-run prints the plan of the run: it prints the same after it is read again"""
        with tempfile.TemporaryDirectory() as folder:
            first = self.expect(run('--dry-run', '--seed', '7', *arguments), 0)
            path = Path(folder, 'plan.yaml')
            path.write_text(first.out)
            again = self.expect(run('--dry-run', path), 0)
            self.assertEqual(first.out, again.out, again)

    def test_runs(self):
        """the printed plan runs as the command line does"""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, 'plan.yaml')
            path.write_text(run('--dry-run', '-s', 'import exception_race', 'exception_race.bug()', '--time', '2').out)
            self.check(self.expect(run(path), 1).kinds() == ['exception'], path, 'another finding')

    def test_seed(self):
        """the same seed gives the same bytes; another seed gives others"""
        def checksum(seed):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, 'bytes')
                self.expect(run(*X, '-s', f'open({str(path)!r}, "wb").write(x.tobytes())', 'x.sum()', '-t', '1',
                                '--iterations', '1', '--seed', seed), 0)
                return path.read_bytes()
        self.assertEqual(checksum('5'), checksum('5'))
        self.assertNotEqual(checksum('5'), checksum('6'))


LAST = [
    ('clean', ('-s', 'import counter', 'counter.add(1)'), 0),
    ('finding', ('-s', 'import crash_abort', 'crash_abort.bug()'), 1),
    ('missing_import', ('-s', 'import no_such_module', 'pass'), 3),
    ('no_detector', (*SETUP, 'pass', '--detect', 'none'), 3),
    ('iterations', ('-s', 'import counter', 'counter.add(1)', '--iterations', '50'), None),
]


class LastLine(EndToEnd):
    @each(LAST)
    def test_plain(self, _, arguments, status):
        """standard error ends with the number of findings"""
        self.last(run('--time', '1', *arguments), status)

    @each(LAST)
    def test_quiet(self, _, arguments, status):
        """-q prints nothing else"""
        done = run('-q', '--time', '1', *arguments)
        self.last(done, status)
        self.check(len(done.err.splitlines()) == 1, done, 'more than one line')
        self.check(status != 0 or not done.out, done, 'quiet, clean, and something on standard output')

    @each(LAST)
    def test_verbose(self, _, arguments, status):
        """-v prints a line for each child, and the same last line"""
        done = run('-v', '--time', '1', *arguments)
        self.last(done, status)
        self.assertIn('child 1 (', done.err, done)

    @each(LAST)
    def test_json_on_standard_output(self, _, arguments, status):
        """--json - writes only the report to standard output"""
        done = run('--json', '-', '--time', '1', *arguments)
        self.last(done, status)
        self.assertTrue(done.out.startswith('{') and done.out.endswith('}\n'), done)

    def last(self, done, status):
        if status is not None:
            self.assertEqual(done.status, status, done)
        self.assertRegex(done.last_line, LAST_LINE, done)


if __name__ == '__main__':
    unittest.main()
