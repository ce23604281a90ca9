"""docs/extending.md: its steps, done on a copy of the sources; and what must be listed by hand is complete."""
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import textwrap
import unittest
from pathlib import Path

from harness import BUILD, FTSTRESS, GOOD, SANITIZED, interpreter

ROOT = Path(__file__).parents[2]
REPORT = 'driver/report'


def steps(title):
    """The indented blocks of a section."""
    text = (ROOT / 'docs' / 'extending.md').read_text(encoding='utf-8')
    section = text.partition(f'\n## {title}\n')[2].partition('\n## ')[0]
    return [textwrap.dedent(block).strip() + '\n' for block in re.findall(r'^(?: {7}.*\n|\n(?= {7}))+', section, re.M)]


def cached(name):
    """Returns an entry of CMake's cache of the build under test."""
    return re.search(rf'^{name}:\w+=(.*)$', (BUILD / 'CMakeCache.txt').read_text(), re.M)[1]


@unittest.skipIf(SANITIZED, 'builds the programs, as the other builds do')
class Detector(unittest.TestCase):
    """Builds a copy of the tree with the changes of the guide, which takes about a minute."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='ftstress-extending-')
        cls.addClassCleanup(folder.cleanup)
        cls.tree = Path(folder.name, 'tree')
        shutil.copytree(ROOT, cls.tree, symlinks=True, ignore=shutil.ignore_patterns('build', '.git', 'ftstress-out'))
        for block in cls.changes():
            cls.command('patch', '-p1', '--fuzz=0', input=block)
        cls.command('cmake', '-S', '.', '-B', 'build', '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=None',
                    *(f'-D{name}={cached(name)}' for name in ('FTSTRESS_PYTHON', 'FTSTRESS_NUMPY_PYTHON')))
        cls.command('cmake', '--build', 'build', '--target', 'ftstress', 'ftstress-child', 'planted_vanish_race')

    @staticmethod
    def changes():
        section = (ROOT / 'docs/extending.md').read_text().partition('\n## A detector\n')[2].partition('\n## ')[0]
        return re.findall(r'^```diff\n(.*?)^```$', section, re.DOTALL | re.M)

    @classmethod
    def command(cls, *words, input=None):
        done = subprocess.run(words, cwd=cls.tree, input=input, capture_output=True, text=True)
        assert done.returncode == 0, f'{words} failed:\n{input or ""}{done.stdout[-3000:]}{done.stderr[-3000:]}'
        return done.stdout

    def run_planted(self, call, *options):
        """Runs the planted bug or its twin. Returns the verdict, the findings of the detector, and what a reader sees."""
        report = self.tree / 'report.json'
        command = [self.tree / 'build/bin/ftstress', 'run', '-p', interpreter(GOOD), '--time', '3', '--verify', '0', '--json',
                   report, '-s', 'import vanish_race', *options, f'vanish_race.{call}()']
        environment = os.environ | {'PYTHONPATH': str(self.tree / 'build/planted')}
        environment.pop('PYTHON_GIL', None)
        done = subprocess.run(command, cwd=self.tree, env=environment, capture_output=True, text=True, timeout=120)
        document = json.loads(report.read_text())
        found = [finding['kind'] for finding in document['findings'] if finding['detector'] == 'vanish']
        return document['verdict'], found, done.stdout + done.stderr

    def test_bug(self):
        """the detector of the guide finds its planted bug"""
        verdict, found, text = self.run_planted('bug')
        self.assertEqual((verdict, found), ('finding', ['wrong-result']), text)

    def test_twin(self):
        """it is silent on the twin"""
        verdict, found, text = self.run_planted('twin')
        self.assertEqual((verdict, found), ('clean', []), text)

    def test_without(self):
        """without it the finding is gone"""
        _, found, text = self.run_planted('bug', '--detect', 'exception,invariant')
        self.assertEqual(found, [], text)

    def test_edits(self):
        """a detector takes eight edits at most"""
        files = re.findall(r'^\+\+\+ b/(\S+)', ''.join(self.changes()), re.M)
        self.assertEqual(len(files), len(set(files)))
        self.assertLessEqual(len(files), 8, files)


class Lists(unittest.TestCase):
    def test_planted(self):
        """tests/planted/README.md has a row for each planted bug"""
        planted = ROOT / 'tests/planted'
        described = set(re.findall(r'^\| `(\w+\.\w+)` \|', (planted / 'README.md').read_text(), re.M))
        self.assertEqual({source.name for source in planted.glob('*.c*')}, described)


class Reporter(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)

    def run_command(self, command):
        done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def compile(self, source, like):
        """Compiles a file of the copy with the options of the build; the headers of the copy come first."""
        commands = json.loads((BUILD / 'compile_commands.json').read_text())
        words = next(shlex.split(entry['command']) for entry in commands if entry['file'].endswith(like))
        target = self.dir / f'{source.stem}.o'
        words[words.index('-o') + 1] = str(target)
        words[words.index('-c') + 1] = str(source)
        words[1:1] = [f'-I{self.dir}', '-Werror']
        self.run_command(words)
        return target

    def link(self, objects):
        """Links ftstress with these objects before its libraries."""
        line = self.run_command(['ninja', '-t', 'commands', 'bin/ftstress']).splitlines()[-1]
        words = shlex.split(re.search(r'&& (.*? -o bin/ftstress .*?) &&', line)[1])
        at = words.index('-o')
        words[at:at + 2] = [*map(str, objects), '-o', str(self.dir / 'ftstress')]
        self.run_command(words)
        return self.dir / 'ftstress'

    def test_reporter(self):
        """a file and a row make a reporter"""
        copy = self.dir / REPORT
        shutil.copytree(ROOT / 'harness' / REPORT, copy)
        source, row = steps('A reporter')
        (copy / 'reporter_ids.c').write_text(source)
        header = (copy / 'reporter.h').read_text()
        (copy / 'reporter.h').write_text(header.replace('#define REPORTERS(X)', f'#define REPORTERS(X) {row.strip()}', 1))
        program = self.link([self.compile(copy / name, f'{REPORT}/reporter.c') for name in ('reporter.c', 'reporter_ids.c')])
        said = self.run_command([program, 'report', Path(__file__).with_name('report.json'), '--as', 'ids'])
        self.assertEqual(said, 'F0123456\nF7654321\n')
        self.assertIn('form of the report: ids, text, json', self.run_command([program, 'report', '--help']))


if __name__ == '__main__':
    unittest.main()
