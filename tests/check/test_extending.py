"""docs/extending.md is true: its changes apply to this tree, and the detector and the reporter that they add work.

The tree is copied, each block of changes is applied with patch, and the programs are built; that takes about a minute.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('FTSTRESS_BUILD') or TOP / 'build')
GUIDE = (TOP / 'docs/extending.md').read_text()
PLANTED = TOP / 'tests/planted'


def changes(heading):
    """Returns the blocks of changes under a heading of the guide."""
    section = re.search(rf'^## {heading}\n(.*?)(?=^## |\Z)', GUIDE, re.DOTALL | re.MULTILINE)[1]
    return re.findall(r'^```diff\n(.*?)^```$', section, re.DOTALL | re.MULTILINE)


def cached(name):
    """Returns an entry of the cache of the build under test."""
    return re.search(rf'^{name}:\w+=(.*)$', (BUILD / 'CMakeCache.txt').read_text(), re.MULTILINE)[1]


class Extending(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='ftstress-extending-')
        cls.addClassCleanup(folder.cleanup)
        cls.tree = pathlib.Path(folder.name, 'tree')
        ignored = shutil.ignore_patterns('build', '.git', 'ftstress-out', '__pycache__')
        shutil.copytree(TOP, cls.tree, symlinks=True, ignore=ignored)
        for block in changes('A detector') + changes('A reporter'):
            cls.command('patch', '-p1', '--fuzz=0', input=block)
        cls.command('cmake', '-S', '.', '-B', 'build', '-G', 'Ninja', '-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O1',
                    *(f'-D{name}={cached(name)}' for name in ('FTSTRESS_PYTHON', 'FTSTRESS_NUMPY_PYTHON')))
        cls.command('cmake', '--build', 'build', '--target', 'ftstress', 'ftstress-child', 'planted_vanish_race')

    @classmethod
    def command(cls, *words, input=None):
        done = subprocess.run(words, cwd=cls.tree, input=input, capture_output=True, text=True)
        assert done.returncode == 0, f'{words} failed:\n{input or ""}{done.stdout[-3000:]}{done.stderr[-3000:]}'
        return done.stdout

    def run_planted(self, call, *options):
        """Runs the planted bug or its twin. Returns the report as data, and what a reader sees."""
        report = self.tree / 'report.json'
        command = [self.tree / 'build/bin/ftstress', 'run', '-p', cached('FTSTRESS_NUMPY_PYTHON'), '--time', '3', '--verify',
                   '0', '--json', report, '-s', 'import vanish_race', *options, f'vanish_race.{call}()']
        environment = os.environ | {'PYTHONPATH': str(self.tree / 'build/planted')}
        environment.pop('PYTHON_GIL', None)
        done = subprocess.run(command, cwd=self.tree, env=environment, capture_output=True, text=True, timeout=120)
        return json.loads(report.read_text()), f'{done.stdout}{done.stderr}'

    def test_the_detector_finds_its_bug(self):
        report, text = self.run_planted('bug')
        found = [finding for finding in report['findings'] if finding['detector'] == 'vanish']
        self.assertEqual(len(found), 1, text)
        self.assertEqual(found[0]['kind'], 'wrong-result', text)

    def test_the_detector_is_silent_on_the_twin(self):
        report, text = self.run_planted('twin')
        self.assertEqual(report['verdict'], 'clean', text)

    def test_without_the_detector_the_finding_is_gone(self):
        report, text = self.run_planted('bug', '--detect', 'exception,invariant')
        self.assertFalse([finding for finding in report['findings'] if finding['detector'] == 'vanish'], text)

    def test_the_reporter_renders_a_run(self):
        _, text = self.run_planted('bug', '--as', 'ids')
        self.assertRegex(text, r'(?m)^F[0-9a-f]{8} wrong-result$')
        self.assertIn('ids', self.command('build/bin/ftstress', 'run', '--help'))

    def test_at_most_nine_edits_for_a_detector_and_three_for_a_reporter(self):
        for heading, most in (('A detector', 9), ('A reporter', 3)):
            files = re.findall(r'^\+\+\+ b/(\S+)', ''.join(changes(heading)), re.MULTILINE)
            self.assertLessEqual(len(files), most, files)


class Lists(unittest.TestCase):
    """What has to be listed by hand is complete."""

    def test_each_detector_is_in_the_documents(self):
        rows = subprocess.run([BUILD / 'bin/ftstress', 'list', 'detectors'], capture_output=True, text=True, check=True)
        listed = re.findall(r'^\| ([a-z, ]+) \|', (TOP / 'docs/detectors.md').read_text(), re.MULTILINE)
        names = {name for row in listed for name in row.split(', ')}
        for row in rows.stdout.splitlines():
            self.assertIn(row.split()[0], names, 'the table of docs/detectors.md')

    def test_each_planted_bug_is_described(self):
        table = (PLANTED / 'README.md').read_text()
        for source in sorted(PLANTED.glob('*.c*')):
            self.assertTrue(f'`{source.name}`' in table, f'tests/planted/README.md has no row for {source.name}')


if __name__ == '__main__':
    unittest.main()
