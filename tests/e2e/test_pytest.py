"""pytest --ftstress: which tests it drives, what it finds, and what it says of the others."""
import unittest
from pathlib import Path

from harness import each
from installed import BUILDER, NO_BUILDER, Installed

XDIST = list(BUILDER.parents[1].glob('lib/*/site-packages/xdist'))
REPEAT = '''
import numpy as np
x = np.arange(20.)
def test_repeat():
    assert np.repeat(x, 2).sum() == 2 * x.sum()
def test_sum():
    assert np.arange(20.).sum() == 190
'''
KINDS = '''
import time
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
    time.sleep(0.01)  # long enough for five calls of several threads to meet
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
# A test that ends each process that calls it, between others with a fixture of the module.
ENDING = '''
import os
import pytest
@pytest.fixture(scope='module')
def numbers():
    return [1, 2]
def test_before(numbers):
    assert numbers[0] == 1
def test_ending(numbers):
    os.abort()
def test_exit():
    os._exit(0)
def test_after(numbers):
    print('after')
    assert numbers[1] == 2
'''
# The natural places of an array in a test: each shows the race of np.repeat already on one thread.
FORMS = '''
import numpy as np
import pytest
x = np.arange(20.)
items = {'x': [np.arange(30.)]}
@pytest.fixture
def made():
    return np.arange(20.)
@pytest.fixture
def yielded():
    a = np.arange(20.)
    yield a
@pytest.fixture(scope='module')
def kept():
    return np.arange(20.)
def twice(a):
    return np.repeat(a, 2)
def around():
    a = np.arange(20.)
    def test():
        assert np.repeat(a, 2).size == 40
    return test
test_closure = around()
def test_global():
    assert np.repeat(x, 2).sum() == 2 * x.sum()
def test_helper():
    assert twice(items['x'][0]).size == 60
def test_fixture(made):
    np.testing.assert_array_equal(np.repeat(made, 2)[::2], made)
def test_yield(yielded):
    assert np.repeat(yielded, 2).size == 40
def test_kept(kept):
    assert np.repeat(kept, 2).size == 40
def test_own():
    a = np.arange(20.)
    assert a.repeat(2).tolist()[::2] == a.tolist()
@pytest.mark.parametrize('a', [np.arange(20.), np.ones(7)])
def test_parameter(a):
    assert np.repeat(a, 2).size == 2 * a.size
def test_default(a=np.arange(20.)):
    assert np.repeat(a, 2).size == 40
class TestClass:
    a = np.arange(20.)
    def setup_method(self):
        self.b = np.arange(20.)
    def test_class(self):
        assert np.repeat(self.a, 2).size == 40
    def test_instance(self):
        assert np.repeat(self.b, 2).size == 40
'''
# What a test changes and puts back itself is no hidden mutation of what it calls.
CHANGES = '''
import numpy as np
import pytest
x, y = np.arange(20.), np.arange(12)
lock = __import__('threading').Lock()
def change(a):
    a[0] = 7
    a[0] = 0
def test_line():
    with lock:
        x[1] = 7
        x[1] = 1
def test_helper():
    with lock:
        change(x)
def test_shape():
    with lock:
        y.flags.writeable = False
        y.flags.writeable = True
def test_own():
    a = np.arange(20.)
    a[1] = 7
    a[1] = 1
def test_base():
    a = np.arange(20.)
    assert a.sum() == 190
    a.sort()
    a *= 2
'''
OPEN = '''
import pytest
@pytest.fixture
def file(tmp_path):
    (tmp_path / 'a').write_text('a')
    with open(tmp_path / 'a') as file:
        yield file
def test_one(file):
    assert not file.closed
def test_two(file):
    assert not file.closed
'''
FAILING = '''
def test_right():
    assert [1] == [1]
def test_wrong():
    assert [1] == [2]
def test_never():
    open('never', 'w')
'''
UNEXPECTED = '''
import pytest
@pytest.mark.xfail
def test_passes():
    """
    >>> 1 + 1
    2
    """
'''
HANGS = '''
import threading
import time
a, b, alone = threading.Lock(), threading.Lock(), threading.main_thread().ident
def take(first, second):
    with first:
        time.sleep(0.02 * (threading.get_ident() != alone))
        with second:
            pass
def test_ab():
    take(a, b)
def test_ba():
    take(b, a)
'''
GROWS = '''
kept = []
def test_grows():
    kept.append(bytearray(5000))
'''
# Its finding names no test: the thread that crashes is not one of ftstress.
CRASH_OF_THREAD = '''
import ctypes
import os
import threading
def test_thread():
    if 'PYTEST_CURRENT_TEST' not in os.environ:
        thread = threading.Thread(target=ctypes.string_at, args=(0,))
        thread.start()
        thread.join()
'''
SAME_NAMES = '''
def test_shared():
    assert [1] == [1]
def test_thread():
    assert [2] == [2]
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
    report = {'name': 'test.py', 'findings': [], 'notes': ['memory seems to grow: 2 blocks in each call; no finding: run', 'x']}
    worker.take([], [], report, '')
    worker.pytest_sessionfinish()
    main.pytest_testnodedown(node=worker.config)
