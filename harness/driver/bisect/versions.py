"""Lists the versions of a package that pip can install, or makes a venv with one. Arguments: list or install, the facts."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig

OWN = {'python', 'abi', 'gil', 'mutates', 'writes'}


def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True)


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(('[notice]', 'WARNING'))]
    return re.sub(r'^ERROR: ', '', lines[-1].strip()) if lines else 'pip printed nothing'


def pip_of(python):
    """Returns the command of a pip for this interpreter: its own, or that of its base."""
    own = [python, '-m', 'pip', '--disable-pip-version-check']
    if run(*own, '--version').returncode == 0:
        return own
    return [str(pathlib.Path(sys.base_prefix, 'bin', f'python{sysconfig.get_config_var("py_version_short")}')), *own[1:]]


def versions(pip, package, *options):
    """Returns the versions, the newest first, and what pip printed."""
    done = run(*pip, 'index', 'versions', package, *options)
    found = re.search(r'^Available versions: (.*)$', done.stdout, re.M)
    return found[1].split(', ') if found else [], last_line(done.stderr or done.stdout)


def list_versions(facts):
    pip = pip_of(sys.executable)
    wheels, why = versions(pip, facts['package'], '--only-binary', ':all:')
    if not wheels:
        return {'why': why}
    everything, _ = versions(pip, facts['package'])
    return {'versions': wheels[::-1], 'without': [each for each in everything[::-1] if each not in wheels]}


def install(facts):
    """Makes a venv under the cache, named by what is in it. A name without `done` is the rest of a run that was ended."""
    package, version = facts['package'], facts['version']
    pins = sorted(f'{name}=={value}' for name, value in facts['environment'].items()
                  if name not in OWN and name[0] != '_' and name.lower() != package.lower() and re.match(r'\d', value))
    wanted = [f'{package}=={version}', *pins]
    cache = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache', 'ftstress', 'bisect')
    key = hashlib.sha256(json.dumps([sys.base_prefix, sysconfig.get_config_var('SOABI'), wanted]).encode()).hexdigest()[:12]
    venv = cache / f'{package}-{version}-{key}'
    if not (venv / 'done').exists():
        shutil.rmtree(venv, ignore_errors=True)
        made = run(sys.executable, '-m', 'venv', venv)
        if made.returncode:
            return {'why': last_line(made.stderr or made.stdout)}
        done = run(venv / 'bin' / 'python', '-m', 'pip', '--disable-pip-version-check', 'install', '--only-binary', ':all:',
                   *wanted)
        if done.returncode:
            shutil.rmtree(venv, ignore_errors=True)
            return {'why': last_line(done.stderr)}
        (venv / 'done').touch()
    return {'python': str(venv / 'bin' / 'python')}


def main():
    answer = {'list': list_versions, 'install': install}[sys.argv[1]](json.loads(sys.argv[2]))
    print('ftstress\tversions\t' + json.dumps(answer))


main()
