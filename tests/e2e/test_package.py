"""The package that `pip install .` installs: it needs nothing of the tree, and tests in the venv that it lies in."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from harness import BUILD

TREE = Path(__file__).resolve().parents[2]
BUILDER = BUILD / 'venvs' / 'package' / 'bin' / 'python'
BUILD_WHEEL = ('from scikit_build_core import build; import sys; '
               'print(build.build_wheel(sys.argv[1], {"build-dir": sys.argv[2]}))')


@unittest.skipUnless(BUILDER.exists(), 'scripts/setup.sh --with package was not run')
class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='ftstress-package-')
        cls.addClassCleanup(cls.folder.cleanup)
        made = subprocess.run([BUILDER, '-c', BUILD_WHEEL, cls.folder.name, BUILD / 'package'], cwd=TREE, text=True,
                              capture_output=True, check=False)
        assert made.returncode == 0, made.stdout + made.stderr
        cls.wheel = Path(cls.folder.name, made.stdout.split()[-1])
        cls.venv = Path(cls.folder.name, 'venv')
        subprocess.run([BUILDER, '-m', 'venv', cls.venv], check=True)
        subprocess.run([cls.venv / 'bin' / 'python', '-m', 'pip', 'install', '--quiet', '--no-index', '--no-deps',
                        cls.wheel], check=True)

    def run_installed(self, *command, env=None):
        """Runs a program of the venv outside of the tree, in an environment without compilers."""
        return subprocess.run([self.venv / 'bin' / command[0], *command[1:]], cwd=self.folder.name, text=True,
                              capture_output=True, env={'PATH': '/nonexistent', **(env or {})}, check=False)

    def test_run(self):
        """a run tests in the venv of the package, without a word of it"""
        done = self.run_installed('ftstress', 'run', '--time', '2', '-s', 'import sys', 'sys.prefix.upper()')
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(f'{sys.version.split()[0]}, GIL off', done.stdout)
        done = self.run_installed('ftstress', 'doctor')
        self.assertIn(f'{self.venv}/bin/python runs', ' '.join(done.stdout.split()))

    def test_module(self):
        """python -m ftstress is the same program; the scenarios are there"""
        done = self.run_installed('python', '-m', 'ftstress', 'list', 'scenarios')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertIn('somersd', done.stdout)

    def test_other_venv(self):
        """a venv of the user's comes first"""
        done = self.run_installed('ftstress', 'doctor', env={'VIRTUAL_ENV': str(BUILDER.parents[1])})
        self.assertIn(f'{BUILDER} runs', ' '.join(done.stdout.split()))

    def test_libraries(self):
        """a build without its libraries names the Debian packages in one sentence"""
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(['cmake', '-S', TREE, '-B', folder, f'-DFTSTRESS_PYTHON={BUILDER}'], text=True,
                                  capture_output=True, env={**os.environ, 'PKG_CONFIG_LIBDIR': '/nonexistent'},
                                  check=False)
        self.assertIn('libraries are missing; on Debian and Ubuntu: apt-get install libyaml-dev libjansson-dev',
                      ' '.join(done.stderr.split()))


if __name__ == '__main__':
    unittest.main()
