"""The first bug: np.repeat of NumPy 2.2.2 writes to its input's shape. It is found, named and blamed; 2.2.6 is clean."""
import unittest

from harness import OWN_MALLOC, BROKEN, GOOD, EndToEnd, Run, each, functions, run

SCENARIOS = [('repeat', '4'), ('somersd', '6')]
ONE_CALL = ('-t', 1, '--iterations', 1, '--detect', 'tripwire')
WITHOUT_TRIPWIRE = 'crash,exception,invariant,log,hang'


class SeedCase(EndToEnd):
    def expect_repeat(self, done):
        """Checks the finding of the race: function, statement, both writes, blame."""
        self.expect(done, 1)
        found = done.findings(detector='tripwire', function='PyArray_Repeat')
        self.check(len(found) == 1, done, f'{len(found)} findings of the tripwire name PyArray_Repeat')
        finding = found[0]
        self.assertEqual([finding[key] for key in ('kind', 'severity', 'package', 'blame', 'rung')],
                         ['input-mutated', 'hidden-mutation', 'numpy 2.2.2', 'target', 'readonly'], done)
        self.assertEqual([stack['title'] for stack in finding['stacks']],
                         ['shape[0]: 20 -> 40', 'shape[0]: 40 -> 20'], done)
        for stack in finding['stacks']:
            self.assertEqual(functions(stack)[0], 'PyArray_Repeat', done)
        return finding


class Seed(SeedCase):
    @each(SCENARIOS)
    def test_race(self, scenario, seconds):
        """many threads on 2.2.2: the write, and the crashes as its consequences"""
        done = run(scenario, '--time', seconds, python=BROKEN, until=lambda done: len(done.findings()) > 1)
        cause = self.expect_repeat(done)
        self.assertEqual(done.json['threads'], 8, done)
        rest = [finding for finding in done.findings() if finding['id'] != cause['id']]
        self.check(rest, done, 'nothing but the tripwire saw the race')
        for finding in rest:
            self.check(finding['cause'] == cause['id'] and finding['function'] == 'PyArray_Repeat', done,
                       f"{finding['id']} is not laid to the write that causes it")
        self.check('PyArray_Repeat' in done.out and '8 threads' in done.out, done, 'the text does not say who')

    @each(SCENARIOS)
    def test_one_call(self, scenario, _):
        """one call on one thread of 2.2.2 is enough"""
        done = run(scenario, *ONE_CALL, python=BROKEN)
        self.check(self.expect_repeat(done)['serial'], done, 'not serial')

    @each(SCENARIOS)
    def test_fixed(self, scenario, seconds):
        """2.2.6 is clean, and calls did overlap"""
        done = self.expect(run(scenario, '--time', seconds, python=GOOD, until=lambda done: done.json['calls'] > 1000), 0)
        self.check(done.json['overlap'] > 0.1 and done.json['calls'] > 1000, done, 'too little was tested')

    @each(SCENARIOS)
    def test_fixed_one_call(self, scenario, _):
        """2.2.6 is clean with the tripwire"""
        self.expect(run(scenario, *ONE_CALL, python=GOOD), 0)

    @each([('crash', 'crash,log', ['crash', 'heap-corruption', 'double-free']),
           ('exception_or_invariant', 'exception,invariant', ['input-mutated', 'exception']),
           ('all_of_them', 'crash,log,exception,invariant', None)])
    def test_statement(self, _, detect, kinds):
        """a statement on 2.2.2 fails without the tripwire too, with each kind of evidence"""
        self.unless_sanitized(OWN_MALLOC, here=detect == 'crash,log')
        done = self.expect(run('-s', 'import numpy as np; x = np.arange(20.)', 'np.repeat(x, 2)', '--time', '4',
                               '--detect', detect, python=BROKEN, until=Run.findings), 1)
        for finding in done.findings():
            self.check(finding['detector'] in detect.split(','), done, f"{finding['detector']} is off")
            self.check(kinds is None or finding['kind'] in kinds, done, f"{finding['kind']} is unexpected")

    def test_no_tripwire_on_fixed(self):
        """the same statement on 2.2.6 is clean"""
        self.expect(run('-s', 'import numpy as np; x = np.arange(20.)', 'np.repeat(x, 2)', '--time', '3'), 0)

    def test_callable(self):
        """module:function(recipe) finds it too"""
        self.expect_repeat(run('numpy:repeat(f8[20], 2)', '--time', '3', python=BROKEN))

    def test_strided(self):
        """a strided source is copied before it is repeated: no write, no finding"""
        self.expect(run('numpy:repeat(f8[40][::2], 2)', '--time', '3', python=BROKEN), 0)


class Rungs(SeedCase):
    @each(SCENARIOS)
    def test_private(self, scenario, seconds):
        """private inputs do not race: without the tripwire 2.2.2 is clean"""
        self.expect(run(scenario, '--share', 'private', '--time', seconds, '--detect', WITHOUT_TRIPWIRE, python=BROKEN), 0)

    def test_private_write(self):
        """with private inputs the tripwire still finds the write, and nothing else"""
        done = run('repeat', '--share', 'private', '--time', '4', python=BROKEN)
        self.check(self.expect_repeat(done)['serial'], done, 'not serial')
        self.assertEqual(len(done.findings()), 1, done)

    def test_private_fixed(self):
        """2.2.6 is clean at that sharing level, with the tripwire"""
        self.expect(run('repeat', '--share', 'private', '--time', '4', python=GOOD), 0)


if __name__ == '__main__':
    unittest.main()
