"""Counts how often a run of 20 s names the block that NumPy 2.2.2's repeat overruns, and the instruction that does it.
usage: hits.py [RUNS]"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

COMMAND = ['build/bin/ftstress', 'run', 'repeat', '-q', '-p', 'build/venvs/numpy-2.2.2', '--detect', 'guard', '--time', '20',
           '--verify', '0']


def one_run(folder):
    """Returns if a finding names the overrun block with its allocation site, and if the instruction was caught."""
    report = Path(folder, 'report.json')
    subprocess.run([*COMMAND, '--json', report, '--out', folder], check=False, stderr=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    found = [finding for finding in json.loads(report.read_text())['findings'] if finding['block']]
    overruns = [finding for finding in found if 'past the end' in finding['message'] and 'wrote' in finding['message']]
    named = any(stack['title'].startswith('the block, allocated') for finding in overruns for stack in finding['stacks'])
    caught = any(finding['block']['trapped'] and finding['function'] == 'PyArray_Repeat' for finding in found)
    return named, caught, any(finding['block']['trapped'] for finding in overruns)


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    totals = [0, 0, 0]
    for number in range(1, runs + 1):
        with tempfile.TemporaryDirectory() as folder:
            totals = [total + hit for total, hit in zip(totals, one_run(folder))]
        print(f'[{number:2} of {runs}] block named {totals[0]}, copying instruction caught {totals[1]}, '
              f'of these writing {totals[2]}', flush=True)


main()
