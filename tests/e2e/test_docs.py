"""The pages of docs/: they build as a site without a warning, and the commands in their `sh` blocks work."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

from harness import BROKEN, BUILD, EndToEnd, each

TREE = Path(__file__).resolve().parents[2]
MKDOCS = BUILD / 'venvs' / 'docs' / 'bin' / 'mkdocs'
PAGES = [(path.stem, path) for path in sorted((TREE / 'docs').glob('*.md')) if '\n```sh\n' in path.read_text()]
# Shorter than for a reader, so that the tests do not take minutes. The last option given counts.
SHORT = {'run': '--time 3 --verify 3', 'sweep': '--time 8', 'minimize': '--time 8', 'reproduce': '--time 20'}
# What a reader's command may end with: clean or a finding; minimize may see no failure in so short a time.
STATUS = {'minimize': (0, 1, 3)}


def commands_of(path):
    """Returns the commands of the sh blocks of a page."""
    blocks = re.findall(r'^```sh\n(.*?)^```$', path.read_text(), re.MULTILINE | re.DOTALL)
    return ''.join(blocks).replace('\\\n', ' ').splitlines()


def shorten(command):
    name = command.split()[1]
    if '--dry-run' in command or name not in SHORT:
        return command
    return f'{command} {SHORT[name]}'


class Docs(EndToEnd):
    @unittest.skipUnless(MKDOCS.exists(), 'scripts/setup.sh --with docs was not run')
    def test_site(self):
        """the site builds without a warning: each link leads to a page and a heading"""
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([MKDOCS, 'build', '--strict', '--quiet', '--site-dir', folder], cwd=TREE, text=True,
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done)
            self.assertEqual({path.stem for path in Path(folder).glob('*.html')} - {'404', 'search'},
                             {path.stem for path in (TREE / 'docs').glob('*.md')})

    def test_pictures(self):
        """the pictures that scripts/pictures.py makes are whole, small, and name no folder of a machine"""
        pictures = TREE / 'docs' / 'pictures'
        used = set(re.findall(r'\]\(pictures/([^)]+)\)', ''.join(path.read_text() for path in (TREE / 'docs').glob('*.md'))))
        self.assertEqual({path.name for path in pictures.iterdir()}, used)
        for path in pictures.iterdir():
            self.assertLess(path.stat().st_size, 200000, path)
            if path.suffix == '.svg':
                text = ''.join(ElementTree.parse(path).getroot().itertext())
                self.assertIn('PyArray_Repeat', text)
                self.assertNotRegex(text, '/(home|root|work|tmp)/')
            else:
                self.assertTrue(path.read_bytes().startswith(b'\x89PNG'), path)

    @each(PAGES)
    def test_page(self, _, path):
        """the commands of a page work one after the other, in the environment of the first bug"""
        environment = os.environ | {'VIRTUAL_ENV': str(BUILD / 'venvs' / BROKEN), 'PATH': f'{BUILD / "bin"}:{os.environ["PATH"]}'}
        folder = tempfile.mkdtemp(prefix='ftstress-docs-')
        self.addCleanup(shutil.rmtree, folder)
        for command in commands_of(path):
            self.assertTrue(command.startswith('ftstress '), command)
            done = subprocess.run(['sh', '-c', shorten(command)], cwd=folder, env=environment, text=True, capture_output=True,
                                  timeout=300, check=False)
            self.assertIn(done.returncode, STATUS.get(command.split()[1], (0, 1)), (command, done))


if __name__ == '__main__':
    unittest.main()
