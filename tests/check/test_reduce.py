"""harness/driver/minimize/reduce.py: which smaller variants of a plan it makes."""
import json
import pathlib
import subprocess
import sys
import unittest

REDUCE = pathlib.Path(__file__).resolve().parents[2] / 'harness' / 'driver' / 'minimize' / 'reduce.py'
PLAN = {'setup': 'import json, re\nd = {1: 2}\nn = 5', 'thread_setup': '', 'writer': '', 'inputs': [
    {'name': 'x', 'recipe': '>f8[20,3][::2]+8@ro'}, {'name': 'y', 'recipe': 'i8[2]'}],
    'steps': ['a = x.sum()', 'b = f(y, len(d), key=n)', 'b + 1'], 'roles': [], 'threads': 8, 'detect': 'crash,hang',
    'perturb': 'fresh', 'detector': 'crash', 'statement': 'b + 1'}


def variants(axis, **changes):
    out = subprocess.run([sys.executable, '-I', REDUCE, axis, json.dumps(PLAN | changes)], capture_output=True, text=True,
                         check=True).stdout
    return json.loads(out.removeprefix('ftstress\tcandidates\t'))


class Reduce(unittest.TestCase):
    def test_statements(self):
        """each statement alone with what it needs, the guilty one first; then all but parts, without broken names"""
        found = variants('statements')
        self.assertEqual(found[0]['steps'], ['b = f(y, len(d), key=n)', 'b + 1'])
        self.assertEqual((found[0]['setup'], [each['name'] for each in found[0]['inputs']]), ('d = {1: 2}\nn = 5', ['y']))
        self.assertEqual((found[1]['steps'], found[1]['setup']), (['a = x.sum()'], ''))
        for variant in found:
            self.assertTrue(variant['steps'])
            self.assertFalse('len(d)' in str(variant['steps']) and 'd = ' not in variant['setup'], variant)
        self.assertIn(['a = x.sum()', 'b = f(y, len(d), key=n)'], [variant['steps'] for variant in found])

    def test_code_that_is_no_python(self):
        """a text that does not parse is one part"""
        found = variants('statements', setup='%%% 1', steps=['f(1)', '???'])
        self.assertIn(('', ['f(1)']), [(variant['setup'], variant['steps']) for variant in found])
        self.assertEqual(variants('expressions', setup='%%%', steps=['???']), [])

    def test_threads(self):
        self.assertEqual([variant['threads'] for variant in variants('threads')], [2, 3, 4, 6])
        self.assertEqual(variants('threads', threads=2), [])

    def test_inputs(self):
        """recipes without a part, and of smaller shapes"""
        recipes = {variant['inputs'][0]['recipe'] for variant in variants('inputs')}
        self.assertLessEqual({'>f8[20,3][::2]+8', '>f8[20,3]+8@ro', 'f8[20,3][::2]+8@ro', '>f8[20]', '>f8[10,3][::2]+8@ro',
                              '>f8[2,3][::2]+8@ro', '>f8[20,2][::2]+8@ro'}, recipes)
        self.assertEqual({variant['inputs'][1]['recipe'] for variant in variants('inputs')} - {'i8[2]'}, {'i8[1]'})

    def test_expressions(self):
        """calls without an argument, what is inside a call, smaller numbers, a value in place of its name"""
        texts = {'; '.join(variant['steps']) for variant in variants('expressions')}
        for wanted in ('a = x.sum(); b = f(y, len(d)); b + 1', 'a = x.sum(); b = f(len(d), key=n); b + 1',
                       'a = x; b = f(y, len(d), key=n); b + 1', 'a = x.sum(); b = f(y, d, key=n); b + 1',
                       'a = x.sum(); f(y, len(d), key=n) + 1', 'a = x.sum(); b = f(y, len(d), key=n); b'):
            self.assertIn(wanted, texts)
        setups = {variant['setup'] for variant in variants('expressions')}
        self.assertIn('import json\nimport re\nd = {1: 2}\nn = 2', setups)
        self.assertIn('a = x.sum(); b = f(y, len(d), key=5); b + 1', texts)

    def test_settings(self):
        self.assertEqual([(variant['perturb'], variant['detect']) for variant in variants('settings')],
                         [('', 'crash,hang'), ('fresh', 'crash')])


if __name__ == '__main__':
    unittest.main()
