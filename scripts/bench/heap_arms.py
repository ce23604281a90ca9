"""The memory tools that the heap benchmark compares, each as a way to start an uninstrumented program."""
import glob
import os
import re
import shutil
import subprocess
from typing import NamedTuple

GUARD_LIBRARY = os.path.join('build', 'lib', 'libftstress-guard.so')
GWP = ('GWP_ASAN_Enabled=true:GWP_ASAN_SampleRate=1:GWP_ASAN_MaxSimultaneousAllocations=4096:'
       'GWP_ASAN_InstallSignalHandlers=true')
MISMATCH = 'dealloc_type_mismatch=true'
GUARD_STATISTICS = re.compile(r'^ftstress-guard: rounds=(\d+) walked=(\d+) walk_ns=(\d+) blocks=(\d+)', re.M)


def guard_statistics(text):
    """Returns rounds, blocks walked, nanoseconds of walking, blocks at the end; None if the guard did not print them."""
    said = GUARD_STATISTICS.search(text)
    return [int(number) for number in said.groups()] if said else None


def guard_reports(text):
    return [line for line in text.splitlines() if line.startswith('ftstress-guard: ') and not GUARD_STATISTICS.match(line)]


class Arm(NamedTuple):
    name: str
    label: str
    preload: str | None = None
    variables: dict = {}
    prefix: tuple = ()
    share: float = 1.0      # of the operations of the churn: a slow tool needs fewer
    once: bool = False      # measured in the first round only, because it is slow
    missing: str | None = None

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not re.match(r'LD_PRELOAD|MALLOC_|GLIBC_TUNABLES|FTSTRESS_|PYTHON', k)}
        env.update(self.variables)
        if self.preload:
            env['LD_PRELOAD'] = self.preload
        return env

    def run(self, command, timeout=None):
        """Returns the finished process with its output as text. Raises subprocess.TimeoutExpired."""
        timeout = timeout or (300 if self.prefix else 60)
        return subprocess.run([*self.prefix, *command], env=self.environment(), timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, encoding='utf-8', errors='replace')


def sanitizer(name):
    """Returns the newest of the installed runtimes, or None."""
    found = glob.glob(f'/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.{name}-{os.uname().machine}.so')
    return max(found, key=lambda path: int(re.search(r'llvm-(\d+)', path)[1]), default=None)


def debug_malloc():
    return next(iter(glob.glob('/usr/lib/*-linux-gnu/libc_malloc_debug.so.0')), None)


def guard(name, library):
    """Returns the guard; for `guard:a=1+b=2` with these settings in FTSTRESS_GUARD."""
    options = name.partition(':')[2].replace('+', ',')
    there = os.path.exists(library)
    return Arm(name, f'ours, {options}' if options else 'ours', os.path.abspath(library),
               {'FTSTRESS_GUARD': options} if options else {}, missing=None if there else f'there is no {library}')


def preloaded(name, label, library, what, variables=(), share=1.0):
    missing = None if library else f'{what} is not installed'
    return Arm(name, label, library, dict(variables), share=share, missing=missing)


def all_arms(guard_library):
    scudo, asan = sanitizer('scudo_standalone'), sanitizer('asan')
    every_block = {'SCUDO_OPTIONS': f'{MISMATCH}:{GWP}'}
    tuned = 'detect_leaks=0:malloc_context_size=1:quarantine_size_mb=16:thread_local_quarantine_size_kb=64'
    valgrind = shutil.which('valgrind')
    return [
        Arm('glibc', 'glibc'),
        preloaded('check', 'MALLOC_CHECK_=3', debug_malloc(), 'libc_malloc_debug', {'MALLOC_CHECK_': '3'}, 0.3),
        preloaded('scudo', 'Scudo', scudo, "clang's Scudo", {'SCUDO_OPTIONS': MISMATCH}),
        preloaded('gwp', 'GWP-ASan, every block, 4096 slots', scudo, "clang's Scudo", every_block, 0.02),
        preloaded('asan', 'ASan preloaded, defaults', asan, "clang's ASan", {'ASAN_OPTIONS': 'detect_leaks=0'}, 0.2),
        preloaded('asan-tuned', 'ASan preloaded, tuned', asan, "clang's ASan", {'ASAN_OPTIONS': tuned}, 0.3),
        Arm('valgrind', 'Valgrind memcheck', prefix=(valgrind, '-q', '--fair-sched=yes', '--error-limit=no'), share=0.02,
            once=True, missing=None if valgrind else 'valgrind is not installed'),
        guard('guard', guard_library),
        guard('guard:checker=0', guard_library),
        Arm('control', 'glibc again (control)'),
    ]


def chosen_arms(names, guard_library):
    """Returns the tools with these names (None: all), and a sentence for each that cannot run. glibc is always the first."""
    arms = all_arms(guard_library)
    if names is not None:
        known = {arm.name: arm for arm in arms}
        unknown = [n for n in names if n not in known and not n.startswith('guard:')]
        if unknown:
            raise SystemExit(f'no such arm: {", ".join(unknown)}; there are {", ".join(known)}, guard:OPTION=VALUE+...')
        wanted = list(dict.fromkeys(['glibc', *names]))
        arms = [known.get(n) or guard(n, guard_library) for n in wanted]
    return [a for a in arms if not a.missing], [f'without {a.label}: {a.missing}' for a in arms if a.missing]
