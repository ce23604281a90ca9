"""docs/nightly.yml: its structure, and its commands in a dry run without a container."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import BUILD, FTSTRESS, GOOD, EndToEnd

WORKFLOW = Path(__file__).resolve().parents[2] / 'docs' / 'nightly.yml'
READER = BUILD / 'venvs' / 'docs' / 'bin' / 'python'
# Steps that the dry run leaves out, and why.
SKIPPED = {'Build ftstress': 'it installs packages and builds an interpreter; the test has a build',
           'Install the package': 'it installs a package; the test has a venv'}
# Keys that GitHub documents for each part.
KEYS = {'workflow': {'name', 'on', 'permissions', 'env', 'jobs'},
        'job': {'needs', 'if', 'runs-on', 'timeout-minutes', 'strategy', 'env', 'steps'},
        'step': {'name', 'id', 'if', 'uses', 'with', 'run', 'env'}}


def load():
    """The workflow; BaseLoader leaves the key `on` a word."""
    script = 'import json, sys, yaml; json.dump(yaml.load(open(sys.argv[1]), yaml.BaseLoader), sys.stdout)'
    return json.loads(subprocess.run([READER, '-c', script, WORKFLOW], capture_output=True, text=True, check=True).stdout)


def names_in(value):
    """The names in the expressions of a value."""
    return re.findall(r'\$\{\{ ([\w.-]+) \}\}', json.dumps(value))


@unittest.skipUnless(READER.exists(), 'scripts/setup.sh --with docs was not run')
class Workflow(EndToEnd):
    @classmethod
    def setUpClass(cls):
        cls.workflow = load()
        cls.jobs = cls.workflow['jobs']

    def steps(self):
        return [step for job in self.jobs.values() for step in job['steps']]

    def test_keys(self):
        """each part has the keys that it may have"""
        self.assertEqual(set(self.workflow), KEYS['workflow'])
        self.assertRegex(self.workflow['on']['schedule'][0]['cron'], r'\A\d+ \d+ \* \* \*\Z')
        for job in self.jobs.values():
            self.assertLessEqual(set(job), KEYS['job'])
            self.assertGreaterEqual(set(job), {'runs-on', 'steps', 'timeout-minutes'})
            self.assertLessEqual({job['needs']} if 'needs' in job else set(), set(self.jobs))
        for step in self.steps():
            self.assertLessEqual(set(step), KEYS['step'])
            self.assertEqual(len({'uses', 'run'} & set(step)), 1, step)
            self.assertRegex(step.get('uses', 'a/b@v1'), r'\A[\w-]+(/[\w-]+)+@v\d+\Z')
            self.check('with' not in step or 'uses' in step, '', f'{step} has arguments for no action')

    def test_expressions(self):
        """expressions name what there is"""
        ids = {step['id'] for step in self.steps() if 'id' in step}
        for name in names_in(self.workflow):
            first, _, rest = name.partition('.')
            if first == 'steps':
                step, _, output = rest.partition('.outputs.')
                self.assertIn(step, ids)
                self.check(any(f'{output}=' in one.get('run', '') for one in self.steps()), '', f'{name} is never set')
            else:
                self.assertIn(name, {'matrix.shard', 'runner.os', 'github.run_id'})

    def test_shards(self):
        """the matrix has all shards"""
        job = self.jobs['sweep']
        shards = job['strategy']['matrix']['shard']
        self.assertEqual(job['env']['SHARD'], '${{ matrix.shard }}/' + str(len(shards)))
        self.assertEqual(shards, [str(k + 1) for k in range(len(shards))])

    def test_skipped(self):
        """each step that is left out exists"""
        self.assertLessEqual(set(SKIPPED), {step.get('name') for step in self.steps()})

    def run_job(self, name, folder, environment, shard='', outputs=None):
        """Runs the commands of a job as GitHub does. Returns the status of the first that fails, or 0."""
        job = self.jobs[name]
        fixed = {'FTSTRESS': str(FTSTRESS), 'VENV': str(BUILD / 'venvs' / GOOD), 'TIME': '60s'} | environment
        for step in job['steps']:
            if 'run' not in step or step['name'] in SKIPPED:
                continue
            text = json.dumps(self.workflow['env'] | job.get('env', {}) | step.get('env', {}))
            values = {'matrix.shard': shard} | (outputs() if outputs else {})
            text = re.sub(r'\$\{\{ ([\w.-]+) \}\}', lambda match: values[match[1]], text)
            self.log = subprocess.run(['bash', '-e', '-c', step['run']], cwd=folder, capture_output=True, text=True, check=False,
                                      env={'PATH': os.environ['PATH'], 'PYTHONPATH': str(BUILD / 'planted'), 'HOME': str(folder)}
                                      | json.loads(text) | fixed)
            if self.log.returncode:
                return self.log.returncode
        return 0

    def night(self, folder, modules):
        """One night: all shards, each in a folder of its own, with the baseline of the last one; then the report."""
        report = folder / 'report'
        shutil.rmtree(report / 'shards', ignore_errors=True)
        for shard in self.jobs['sweep']['strategy']['matrix']['shard']:
            place = folder / f'machine-{shard}'
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            if (report / 'ftstress-baseline').exists():
                shutil.copytree(report / 'ftstress-baseline', place / 'ftstress-baseline')
            self.assertEqual(self.run_job('sweep', place, {'MODULES': modules}, shard), 0, self.log)
            shutil.copytree(place / 'ftstress-out', report / 'shards' / f'shard-{shard}')
        files = {'GITHUB_OUTPUT': str(report / 'output'), 'GITHUB_STEP_SUMMARY': str(report / 'summary')}

        def outputs():
            lines = (report / 'output').read_text().splitlines() if (report / 'output').exists() else []
            return {'steps.merge.outputs.status': lines[-1].partition('=')[2] if lines else ''}
        return self.run_job('report', report, files, outputs=outputs)

    def test_nights(self):
        """the first night fails for a bug, the second one knows it"""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self.assertEqual(self.night(folder, 'crash_null_write'), 1, self.log)
            report = folder / 'report'
            self.assertIn('state: known', (report / 'ftstress-baseline' / 'baseline.yaml').read_text())
            self.assertIn('NEW: the baseline does not have it', (report / 'summary').read_text())
            for form in 'sarif', 'xml', 'html':
                self.assertIn('crash', (report / 'ftstress-out' / f'ftstress.{form}').read_text())
            self.assertEqual(self.night(folder, 'crash_null_write'), 0, self.log)
            self.assertIn('KNOWN: the baseline has it', (report / 'summary').read_text())


if __name__ == '__main__':
    unittest.main()
