"""Runs under Valgrind: leaks from runs of two lengths, memory errors, compiled code, and refused options."""
import shutil
import unittest

from harness import EndToEnd, each, functions, run

BESIDE = 'ThreadSanitizer has no place under Valgrind'
TIMEOUT = 600  # everything is twenty times slower, and more on a busy machine


def stress(*arguments, **options):
    return run('--under', 'valgrind', '-t', 2, *arguments, timeout=TIMEOUT, **options)


class Valgrind(EndToEnd):
    def setUp(self):
        if not shutil.which('valgrind'):
            self.skipTest('needs scripts/setup/packages.sh valgrind')

    def test_bug(self):
        """a leak, an unset value, and a read of freed memory, each with its owner and place"""
        self.unless_sanitized(BESIDE)
        done = self.expect(stress('--iterations', 20, '-s', 'import growth_native, heap_uaf_read, memcheck_unset',
                                  'growth_native.bug()', 'memcheck_unset.bug()', 'heap_uaf_read.bug()'), 1)
        seen = {finding['kind']: finding for finding in done.findings(detector='memcheck', blame='target')}
        self.assertEqual({kind: (finding['function'], finding['package']) for kind, finding in seen.items()},
                         {'memory-growth': ('bug', 'growth_native'), 'wrong-result': ('is_odd', 'memcheck_unset'),
                          'use-after-free': ('heap_bug', 'heap_uaf_read')}, done)
        self.check(len(done.findings()) == 3, done, 'a finding that was not planted')
        self.check('loses in each iteration: 64.0 bytes of memory in 1.00 blocks' in seen['memory-growth']['message'], done, 'no rate')
        self.check('32 bytes inside a block of size 64' in seen['use-after-free']['message'], done, 'no block')
        self.assertEqual(seen['memory-growth']['statement'], 'growth_native.bug()', done)
        self.assertEqual(functions(seen['memory-growth']['stacks'][0])[:2], ['malloc', 'bug'], done)
        memcheck = done.json['memcheck']
        self.assertEqual([length['calls'] for length in memcheck['lengths']], [120, 240, 360], done)
        self.assertAlmostEqual(memcheck['each_call']['definitely']['blocks'], 1 / 3, 4, done)

    def test_twin(self):
        """the twins and NumPy's loops leave the same at both lengths, and no error; code that is compiled for each new key
        is a note with its size"""
        self.unless_sanitized(BESIDE)
        done = self.expect(stress('--iterations', 20, '-i', 'x=f8[40][::2]', '-s',
                                  'import growth_code, growth_native, memcheck_unset, numpy as np',
                                  '--new', 'growth_code.bug((thread_index, iteration_index))', 'growth_native.twin()',
                                  'memcheck_unset.twin()', 'np.repeat(x, 2)', 'np.sort(x + x)', 'np.median(x)'), 0)
        lengths = done.json['memcheck']['lengths']
        self.assertEqual([(length['calls'], length['new']) for length in lengths], [(200, 40), (400, 80)], done)
        for kind in ('definitely', 'indirectly', 'possibly', 'reachable'):
            self.assertRegex(done.out, rf'{kind} +\d+ B in \d+ blocks +\d+ B in \d+ blocks ', done)
        self.check(any(note.startswith('jit-growth: 4.0 KiB of code') for note in done.json['notes']), done, 'no code')
        self.check('about memory, not about races' in done.out, done, 'what the run is about is not said')

    def test_without(self):
        """without Valgrind no detector finds the unset value"""
        self.expect(run('-s', 'import memcheck_unset', '--time', 1, 'memcheck_unset.bug()'), 0)

    def test_crash(self):
        """a crash is a finding with its stack, although no lengths can be compared"""
        self.unless_sanitized(BESIDE)
        done = self.expect(stress('-s', 'import crash_kinds', 'crash_kinds.null_member()'), 1)
        self.check('crash' in done.kinds() and len(done.json['memcheck']['lengths']) == 0, done, 'no crash')

    @each([('tsan', ('--tsan',), '--tsan and --under valgrind do not go together'),
           ('name', ('--under', 'gdb'), "--under 'gdb' is no tool"),
           ('two', ('null', 'strided'), 'is of one plan')])
    def test_usage(self, _, arguments, sentence):
        """options that exclude each other"""
        statements = () if arguments[0] == 'null' else ('-s', '', 'abs(1)')
        done = stress(*arguments, *statements)
        self.assertEqual(done.status, 2, done)
        self.check(sentence in done.err, done, f'"{sentence}" is not said')

    def test_plan(self):
        """the key `under` of a plan works too"""
        done = stress('--dry-run', '-s', '', 'abs(1)')
        self.check('\nunder: valgrind\n' in done.out and done.status == 0, done, 'the plan does not say under')


class Missing(EndToEnd):
    def test_missing(self):
        """without Valgrind installed: status 3, and the package to install"""
        done = stress('-s', '', 'abs(1)', env={'PATH': '/nowhere'})
        self.assertEqual(done.status, 3, done)
        self.check('valgrind is not installed; install the package valgrind' in done.err, done, 'no advice')


if __name__ == '__main__':
    unittest.main()
