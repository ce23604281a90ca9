"""Builds a module with each tool: pip install ."""
from pathlib import Path

import nanobind
import pybind11
from Cython.Build import cythonize
from setuptools import Extension, setup

NANOBIND = Path(nanobind.__file__).parent
CXX = ['-std=c++17', '-fvisibility=hidden', '-g']

setup(ext_modules=[
    Extension('with_c', ['with_c.c'], extra_compile_args=['-g']),
    *cythonize(Extension('with_cython', ['with_cython.pyx'], extra_compile_args=['-g']), build_dir='build'),
    Extension('with_nanobind', ['with_nanobind.cpp', str(NANOBIND / 'src' / 'nb_combined.cpp')],
              include_dirs=[str(NANOBIND / 'include'), str(NANOBIND / 'ext' / 'robin_map' / 'include')],
              define_macros=[('NB_FREE_THREADED', None)], extra_compile_args=[*CXX, '-fno-strict-aliasing']),
    Extension('with_pybind11', ['with_pybind11.cpp'], include_dirs=[pybind11.get_include()], extra_compile_args=CXX),
])
