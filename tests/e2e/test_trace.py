"""Single-stepping through calls: which words two threads touch, and one of them writes."""
import unittest

from harness import EndToEnd, each, run

WATCH = ('--time', 3, '--detect', 'exception', '--perturb', 'stall', '--verify', 0)


class Traced(EndToEnd):
    def traced(self, *options):
        done = run(*WATCH, *options)
        if any('no hardware watchpoint can be set' in note for note in done.json['notes']):
            self.skipTest('watchpoints are not allowed here, and then no call is stepped')
        self.check(done.json['traced'] and done.json['traced']['calls'] >= 2, done, 'no call was stepped')
        return done.json['traced']['words'], done

    def test_cache(self):
        """the words of a cache that the first call of an object fills, and no other ones"""
        words, done = self.traced('-s', 'import narrow; filter = narrow.Filter()', 'filter.lazy_initialisation(7)')
        self.assertEqual(words, 5, done)

    def test_counter(self):
        """a static counter: one word, with -v in the text"""
        words, done = self.traced('-v', '-s', 'import narrow', 'narrow.lost_update(7)')
        self.assertEqual(words, 1, done)
        self.check('calls: two threads touch 1 word that one of them writes' in done.out, done, 'no line in the text')

    @each([('python', 'import narrow', '[i * i for i in range(20)]'),
           ('private', 'import narrow; filters = [narrow.Filter() for i in range(8)]', 'filters[thread_index].lazy_initialisation(7)'),
           ('process', 'import subprocess', "subprocess.run(['true'])"),
           ('raise', 'import narrow', 'narrow.lost_update_twin("x") if iteration_index % 3 == 2 else None')])
    def test_nothing_is_shared(self, _, setup, statement):
        """the interpreter's own words, objects of one thread, a child process: no word"""
        words, done = self.traced('-s', setup, '--raises', 'TypeError', statement)
        self.expect(done, 0)
        self.assertEqual(words, 0, done)


if __name__ == '__main__':
    unittest.main()
