"""An environment with the package as `pip install .` installs it, outside of the tree, for the tests of it."""
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from harness import BROKEN, BUILD, EndToEnd

TREE = Path(__file__).resolve().parents[2]
BUILDER = BUILD / 'venvs' / 'package' / 'bin' / 'python'
BUILD_SDIST = 'from scikit_build_core import build; import sys; print(build.build_sdist(sys.argv[1]))'
BUILD_WHEEL = ('from scikit_build_core import build; import sys; '
               'print(build.build_wheel(sys.argv[1], {"build-dir": sys.argv[2]}))')
NO_BUILDER = 'scripts/setup.sh --with package was not run'
SOURCE = BUILD / 'package' / 'source'


def build(code, cwd, *arguments):
    """Builds a file with scikit-build-core, and returns its name."""
    made = subprocess.run([BUILDER, '-c', code, *arguments], cwd=cwd, text=True, capture_output=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout.split()[-1]


def copy_changed(new, old):
    """Makes the folder `old` equal to `new`. Files of equal bytes keep their dates, so that the build leaves them."""
    for path in [path for path in old.rglob('*') if path.is_file() and not (new / path.relative_to(old)).exists()]:
        path.unlink()
    for path in filter(Path.is_file, new.rglob('*')):
        target = old / path.relative_to(new)
        if not target.exists() or target.read_bytes() != path.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


class Installed(EndToEnd):
    """The source archive, the wheel that is built from it, and a venv with that and NumPy 2.2.2."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='ftstress-package-')
        cls.addClassCleanup(cls.folder.cleanup)
        cls.sdist = Path(cls.folder.name, build(BUILD_SDIST, TREE, cls.folder.name))
        with tarfile.open(cls.sdist) as file:
            file.extractall(cls.folder.name, filter='data')
        copy_changed(Path(cls.folder.name, cls.sdist.name.removesuffix('.tar.gz')), SOURCE)
        cls.wheel = Path(cls.folder.name, build(BUILD_WHEEL, SOURCE, cls.folder.name, BUILD / 'package' / 'build'))
        cls.venv = Path(cls.folder.name, 'venv')
        subprocess.run([BUILDER, '-m', 'venv', cls.venv], check=True)
        python = cls.venv / 'bin' / 'python'
        subprocess.run([python, '-m', 'pip', 'install', '--quiet', '--no-index', '--no-deps', cls.wheel], check=True)
        site = subprocess.run([python, '-c', 'import site; print(site.getsitepackages()[0])'], text=True,
                              capture_output=True, check=True).stdout.strip()
        others = [BUILD / 'venvs' / name / Path(site).relative_to(cls.venv) for name in (BROKEN, 'package')]
        Path(site, 'others.pth').write_text(''.join(f'{other}\n' for other in others))  # NumPy 2.2.2, pytest

    def run_installed(self, *command, env=None):
        """Runs a program of the venv outside of the tree, in an environment without compilers."""
        return subprocess.run([self.venv / 'bin' / command[0], *command[1:]], cwd=self.folder.name, text=True,
                              capture_output=True, env={'PATH': '/nonexistent', **(env or {})}, check=False)

    def installed(self, path):
        """Returns the path of a file of the installed package."""
        return next(self.venv.glob('lib/*/site-packages/ftstress')) / path

    def folder_of(self, files):
        """Returns a new folder with these files."""
        folder = Path(tempfile.mkdtemp(dir=self.folder.name))
        for name, text in files.items():
            (folder / name).write_text(text)
        return folder

    def pytest_in(self, folder, *options):
        """Runs pytest --ftstress on a folder. Returns the process, and its output in one line."""
        done = self.run_installed('python', '-m', 'pytest', '--ftstress', '-q', *options, folder,
                                  env={'HOME': self.folder.name, 'PYTHONPATH': str(folder)})
        return done, ' '.join(done.stdout.split())

    def run_pytest(self, source, *options, files=()):
        return self.pytest_in(self.folder_of({'test_it.py': source, **dict(files)}), '-p', 'no:cacheprovider', *options)
