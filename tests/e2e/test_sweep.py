"""`ftstress sweep`: every public callable of a module."""
import os
import re
import signal
import tempfile
import unittest
from pathlib import Path

from harness import BROKEN, BUILD, GOOD, EndToEnd, Run, each, wait_until

# Each call of the planted module that fails, and how.
ENDS = {'negative': 'crashed', 'corrupt': 'shown', 'spin': 'out_of_time', 'eat': 'out_of_memory', 'leave': 'crashed',
        'hide': 'shown'}


def sweep(*args, timeout=900, **options):
    return Run(*args, command='sweep', **options).finish(timeout)


class Swept(EndToEnd):
    @classmethod
    def setUpClass(cls):
        cls.done = sweep('swept', '--jobs', '2', '--timeout', '700ms', '--memory', '700M')
        cls.rows = {row['name']: row for row in cls.done.json['sweep']['callables']} if cls.done.json else {}

    def test_status(self):
        """bugs of one thread and of several set exit status 1"""
        self.expect(self.done, 1)
        self.check(self.done.json['sweep']['complete'], self.done, 'the sweep is not complete')

    @each(ENDS.items())
    def test_end(self, name, end):
        """a call that fails is named with its own arguments, and how it ended"""
        failed = self.rows.get(f'swept.{name}', {}).get('failed', [])
        self.check(any(call['end'] == end and call['call'].startswith(f'swept.{name}(') for call in failed), self.done,
                   f'{name} has no call that ended so: {failed}')

    def test_negative(self):
        """only a negative stride crashes: the other forms return"""
        row = self.rows['swept.negative']
        self.check(row['returned'] > 1, self.done, 'no other form returned')
        self.assertEqual({call['call'] for call in row['failed']}, {'swept.negative(reverse)'}, self.done)

    @each([('negative', 'crash', 'negative'), ('corrupt', 'heap-corruption', 'corrupt'), ('leave', 'crash', 'leave'),
           ('hide', 'input-mutated', 'hide')])
    def test_finding(self, name, kind, function):
        """the call alone shows the finding, of the right kind, in the right function"""
        ids = self.rows[f'swept.{name}'].get('findings', [])
        found = [f for f in self.done.findings() if f['id'] in ids]
        self.assertEqual([f['kind'] for f in found], [kind], self.done)
        self.check(name in found[0]['message'] or found[0]['function'] == function, self.done, 'another function is named')
        self.check((self.done.dir / 'out' / found[0]['id'] / 'plan.yaml').exists(), self.done, 'no plan is kept')

    def test_race(self):
        """the race shows under threads only"""
        ids = self.rows['swept.race'].get('findings', [])
        self.assertEqual([f['kind'] for f in self.done.findings() if f['id'] in ids][:1], ['wrong-result'], self.done)
        self.assertNotIn('failed', self.rows['swept.race'], self.done)

    def test_clean(self):
        """the later victim of the overrun, and the methods of the twin, are clean"""
        for name, row in self.rows.items():
            if name == 'swept.victim' or '.Twin' in name:
                self.check(not row.get('failed') and not row.get('findings') and row.get('returned'), self.done,
                           f'{name}: {row}')

    def test_fragile(self):
        """a class that ends the process where an object is made costs only its own methods"""
        self.assertIn('swept.Fragile() ends the process', self.rows['swept.Fragile.method']['why'], self.done)
        self.assertEqual({call['end'] for call in self.rows['swept.Fragile']['failed']}, {'crashed'}, self.done)

    def test_in_place(self):
        """a function that writes in place has no hidden write where the value was there already"""
        row = self.rows['swept.place']
        self.check('failed' not in row and not row.get('findings') and row['returned'], self.done, str(row))

    def test_files(self):
        """nothing is left where it is started, nor is the state of a complete sweep"""
        self.assertEqual(list(self.done.cwd.iterdir()), [], self.done)
        self.check(not (self.done.dir / 'out' / 'sweep').exists(), self.done, 'the state is left')

    def test_passes(self):
        """without a limit of time each callable has its turn in each pass"""
        passes = self.done.json['sweep']['passes']
        for name, least in {'first': 15, 'failures': 5, 'forms': 10, 'sequences': 2, 'threads': 8}.items():
            self.check(passes[name]['callables'] == passes[name]['reached'] >= least, self.done, f'{name}: {passes[name]}')
        self.assertEqual([row['name'] for row in self.rows.values() if 'not_reached' in row], [], self.done)

    def test_calls(self):
        """the last line counts the calls of the lines of the table, and no other ones"""
        threads, again = (int(re.search(rf'{words}: (\d+)', self.done.out)[1]) for words in ('calls by threads', 'made once more.*'))
        ends = re.findall(r'(\d+) ([^,]+)', re.search('calls on one thread: (.*)', self.done.out)[1])
        made = sum(int(n) for n, words in ends if not words.startswith(('were left', 'were not')))
        self.assertIn(f'in {threads + made + again} calls', self.done.last_line, self.done)

    def test_table(self):
        """the text has the counts, the passes and the failed calls"""
        self.assertRegex(self.done.out, r'calls on one thread: \d+ returned, \d+ raised', self.done)
        self.assertRegex(self.done.out, r'some calls of each, on one thread: (\d+) of \1 callables', self.done)
        self.assertIn('swept.spin(vec): out of time', self.done.out, self.done)