main.pytest_testnodedown(node=Object())
print(main.findings['F1'][2], main.single, main.growing)
'''


@unittest.skipUnless(BUILDER.exists(), NO_BUILDER)
class Plugin(Installed):
    def test_repeat(self):
        """five lines of pytest find the race of np.repeat; what breaks the heap may fail the other test, too"""
        done, text = self.run_pytest(REPEAT)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(text, r'FAILED \S*test_it.py::test_repeat')
        self.assertRegex(text, r"(array_|PyArray_)[rR]epeat in numpy 2\.2\.2")
        self.assertRegex(text, r'ftstress show F[0-9a-f]{7} --out ftstress-out')

    def test_forms(self):
        """the race of np.repeat is found wherever a test has its array, and fails each of the tests"""
        done, text = self.run_pytest(FORMS)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn('12 failed', text)
        self.assertRegex(text, r'input-mutated PyArray_Repeat \(numpy 2\.2\.2\) writes to the metadata of its input '
                               r'\w+\.\S+ and puts it back before it returns')
        for block in done.stdout.partition('=== FAILURES')[2].split('\n____')[1:]:
            self.assertIn('input-mutated  PyArray_Repeat', block)

    def test_changes(self):
        """a test that changes an array and puts it back blames no function"""
        done, text = self.run_pytest(CHANGES)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(text, r'nothing found.*: 0 in \d+ calls')

    def test_open(self):
        """what a fixture opens stays open while other tests have their fixtures"""
        done, text = self.run_pytest(OPEN)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(text.count('test_it.py: nothing found'), 1, text)

    def test_first_failure(self):
        """-x ends at the first failure: no later test of the module is called, and the first ones run under ftstress"""
        done, text = self.run_pytest(FAILING, '-x', files={'test_later.py': FAILING})
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn('1 failed, 1 passed', text)
        self.assertFalse(Path(self.folder.name, 'never').exists())
        self.assertEqual(text.count('nothing found'), 2)

    def test_chosen(self):
        """-k chooses tests, and --lf those that a finding failed"""
        folder = self.folder_of({'test_it.py': REPEAT + 'def test_other():\n    pass\n'})
        done, text = self.pytest_in(folder, '-k', 'repeat or other', '-p', 'cacheprovider')
        self.assertIn('1 failed, 1 passed, 1 deselected', text)
        done, text = self.pytest_in(folder, '--lf', '-p', 'cacheprovider')
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn('1 failed', text)
        self.assertNotIn('passed', text.rpartition('1 failed')[2])

    def test_not_driven(self):
        """an xfail test that passes, and a doctest, are named with the reason"""
        done, text = self.run_pytest(UNEXPECTED, '--doctest-modules')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('1 passed, 1 xpassed', text)
        self.assertIn('test_it.py::test_passes: it is marked xfail, and passed', text)
        self.assertIn('test_it.py::test_it.test_passes: a DoctestItem is not a test function of pytest', text)

    def test_hang(self):
        """tests that lock each other out end with the finding, which names the locks"""
        done, text = self.run_pytest(HANGS)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(text, r'hang no thread gets any further: a deadlock')

    def test_growth(self):
        """--ftstress-detect growth finds what a test never frees"""
        done, text = self.run_pytest(GROWS, '--ftstress-detect', 'growth')
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(text, r'FAILED \S*test_it.py::test_grows - F\w{7} (memory-growth|reference-leak)')

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

    def test_modules(self):
        """modules that fit into one run share it; a finding fails the test of its own module"""
        done, text = self.run_pytest(SAME_NAMES, files={'test_later.py': RACE})
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn('2 failed, 3 passed', text)
        self.assertIn('raised by test_later_test_shared(), never on one thread', text)
        done, text = self.run_pytest(SAME_NAMES, files={'test_later.py': CALLS})
        self.assertRegex(text, r'test_it.py and 1 more module: nothing found.*: 0 in \d+ calls')

    def test_unnamed(self):
        """a finding that names no test fails those of its own module, as far as that shows it again"""
        done, text = self.run_pytest(SAME_NAMES, files={'test_later.py': CRASH_OF_THREAD})
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn('1 failed, 2 passed', text)
        self.assertRegex(text, r'FAILED \S*test_later.py::test_thread')
        self.assertEqual(text.count('ftstress show'), 1)
        self.assertRegex(text, r'test_it.py: nothing found.*: 0 in \d+ calls')

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
        self.assertIn("the target's fault: test_crash", text)
        self.assertRegex(text, r'test_it.py: nothing found.*: 0 in \d+ calls')

    def test_ending(self):
        """a test that ends the process of pytest, too, fails, and the others of its module are tested"""
        done, text = self.run_pytest(ENDING)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn('2 failed, 2 passed', text)
        self.assertIn('the test ended its process: signal SIGABRT', text)
        self.assertIn('the test ended its process: exit status 0', text)
        self.assertRegex(text, r'FAILED \S*test_it.py::test_ending - ')
        self.assertRegex(text, r'test_it.py: nothing found.*: 0 in \d+ calls')

    def test_workers(self):
        """the findings of the workers of xdist, and what they did not test, stand at the end"""
        done = self.run_installed('python', '-c', WORKER)
        self.assertEqual((done.stdout, done.stderr), ("['a', 'b'] {'a': 'it is async', 'b': 'it is async'} "
                         f"{['test.py: memory seems to grow: 2 blocks in each call'] * 2}\n", ''))

    @unittest.skipUnless(XDIST, NO_BUILDER)
    def test_xdist(self):
        """a worker of xdist gets whole modules, and tests each in one run"""
        done, text = self.run_pytest(SAME_NAMES, '-n', '2', files={'test_later.py': CALLS})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('3 passed', text)
        self.assertEqual(text.count('test_it.py: nothing found'), 1, text)
        self.assertEqual(text.count('test_later.py: nothing found'), 1, text)

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
