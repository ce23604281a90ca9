"""`ftstress minimize`: a plan with statements that do not matter ends with those that do."""
import json
import os
import signal
import subprocess
import tempfile
import time

from harness import BUILD, FTSTRESS, EndToEnd, patient, run

PLAN = '''
setup: |
  import json, re
  import crash_null_write as m, log_double_free
  d = {"a": 1}
  n = 5
inputs:
- {name: x, recipe: 'f8[20]'}
- {name: y, recipe: 'i8[4,5].T'}
steps:
- json.dumps(d)
- x.sum()
- m.bug(1, n)
- y @ y.T
- len(d) + n
threads: 8
'''


# Three statements fail together in some processes; beside() is another failure.
RARE = '''
setup: |
  import rare_steps as m
  n = 5
steps: [m.prepare(), str(n), m.beside(), m.load(), m.idle(), m.bug(), n + 1]
threads: 4
'''


class Minimize(EndToEnd):
    def minimize(self, done, finding, *args, **env):
        environment = {'PYTHONPATH': str(BUILD / 'planted'), 'PATH': '/usr/bin:/bin'} | env
        return subprocess.Popen([FTSTRESS, 'minimize', finding, '--out', done.dir / 'out', *patient(args)], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=done.cwd)

    def found(self, plan=PLAN, **options):
        """Runs the plan. Returns the run, its crash, and the folder of the smaller plan."""
        path = self.write_plan(plan)
        for _ in range(5):
            done = self.expect(run(path, '--detect', 'crash', '--time', '3', '--stop-on-first',
                                   until=lambda done: done.findings(kind='crash'), **options), 1)
            for finding in done.findings(kind='crash', function='bug'):
                return done, finding, done.dir / 'out' / finding['id'] / 'minimized'
        return self.fail(f'no crash in bug{done}')

    def write_plan(self, plan):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, 'plan.yaml')
        with open(path, 'w', encoding='utf-8') as out:
            out.write(plan)
        return path

    def assert_small(self, folder, text):
        plan = (folder / 'plan.yaml').read_text()
        for gone in ('json', 'recipe', 'x.sum', 'len(d)', 'log_double_free', 'n = ', 'threads: 8'):
            self.assertNotIn(gone, plan, text)
        self.assertIn('m.bug(1, ', plan, text)
        self.assertTrue(json.loads((folder / 'state.json').read_text())['complete'], text)

    def test_smallest(self):
        """the plan ends with one statement and its import, and fails as often"""
        done, finding, folder = self.found()
        out, err = (process := self.minimize(done, finding['id'], '--time', '5m')).communicate(timeout=400)
        self.assertEqual(process.returncode, 1, out + err)
        self.assert_small(folder, out + err)
        self.assertRegex(out, r'no smaller plan fails as often')
        self.assertRegex(out, r'now: fails in 10 of 10 fresh children')
        self.assertIn('the smallest plan is', err)

    def interrupt(self, process, state, signal_sent, candidates):
        """Sends the signal when this number of candidates is decided. Returns the state that is left."""
        until = time.monotonic() + 120
        while time.monotonic() < until and (not state.exists() or json.loads(state.read_text())['candidates'] < candidates):
            time.sleep(0.1)
        process.send_signal(signal_sent)
        out, err = process.communicate(timeout=100)
        self.assertTrue(signal_sent == signal.SIGKILL or 'interrupted: the same command goes on' in out, out + err)
        return json.loads(state.read_text())

    def test_resumes(self):
        """a run that is killed or interrupted goes on where it was, and ends with the same plan"""
        done, finding, folder = self.found()
        before = {'candidates': 0, 'tried': {}}
        for signal_sent in signal.SIGKILL, signal.SIGINT:
            state = self.interrupt(self.minimize(done, finding['id'], '--time', '5m'), folder / 'state.json', signal_sent,
                                   before['candidates'] + 2)
            self.assertGreaterEqual(state['candidates'], before['candidates'] + 2, state)
            self.assertLessEqual(before['tried'].keys(), state['tried'].keys())
            self.assertEqual(before.get('before', state['before']), state['before'])
            before = state
        out, err = (process := self.minimize(done, finding['id'], '--time', '5m')).communicate(timeout=400)
        self.assertEqual(process.returncode, 1, out + err)
        self.assertEqual(json.loads((folder / 'state.json').read_text())['before'], before['before'])
        self.assert_small(folder, out + err)

    def test_rare(self):
        """a failure of few processes keeps the three statements that it needs, and does not become the other one"""
        done, finding, folder = self.found(RARE, env={'RARE_STEPS': '1'})
        process = self.minimize(done, finding['id'], '--time', '5m', RARE_STEPS='2')
        out, err = process.communicate(timeout=400)
        plan = (folder / 'plan.yaml').read_text()
        self.assertEqual(process.returncode, 1, out + err)
        for essential in ('m.prepare()', 'm.load()', 'm.bug()'):
            self.assertIn(essential, plan, out + err)
        for gone in ('m.idle()', 'str(', 'n + 1', 'm.beside()'):
            self.assertNotIn(gone, plan, out + err)
        self.assertRegex(out, r'now: fails in [0-9]+ of [0-9]+ fresh children, .* at 95 %, exact Poisson interval')

    def test_nothing_fails(self):
        """a plan that does not fail is refused"""
        done, finding, folder = self.found()
        plan = folder.parent / 'plan.yaml'
        plan.write_text(plan.read_text().replace('m.bug(1, n)', 'm.twin(1, n)'))
        out, err = (process := self.minimize(done, finding['id'], '--time', '15')).communicate(timeout=100)
        self.assertEqual(process.returncode, 3, out + err)
        self.assertRegex(err, 'does not fail in [0-9]+ fresh children, so nothing can be made smaller')


if __name__ == '__main__':
    import unittest
    unittest.main()