class Resume(EndToEnd):
    def test_kill(self):
        """after kill -9 the same command goes on, and loses and repeats nothing"""
        arguments = ('swept', 'swept', '--jobs', '1', '--timeout', '700ms', '--memory', '700M')
        with Run(*arguments, command='sweep') as first:
            self.check(wait_until(lambda: (first.dir / 'out' / 'sweep' / 'task.json').exists(), 60), first, 'it has no state')
            os.kill(first.process.pid, signal.SIGKILL)
            first.process.wait()
            temporary = {'TMPDIR': str(first.dir)}
            (first.dir / 'ftstress-sweep-999999999-abcdef').mkdir()
            (first.dir / f'ftstress-sweep-{os.getpid()}-abcdef').mkdir()
            done = sweep(*arguments, '--out', str(first.dir / 'out'), env=temporary)
            left = [entry.name for entry in first.dir.glob('ftstress-sweep-*')]
        self.expect(done, 1)
        self.assertEqual(left, [f'ftstress-sweep-{os.getpid()}-abcdef'], done)
        self.check(done.json['sweep']['resumed'], done, 'it began anew')
        names = [row['name'] for row in done.json['sweep']['callables']]
        self.assertEqual(len(names), len(set(names)), done)

    def test_two(self):
        """a second sweep does not write to the folder of one that runs"""
        with Run('swept', command='sweep') as first:
            self.check(wait_until(lambda: (first.dir / 'out' / 'sweep' / 'task.json').exists(), 60), first, 'it has no state')
            done = sweep('swept', '--out', str(first.dir / 'out'))
        self.assertEqual(done.status, 125, done)
        self.assertIn('another sweep or fuzzer writes its results under', done.err, done)

    def test_interrupt(self):
        """Ctrl-C ends it soon, with what it has"""
        with Run('numpy', command='sweep') as run:
            self.check(wait_until(lambda: (run.dir / 'out' / 'sweep' / 'task.json').exists(), 60), run, 'it has no state')
            os.kill(run.process.pid, signal.SIGINT)
            run.finish(60)
        self.expect(run, 3)
        self.check(not run.json['sweep']['complete'], run, 'it says that it is complete')


