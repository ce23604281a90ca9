"""The package that `pip install .` installs: it needs nothing of the tree, and tests in the venv that it lies in."""
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

from installed import BUILDER, NO_BUILDER, TREE, Installed

HIDE = 'mount -t tmpfs none "$1" && shift && exec "$@"'


@unittest.skipUnless(BUILDER.exists(), NO_BUILDER)
class Package(Installed):
    def test_run(self):
        """a run tests in the venv of the package, without a word of it"""
        done = self.run_installed('ftstress', 'run', '--time', '2', '-s', 'import sys', 'sys.prefix.upper()')
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(f'{sys.version.split()[0]}, GIL off', done.stdout)
        done = self.run_installed('ftstress', 'doctor')
        self.assertIn(f'{self.venv}/bin/python runs', ' '.join(done.stdout.split()))

    def test_files(self):
        """the source archive has what the build needs, and the wheel has what a run needs; neither has more"""
        with tarfile.open(self.sdist) as file:
            names = {name.split('/')[1] for name in file.getnames() if '/' in name}
        self.assertEqual(names, {'.gitignore', 'CMakeLists.txt', 'LICENSE', 'PKG-INFO', 'README.md', 'docs', 'harness', 'include',
                                 'pyproject.toml', 'scenarios'})
        with zipfile.ZipFile(self.wheel) as file:
            tops = {'/'.join(name.split('/')[:2]) for name in file.namelist() if '-info/' not in name and '.data/' not in name}
        self.assertEqual(tops, {'ftstress/' + name for name in (
            '__init__.py', '__main__.py', 'pytest_arrays.py', 'pytest_child.py', 'pytest_fork.py', 'pytest_plugin.py', 'bin',
            'include', 'lib', 'share')})

    def test_alone_in_its_venv(self):
        """the package runs where the tree is gone"""
        hidden = ['unshare', '--mount', 'sh', '-c', HIDE, 'sh', TREE]
        if subprocess.run([*hidden, 'true'], capture_output=True, check=False).returncode != 0:
            self.skipTest('hides the tree with a mount, which needs root')
        done = subprocess.run([*hidden, self.venv / 'bin' / 'ftstress', 'run', '--time', '2', '-s', '', 'len(())'], text=True,
                              capture_output=True, cwd=self.folder.name, check=False)
        self.assertEqual(done.returncode, 0, done)

    def test_module(self):
        """python -m ftstress is the same program; the scenarios and the schema of reports are there"""
        done = self.run_installed('python', '-m', 'ftstress', 'list', 'scenarios')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertIn('somersd', done.stdout)
        self.assertEqual(self.installed('share/report.schema.json').read_text(), (TREE / 'docs/report.schema.json').read_text())

    def test_other_venv(self):
        """a venv of the user's comes first"""
        done = self.run_installed('ftstress', 'doctor', env={'VIRTUAL_ENV': str(BUILDER.parents[1])})
        self.assertIn(f'{BUILDER} runs', ' '.join(done.stdout.split()))

    def test_requirements(self):
        """a build for 3.13t does not ask for a NumPy that has no wheels for it"""
        code = ('import sys, tomllib; from packaging.requirements import Requirement\n'
                'asked = map(Requirement, tomllib.load(open(sys.argv[1], "rb"))["build-system"]["requires"])\n'
                'fit = [one for one in asked if one.name == "numpy" and one.marker.evaluate({"python_version": "3.13"})]\n'
                'print([one.specifier.contains(version) for one in fit for version in ("2.2.6", "2.5.5")])\n')
        done = subprocess.run([BUILDER, '-c', code, TREE / 'pyproject.toml'], text=True, capture_output=True, check=True)
        self.assertEqual(done.stdout, '[True, False]\n')

    def test_libraries(self):
        """a build without its libraries names the Debian packages in one sentence"""
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(['cmake', '-S', TREE, '-B', folder, f'-DFTSTRESS_PYTHON={BUILDER}'], text=True,
                                  capture_output=True, env={**os.environ, 'PKG_CONFIG_LIBDIR': '/nonexistent'},
                                  check=False)
        self.assertIn('libraries are missing; on Debian and Ubuntu: apt-get install libyaml-dev libjansson-dev',
                      ' '.join(done.stderr.split()))

    def test_manual(self):
        """the man page and the completions lie in the venv, where shells and man look"""
        for path in ('man/man1/ftstress.1', 'bash-completion/completions/ftstress', 'zsh/site-functions/_ftstress',
                     'fish/vendor_completions.d/ftstress.fish'):
            text = (self.venv / 'share' / path).read_text()
            self.assertIn('reproduce', text)
            self.assertNotRegex(text, r'scripts/\w+|setup\.sh')

    def build_example(self):
        """Builds docs/example against the installed package, in a folder of its own. Returns that folder."""
        folder = Path(self.folder.name, 'example')
        prefix = self.run_installed('python', '-c', 'import ftstress; print(ftstress.PREFIX)').stdout.strip()
        for command in (['cmake', '-S', TREE / 'docs' / 'example', '-B', folder, f'-DCMAKE_PREFIX_PATH={prefix}',
                         '-DCMAKE_C_FLAGS=-Wall -Wextra -Werror'], ['cmake', '--build', folder]):
            done = subprocess.run(command, text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done)
        return folder

    def test_example(self):
        """a scenario in C outside of the tree: CMake finds the package, and ftstress runs it; a wrong library is refused"""
        folder = self.build_example()
        done = self.run_installed('ftstress', 'run', folder / 'cache.yaml', '--time', '4')
        self.assertEqual(done.returncode, 0, done)
        self.assertRegex(done.stdout, r'nothing found.*: 0 in \d+ calls')
        plan = self.run_installed('ftstress', 'run', folder / 'cache.yaml', '--dry-run').stdout
        self.assertIn(f'native: {folder.resolve()}/cache.so\n', plan)
        for code, said in (('int nothing;', 'cache.so has no scenario: define one with FT_SCENARIO'),
                           ('const char ft_scenario_build[] = "0 3.9"; int ft_scenario;',
                            'is built for the interface and CPython 0 3.9, and this child is for 1 3.13t')):
            subprocess.run(['cc', '-shared', '-xc', '-', '-o', folder / 'cache.so'], input=code, text=True, check=True)
            done = self.run_installed('ftstress', 'run', folder / 'cache.yaml', '--time', '1')
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(said, done.stderr)
        (folder / 'cache.so').unlink()
        done = self.run_installed('ftstress', 'run', folder / 'cache.yaml', '--time', '1')
        self.assertIn('the scenario cannot be loaded: ', done.stderr)

    def test_words(self):
        """no file of the package names a script or a page of the tree"""
        for path in filter(Path.is_file, self.installed('').rglob('*')):
            self.assertEqual(re.findall(rb'scripts/\w+|setup\.sh|docs/\w+[.]md', path.read_bytes()), [], path)

    def test_remedies(self):
        """what is missing is named with what a user without the tree can do"""
        done = self.run_installed('ftstress', 'run', '--tsan', '-s', '', '1')
        self.assertEqual(done.returncode, 3, done)
        self.assertIn('there is no ftstress-child-tsan; pip does not install it: build ftstress for ThreadSanitizer in its '
                      'source tree', done.stderr)
        done = self.run_installed('ftstress', 'run', '--help')
        self.assertIn('needs a build of ftstress in its source tree, and -p with an environment built there',
                      ' '.join(done.stdout.split()))
        program = shutil.copy(self.installed('bin/ftstress'), self.folder.name)
        self.addCleanup(os.unlink, program)
        done = subprocess.run([program, 'run', '-s', '', '1'], text=True, capture_output=True, cwd=self.folder.name, check=False)
        self.assertEqual(done.returncode, 125, done)
        self.assertIn('ftstress-child is not beside this program; install ftstress again with pip', done.stderr)


if __name__ == '__main__':
    unittest.main()
