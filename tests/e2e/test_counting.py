"""The counting detectors: references, growth, and objects left after Python's end; each planted bug and its twin."""
import tempfile
import unittest
from pathlib import Path
from typing import NamedTuple

from harness import OWN_MALLOC, EndToEnd, each, functions, run

COUNTERS = 'growth,refcount,shutdown'
SETUP = 'x = object(); L = [n + 0.5 for n in range(5)]'


LIBRARY = '''
class Item:
    pass

items = []

def keeps():
    items.append(Item())

def trims():
    keeps()
    if len(items) > 500:
        items.clear()
'''

# Of growth_domain, by number.
DOMAINS = (('malloc', ''), ('raw', ' from PyMem_Malloc or PyMem_RawMalloc'), ('mem', ' from PyMem_Malloc or PyMem_RawMalloc'),
           ('object', ' from PyObject_Malloc'), ('calloc', ' from PyObject_Malloc'))


class Counted(NamedTuple):
    name: str
    arguments: str
    detector: str
    kind: str
    sentence: str  # a regular expression for the message
    function: str
    frame: str = ''  # on the first stack
    options: tuple = ()

    @property
    def module(self):
        return self.name.partition('.')[0]


COUNTED = [
    Counted('refcount_double', 'x', 'refcount', 'refcount-underflow',
            r'^released too often: x \(object\) loses 1\.00 references in each call', 'refcount_double.bug'),
    Counted('refcount_borrowed', 'L', 'refcount', 'refcount-underflow',
            r'^a borrowed reference is released: each of 5 items of L \(float\) loses 1\.00 references',
            'refcount_borrowed.bug'),
    Counted('refcount_kept', 'x', 'refcount', 'reference-leak',
            r'^never released: x \(object\) gains 1\.00 references in each call', 'refcount_kept.bug'),
    Counted('growth_string', '', 'growth', 'reference-leak', r'loses in each call: 1\.00 str; nothing refers to str objects', 'make', 'bug'),
    Counted('growth_recycled', '1', 'growth', 'reference-leak', r'loses in each iteration: 1\.00 tuple; nothing refers to tuple objects',
            'bug', 'bug', ('growth_recycled.scratch(1)',)),
    Counted('growth_native', '', 'growth', 'memory-growth',
            r'loses in each call: 64\.0 bytes of native memory in 1\.00 blocks$', 'bug', 'bug'),
    *(Counted(f'growth_domain.{name}', str(domain), 'growth', 'memory-growth',
              rf'loses in each call: 40\.0 bytes of native memory in 1\.00 blocks{source}$', 'allocate', 'bug')
      for domain, (name, source) in enumerate(DOMAINS)),
    Counted('growth_domain.object_at_shutdown', '3', 'shutdown', 'shutdown-leak',
            r'^\d+ native blocks of \d+ bytes, 1\.00 for each call, left when Python had ended$', 'allocate', 'bug'),
    Counted('growth_object', '', 'growth', 'reference-leak', r'loses in each call: 1\.00 growth_object\.Item; nothing refers to',
            'new_item', 'bug'),
    Counted('growth_immortal', '', 'growth', 'reference-leak',
            r'loses in each call: 1\.00 growth_immortal\.Item; growth_immortal\.Item objects are made immortal: nothing frees them',
            'new_item', 'bug'),
    Counted('growth_cache', "'k'", 'growth', 'reference-leak',
            r'keeps for each new call, in an unbounded cache or by a loss: .*1\.00 growth_cache\.Item',
            'new_item', 'new_item', ('--new', 'growth_cache.{call}((thread_index, iteration_index))')),
    Counted('growth_object.at_shutdown', '', 'shutdown', 'shutdown-leak',
            r'^\d+ growth_object\.Item, 1\.00 for each call, left when .*no memory refers to it', 'new_item', 'bug'),
]


def count(row, call, *options, detect=COUNTERS, time='2'):
    options = [option.format(call=call) for option in (*row.options, *options)]
    return run('-t', 4, '-s', f'import {row.module}; {SETUP}', '--detect', detect, '--time', time, *options,
               f'{row.module}.{call}({row.arguments})')


