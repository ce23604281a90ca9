"""Takes one finding of each kind through `ftstress reproduce`, `ftstress minimize` and the script of its report. Some
minutes: not in the suite.

usage: FTSTRESS_BUILD=build python3 tests/e2e/minimize_kinds.py [KIND]...
"""
import subprocess
import sys
import time

from harness import BUILD, FTSTRESS, run

# The kind, the module, what must be left of the plan, and options of the run.
KINDS = {
    'crash': ('crash_null_write', 'm.bug(1, 5)', '--detect', 'crash'),
    'hang': ('hang_lock_order', 'm.bug(thread_index)', '--detect', 'hang', '--timeout', '1'),
    'heap-corruption': ('heap_over_one', 'm.bug(', '--detect', 'guard'),
    'use-after-free': ('heap_uaf_write', 'm.bug(', '--detect', 'guard'),
    'wrong-result': ('diverge_race', 'm.bug(x)', '--detect', 'diverge'),
    'exception': ('exception_race', 'm.bug(', '--detect', 'exception'),
    'reference-leak': ('refcount_kept', 'm.bug(x)', '--detect', 'refcount'),
    'memory-growth': ('growth_native', 'm.bug()', '--detect', 'growth'),
    'shutdown-leak': ('growth_object', 'm.bug()', '--detect', 'shutdown'),
    'data-race': ('watch_update', 'm.bug_add()', '--detect', 'watch'),
}


def again(command, done, finding, *args):
    return subprocess.run([FTSTRESS, command, finding['id'], '--out', done.dir / 'out', *args], capture_output=True,
                          text=True, cwd=done.cwd, env={'PYTHONPATH': str(BUILD / 'planted'), 'PATH': '/usr/bin:/bin'})


def check(kind):
    """Returns what went wrong, or ''."""
    module, statement, *options = KINDS[kind]
    call = statement if statement.endswith(')') else statement + ')'
    done = run('-s', f'import json, re, {module} as m', '-i', 'x=f8[20]', '-i', 'y=f8[4,5].T', 'str(5)', call, 'y.sum()', *options,
               '--time', '3')
    findings = done.findings(kind=kind)
    if not findings:
        return f'no finding of the kind{done}'
    limit = ('--timeout', '1') if kind == 'hang' else ()
    reproduced = again('reproduce', done, findings[0], '--trials', '5', '--time', '60', *limit)
    if reproduced.returncode != 1:
        return f'reproduce: {reproduced}'
    smaller = again('minimize', done, findings[0], '--time', '4m', *limit)
    path = done.dir / 'out' / findings[0]['id'] / 'minimized' / 'plan.yaml'
    plan = path.read_text() if path.exists() else ''
    if smaller.returncode != 1 or statement.split('(')[0] not in plan or '- str(5)' in plan or 'y.sum' in plan:
        return f'minimize: {smaller}\n{plan}'
    script = again('report', done, findings[0], '--as', 'script')
    if script.returncode != 0 or 'import' not in script.stdout:
        return f'script: {script}'
    print(f'{kind}: {script.stderr.strip()}')
    return ''


def main():
    faults = 0
    for kind in sys.argv[1:] or KINDS:
        began = time.monotonic()
        fault = check(kind)
        print(f'{kind}: {fault or "reproduced and made smaller, with a script"}, {time.monotonic() - began:.0f} s', flush=True)
        faults += bool(fault)
    return bool(faults)


if __name__ == '__main__':
    sys.exit(main())
