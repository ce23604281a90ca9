"""The package that `pip install .` installs: it needs nothing of the tree, and tests in the venv that it lies in."""
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

from harness import BROKEN, BUILD, EndToEnd, each

TREE = Path(__file__).resolve().parents[2]
BUILDER = BUILD / 'venvs' / 'package' / 'bin' / 'python'
BUILD_SDIST = 'from scikit_build_core import build; import sys; print(build.build_sdist(sys.argv[1]))'
BUILD_WHEEL = ('from scikit_build_core import build; import sys; '
               'print(build.build_wheel(sys.argv[1], {"build-dir": sys.argv[2]}))')
SOURCE = BUILD / 'package' / 'source'
HIDE = 'mount -t tmpfs none "$1" && shift && exec "$@"'

REPEAT = '''
import numpy as np
x = np.arange(20.)
def test_repeat():
    assert np.repeat(x, 2).sum() == 2 * x.sum()
def test_sum():
    assert np.arange(20.).sum() == 190
'''
KINDS = '''
import warnings
import pytest
@pytest.fixture
def items():
    return []
@pytest.fixture(scope='module')
def limit():
    return 3
def test_fixture(items, limit, tmp_path):
    items.append(1)
    (tmp_path / 'a').write_text(str(len(items)))
    items.clear()
    assert limit == 3 and (tmp_path / 'a').read_text() == '1'
@pytest.mark.parametrize('n', [1, 2])
def test_parameter(n):
    assert n * 2 == n + n
@pytest.mark.iterations(5)
def test_iterations():
    assert [1] == [1]
def test_index(thread_index, iteration_index):
    assert 0 <= thread_index < 8 and iteration_index >= 0
class TestClass:
    def setup_method(self):
        self.items = [1]
    def test_method(self):
        assert self.items == [1]
class TestPlain:
    def test_own(self):
        self.own = object()
        assert self.own
def test_capsys(capsys):
    print(1)
@pytest.mark.thread_unsafe
def test_unsafe():
    pass
def test_warns():
    with pytest.warns(UserWarning):
        warnings.warn('x')
def test_skipped():
    pytest.skip('no')
@pytest.mark.xfail
def test_xfail():
    assert False
'''
RACE = '''
import time
import pytest
n = 0
@pytest.mark.parallel_threads(3)
def test_lazy():
    global n
    n = mine = n + 1
    time.sleep(0.001)
    assert n == mine
@pytest.fixture
def items():
    return []
def add(items):
    items.append(1)
    time.sleep(0.001)
    n = len(items)
    items.pop()
    return n
@pytest.mark.ftstress_shared
def test_shared(items):
    assert add(items) == 1
def test_own(items):
    assert add(items) == 1
'''
LIMIT = '''
import time
import pytest
n = 0
@pytest.mark.parallel_threads_limit(2)
def test_limit():
    global n
    n = mine = n + 1
    time.sleep(0.001)
    assert n == mine
'''
CALLS = '''
def test_calls():
    assert [1] == [1]
'''
ALONE = '''
import pytest
@pytest.fixture
def here(request):
    assert request.config.pluginmanager.has_plugin('ftstress-runs')
def test_here(here):
    pass
def test_there():
    assert [1] == [1]
def test_second():
    assert [2] == [2]
def test_third():
    assert [3] == [3]
'''
OPTION = '''
def test_kind(request):
    assert request.config.getoption('kind') == 'new'
def test_made(made):
    assert made == 3
'''
OPTION_CONFTEST = '''
def pytest_addoption(parser):
    parser.addoption('--kind')
'''
OPTION_PLUGIN = '''
import pytest
@pytest.fixture
def made():
    return 3
'''
CRASH = '''
import ctypes
import os
def test_crash():
    if 'PYTEST_CURRENT_TEST' not in os.environ:
        ctypes.string_at(0)
def test_next():
    assert [1] == [1]
'''
# What a worker of pytest-xdist sends at its end, and what the main process makes of it.
WORKER = '''
from types import SimpleNamespace as Object
from ftstress.pytest_plugin import Stress
main = Stress(Object())
for nodeid in ('a', 'b'):
    worker = Stress(Object(workeroutput={}))
    worker.findings['F1'] = {}, 'text', [nodeid]
    worker.single[nodeid] = 'it is async'
    worker.pytest_sessionfinish()
    main.pytest_testnodedown(node=worker.config)
main.pytest_testnodedown(node=Object())
print(main.findings['F1'][2], main.single)
'''


