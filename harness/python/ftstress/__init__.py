"""ftstress: stress tests for compiled Python packages without the GIL. The programs lie beside this file."""
import os
import sys
from pathlib import Path

PREFIX = Path(__file__).resolve().parent  # for CMAKE_PREFIX_PATH: CMake's find_package(ftstress)
PROGRAM = PREFIX / 'bin' / 'ftstress'


def environment():
    """Returns the environment for the program: without a venv of the user's, it tests in the venv that it lies in."""
    return {'VIRTUAL_ENV': sys.prefix} | os.environ


def main():
    """Becomes the program `ftstress`, with the arguments of this process."""
    os.execve(PROGRAM, ['ftstress', *sys.argv[1:]], environment())
