"""`ftstress sweep --shard K/N`, and `ftstress merge`, which unites the reports of shards."""
import os
import signal
import tempfile
import unittest

from harness import EndToEnd, Run, each, wait_until

OPTIONS = ('swept', '--jobs', '2', '--timeout', '700ms', '--memory', '700M')
# Calls that fail, in a way that does not depend on how busy the machine is.
CERTAIN = ('negative', 'corrupt', 'leave', 'hide')
KEYS = ('returned', 'raised', 'crashed', 'shown', 'left_out')


def sweep(*args):
    return Run(*args, command='sweep').finish(300)


def merge(*runs, options=()):
    """Merges the reports of the runs."""
    return Run(*(str(run.dir / 'out') for run in runs), *options, command='merge', python=None).finish()


def rows_of(done):
    return {row['name']: row for row in done.json['sweep']['callables']}


def findings_of(done, name):
    return set(rows_of(done)[f'swept.{name}'].get('findings', []))


class Shards(EndToEnd):
    @classmethod
    def setUpClass(cls):
        cls.whole = sweep(*OPTIONS)
        cls.shards = [sweep(*OPTIONS, '--shard', f'{k}/3') for k in (1, 2, 3)]
        cls.done = merge(*cls.shards)

    def test_status(self):
        """the merged report has the form of any other"""
        self.expect(self.done, 1)
        self.check(self.done.json['sweep']['complete'], self.done, 'the sweep is not complete')
        for finding in self.done.findings():
            self.check((self.done.dir / 'out' / finding['id'] / 'plan.yaml').exists(), self.done, 'no plan is kept')

    def test_same(self):
        """shards have the callables and the findings of one sweep, each once"""
        names = [row['name'] for shard in self.shards for row in shard.json['sweep']['callables']]
        whole, merged = rows_of(self.whole), rows_of(self.done)
        self.assertEqual((sorted(names), sorted(merged)), (sorted(whole), sorted(whole)), self.done)
        self.assertGreater(min(len(rows_of(shard)) for shard in self.shards), 0)
        for name in CERTAIN:
            self.check(findings_of(self.done, name), self.done, f'{name} has no finding')
            self.assertEqual(findings_of(self.done, name), findings_of(self.whole, name), self.done)
            for key in KEYS:
                self.assertEqual(merged[f'swept.{name}'].get(key), whole[f'swept.{name}'].get(key), self.done)

    def test_counts(self):
        """a finding comes once, and counts add up"""
        ids = [finding['id'] for finding in self.done.findings()]
        self.assertEqual(len(ids), len(set(ids)), self.done)
        self.assertEqual(set(ids), {finding['id'] for shard in self.shards for finding in shard.findings()}, self.done)
        for key in ('calls', 'serial_calls'):
            self.assertEqual(self.done.json[key], sum(shard.json[key] for shard in self.shards), self.done)

    def test_again(self):
        """a shard that comes twice adds no finding and no callable"""
        done = merge(*self.shards, self.shards[0])
        self.assertEqual(len(done.findings()), len(self.done.findings()), done)
        self.assertEqual(len(done.json['sweep']['callables']), len(rows_of(self.done)), done)

    def test_missing(self):
        """a shard that is missing is named, and the table is not complete"""
        done = merge(*self.shards[:2])
        self.assertIn('not tested: shard 3/3 is missing: its callables are not in the table', done.json['notes'], done)
        self.check(not done.json['sweep']['complete'], done, 'the sweep is complete')

    def test_baseline(self):
        """merged shards have states"""
        with tempfile.TemporaryDirectory() as folder:
            options = ('--baseline', f'{folder}/baseline.yaml')
            self.expect(merge(*self.shards, options=(*options, '--update-baseline')), 1)
            done = self.expect(merge(*self.shards, options=options), 0)
        self.assertEqual({finding['state'] for finding in done.findings()}, {'known'}, done)


class Merge(EndToEnd):
    def test_killed(self):
        """a sweep that was killed loses no finding that it kept"""
        with Run('swept', '--jobs', '1', '--timeout', '700ms', command='sweep') as run:
            self.check(wait_until(lambda: list((run.dir / 'out').glob('F*/finding.json')), 200), run, 'it keeps no finding')
            os.kill(run.process.pid, signal.SIGKILL)
            run.process.wait()
        done = self.expect(merge(run), 1)
        self.assertEqual({path.parent.name for path in (run.dir / 'out').glob('F*/finding.json')},
                         {finding['id'] for finding in done.findings()}, done)
        self.assertIn('not tested: a sweep did not come to its end: the report has what it left', done.json['notes'], done)

    def test_nothing(self):
        """a folder without a report is named, and nothing counts as clean"""
        with tempfile.TemporaryDirectory() as folder:
            done = Run(folder, command='merge', python=None).finish()
        self.assertEqual(done.status, 3, done)
        self.assertIn('there is no report under', done.err, done)

    @each([('zero', '0/3'), ('above', '4/3'), ('word', '1/x'), ('rest', '1/3x')])
    def test_shard(self, _, text):
        """a shard that does not exist is a usage error"""
        done = sweep('swept', '--shard', text)
        self.assertEqual(done.status, 2, done)
        self.assertIn('is not K/N with K from 1 to N; write for example 1/3', done.err, done)


if __name__ == '__main__':
    unittest.main()