def build(code, cwd, *arguments):
    """Builds a file with scikit-build-core, and returns its name."""
    made = subprocess.run([BUILDER, '-c', code, *arguments], cwd=cwd, text=True, capture_output=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout.split()[-1]


def copy_changed(new, old):
    """Makes the folder `old` equal to `new`. Files of equal bytes keep their dates, so that the build leaves them."""
    for path in [path for path in old.rglob('*') if path.is_file() and not (new / path.relative_to(old)).exists()]:
        path.unlink()
    for path in filter(Path.is_file, new.rglob('*')):
        target = old / path.relative_to(new)
        if not target.exists() or target.read_bytes() != path.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


@unittest.skipUnless(BUILDER.exists(), 'scripts/setup.sh --with package was not run')
class Package(EndToEnd):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='ftstress-package-')
        cls.addClassCleanup(cls.folder.cleanup)
        cls.sdist = Path(cls.folder.name, build(BUILD_SDIST, TREE, cls.folder.name))
        with tarfile.open(cls.sdist) as file:
            file.extractall(cls.folder.name, filter='data')
        copy_changed(Path(cls.folder.name, cls.sdist.name.removesuffix('.tar.gz')), SOURCE)
        cls.wheel = Path(cls.folder.name, build(BUILD_WHEEL, SOURCE, cls.folder.name, BUILD / 'package' / 'build'))
        cls.venv = Path(cls.folder.name, 'venv')
        subprocess.run([BUILDER, '-m', 'venv', cls.venv], check=True)
        python = cls.venv / 'bin' / 'python'
        subprocess.run([python, '-m', 'pip', 'install', '--quiet', '--no-index', '--no-deps', cls.wheel], check=True)
        site = subprocess.run([python, '-c', 'import site; print(site.getsitepackages()[0])'], text=True,
                              capture_output=True, check=True).stdout.strip()
        others = [BUILD / 'venvs' / name / Path(site).relative_to(cls.venv) for name in (BROKEN, 'package')]
        Path(site, 'others.pth').write_text(''.join(f'{other}\n' for other in others))  # NumPy 2.2.2, pytest

    def run_installed(self, *command, env=None):
        """Runs a program of the venv outside of the tree, in an environment without compilers."""
        return subprocess.run([self.venv / 'bin' / command[0], *command[1:]], cwd=self.folder.name, text=True,
                              capture_output=True, env={'PATH': '/nonexistent', **(env or {})}, check=False)

    def installed(self, path):
        """Returns the path of a file of the installed package."""
        return next(self.venv.glob('lib/*/site-packages/ftstress')) / path

    def test_run(self):
        """a run tests in the venv of the package, without a word of it"""
        done = self.run_installed('ftstress', 'run', '--time', '2', '-s', 'import sys', 'sys.prefix.upper()')
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(f'{sys.version.split()[0]}, GIL off', done.stdout)
        done = self.run_installed('ftstress', 'doctor')
        self.assertIn(f'{self.venv}/bin/python runs', ' '.join(done.stdout.split()))

    def test_files(self):
        """the source archive has what the build needs, and the wheel has what a run needs; neither has more"""
        with tarfile.open(self.sdist) as file:
            names = {name.split('/')[1] for name in file.getnames() if '/' in name}
        self.assertEqual(names, {'.gitignore', 'CMakeLists.txt', 'LICENSE', 'PKG-INFO', 'README.md', 'docs', 'harness', 'include',
                                 'pyproject.toml', 'scenarios'})
        with zipfile.ZipFile(self.wheel) as file:
            tops = {'/'.join(name.split('/')[:2]) for name in file.namelist() if '-info/' not in name and '.data/' not in name}
        self.assertEqual(tops, {'ftstress/' + name for name in (
            '__init__.py', '__main__.py', 'pytest_child.py', 'pytest_plugin.py', 'bin', 'include', 'lib', 'share')})

    def test_alone_in_its_venv(self):
        """the package runs where the tree is gone"""
        hidden = ['unshare', '--mount', 'sh', '-c', HIDE, 'sh', TREE]
        if subprocess.run([*hidden, 'true'], capture_output=True, check=False).returncode != 0:
            self.skipTest('hides the tree with a mount, which needs root')
        done = subprocess.run([*hidden, self.venv / 'bin' / 'ftstress', 'run', '--time', '2', '-s', '', 'len(())'], text=True,
                              capture_output=True, cwd=self.folder.name, check=False)
        self.assertEqual(done.returncode, 0, done)

    def test_module(self):
        """python -m ftstress is the same program; the scenarios and the schema of reports are there"""
        done = self.run_installed('python', '-m', 'ftstress', 'list', 'scenarios')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertIn('somersd', done.stdout)
        self.assertEqual(self.installed('share/report.schema.json').read_text(), (TREE / 'docs/report.schema.json').read_text())

    def test_other_venv(self):
        """a venv of the user's comes first"""
        done = self.run_installed('ftstress', 'doctor', env={'VIRTUAL_ENV': str(BUILDER.parents[1])})
        self.assertIn(f'{BUILDER} runs', ' '.join(done.stdout.split()))

    def test_libraries(self):
        """a build without its libraries names the Debian packages in one sentence"""
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(['cmake', '-S', TREE, '-B', folder, f'-DFTSTRESS_PYTHON={BUILDER}'], text=True,
                                  capture_output=True, env={**os.environ, 'PKG_CONFIG_LIBDIR': '/nonexistent'},
                                  check=False)
        self.assertIn('libraries are missing; on Debian and Ubuntu: apt-get install libyaml-dev libjansson-dev',
                      ' '.join(done.stderr.split()))

    def test_manual(self):
        """the man page and the completions lie in the venv, where shells and man look"""
        for path in ('man/man1/ftstress.1', 'bash-completion/completions/ftstress', 'zsh/site-functions/_ftstress',
                     'fish/vendor_completions.d/ftstress.fish'):
            text = (self.venv / 'share' / path).read_text()
            self.assertIn('reproduce', text)
            self.assertNotRegex(text, r'scripts/\w+|setup\.sh')

    def build_example(self):
        """Builds docs/example against the installed package, in a folder of its own. Returns that folder."""
        folder = Path(self.folder.name, 'example')
        prefix = self.run_installed('python', '-c', 'import ftstress; print(ftstress.PREFIX)').stdout.strip()
        for command in (['cmake', '-S', TREE / 'docs' / 'example', '-B', folder, f'-DCMAKE_PREFIX_PATH={prefix}',
                         '-DCMAKE_C_FLAGS=-Wall -Wextra -Werror'], ['cmake', '--build', folder]):
            done = subprocess.run(command, text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done)
        return folder

    def test_example(self):
        """a scenario in C outside of the tree: CMake finds the package, and ftstress runs it; a wrong library is refused"""
        folder = self.build_example()
        done = self.run_installed('ftstress', 'run', folder / 'cache.yaml', '--time', '4')
        self.assertEqual(done.returncode, 0, done)
        self.assertRegex(done.stdout, r'nothing found.*: 0 in \d+ calls')
        plan = self.run_installed('ftstress', 'run', folder / 'cache.yaml', '--dry-run').stdout
        self.assertIn(f'native: {folder.resolve()}/cache.so\n', plan)
        for code, said in (('int nothing;', 'cache.so has no scenario: define one with FT_SCENARIO'),
                           ('const char ft_scenario_build[] = "0 3.9"; int ft_scenario;',
                            'is built for the interface and CPython 0 3.9, and this child is for 1 3.13t')):
            subprocess.run(['cc', '-shared', '-xc', '-', '-o', folder / 'cache.so'], input=code, text=True, check=True)
            done = self.run_installed('ftstress', 'run', folder / 'cache.yaml', '--time', '1')
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(said, done.stderr)
        (folder / 'cache.so').unlink()
        done = self.run_installed('ftstress', 'run', folder / 'cache.yaml', '--time', '1')
        self.assertIn('the scenario cannot be loaded: ', done.stderr)

    def test_words(self):
        """no file of the package names a script or a page of the tree"""
        for path in filter(Path.is_file, self.installed('').rglob('*')):
            self.assertEqual(re.findall(rb'scripts/\w+|setup\.sh|docs/\w+[.]md', path.read_bytes()), [], path)

    def test_remedies(self):
        """what is missing is named with what a user without the tree can do"""
        done = self.run_installed('ftstress', 'run', '--tsan', '-s', '', '1')
        self.assertEqual(done.returncode, 3, done)
        self.assertIn('there is no ftstress-child-tsan; pip does not install it: build ftstress for ThreadSanitizer in its '
                      'source tree', done.stderr)
        done = self.run_installed('ftstress', 'run', '--help')
        self.assertIn('needs a build of ftstress in its source tree, and -p with an environment built there',
                      ' '.join(done.stdout.split()))
        program = shutil.copy(self.installed('bin/ftstress'), self.folder.name)
        self.addCleanup(os.unlink, program)
        done = subprocess.run([program, 'run', '-s', '', '1'], text=True, capture_output=True, cwd=self.folder.name, check=False)
        self.assertEqual(done.returncode, 125, done)
        self.assertIn('ftstress-child is not beside this program; install ftstress again with pip', done.stderr)

    def run_pytest(self, source, *options, files=()):
        folder = Path(tempfile.mkdtemp(dir=self.folder.name))
        for name, text in {'test_it.py': source, **dict(files)}.items():
            (folder / name).write_text(text)
        done = self.run_installed('python', '-m', 'pytest', '--ftstress', '-q', '-p', 'no:cacheprovider', *options, folder,
                                  env={'HOME': self.folder.name, 'PYTHONPATH': str(folder)})
        return done, ' '.join(done.stdout.split())

    def test_repeat(self):
        """five lines of pytest find the race of np.repeat; what breaks the heap may fail the other test, too"""
        done, text = self.run_pytest(REPEAT)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(text, r'FAILED \S*test_it.py::test_repeat')
        self.assertRegex(text, r"(array_|PyArray_)[rR]epeat in numpy 2\.2\.2")
        self.assertRegex(text, r'ftstress show F[0-9a-f]{7} --out ftstress-out')

    def test_kinds(self):
        """fixtures, parameters, classes and markers; what runs on one thread only, and why"""
        done, text = self.run_pytest(KINDS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('10 passed, 1 skipped, 1 xfailed', text)
        for reason in ('test_capsys: it uses capsys, which changes the whole process',
                       'test_unsafe: it is marked thread_unsafe', 'test_warns: it uses warns, which changes'):
            self.assertIn(reason, text)
        self.assertEqual(text.count('test_it.py: nothing found'), 2, text)
        self.assertRegex(text, r'test_it.py: nothing found.* 0 in \d{2,3} calls')

    def test_race(self):
        """a test that is wrong on several threads fails alone; markers give its threads, and share its fixtures"""
        done, text = self.run_pytest(RACE)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn('2 failed, 1 passed', text)
        self.assertIn('AssertionError; raised by test_lazy(), never on one thread', text)
        self.assertIn('AssertionError; raised by test_shared(), never on one thread', text)
        self.assertIn('3 threads', text)

    @each([('parallel_threads_limit', LIMIT, (), 1, r'\b2 threads'),
           ('iterations', CALLS, ('--iterations', '5'), 0, r'0 in \d{1,3} calls')])
    def test_option(self, _, source, options, status, said):
        """the report shows the threads, or the calls, that a test may have at most"""
        done, text = self.run_pytest(source, *options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertRegex(text, said)

    def test_option_of_conftest(self):
        """an option that a conftest file adds, and a plugin of the command line, are those of pytest also under ftstress"""
        done, text = self.run_pytest(OPTION, '-p', 'made', '--kind', 'new',
                                     files={'conftest.py': OPTION_CONFTEST, 'made.py': OPTION_PLUGIN})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn('one thread only', text)

    def test_crash_of_another(self):
        """a test that ends each process keeps no other test of its module from its threads"""
        done, text = self.run_pytest(CRASH)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn('1 failed, 1 passed', text)
        self.assertRegex(text, r'test_it.py: nothing found.*: 0 in \d+ calls')

    def test_workers(self):
        """the findings of the workers of xdist, and what they did not test, stand at the end"""
        done = self.run_installed('python', '-c', WORKER)
        self.assertEqual((done.stdout, done.stderr), ("['a', 'b'] {'a': 'it is async', 'b': 'it is async'}\n", ''))

    def test_alone(self):
        """a test that no child can run is named with the reason; the others are tested without it, half by half"""
        done, text = self.run_pytest(ALONE, '--ftstress-out', 'kept')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('4 passed', text)
        self.assertRegex(text, r'test_it.py::test_here: the setup raises AssertionError')
        self.assertEqual(text.count('test_it.py: nothing found'), 2, text)

    def test_installed(self):
        """the tests of an installed package are found by its name"""
        done = self.run_installed('python', '-m', 'pytest', '--ftstress', '-q', '-p', 'no:cacheprovider', '--pyargs',
                                  'numpy._core.tests.test_multithreading', '-k', 'printoptions',
                                  env={'HOME': self.folder.name})
        self.assertEqual(done.returncode, 0, done)
        self.assertRegex(done.stdout, r'test_multithreading.py: nothing found.*: 0 in \d+ calls')


if __name__ == '__main__':
    unittest.main()