class Counting(EndToEnd):
    @each([(row.name, row) for row in COUNTED])
    def test_bug(self, _, row):
        """the detector names the lost objects, how many, and the function"""
        self.unless_sanitized(OWN_MALLOC, here=row.name in ('growth_native', *(f'growth_domain.{name}' for name, _ in DOMAINS[:3])))
        done = self.expect(count(row, 'bug', detect=row.detector), 1)
        found = done.findings(detector=row.detector)
        self.check(len(found) == 1, done, f'{len(found)} findings of {row.detector}; one was planted')
        finding = found[0]
        self.assertEqual((finding['kind'], finding['function'], finding['blame']),
                         (row.kind, row.function, 'target'), done)
        self.assertRegex(finding['message'], row.sentence, done)
        self.check(not row.frame or any(row.frame in functions(stack) for stack in finding['stacks']), done,
                   f'no {row.frame} on a stack')

    @each([(row.name, row) for row in COUNTED if row.name == row.module])
    def test_twin(self, _, row):
        """all counting detectors are silent on the clean twin, which ran"""
        release = ('--release', 'growth_cache.clear()') if row.name == 'growth_cache' else ()
        done = self.expect(count(row, 'twin', *release), 0)
        self.check(done.json['calls'] > 100, done, 'too little was tested')
        self.check(done.json['tested_calls'] == 0 and done.json['rate_below'] is None, done, 'a mean bounds no rate')

    def test_domain_twin(self):
        """blocks of each allocator that are kept once, or grow up to a limit, are no leak"""
        done = self.expect(run('-t', 4, '-s', 'import growth_domain', '--detect', COUNTERS, '--time', '2',
                               *(f'growth_domain.twin({domain})' for domain in range(len(DOMAINS)))), 0)
        self.check(done.json['calls'] > 100, done, 'too little was tested')

    @each([('trims', 'library.trims()', 0), ('keeps', 'library.keeps()', 1), ('slow', 'time.sleep(0.01); library.keeps()', 0)])
    def test_trimmed(self, _, statement, status):
        """a list that is cleared at 500 entries is no leak; one that is never cleared is, after more calls than such a list has
        entries"""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / 'library.py').write_text(LIBRARY)
            done = self.expect(run('-t', 2, '-s', 'import library, time', '--detect', 'growth', '--time', '3', statement,
                                   env={'PYTHONPATH': folder}), status)
        if _ == 'slow':
            self.assertRegex(' '.join(done.json['notes']), r'growth: .* 1\.00 library\.Item.*; no finding, because a cache that '
                                                            'fills, or a list that is trimmed later, looks the same')

    def test_names(self):
        """names that the interpreter's cache of attributes keeps, one more for each call, are no leak"""
        setup = 'import growth_string; growth_string.start()\nclass C: value = 1\nx = C()'
        self.expect(run('-t', 2, '-s', setup, '--detect', 'growth', '--iterations', 150, '--time', 6, 'growth_string.look(x)'), 0)

    def hint(self, setup, *statements, threads=4):
        """Returns the notes of the hint; it makes none where a busy machine leaves it too little time."""
        done = self.expect(run('-t', threads, '-s', setup, '--detect', 'crash,hint', '--time', '6', *statements), 0)
        return [note for note in done.json['notes'] if 'seems to grow' in note]

    def test_hint(self):
        """a run without the counting detectors notes memory that grows, of each allocator and on one thread, and how to look for it"""
        for domain, words in ((0, 'of malloc'), (2, "1.00 blocks of CPython's allocators"), (3, "1.00 blocks of CPython's allocators")):
            notes = self.hint('import growth_domain', f'growth_domain.bug({domain})', threads=1 if domain == 3 else 4)
            self.assertEqual(len(notes), 1, domain)
            self.assertIn(words, notes[0])
            self.assertIn('no finding: run it with --detect growth', notes[0])
        notes = self.hint('import ctypes; lose = ctypes.pythonapi.Py_IncRef; lose.argtypes = [ctypes.py_object]', 'lose([{1}])')
        self.assertEqual(len(notes), 1, 'the collector visits all that was lost')
        self.assertRegex(notes[0], r"[23]\.\d\d blocks of CPython's allocators")

    def test_hint_twin(self):
        """no note where memory only settles: caches that fill, interned strings, warnings, functions, blocks that are freed late"""
        caches = 'import functools, sys, warnings; f = functools.lru_cache(lambda n: [n]); g = functools.cache(lambda n: [n])'
        for setup, statements in (
                ('import growth_domain', [f'growth_domain.twin({domain})' for domain in range(len(DOMAINS))]),
                (caches, ['f(iteration_index)', 'g(iteration_index)', 'sys.intern(f"k{iteration_index}")']),
                (caches, ['warnings.warn(f"{iteration_index % 99}")', '(lambda: [{1}])()', 'dict.fromkeys(range(999))'])):
            self.assertEqual(self.hint(setup, *statements), [])

    def test_alone(self):
        """one thread is enough"""
        row = next(row for row in COUNTED if row.name == 'growth_string')
        done = self.expect(run('-t', 1, '-s', 'import growth_string', '--detect', 'growth', '--time', '2',
                               'growth_string.bug()'), 1)
        self.assertRegex(done.findings()[0]['message'], row.sentence, done)

    def test_two(self):
        """two statements with a bug each are both reported, per iteration"""
        done = self.expect(run('-t', 2, '-s', 'import refcount_borrowed, refcount_double; L = [n + 0.5 for n in range(2)]; x = object()',
                               '--detect', 'refcount', '--time', '2', 'refcount_double.bug(x)', 'refcount_borrowed.bug(L)'), 1)
        said = sorted(finding['message'] for finding in done.findings())
        self.assertEqual(said, ['a borrowed reference is released: each of 2 items of L (float) loses 1.00 references in each '
                                'iteration', 'released too often: x (object) loses 1.00 references in each iteration'], done)

    def test_released(self):
        """a release step separates a cache from a leak, and its effect is reported"""
        row = next(row for row in COUNTED if row.name == 'growth_cache')
        done = self.expect(count(row, 'bug', '--release', 'growth_cache.clear()', time='3'), 0)
        notes = '\n'.join(done.json['notes'])
        self.assertRegex(notes, r'unbounded-cache: new_item \(growth_cache\) keeps for each new call, until '
                                r'`growth_cache.clear\(\)`: .*1\.00 growth_cache\.Item', done)
        self.assertRegex(notes, r'cache-held: held after the calls, and not after `growth_cache\.clear\(\)`: .*1 growth_cache\.Item', done)

    def test_retained(self):
        """objects that a release step does not free are reported as kept for each key"""
        row = next(row for row in COUNTED if row.name == 'growth_cache')
        done = self.expect(count(row, 'bug', '--release', 'pass', detect='growth', time='3'), 1)
        self.assertRegex(done.findings()[0]['message'], r'keeps for each new call, also after `pass`: ', done)

    def test_class(self):
        """lost references to a class are a note, and a finding with --audit"""
        for call, options, status, words in (
                ('bug', (), 0, 'refcount: Item (type) gains 1.00 references in each call; no finding, because'),
                ('bug', ('--audit', 'Item'), 1, 'never released: Item (type) gains 1.00 references in each call'),
                ('twin', ('--audit', 'Item'), 0, '')):
            done = self.expect(run('-t', 2, '-s', 'import refcount_class', '-s', 'class Item: pass', '-s', 'x = Item()',
                                   '--detect', 'refcount', '--time', '2', *options, f'refcount_class.{call}(x)'), status)
            said = '\n'.join([finding['message'] for finding in done.findings()] + done.json['notes'])
            self.check(words in said if words else 'gains' not in said, done, said)

    def test_unfit(self):
        """an object that cannot be pickled is counted, unless it was seen to change"""
        for setup, statement, status in (('import refcount_kept, growth_object; x = growth_object.twin()', 'refcount_kept.bug(x)', 1),
                                         ('L = [lambda: 0]', 'L.append(0.5)', 0)):
            self.expect(run('-t', 2, '-s', setup, '--detect', 'growth,refcount', '--time', '2', statement), status)

    def test_in_place(self):
        """statements that write to what they share lose references and objects all the same"""
        out = 'refcount_out.bug(o)'
        for setup in ('o = bytearray(16)', 'import numpy as np; o = np.zeros(16, np.uint8)'):
            done = self.expect(run('-t', 2, '-s', f'import refcount_out; {setup}', '--detect', 'refcount', '--time', '2', out), 1)
            self.assertRegex(done.findings()[0]['message'], r'^never released: o \(.*\) gains 1\.00 references in each call', done)
        done = self.expect(run('-t', 2, '-s', 'import growth_string; o = bytearray(16)', '--detect', 'growth', '--time', '2',
                               'o[0] = 1', 'growth_string.bug()'), 1)
        self.assertIn('nothing refers to str objects', done.findings()[0]['message'], done)
        done = self.expect(run('-t', 2, '-s', 'import growth_native; o = bytearray(16)', '--detect', 'growth', '--time', '2',
                               'o[0] = 1', 'growth_native.bug()'), 1)
        self.assertIn('64.0 bytes of native memory in 1.00 blocks', done.findings()[0]['message'], done)

    @each([(name, (setup, statement, words)) for name, setup, statement, words in (
        ('out', 'import refcount_out; o = bytearray(16)', 'refcount_out.twin(o)', ''),
        ('list', 'l = []', 'l.append(x)', 'x (object) gains'),
        ('made', 'l = []', 'l.append([iteration_index])', 'list'),
        ('buffers', 'import array; l = []', 'l.append(array.array("d", range(20)))', 'bytes of native memory'),
        ('dict', 'd = {}', 'd[thread_index, iteration_index] = x', 'x (object) gains'),
        ('array', 'import numpy as np; o = np.zeros(100, object)', 'o[...] = x', ''),
        ('items', 'import numpy as np; o = np.zeros(4000000, object)', 'o[2 * iteration_index + thread_index] = x', 'x (object) gains'),
        ('popped', 'l = [x] * 200000', 'l.pop() if l else 0', 'x (object) loses'))])
    def test_container(self, _, row):
        """references that a container takes or drops are a note: memory has pointers to show for them"""
        setup, statement, words = row
        done = self.expect(run('-t', 2, '-s', f'x = object(); {setup}', '--detect', 'growth,refcount', '--iterations', '9000',
                               '--time', '9', statement), 0)
        self.assertIn(words, '\n'.join(done.json['notes']), done)

    @each([(name, row) for name, *row in (
        ('builtin', '', 'refcount_double.bug(round)', r'^released too often: round \(builtin_function_or_method\) loses 1\.00'),
        ('kept', '', 'refcount_kept.bug(round)', r'^never released: round \(builtin_function_or_method\) gains 1\.00'),
        ('lookup', '', 'refcount_lookup.bug(), round(1.5)', r'^released too often: round \(builtin_function_or_method\) loses 1\.00'),
        ('module', 'import os.path as p', 'refcount_kept.bug(p.join)', r'^never released: p\.join \(function\) gains 1\.00'),
        ('class', 'import collections as c', 'refcount_double.bug(c.deque)', r'^released too often: c\.deque \(type\) loses 1\.00'),
        ('function', 'f = lambda: [refcount_kept.bug(o) for o in (round,)]', 'f()', r'^never released: round \(.*\) gains 1\.00'),
        ('twin', 'import collections as c', 'refcount_lookup.twin(), refcount_kept.twin(round), refcount_double.twin(c.deque)', ''))])
    def test_loaded(self, _, row):
        """builtins, classes and functions of modules are counted where a statement loads them"""
        setup, statement, sentence = row
        done = self.expect(run('-t', 2, '-s', 'import refcount_double, refcount_kept, refcount_lookup', '-s', setup, '--detect',
                               'refcount', '--time', '2', statement), 1 if sentence else 0)
        for finding in done.findings():
            self.assertRegex(finding['message'], sentence, done)
        self.assertNotIn('in each call', '\n'.join(done.json['notes']), done)

    def test_loaded_immortal(self):
        """a note names the immortal objects that a statement loads"""
        done = self.expect(run('-t', 2, '-s', 'x = 1.5', '--detect', 'refcount', '--time', '1', 'isinstance(x, list)'), 0)
        self.assertIn('refcount: immortal on this interpreter, cannot be audited: list', done.json['notes'], done)

    @each([(name, row) for name, *row in (
        ('bug', ('--raises', 'ValueError'), 'growth_error.bug(t)', 1, r'^split \(growth_error\) loses in each call: 1\.00 list;'),
        ('base', ('--raises', 'KeyError,builtins.Exception'), 'growth_error.bug(t)', 1, '1\\.00 list'),
        ('twin', ('--raises', 'KeyError', '--raises', 'ValueError'), 'growth_error.twin(t)', 0, '^ftstress: 0 findings'),
        ('next', ('--raises', 'ValueError'), 'growth_error.twin(t); growth_string.bug()', 1, '1\\.00 str'),
        ('none', (), 'growth_error.bug(t)', 3, 'every one of .* raises .*ValueError: no = in the text.* with --raises'),
        ('another', ('--raises', 'KeyError,json.ValueError'), 'growth_error.bug(t)', 3, 'ValueError: no = in the text'))])
    def test_raises(self, _, row):
        """a call that raises a declared exception counts as one that returned"""
        options, statement, status, words = row
        done = self.expect(run('-t', 2, '-s', 'import growth_error, growth_string; t = "text"', '--detect', COUNTERS, '--time', '2',
                               *options, statement), status)
        self.assertRegex(done.findings(detector='growth')[0]['message'] if status == 1 else done.last_line, words, done)
        self.check(status != 1 or 'raises:\n- ' in done.findings()[0]['plan']['yaml'], done, 'the plan does not keep it')

    def test_raises_races(self):
        """a declared exception is no finding of the detector exception, and the run goes on; another one is"""
        for name, status in (('ValueError', 0), ('KeyError', 1)):
            done = self.expect(run('-t', 4, '-s', 'import exception_race', '--detect', 'exception', '--time', '2', '--raises',
                                   name, 'exception_race.bug()'), status)
            self.assertEqual(done.kinds(), ['exception'] * status, done)
        self.expect(run('-t', 2, '-s', '', '--detect', 'exception', '--time', '1', '--raises', 'SystemExit', 'raise SystemExit'), 0)

    def test_static(self):
        """an object in a static variable is a note with the variable's name, and no leak; the twin keeps nothing"""
        for call, notes in (('bug', 1), ('twin', 0)):
            done = self.expect(run('-t', 4, '-s', 'import shutdown_static', '--detect', COUNTERS, '--time', '2',
                                   f'shutdown_static.{call}()'), 0)
            kept = [note for note in done.json['notes'] if 'process-lifetime-floor: left when Python had ended: '
                    '1 shutdown_static.Item, held by static data, variable kept: shutdown_static' in note]
            self.assertEqual(len(kept), notes, done)

    def test_first_import(self):
        """objects in static data that a module makes on its first import in a call are no leak"""
        done = self.expect(run('-t', 4, '-s', '', '--detect', COUNTERS, '--time', '4', 'import numpy'), 0)
        self.assertIn('process-lifetime-floor: left when Python had ended: ', '\n'.join(done.json['notes']), done)

    def test_static_released(self):
        """a release step that frees the object of a static variable leaves nothing to report"""
        done = self.expect(run('-t', 4, '-s', 'import shutdown_static', '--detect', COUNTERS, '--time', '2', '--release',
                               'shutdown_static.clear()', 'shutdown_static.bug()'), 0)
        self.assertIn('cache-held: held after the calls, and not after `shutdown_static.clear()`: 1 shutdown_static.Item',
                      done.json['notes'], done)

    def test_abort(self):
        """a silent abort while Python ends is a finding with its stack; its twin is clean"""
        done = self.expect(run('-t', 2, '-s', 'import shutdown_abort', '--detect', 'shutdown', '--time', '1',
                               'shutdown_abort.bug()'), 1)
        finding, = done.findings()
        self.assertEqual((finding['kind'], finding['detector'], finding['function'], finding['blame']),
                         ('crash', 'shutdown', 'give_up', 'target'), done)
        self.assertIn('while Python was shutting down', finding['message'], done)
        self.check('give_up' in functions(finding['stacks'][0]), done, 'no give_up on the stack')
        self.expect(run('-t', 2, '-s', 'import shutdown_abort', '--detect', 'shutdown', '--time', '1',
                        'shutdown_abort.twin()'), 0)

    def test_code(self):
        """code that is compiled for each new key is a note with its size, and a finding above a budget"""
        for call, options, status in (('bug', (), 0), ('bug', ('--budget', '1K'), 1), ('twin', ('--budget', '1K'), 0)):
            done = self.expect(run('-t', 2, '-s', 'import growth_code', '--detect', 'growth', '--time', '2', *options, '--new',
                                   f'growth_code.{call}((thread_index, iteration_index))', f'growth_code.{call}(0)'),
                               status)
            said = [finding['message'] for finding in done.findings()] + done.json['notes']
            self.assertEqual([text.partition(' of code')[0] for text in said],
                             ['jit-growth: 4.0 KiB'] if call == 'bug' else [], done)

    def test_immortal(self):
        """a note names objects that cannot be audited"""
        done = self.expect(run('-t', 2, '-s', 'import math; word = "word"; x = object()', '--audit', 'word', '--audit', 'x',
                               '--detect', 'refcount', '--time', '1', 'math.sqrt(2.0)'), 0)
        self.check(any('cannot be audited: word;' in note for note in done.json['notes']), done, 'nothing about word')

    def test_many_immortal(self):
        """the note on immortal objects names a few, and counts the rest"""
        setup = '; '.join(f'word{i} = "word{i}"' for i in range(9))
        done = self.expect(run('-t', 2, '-s', setup, '--detect', 'refcount', '--time', '1', 'word0.upper()'), 0)
        self.check(any('audited: word0, word1, word2, word3 and 5 more; make' in note for note in done.json['notes']), done, 'no count')

    def test_raises_later(self):
        """a declared exception of a module that no statement imported yet is known by its full name"""
        self.expect(run('-t', 2, '-s', '', '--detect', 'exception', '--time', '1', '--raises', 'configparser.NoOptionError', 'len(())'), 0)

    def test_numpy(self):
        """NumPy's functions, also those that import a module in their first call, are clean"""
        self.expect(run('-t', 4, '-i', 'x=f8[20]', '-i', 'y=f8[40][::2]', '-s', 'import numpy as np', '--detect', COUNTERS,
                        '--time', '4', 'np.median(x)', 'np.repeat(y, 2)', 'np.sort(x + y)', 'np.array2string(x)'), 0)

    def test_classes(self):
        """classes that the interpreter makes immortal are not the target's leak"""
        self.expect(run('-t', 4, '-s', '', '--detect', COUNTERS, '--time', '2', 'class A: pass'), 0)

    def test_null(self):
        """a native scenario that does nothing leaves no objects"""
        self.expect(run('null', '--detect', COUNTERS, '--time', '2'), 0)

    def test_mistakes(self):
        """an exception of a release step or of --new is reported as the user's mistake"""
        for options, words in ((('--release', 'nothing.clear()'), 'the release step raises NameError'),
                               (('--new', 'nothing(1)'), 'the statements of `new` raise NameError')):
            done = self.expect(run('-s', '', '--detect', 'growth', '--time', '1', *options, 'abs(1)'), 3)
            self.assertIn(words, done.err, done)


if __name__ == '__main__':
    unittest.main()
