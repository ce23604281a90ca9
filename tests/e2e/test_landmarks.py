"""The driver finds functions and sources of the child by name: the names are those of the built child."""
import re
import subprocess
import unittest
from pathlib import Path

from harness import BUILD

ROOT = Path(__file__).resolve().parents[2]
HEADER = (ROOT / 'harness/core/wire/landmarks.h').read_text()


class Landmarks(unittest.TestCase):
    def test_the_child_has_a_symbol_for_each(self):
        names = set(re.findall(r'ROW\((\w+)\) ', HEADER)) | {f'statement_{number:02o}' for number in range(128)}
        listing = subprocess.run(['nm', BUILD / 'bin/ftstress-child'], stdout=subprocess.PIPE, text=True, check=True)
        symbols = {line.split()[-1] for line in listing.stdout.splitlines()}
        self.assertGreater(len(names), 128)
        self.assertEqual(names - symbols, set())

    def test_all_folders_of_the_child_are_known(self):
        """The driver takes a frame for the child's own by the folder of its source file"""
        folders = {path.name for path in (ROOT / 'harness').iterdir() if path.is_dir()} - {'driver', 'python'}
        self.assertEqual(set(re.findall(r'"/harness/(\w+)/"', HEADER)), folders)


if __name__ == '__main__':
    unittest.main()
