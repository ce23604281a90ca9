"""`--baseline`: findings are NEW, KNOWN, FIXED or REGRESSED against the file that an earlier run wrote."""
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import BUILD, FTSTRESS, EndToEnd, Run, each, run

# The module of a test, with its bugs and without.
BROKEN = """import swept
def turn(x): return swept.negative(x)
def race(x): return swept.race(x)
"""
GOOD = """def turn(x): return x + 2
def race(x): return x + 3
"""
TRIES = 4


class Nights(EndToEnd):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        self.baseline = self.dir / 'baseline.yaml'
        self.write(BROKEN)

    def write(self, text):
        (self.dir / 'night.py').write_text(text)

    def start(self, command, *args):
        environment = {'PYTHONPATH': f"{self.dir}:{BUILD / 'planted'}", 'PYTHONDONTWRITEBYTECODE': '1'}
        return Run(*args, '--baseline', str(self.baseline), command=command, env=environment).finish(300)

    def run_race(self, status, *args, statement='night.race(x)'):
        """Runs it until it has the status: a busy machine shows a race not in each run."""
        for _ in range(TRIES):
            done = self.start('run', '-s', 'import night', '-i', 'x=f8[20]', '-t', '4', '--time', '2', '--detect',
                              'diverge,exception', *args, statement)
            if done.status == status:
                break
        return self.expect(done, status)

    def sweep(self, *args):
        return self.start('sweep', 'night', '--timeout', '2s', *args)

    def forms(self, done):
        texts = {form: subprocess.run([FTSTRESS, 'report', '--out', done.dir / 'out', '--as', form], capture_output=True,
                                      text=True, check=True).stdout for form in ('sarif', 'junit', 'html', 'github')}
        return {'text': done.out} | texts

    def states(self, done):
        return {finding['state'] for finding in done.findings()}

    def test_run(self):
        """a run: NEW, KNOWN, not looked for, FIXED, REGRESSED, each in all forms"""
        done = self.run_race(1, '--update-baseline')
        self.assertEqual(self.states(done), {'new'}, done)
        # The input is numpy's, and no function of the module is.
        self.assertEqual({(f['function'], f['package']) for f in done.findings()}, {('night.race', 'night')}, done)
        forms = self.forms(done)
        for form, text in forms.items():
            self.assertIn('new' if form == 'sarif' else 'NEW: the baseline does not have it', text, form)
        self.assertEqual(json.loads(forms['sarif'])['runs'][0]['results'][0]['baselineState'], 'new')
        self.assertIn('state: known', self.baseline.read_text())

        done = self.run_race(0)
        self.assertEqual(self.states(done), {'known'}, done)
        forms = self.forms(done)
        for form, text in forms.items():
            self.assertIn('KNOWN: the baseline has it', text, form)
        self.assertEqual(json.loads(forms['sarif'])['runs'][0]['results'][0]['baselineState'], 'unchanged')
        self.assertIn('failures="0"', forms['junit'])

        self.write(GOOD)
        done = self.run_race(0, statement='night.turn(x)')
        self.assertEqual(done.json['known'][0]['why'], 'it is of another test', done)
        self.assertIn('in the baseline and not looked for: F', done.out, done)

        for _ in range(2 * TRIES):
            done = self.run_race(0, '--update-baseline')
            if done.json['known'][0]['now'] == 'fixed':
                break
            self.assertIn('which is no proof that it is fixed', done.out, done)
        self.assertEqual(done.json['known'][0]['now'], 'fixed', done)
        for form, text in self.forms(done).items():
            self.assertIn('FIXED: F', text, form)
            self.assertIn('children that could show it did not; before', text, form)
        self.assertIn('state: fixed', self.baseline.read_text())

        self.write(BROKEN)
        done = self.run_race(1)
        self.assertEqual(self.states(done), {'regressed'}, done)
        for form, text in self.forms(done).items():
            self.assertIn('regressed' if form == 'sarif' else 'REGRESSED: it is back, and was fixed in the baseline', text, form)

    def test_sweep(self):
        """a sweep: a bug of one thread and a race, the second night, repaired, and broken again"""
        for _ in range(TRIES):
            self.baseline.unlink(missing_ok=True)
            done = self.expect(self.sweep('--update-baseline'), 1)
            entries = {entry['callable']: entry for entry in self.entries()}
            if 'night.race' in entries and entries['night.race']['seen'].startswith(('4 ', '5 ', '6 ')):
                break
        self.assertEqual({name: entry['threads'] for name, entry in entries.items()},
                         {'night.turn': 'one', 'night.race': 'several'}, done)
        done = self.expect(self.sweep('--update-baseline'), 0)
        self.assertEqual(self.states(done), {'known'}, done)
        self.write(GOOD)
        done = self.expect(self.sweep('--update-baseline'), 0)
        now = {entry['callable']: entry['now'] for entry in done.json['known']}
        self.assertEqual(now['night.turn'], 'fixed', done)
        self.assertIn('its call was made with the detector crash, and did not show it', done.out, done)
        self.assertIn(now['night.race'], ('fixed', 'unseen'), done)
        self.write(BROKEN)
        done = self.expect(self.sweep(), 1)
        row = next(row for row in done.json['sweep']['callables'] if row['name'] == 'night.turn')
        self.assertEqual([f['state'] for f in done.findings() if f['id'] in row['findings']], ['regressed'], done)

    def entries(self):
        """The entries of the file, which has one line for each key."""
        entries = []
        for line in self.baseline.read_text().splitlines():
            if line.startswith('- '):
                entries.append({})
            if line.startswith(('- ', '  ')):
                key, _, value = line[2:].partition(': ')
                entries[-1][key] = value
        return entries

    def test_by_hand(self):
        """a reason and a link that a person adds are reported, and stay"""
        self.run_race(1, '--update-baseline')
        self.baseline.write_text(self.baseline.read_text() + '  reason: it is planted\n  link: https://example.org/9\n')
        done = self.run_race(0, '--update-baseline')
        self.assertIn('KNOWN: it is planted (https://example.org/9)', done.out, done)
        self.assertIn('reason: it is planted', self.baseline.read_text())

    def test_known(self):
        """a sweep takes the list of known findings, too"""
        known = self.dir / 'known.yaml'
        self.write('import swept\ndef turn(x): return swept.negative(x)\n')
        found = self.expect(self.sweep('--update-baseline'), 1).findings()[0]
        known.write_text(f'findings:\n- id: {found["id"]}\n  link: https://example.org/1\n  reason: it is planted\n')
        self.baseline.write_text('findings: []\n')
        done = self.expect(self.sweep('--known', str(known), '--update-baseline'), 0)
        self.assertIn('KNOWN: it is planted (https://example.org/1)', done.out, done)
        self.assertNotIn(found['id'], self.baseline.read_text())

    @each([('none', None, (), 'cannot read baseline'), ('state', 'findings: [{id: F1, state: x}]', (), "state is 'x'; write known or fixed"),
           ('key', 'findings: [{id: F1, colour: x}]', (), "unknown key 'colour'")])
    def test_bad_file(self, _, text, args, words):
        """a baseline that cannot be read is a usage error"""
        if text:
            self.baseline.write_text(text)
        done = self.start('run', '-s', '', *args, '1 + 1')
        self.assertEqual((done.status, done.out), (2, ''), done)
        self.assertIn(words, done.err)

    def test_no_file(self):
        """--update-baseline without a file is a usage error"""
        done = run('--update-baseline', '-s', '', '1 + 1')
        self.assertEqual(done.status, 2, done)
        self.assertIn('--update-baseline needs the file: name it with --baseline', done.err)


if __name__ == '__main__':
    unittest.main()
