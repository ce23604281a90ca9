"""harness/driver/script/script.py: programs for each kind of finding that compile, and arrays as NumPy code."""
import json
import pathlib
import subprocess
import sys
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / 'harness' / 'driver' / 'script' / 'script.py'
PLAN = {'setup': 'import json\nd = {1: 2}', 'thread_setup': '', 'writer': '', 'inputs': [{'name': 'x', 'recipe': 'f8[20]'}],
        'steps': ['a = json.dumps(d)', 'f(x, a)'], 'roles': [], 'threads': 4, 'share': 'readonly', 'native': ''}
FACTS = {'id': 'F1', 'kind': 'crash', 'function': 'f', 'package': 'p 1', 'message': 'a """message""" \\x', 'hit': 2, 'of': 5,
         'seconds': 5, 'checked': False}
ARRAYS = [('f8[20]', "np.arange(20, dtype='f8')"), ('>i4[3,4].T', "np.arange(12, dtype='>i4').reshape(3, 4).T"),
          ('f8[40][::2]', "np.arange(40, dtype='f8')[::2]"), ('f8[]', "np.arange(1, dtype='f8').reshape(())"),
          ('f8[8]~bcast(4,8)', "np.broadcast_to(np.arange(8, dtype='f8'), (4,8))"), ('b1[3]', "(np.arange(3) % 2).astype('?')"),
          ('i8[4]+8', "np.frombuffer(bytearray(8) + np.arange(4, dtype='i8').tobytes(), 'i8', offset=8)"),
          ('U4[2]', "np.arange(2).astype('U4')")]


def answer(form='script', plan=None, **changes):
    facts = FACTS | {'plan': PLAN | (plan or {})} | changes
    out = subprocess.run([sys.executable, '-I', SCRIPT, form, json.dumps(facts)], capture_output=True, text=True, check=True)
    return json.loads(out.stdout.removeprefix('ftstress\tscript\t'))


class Script(unittest.TestCase):
    def test_kinds(self):
        """the program of each kind compiles, in both forms, and is short"""
        for kind in ('crash', 'hang', 'heap-corruption', 'exception', 'wrong-result', 'input-mutated', 'reference-leak',
                     'memory-growth', 'refcount-underflow', 'use-after-free', 'shutdown-leak', 'data-race'):
            for form in ('script', 'test'):
                text = answer(form, kind=kind)['text']
                compile(text, kind, 'exec')
                self.assertLess(len(text.splitlines()), 44, text)
                self.assertIn('2 of 5 runs of 5 s', text)
                self.assertIn('assert not sys._is_gil_enabled()', text)

    def test_plans(self):
        """roles, a setup of each thread, private inputs, names that are bound anew"""
        for plan in ({'roles': ['f(x)', 'g(x)'], 'steps': []}, {'thread_setup': 'b = 1'}, {'share': 'private'},
                     {'steps': ['x = x + 1', 'x']}):
            compile(answer(plan=plan)['text'], 'plan', 'exec')
        self.assertIn('x=x', answer(plan={'steps': ['x = x + 1']})['text'])

    def test_other_statement(self):
        """a message about a statement that the smaller plan has changed says so"""
        for statement, wanted in (('f(x,a)', False), ('', False), ('f(x, a, 3)', True)):
            self.assertEqual('In a larger plan: ' in answer(plan={'statement': statement})['text'], wanted, statement)

    def test_refused(self):
        """what a program in Python cannot show has a reason"""
        self.assertIn('scenario in C', answer(plan={'native': 'n'})['why'])
        self.assertIn('writes', answer(plan={'writer': 'x[0] = 1'})['why'])

    def test_arrays(self):
        for recipe, code in ARRAYS:
            self.assertIn(f'x = {code}\n', answer(plan={'inputs': [{'name': 'x', 'recipe': recipe}]})['text'])
        self.assertIn('x.flags.writeable = False', answer(plan={'inputs': [{'name': 'x', 'recipe': 'f8[2]@ro'}]})['text'])


if __name__ == '__main__':
    unittest.main()