# A function for each kind of call: it returns for calls of this kind only.
KINDS = '''import numpy as np
def check(fits):
    if not fits:
        raise TypeError
    return 1
def is_array(x, *dtypes): return isinstance(x, np.ndarray) and (not dtypes or x.dtype.str[1:] in dtypes)
def negative_stride(x): return check(is_array(x) and min(x.strides, default=0) < 0 and x.ndim == 1)
def negative_stride_2d(x): return check(is_array(x) and x.ndim == 2 and x.strides[0] < 0)
def no_rows(x): return check(is_array(x) and x.ndim == 2 and x.shape[0] == 0 < x.shape[1])
def no_columns(x): return check(is_array(x) and x.ndim == 2 and x.shape[1] == 0 < x.shape[0])
def readonly_2d(x): return check(is_array(x) and x.ndim == 2 and not x.flags.writeable)
def zero_d(x): return check(is_array(x, 'i8') and x.ndim == 0)
def unaligned(x): return check(is_array(x) and not x.flags.aligned)
def swapped(x): return check(is_array(x) and x.dtype.byteorder == '>')
def text(x): return check(is_array(x) and x.dtype.kind == 'U')
def negative(n): return check(isinstance(n, int) and n < -1)
def large(n): return check(isinstance(n, int) and 2**31 <= n < 2**62)
def empty_list(x): return check(isinstance(x, list) and not x)
def forward(x, y): return check(overlap(x, y) and start(x) < start(y))
def backward(x, y): return check(overlap(x, y) and start(x) > start(y))
def start(x): return x.__array_interface__['data'][0]
def overlap(x, y): return is_array(x) and is_array(y) and x.shape == y.shape and np.may_share_memory(x, y)
def keyword(x, *, flag=False): return check(is_array(x) and flag)
def optional(x, *, other=None): return check(is_array(x) and other is not None)
class Object:
    def lone(self): return check(True)
    def method(self, x): return check(is_array(x))
    @classmethod
    def of_class(cls, x): return check(is_array(x))
    @staticmethod
    def static(x): return check(is_array(x))
''' + ''.join(f"def of_{d}(x): return check(is_array(x, '{d}'))\n" for d in (
    'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8', 'f16', 'c8', 'c16', 'b1'))
HELPERS = {'kinds.check', 'kinds.is_array', 'kinds.start', 'kinds.overlap'}


