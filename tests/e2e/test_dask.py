"""scripts/dask_sweep.py, with a scheduler of Dask and two workers, of which one is killed; and scripts/slurm_sweep.sh."""
import json
import os
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import BUILD, FTSTRESS, GOOD, EndToEnd, wait_until

TREE = Path(__file__).resolve().parents[2]
BIN = BUILD / 'venvs' / 'dask' / 'bin'
MODULE = """import swept
def turn(x): return swept.negative(x)
def hide(x): return swept.hide(x)
def leave(x): return swept.leave(x)
def corrupt(x): return swept.corrupt(x)
"""


@unittest.skipUnless(BIN.exists(), 'scripts/setup.sh --with dask was not run')
class Dask(EndToEnd):
    def start(self, *words):
        process = subprocess.Popen([str(word) for word in words], cwd=self.dir, env=self.environment,
                                   stdout=subprocess.DEVNULL, stderr=open(self.dir / 'log', 'ab'))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def setUp(self):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        (self.dir / 'night.py').write_text(MODULE)
        self.environment = {'PATH': os.environ['PATH'], 'HOME': str(self.dir), 'PYTHONPATH': f"{self.dir}:{BUILD / 'planted'}"}
        self.start(BIN / 'dask', 'scheduler', '--port', '0', '--host', '127.0.0.1', '--no-dashboard', '--scheduler-file',
                   self.dir / 'scheduler.json')
        self.assertTrue(wait_until((self.dir / 'scheduler.json').exists, 60), (self.dir / 'log').read_text())
        self.address = json.loads((self.dir / 'scheduler.json').read_text())['address']
        self.workers = [self.start(BIN / 'dask', 'worker', self.address, '--no-nanny', '--nthreads', '1', '--no-dashboard',
                                   '--host', '127.0.0.1') for _ in range(2)]

    def test_killed(self):
        """a worker that is killed loses nothing: its shard is run again, and each finding comes once"""
        out = self.dir / 'out'
        driver = self.start(BIN / 'python', TREE / 'scripts' / 'dask_sweep.py', '--scheduler', self.address, '--shards', '3',
                            '--out', out, '--ftstress', FTSTRESS, '--', 'night', '-p', BUILD / 'venvs' / GOOD, '--jobs', '1')
        started = wait_until(lambda: list(out.glob('shard-*/sweep/task.json')), 120)
        self.assertTrue(started, (self.dir / 'log').read_text())
        os.kill(self.workers[0].pid, signal.SIGKILL)
        self.assertEqual(driver.wait(300), 1, (self.dir / 'log').read_text())
        report = json.loads((out / 'all' / 'report.json').read_text())
        names = sorted(row['name'] for row in report['sweep']['callables'])
        self.assertEqual(names, [f'night.{name}' for name in ('corrupt', 'hide', 'leave', 'turn')])
        self.assertTrue(all(row.get('findings') for row in report['sweep']['callables']), report['sweep'])
        signatures = [finding['signature'] for finding in report['findings']]
        self.assertEqual((len(signatures), len(set(signatures))), (4, 4))
        self.assertTrue(report['sweep']['complete'], report['notes'])


class Slurm(EndToEnd):
    def test_array(self):
        """the tasks of an array leave shards that merge"""
        with tempfile.TemporaryDirectory() as name:
            environment = {'PATH': os.environ['PATH'], 'FTSTRESS': str(FTSTRESS), 'SLURM_ARRAY_TASK_COUNT': '2'}
            for task in '1', '2':
                subprocess.run([TREE / 'scripts' / 'slurm_sweep.sh', name, 'crash_null_write', '-p', BUILD / 'venvs' / GOOD],
                               env=environment | {'SLURM_ARRAY_TASK_ID': task, 'PYTHONPATH': str(BUILD / 'planted')},
                               check=True, capture_output=True)
            done = subprocess.run([FTSTRESS, 'merge', f'{name}/shard-1', f'{name}/shard-2', '--out', f'{name}/all'],
                                  capture_output=True, text=True, check=False)
            report = json.loads(Path(name, 'all', 'report.json').read_text())
        self.assertEqual(done.returncode, 1, done)
        self.assertEqual(sorted(report['sweep']['shards']), ['1/2', '2/2'])


if __name__ == '__main__':
    unittest.main()
