"""docs/modules.md: its modules of C, Cython, nanobind and pybind11 are built, and its commands find the race of each, or
nothing in the form that has a lock."""
import re
import shutil
import subprocess
import unittest
import zipfile
from pathlib import Path

from harness import BUILD, SANITIZED, EndToEnd, Run, each

TREE = Path(__file__).resolve().parents[2]
VENV = BUILD / 'venvs' / 'package' / 'bin' / 'python'
HERE = BUILD / 'modules'  # kept, so that only changed sources are compiled again
BUILD_WHEEL = 'import setuptools.build_meta as build; print(build.build_wheel("wheels"))'
# Package with the race, the way it shows, and the function of the report.
RACES = {'with_c': (('wrong-result',), 'root'), 'with_cython': (('wrong-result',), 'add'),
         'with_nanobind': (('crash', 'double-free', 'heap-corruption', 'use-after-free'), 'Recent'),
         'with_pybind11': (('crash', 'double-free', 'heap-corruption', 'use-after-free', 'wrong-result'), 'Squares')}


def commands():
    """Returns the statements of the page's commands by module, the one with the race first."""
    found = {}
    for line in re.findall(r'^    ftstress run (.*)$', (TREE / 'docs' / 'modules.md').read_text(), re.MULTILINE):
        found.setdefault(re.search(r'import (\w+)', line)[1], []).append(re.findall(r"'[^']*'|\S+", line))
    return {name: [[word.strip("'") for word in words] for words in lines] for name, lines in found.items()}


@unittest.skipIf(SANITIZED, 'its modules are not built with a sanitizer')
@unittest.skipUnless(VENV.exists(), 'scripts/setup.sh --with package was not run: it has the tools that build the modules')
class Modules(EndToEnd):
    @classmethod
    def setUpClass(cls):
        shutil.copytree(TREE / 'docs' / 'example' / 'modules', HERE, dirs_exist_ok=True)
        made = subprocess.run([VENV, '-c', BUILD_WHEEL], cwd=HERE, text=True, capture_output=True, check=False)
        assert made.returncode == 0, made.stdout + made.stderr
        shutil.rmtree(HERE / 'site', ignore_errors=True)
        with zipfile.ZipFile(HERE / 'wheels' / made.stdout.split()[-1]) as wheel:
            wheel.extractall(HERE / 'site')

    def run_module(self, words):
        return Run(*words, '--time', '3', python=VENV, env={'PYTHONPATH': str(HERE / 'site')}).finish()

    def test_page(self):
        """the page has both forms of each module"""
        self.assertEqual({name: len(lines) for name, lines in commands().items()}, dict.fromkeys(RACES, 2))

    @each((name,) for name in RACES)
    def test_race(self, name):
        """the race is found, and the module is to blame"""
        kinds, function = RACES[name]
        for _ in range(3):
            done = self.run_module(commands()[name][0])
            right = [finding for finding in done.findings() if finding['kind'] in kinds and finding['blame'] == 'target'
                     and function in (finding['function'] or '') and name in str(finding)]
            if right:
                break
        self.expect(done, 1)
        self.check(right, done, f'no finding of {kinds} blames {function}')

    @each((name,) for name in RACES)
    def test_locked(self, name):
        """nothing is found in the form that has a lock"""
        self.expect(self.run_module(commands()[name][1]), 0)


if __name__ == '__main__':
    unittest.main()
