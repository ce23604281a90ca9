"""docs/extending.md: its steps, done on a copy of the sources."""
import json
import re
import shlex
import shutil
import subprocess
import tempfile
import textwrap
import unittest
from pathlib import Path

from harness import BUILD

ROOT = Path(__file__).parents[2]
REPORT = 'driver/report'


def steps(title):
    """The indented blocks of a section."""
    text = (ROOT / 'docs' / 'extending.md').read_text(encoding='utf-8')
    section = text.partition(f'\n## {title}\n')[2].partition('\n## ')[0]
    return [textwrap.dedent(block).strip() + '\n' for block in re.findall(r'^(?: {7}.*\n|\n(?= {7}))+', section, re.M)]


class Extending(unittest.TestCase):
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
