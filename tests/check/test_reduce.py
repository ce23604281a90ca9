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
    'perturb': 'fresh', 'detector': 'crash', 'statement': 'b + 1', 'causes': ['a = x.sum()'], 'share': 'readonly',
    'iterations': 20}


def variants(axis, **changes):
    out = subprocess.run([sys.executable, '-I', REDUCE, axis, json.dumps(PLAN | changes)], capture_output=True, text=True,
                         check=True).stdout
    return json.loads(out.removeprefix('ftstress\tcandidates\t'))


class Reduce(unittest.TestCase):
    def test_jump(self):
        """the statement of the cause alone, then the one that fails, each with what it needs and two threads first"""
        found = [(variant['steps'], variant['setup'], variant['threads'], variant['detect']) for variant in variants('jump')]
        needs = ['b = f(y, len(d), key=n)', 'b + 1'], 'd = {1: 2}\nn = 5'
        self.assertEqual(found, [(['a = x.sum()'], '', 2, 'crash'), (['a = x.sum()'], '', 8, 'crash'),
                                 (*needs, 2, 'crash'), (*needs, 8, 'crash')])
        self.assertEqual([variant['threads'] for variant in variants('jump', steps=['b + 1'])], [2])

    def test_time(self):
        """a detector that counts may need less time; the others end at their first finding"""
        self.assertEqual([variant['time'] for variant in variants('jump', counts=True, time='3000ms', statement='', causes=[])],
                         ['1500ms'])
        self.assertEqual(variants('jump', counts=False, time='3000ms', statement='', causes=[]), [])

    def test_statements(self):
        """all but what nothing needs, then all but parts with what only they need, without broken names"""
        found = variants('statements')
        self.assertEqual((found[0]['steps'], found[0]['setup']), (PLAN['steps'], 'd = {1: 2}\nn = 5'))
        for variant in found:
            self.assertTrue(variant['steps'])
            self.assertFalse('len(d)' in str(variant['steps']) and 'd = ' not in variant['setup'], variant)
        other = variants('statements', statement='a = x.sum()')
        self.assertIn((['a = x.sum()'], 'import json\nimport re', ['x']),
                      [(variant['steps'], variant['setup'], [each['name'] for each in variant['inputs']]) for variant in other])
        self.assertEqual({variant['what'] for variant in found} & {'without a = x.sum(); x = 0', 'without b + 1'},
                         {'without a = x.sum(); x = 0', 'without b + 1'})

    def test_names_alone(self):
        """a name in place of a call is no variant: the one without the statement is tried; for a missing name it is"""
        for detector, more in ('crash', set()), ('exception', {'m', '1'}):
            found = variants('expressions', setup='', inputs=[], steps=['m.f() + 1', 'm.g()'], statement='m.g()', detector=detector)
            self.assertEqual({step for variant in found for step in variant['steps']} - {'m.f() + 1', 'm.g()'},
                             {'m.f()', 'm + 1'} | more)

    def gone(self, **changes):
        """the numbers of the steps that each variant leaves out"""
        steps = [f'f({i})' for i in range(8)]
        found = variants('statements', setup='', inputs=[], steps=steps, statement='f(7)', **changes)
        return [[i for i in range(8) if steps[i] not in variant['steps']] for variant in found], found

    def test_parts(self):
        """first the part that may go as a whole, then smaller ones; the statement that fails is the last one"""
        gone, found = self.gone()
        self.assertEqual(gone[:3], [[0, 1, 2], [3, 4, 5], [0, 6]])
        self.assertEqual(gone[-1], [7])
        self.assertEqual(sorted(each[0] for each in gone if len(each) == 1), list(range(8)))
        self.assertLessEqual(len(gone), 14)

    def test_pass_goes_on(self):
        """after a success the parts that are needed have no second turn"""
        _, found = self.gone()
        chances = next(variant['chances'] for variant in found if len(variant['steps']) == 5)
        self.assertEqual(len(chances), 5)
        self.assertEqual(self.gone(chances=[1, 1, 0.2, 0.3, 1, 1, 1, 0.9])[0], [[2, 3], [2], [3], [7]])

    def test_code_that_is_no_python(self):
        """a text that does not parse is one part"""
        found = variants('statements', setup='%%% 1', inputs=[], steps=['f(1)', '???'])
        self.assertEqual({(variant['setup'], *variant['steps']) for variant in found},
                         {('', 'f(1)', '???'), ('%%% 1', 'f(1)'), ('%%% 1', '???')})
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

    def test_hidden_write(self):
        """what a hidden write harms depends on the sizes and the sharing: both stay"""
        self.assertEqual(variants('inputs', detector='tripwire'), [])
        self.assertNotIn('private', {variant['share'] for variant in variants('settings', detector='tripwire')})
        self.assertIn('private', {variant['share'] for variant in variants('settings')})

    def test_expressions(self):
        """calls without an argument, what is inside a call, smaller numbers, a value in place of its name"""
        texts = {'; '.join(variant['steps']) for variant in variants('expressions')}
        for wanted in ('a = x.sum(); b = f(y, len(d)); b + 1', 'a = x.sum(); b = f(len(d), key=n); b + 1',
                       'a = x; b = f(y, len(d), key=n); b + 1', 'a = x.sum(); b = f(y, d, key=n); b + 1',
                       'a = x.sum(); f(y, len(d), key=n) + 1'):
            self.assertIn(wanted, texts)
        setups = {variant['setup'] for variant in variants('expressions')}
        self.assertIn('import json\nimport re\nd = {1: 2}\nn = 2', setups)
        self.assertIn('a = x.sum(); b = f(y, len(d), key=5); b + 1', texts)

    def test_the_statement_that_fails(self):
        """a change inside it changes its name, and a change elsewhere does not"""
        for variant in variants('expressions'):
            self.assertIn(variant['statement'], variant['steps'])
        merged = variants('expressions', statement='a = g(x)', steps=['a = g(x)', 'h(a, 1)'])
        self.assertIn((['h(g(x), 1)'], 'h(g(x), 1)'), [(variant['steps'], variant['statement']) for variant in merged])

    def test_settings(self):
        self.assertEqual([variant['what'] for variant in variants('settings', perturb='fresh,skew')],
                         ['without perturbation fresh,skew', 'perturbation fresh only', 'perturbation skew only',
                          'detector crash only', 'sharing level private in place of readonly',
                          '1 iterations in place of 20', '2 iterations in place of 20'])


if __name__ == '__main__':
    unittest.main()
