"""A run of docs/nightly.yml without a container: its commands, and what its actions carry from machine to machine."""
import fnmatch
import json
import os
import re
import shutil
import subprocess

from harness import BUILD, FTSTRESS, GOOD

# Steps that are left out, and why. Other actions than those of Night install things or show results.
SKIPPED = {'Build ftstress': 'it installs packages and builds an interpreter; the test has a build',
           'Install the package': 'it installs a package; the test has a venv'}
TIME = '300s'  # runs end when all callables had their turn, or failed
EXPRESSION = re.compile(r'\$\{\{ ([\w.-]+) \}\}')


def copy(source, target):
    """Copies the files under a folder, if it exists; caches and artifacts have no empty folders."""
    for path in source.rglob('*'):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)


class Night:
    """One run of the workflow for a module. Each machine is a folder in the folder of the run; the cache is for all runs."""

    def __init__(self, workflow, folder, number, module):
        self.workflow, self.number, self.module = workflow, str(number), module
        self.folder, self.cache = folder / self.number, folder / 'cache'
        self.artifacts = self.folder / 'artifacts'
        self.failed = {}  # the steps that failed, by machine
        self.artifacts.mkdir(parents=True)
        self.cache.mkdir(exist_ok=True)

    def restore(self, place, path, key, restore_keys):
        kept = sorted(name for name in os.listdir(self.cache) if name == key or name.startswith(restore_keys))
        for line in path.split() if kept else ():
            copy(self.cache / kept[-1] / line, place / line)

    def save(self, place, path, key):
        (self.cache / key).mkdir()  # a key is saved once
        for line in path.split():
            copy(place / line, self.cache / key / line)

    def upload(self, place, name, path):
        (self.artifacts / name).mkdir()
        for line in path.split():
            copy(place / line, self.artifacts / name / line)

    def download(self, place, pattern, path):
        for name in fnmatch.filter(os.listdir(self.artifacts), pattern):
            copy(self.artifacts / name, place / path / name)

    ACTIONS = {'actions/cache/restore': restore, 'actions/cache/save': save, 'actions/upload-artifact': upload,
               'actions/download-artifact': download}

    def environment(self, name, place):
        """The environment of the commands of a job."""
        fixed = {'FTSTRESS': str(FTSTRESS), 'VENV': str(BUILD / 'venvs' / GOOD), 'MODULES': self.module.stem,
                 'PATH': os.environ['PATH'], 'PYTHONPATH': f"{self.module.parent}:{BUILD / 'planted'}",
                 'HOME': str(place), 'TIME': TIME, 'GITHUB_OUTPUT': str(place / 'output'),
                 'GITHUB_STEP_SUMMARY': str(place / 'summary')}
        return self.workflow['env'] | self.workflow['jobs'][name].get('env', {}) | fixed

    def fill(self, value, place, shard, environment):
        """Puts in the values of expressions."""
        values = {'matrix.shard': shard, 'runner.os': 'Linux', 'github.run_id': self.number}
        values |= {f'env.{name}': value for name, value in environment.items()}
        if (place / 'output').exists():
            lines = (place / 'output').read_text().splitlines()
            values |= {f'steps.merge.outputs.{line.partition("=")[0]}': line.partition('=')[2] for line in lines}
        return json.loads(EXPRESSION.sub(lambda match: values[match[1]], json.dumps(value)))

    def run_step(self, step, place, environment):
        """Runs a command or an action. Returns its status."""
        action = self.ACTIONS.get(step.get('uses', '').partition('@')[0])
        if action:
            action(self, place, **{name.replace('-', '_'): value for name, value in step['with'].items()})
        if 'run' not in step or step['name'] in SKIPPED:
            return 0
        self.log = subprocess.run(['bash', '-e', '-c', step['run']], cwd=place, env=environment | step.get('env', {}),
                                  capture_output=True, text=True, check=False)
        return self.log.returncode

    def run_job(self, name, shard=''):
        """Runs a job on a machine of its own. Behind a step that fails, only those run that always do."""
        place, failed = self.folder / f'{name}{shard}', []
        place.mkdir()
        for step in self.workflow['jobs'][name]['steps']:
            environment = self.fill(self.environment(name, place), place, shard, {})
            step = self.fill(step, place, shard, environment)
            if (not failed or step.get('if') == 'always()') and self.run_step(step, place, environment):
                failed.append(step['name'])
        if failed:
            self.failed[place.name] = failed

    def run(self):
        """Runs all jobs. Returns the folder of the report."""
        for name, job in self.workflow['jobs'].items():
            for shard in job.get('strategy', {'matrix': {'shard': ['']}})['matrix']['shard']:
                self.run_job(name, shard)
        return self.folder / 'report'
