"""docs/nightly.yml: GitHub's schema of workflows, what the schema cannot say, and two nights in a dry run."""
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from ci_night import EXPRESSION, SKIPPED, Night
from harness import BUILD, EndToEnd, each

WORKFLOW = Path(__file__).resolve().parents[2] / 'docs' / 'nightly.yml'
TOOLS = BUILD / 'venvs' / 'docs' / 'bin'
SCHEMAS = 'vendor.github-workflows', 'custom.github-workflows-require-timeout'
# What is wrong, words of the workflow, what makes them wrong, and words of the message.
BROKEN = [('step', '- name: Sweep', '- nam: Sweep', "'nam' was unexpected"),
          ('job', ' needs:', ' need:', "'need' was unexpected"),
          ('machine', '    runs-on: ubuntu-24.04\n', '', "'runs-on' is a required property"),
          ('no command', 'run: exit', 'id: exit', "'uses' is a required property"),
          ('permission', 'security-events: write', 'security-events: all', "'all' is not one of"),
          ('time limit', '    timeout-minutes: 90\n', '', "'timeout-minutes' is a required property")]
# A fuzzer ends when each callable has a finding: no machine is too slow for one callable with a bug in each call.
PACKAGE = 'import invariant_shape\ndef bug(x): return invariant_shape.bug(x)\n'


def load():
    """The workflow; BaseLoader leaves the key `on` a word."""
    script = 'import json, sys, yaml; json.dump(yaml.load(open(sys.argv[1]), yaml.BaseLoader), sys.stdout)'
    return json.loads(subprocess.run([TOOLS / 'python', '-c', script, WORKFLOW], capture_output=True, text=True,
                                     check=True).stdout)


def check_schemas(path):
    """Returns the messages about a workflow that is none; the schemas come with the program."""
    runs = [subprocess.run([TOOLS / 'check-jsonschema', '--builtin-schema', schema, path], text=True, check=False,
                           capture_output=True) for schema in SCHEMAS]
    return ''.join(done.stdout + done.stderr for done in runs if done.returncode)


@unittest.skipUnless(TOOLS.exists(), 'scripts/setup.sh --with docs was not run')
class Workflow(EndToEnd):
    @classmethod
    def setUpClass(cls):
        cls.workflow = load()
        cls.jobs = cls.workflow['jobs']

    def steps(self):
        return [step for job in self.jobs.values() for step in job['steps']]

    def test_schema(self):
        """it is a workflow by GitHub's schema, and each job has a limit of time"""
        self.assertEqual(check_schemas(WORKFLOW), '')

    @each(BROKEN)
    def test_broken(self, _, right, wrong, words):
        """the schema refuses a workflow with a fault"""
        text = WORKFLOW.read_text()
        self.assertIn(right, text)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'broken.yml'
            path.write_text(text.replace(right, wrong, 1))
            self.assertIn(words, check_schemas(path))

    def test_rest(self):
        """what the schema does not say: the time of day, jobs and versions that exist, arguments of actions only"""
        self.assertRegex(self.workflow['on']['schedule'][0]['cron'], r'\A[1-5]?\d 1?\d \* \* \*\Z')
        for job in self.jobs.values():
            self.assertLessEqual(set(job.get('needs', [])), set(self.jobs))
        for step in self.steps():
            self.assertRegex(step.get('uses', 'a/b@v1'), r'\A[\w-]+(/[\w-]+)+@v\d+\Z')
            self.check('with' not in step or 'uses' in step, '', f'{step} has arguments for no action')

    def test_skipped(self):
        """each step that the dry run leaves out exists"""
        self.assertLessEqual(set(SKIPPED), {step.get('name') for step in self.steps()})

    def check_reports(self, report, state):
        """Each kind of run has its findings in each form, with their state."""
        summary = (report / 'summary').read_text()
        self.assertEqual(summary.count(state), 2, summary)
        for command in 'sweep', 'fuzz':
            self.assertIn(f'# ftstress {command}\n', summary)
            self.assertIn('state: known', (report / 'ftstress-baseline' / f'{command}.yaml').read_text())
            for form in 'sarif', 'xml', 'html':
                self.assertIn('input-mutated', (report / 'ftstress-out' / command / f'ftstress.{form}').read_text())

    def test_nights(self):
        """the first night fails for a bug; the second one knows it, and goes on with the corpus of the first"""
        with tempfile.TemporaryDirectory() as name:
            module = Path(name) / 'package.py'
            module.write_text(PACKAGE)
            first = Night(self.workflow, Path(name), 1, module)
            report = first.run()
            self.assertEqual(first.failed, {'report': ['Fail for what is new']}, first.log)
            self.check_reports(report, 'NEW: the baseline does not have it')
            plans = {path.name for path in (report / 'ftstress-corpus').iterdir()}
            self.assertTrue(plans)

            second = Night(self.workflow, Path(name), 2, module)
            report = second.run()
            self.assertEqual(second.failed, {}, second.log)
            self.check_reports(report, 'KNOWN: the baseline has it')
            for machine in second.folder.glob('*[123]'):
                self.assertTrue(json.loads((machine / 'ftstress-out' / 'report.json').read_text())['known'], machine)
                self.assertLessEqual(plans, {path.name for path in (machine / 'ftstress-corpus').iterdir()})


if __name__ == '__main__':
    unittest.main()
