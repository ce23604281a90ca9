"""The guard on whole programs: its report of the real bug, its options, and its silence on clean work."""
import unittest

from harness import BROKEN, EndToEnd, each, run

GUARD = ('--detect', 'guard,crash,log')

# Ordinary work: name, options, statements.
CLEAN = [
    ('openblas', ('-t', 4, '-i', 'm=f8[300,300]'), ['m @ m']),
    ('gibibyte', ('-t', 2, '-s', 'import numpy as np'), ['np.empty(1 << 27)[::65536].sum()']),
    ('fork', ('-t', 2, '-s', 'import os'),
     ['pid = os.fork()', 'if pid == 0: [bytearray(9999) for _ in range(99)]; os._exit(0)', 'os.waitpid(pid, 0)']),
    ('subprocess', ('-t', 2, '-s', 'import subprocess'), ['subprocess.run(["true"], check=True)']),
    ('threads', ('-t', 4, '-s', 'import threading, numpy as np', '-s', 'kept = [None] * 9',
                 '-s', 'def work(i): kept[i] = np.repeat(np.arange(100.), 2)'),
     ['t = threading.Thread(target=work, args=(thread_index,))', 't.start()', 't.join()', 'kept[thread_index].sum()']),
    ('strings', ('-t', 4, '-s', 'import numpy as np'), ["np.sort(np.array(['x' * 99, 'y'] * 50, dtype='T'))"]),
    ('cplusplus', ('-t', 4, '-s', 'from scipy.spatial import cKDTree', '-i', 'x=f8[200,3]'),
     ['cKDTree(x).query(x[:9], k=3)']),
]


class Real(EndToEnd):
    def test_repeat(self):
        """NumPy 2.2.2's repeat: the overrun array, its allocation site, the instruction, and the origin of the bytes"""
        done = self.expect(run('--detect', 'guard', '--time', 8, '-i', 'x=f8[20]', '-s', 'import numpy as np',
                               'np.repeat(x, 2)', python=BROKEN), 1)
        found = [finding for finding in done.findings(detector='guard', function='PyArray_Repeat')
                 if 'past the end of' in finding['message'] and finding['message'].startswith('wrote')]
        self.check(len(found) == 1, done, f'{len(found)} overruns are reported')
        block = found[0]['block']
        self.check(block['kind'] == 'array' and block['trapped'], done, f'the block is {block}')
        titles = ' '.join(stack['title'] for stack in found[0]['stacks'])
        self.check('the block, allocated' in titles and 'at the instruction' in titles, done, titles)
        self.check(found[0]['statement'] == 'np.repeat(x, 2)', done, 'the statement is not named')


    def test_first_child(self):
        """the first child of a default run sees repeat's hidden write on one thread, whatever perturbs its threads"""
        done = self.expect(run('--time', 20, '--stop-on-first', '--verify', 0, '-i', 'x=f8[20]', '-s', 'import numpy as np',
                               'np.repeat(x, 2)', python=BROKEN), 1)
        found = done.findings(detector='tripwire', function='PyArray_Repeat')
        self.check(len(found) == 1 and [child['member'] for child in done.json['children']] == ['watch'], done, 'not found at once')
        self.assertEqual(done.json['looks']['tripwire'], {'children': 1, 'threads': 0}, done)
        self.assertNotIn('in each child that showed it', done.out, done)


class Options(EndToEnd):
    def test_focus_follows(self):
        """without sampled pages, the allocation site of a damaged block gets pages in the next child"""
        done = self.expect(run(*GUARD[:1], 'guard', '-v', '--guard', 'pages=0', '--time', 4, '-t', 2, '-s', 'import heap_array',
                               'heap_array.bug()'), 1)
        self.check('(focus)' in done.err, done, 'there was no child with a focus')
        finding = done.findings(detector='guard')[0]
        self.check(finding['block']['trapped'] and finding['block']['bytes'], done, 'canary and trap are not one finding')

    def test_focus_asked_for(self):
        """--focus puts all blocks of an allocation site between pages, from the first child on"""
        done = self.expect(run(*GUARD, '--guard', 'pages=0', '--focus', '*', '--time', 2, '-t', 2, '-s', 'import heap_uaf_read',
                               'heap_uaf_read.bug()'), 1)
        self.check(done.findings(kind='use-after-free')[0]['block']['trapped'], done, 'not caught in the act')

    def test_stop_on_first(self):
        """--stop-on-first ends a child at damage that the guard sees under threads, before its iterations are over"""
        done = self.expect(run('--detect', 'guard', '--guard', 'pages=0', '--iterations', 300000, '-t', 2, '--stop-on-first',
                               '--verify', 0, '-s', 'import heap_over_one',
                               'heap_over_one.bug() if iteration_index > 1000 else None'), 1)
        self.check(done.json['calls'] < 600000, done, 'the child went on')

    def test_stacks(self):
        """with --guard stacks each block has its whole allocation stack"""
        done = self.expect(run(*GUARD, '--guard', 'stacks,pages=0', '--time', 2, '-t', 2, '-s', 'import heap_over_one',
                               'heap_over_one.bug()'), 1)
        stacks = done.findings(detector='guard')[0]['stacks']
        self.check(len(stacks[0]['frames']) > 5, done, 'the stack is short')

    def test_nonsense(self):
        """an unknown setting is named, with the list of the known ones"""
        done = self.expect(run('--guard', 'hole', '-s', '', 'pass'), 2)
        self.check("'hole' is none of the guard's settings, which are whole," in done.err, done, 'no help in that')


class Silent(EndToEnd):
    @each(CLEAN)
    def test_clean(self, name, options, statements):
        """clean work is silent, and the checker walked its blocks"""
        done = self.expect(run(*GUARD, '--time', 3, '--timeout', '20s', *options, *statements), 0)
        self.check(done.json['checker'] and done.json['checker']['rounds'] > 0, done, 'the checker made no round')


if __name__ == '__main__':
    unittest.main()
