"""Which results are compared and which exceptions are judged, and what the report says of the others."""
import unittest

from harness import EndToEnd, each, run

OPAQUE = ('-s', 'import opaque_method', '-s', 'o = opaque_method.make()', '--detect', 'exception,diverge')

# Statement, options, and the sentence of the report.
UNSEEN = [
    ('abs(iteration_index % 7)', (), 'results not compared: the statements use iteration_index'),
    ('abs(thread_index % 2)', (), 'results not compared: the statements use thread_index'),
    ('abs(k)', ('--thread-setup', 'k = 1'), 'results not compared: --thread-setup may give each thread other values'),
    ('dict()', (), 'results not compared: a value of type dict cannot be compared'),
    ('q.append(1)', ('-s', 'q = []'), 'results not compared, exceptions not judged: the statements change what they share (q)'),
    ('o.step()', OPAQUE, 'o.step(): results not compared, exceptions not judged: o has no pickle, so the statements may '
                         'change it unseen'),
]


class Compared(EndToEnd):
    @each(UNSEEN)
    def test_unseen(self, statement, options, sentence):
        """the report names what was not compared, and states no rate for it"""
        done = self.expect(run('--time', '3', '--detect', 'exception,diverge', '-s', '', *options, statement), 0)
        entry = done.json['compared'][0]
        self.check(not entry['results'] and entry['reason'] in sentence, done, f'compared: {entry}')
        self.assertIn(sentence, done.out, done)
        self.assertRegex(done.out, 'nothing found, but results were not compared.*the rate of other failures is below', done)

    def test_seen(self):
        """a statement that was looked at has no such sentence"""
        done = self.expect(run('--time', '3', '--detect', 'exception,diverge', '-s', '', 'abs(-1)'), 0)
        self.assertEqual(done.json['compared'], [{'statement': 'abs(-1)', 'results': True, 'reason': None,
                                                  'exceptions': True, 'exceptions_reason': None}], done)
        self.assertRegex(done.out, 'nothing found: 0 in .*, the rate is below', done)

    def test_bug(self):
        """a method of an object without pickle gives a wrong result: a finding"""
        done = self.expect(run('--time', '6', *OPAQUE, 'o.bug((1, 2, 3))', until=lambda done: done.findings()), 1)
        found = done.findings(kind='wrong-result', blame='target', rung='readonly')
        self.check(len(found) == len(done.findings()) == 1, done, f'findings: {done.kinds()}')

    @each([('twin((1, 2, 3))',), ('push()',)])
    def test_twin(self, call):
        """the clean twin, and a method that raises at its 5000th call on one thread too, have no finding"""
        done = self.expect(run('--time', '4', *OPAQUE, f'o.{call}'), 0)
        self.assertNotIn('no finding', done.out, done)

    def test_roles(self):
        """what one role changes unseen for another is no wrong result"""
        self.expect(run('--time', '4', *OPAQUE, '--role', 'o.step()', '--role', 'o.calls()'), 0)


if __name__ == '__main__':
    unittest.main()