class OwnModules(EndToEnd):
    def folder_with(self, texts):
        """Returns a folder with these files."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, text in texts.items():
            path = Path(folder.name) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return folder.name


class Kinds(OwnModules):
    def test_forms(self):
        """each kind of call is made: strides, axes of no length, dtypes, integers, overlaps, keywords, methods"""
        done = self.expect(sweep('kinds', env={'PYTHONPATH': self.folder_with({'kinds.py': KINDS})}), 0)
        rows = {row['name']: row.get('returned', 0) for row in done.json['sweep']['callables']}
        self.check(len(rows) > 35, done, f'{len(rows)} callables')
        self.assertEqual({name for name in rows if not rows[name]} - HELPERS, set(), done)


# Modules with names of arrays, of a keyword, and of a variable in the process of the calls.
NAMED = {'single.py': 'def f(x): return {"f4": 1}[x.dtype.str[1:]]', 'case.py': 'def f(x): return 1', 'vec/__init__.py': '',
         'vec/mat.py': 'def f(x): return 1', 'row.py': 'def f(x, *, row=False): return {True: 1}[row]'}


class Names(OwnModules):
    def test_named(self):
        """a module with the name of an array is called on one thread and by several, with the array under another name"""
        done = self.expect(sweep('single', 'case', 'vec', 'row', env={'PYTHONPATH': self.folder_with(NAMED)}), 0)
        rows = {row['name']: row for row in done.json['sweep']['callables']}
        self.assertEqual({name for name in rows if rows[name].get('returned')}, {'single.f', 'case.f', 'vec.mat.f', 'row.f'}, done)
        self.assertEqual(done.json['sweep']['passes']['threads'], {'callables': 4, 'reached': 4}, done)


class Untested(OwnModules):
    def test_raising(self):
        """a sweep in which each call raised tested nothing, and says what to do"""
        done = sweep('raising', env={'PYTHONPATH': self.folder_with({'raising.py': 'def f(x): raise ValueError'})})
        self.expect(done, 3)
        self.assertIn('could not test: no call returned, see the table for the reasons', done.last_line, done)
        self.assertEqual(done.json['serial_calls'], done.json['sweep']['callables'][0]['raised'], done)


class Sequences(OwnModules):
    def test_object(self):
        """three methods on one object: the last one is named, and the twin is silent"""
        ring = "from forms import Ring, RingTwin\nRing.__module__ = RingTwin.__module__ = 'ring'\n"
        path = f"{self.folder_with({'ring.py': ring})}:{BUILD / 'planted'}"
        done = self.expect(sweep('ring', env={'PYTHONPATH': path}), 1)
        self.assertEqual({(f['kind'], f['function']) for f in done.findings()}, {('use-after-free', 'ring_total')}, done)
        for row in done.json['sweep']['callables']:
            self.assertEqual(bool(row.get('findings')), row['name'] == 'ring.Ring.total', row)


# A package with a module that ends the process, and a function that forgets the names of its caller.
UNKIND = {'unkind/__init__.py': '''import sys
def forget(): sys._getframe(1).f_locals.clear()
def last(x): return 1
''', 'unkind/leaves.py': 'import os; os._exit(0)'}


# Functions that do what they can to files.
HOSTILE = '''import os, shutil
def sweep_out(x):
    for name in os.listdir():
        os.path.isdir(name) or os.remove(name)
    return 1
def write_much(x):
    try:
        with open('much', 'wb') as file:
            for _ in range(80):
                file.write(bytes(1 << 20))
    except OSError:
        return 1
    raise TypeError
def is_private(x):
    if 'ftstress-sweep-' in os.getcwd() and 'ftstress-sweep-' in os.environ['HOME'] and not os.listdir():
        return 1
    raise TypeError
def remove_tree(x): shutil.rmtree(str(x))
'''


class Hostile(OwnModules):
    def test_files(self):
        """calls that delete or fill the current folder lose no result, and find a private one; rmtree is not called"""
        done = self.expect(sweep('hostile', '--time', '60s', env={'PYTHONPATH': self.folder_with({'hostile.py': HOSTILE})}), 0)
        rows = {row['name'].partition('.')[2]: row for row in done.json['sweep']['callables']}
        for name in ('sweep_out', 'write_much', 'is_private'):
            self.check(rows[name].get('returned'), done, f'{name}: {rows[name]}')
        self.check('denied' in rows['remove_tree']['why'], done, 'remove_tree is called')
        self.assertEqual(list(done.cwd.iterdir()), [], done)


# Functions of Python that take long: all of a call's time, and a part of it.
SLOW = '''import os, time
def spin(x):
    end = time.process_time() + 60
    try:
        while time.process_time() < end:
            pass
    finally:
        with open(os.path.join(os.path.dirname(__file__), 'left'), 'a') as file:
            print('left', file=file)
def linger(x):
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    return 1
def after(x): return 1
'''


class Slow(OwnModules):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, 'slow.py').write_text(SLOW)
            cls.done = sweep('slow', '--timeout', '500ms', '--seed', '1', env={'PYTHONPATH': folder})
            cls.left = Path(folder, 'left').read_text().split()
        cls.rows = {row['name'].partition('.')[2]: row for row in cls.done.json['sweep']['callables']}

    def test_time(self):
        """a call of Python code that is out of time is named, and costs no process; two end the turn of the callable"""
        self.expect(self.done, 0)
        row = self.rows['spin']
        self.assertEqual([call['end'] for call in row['failed']], ['out_of_time'] * 2, self.done)
        self.check(row['left_out'] > 10, self.done, str(row))
        self.check(self.left, self.done, 'no exception ended the call')

    def test_budget(self):
        """slow calls leave out others of the callable, which the table counts"""
        row = self.rows['linger']
        self.check(2 <= row['returned'] <= 20 and row['left_slow'] > 10, self.done, str(row))
        self.assertIn('left out behind slow calls of the same callable', self.done.out, self.done)

    def test_other(self):
        """and none of another one, which threads make, too"""
        row = self.rows['after']
        self.check(row['returned'] > 50 and 'not_reached' not in row, self.done, str(row))


# A package with a module that turns the GIL on, one that imports it, one that ends the process, and good ones.
GIL = {'gilded/__init__.py': '', 'gilded/first.py': 'def f(x): return 1', 'gilded/gold.py': 'import gil_on; f = gil_on.f',
       'gilded/later.py': 'import gil_on\ndef f(x): return 1', 'gilded/leaves.py': 'import os; os._exit(0)',
       'gilded/second.py': 'def f(x): return 1\ndef lazy(x):\n    import gil_on\n    return 1'}


class Gil(OwnModules):
    def test_submodule(self):
        """a submodule that turns the GIL on costs only itself, and is named"""
        path = f"{self.folder_with(GIL)}:{BUILD / 'planted'}"
        done = self.expect(sweep('gilded', env={'PYTHONPATH': path}), 0)
        whys = {module['name']: module['why'] for module in done.json['sweep']['not_imported']}
        self.assertEqual(set(whys), {'gilded.gold', 'gilded.later', 'gilded.leaves'}, done)
        self.check(all('turns the GIL on' in whys[name] for name in ('gilded.gold', 'gilded.later')), done, str(whys))
        rows = {row['name']: row for row in done.json['sweep']['callables']}
        for name in ('gilded.first.f', 'gilded.second.f'):
            self.check(rows[name]['returned'] > 50 and 'not_reached' not in rows[name], done, str(rows[name]))
        # A call that turns it on: nothing is known of it under threads, and the others had their turn.
        self.check('GIL' in rows['gilded.second.lazy']['not_reached']['threads'], done, str(rows['gilded.second.lazy']))

    def test_own(self):
        """an import that fails only in the processes of the calls costs the callables of its module"""
        once = "import os, sys\nif 'calls' in sys.modules or os.path.exists('../importing'): raise ImportError('only once')\n"
        files = {'partly/__init__.py': '', 'partly/good.py': 'def f(x): return 1', 'partly/once.py': once + 'def f(x): return 1'}
        done = self.expect(sweep('partly', env={'PYTHONPATH': self.folder_with(files)}), 0)
        rows = {row['name']: row for row in done.json['sweep']['callables']}
        self.assertIn('only once', rows['partly.once.f']['why'], done)
        self.check(rows['partly.good.f']['returned'] > 50, done, str(rows))


class Modules(OwnModules):
    def test_unkind(self):
        """an import that ends the process is named, and a call that clears the names of its caller harms no other one"""
        done = self.expect(sweep('unkind', env={'PYTHONPATH': self.folder_with(UNKIND)}), 0)
        rows = {row['name']: row for row in done.json['sweep']['callables']}
        self.assertNotIn('not_made', rows['unkind.last'], done)
        self.assertEqual(done.json['sweep']['not_imported'],
                         [{'name': 'unkind.leaves', 'why': 'its import ended the process'}], done)

    def test_time(self):
        """when the time is over, it says what had no turn, and ends as a run does that tested something"""
        for seconds in (12, 24, 48):  # a busy machine may have no time for a call
            done = sweep('numpy.ma', '--time', f'{seconds}s', '--seed', '1')
            if done.status != 3:
                break
        self.expect(done, 1 if done.findings() else 0)
        self.check(not done.json['sweep']['complete'], done, 'it says that it is complete')
        passes = done.json['sweep']['passes']
        self.check(passes['forms']['reached'] < passes['forms']['callables'], done, 'all forms had a turn')
        rows = [row for row in done.json['sweep']['callables'] if 'forms' in row.get('not_reached', {})]
        self.assertEqual(len(rows), passes['forms']['callables'] - passes['forms']['reached'], done)
        self.assertIn('nothing is known of these', done.out, done)

    def test_missing(self):
        """a module that does not exist is a wrong command line; one that cannot be imported is named, with status 3"""
        done = sweep('no_such', 'swept')
        self.assertIn('there is no module no_such', self.expect(done, 2).err, done)
        done = sweep('lacking', env={'PYTHONPATH': self.folder_with({'lacking.py': 'import no_such'})})
        self.assertIn("not imported: lacking: ModuleNotFoundError: No module named 'no_such'", self.expect(done, 3).out, done)

    def test_relative(self):
        """a relative folder of PYTHONPATH is meant from where the sweep is started"""
        link = ('sh', '-c', 'ln -s "$0" planted && exec "$@"', str(BUILD / 'planted'))
        done = sweep('swept', '--time', '2s', prefix=link, env={'PYTHONPATH': 'planted'})
        self.check(any(row['name'] == 'swept.race' for row in done.json['sweep']['callables']), done, 'swept is not found')

    def test_outside(self):
        """callables that reach outside the process are not called"""
        done = sweep('shutil', '--time', '20s')
        rows = {row['name']: row for row in done.json['sweep']['callables']}
        self.check('denied' in rows['shutil.rmtree']['why'], done, 'rmtree is called')

    @each([('fixed', GOOD, []), ('broken', BROKEN, ['PyArray_Repeat'])])
    def test_numpy(self, _, python, functions):
        """exactly one function of NumPy 2.2.2 has a hidden write, and none of 2.2.6; round(-2**31) crashes in both"""
        done = self.expect(sweep('numpy._core.fromnumeric', python=python), 1)
        self.assertEqual([f['function'] for f in done.findings() if f['kind'] == 'input-mutated'], functions, done)
        others = {f['function'] for f in done.findings() if f['kind'] != 'input-mutated'}
        self.check(others <= {'PyArray_Round'}, done, str(others))


if __name__ == '__main__':
    unittest.main()
