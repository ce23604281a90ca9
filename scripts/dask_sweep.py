"""Sweeps modules in shards on the workers of a Dask cluster, and merges their results.

usage: scripts/dask_sweep.py --scheduler ADDRESS --shards N --out DIR [--ftstress PATH] -- MODULE... [options of sweep]

DIR lies on a file system that all workers share; shard K writes to DIR/shard-K. The scheduler runs a shard again when its
worker was killed: the sweep goes on behind the callables that the killed one completed, in the same folder, so that
nothing is lost or counted twice. Exits with the status of `ftstress merge`. Needs the packages of scripts/with/dask.txt.
"""
import argparse
import subprocess
import sys
import time
from pathlib import Path

from distributed import Client, as_completed

# Ends of a sweep that has a report: clean, finding, could not test.
REPORTED = (0, 1, 3)
BUSY_TRIES = 60


def run_shard(command, out, shard):
    """Runs on a worker, and ends with it. Returns the exit status and the end of standard error."""
    Path(out).mkdir(parents=True, exist_ok=True)
    for _ in range(BUSY_TRIES):
        done = subprocess.run(['setpriv', '--pdeathsig', 'KILL', *command, '--shard', shard, '--out', out],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if 'another sweep writes' not in done.stderr:  # the one of the killed worker, which ends soon
            break
        time.sleep(1)
    return done.returncode, done.stderr[-500:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--scheduler', required=True)
    parser.add_argument('--shards', type=int, required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--ftstress', default='ftstress')
    parser.add_argument('rest', nargs='+')
    options = parser.parse_args()
    out = Path(options.out).resolve()
    folders = [str(out / f'shard-{k}') for k in range(1, options.shards + 1)]
    command = [options.ftstress, 'sweep', *options.rest]
    with Client(options.scheduler) as client:
        futures = {client.submit(run_shard, command, folder, f'{k}/{options.shards}', pure=False): k
                   for k, folder in enumerate(folders, 1)}
        for future in as_completed(futures):
            status, end = future.result() if future.status == 'finished' else (None, str(future.exception()))
            print(f'shard {futures[future]}: exit status {status}', flush=True)
            if status not in REPORTED:
                print(end, file=sys.stderr)
    return subprocess.run([options.ftstress, 'merge', *folders, '--out', str(out / 'all')], check=False).returncode


if __name__ == '__main__':
    sys.exit(main())
