"""The man page and the completions of the shells have all options and commands, and bash completes with its own."""
import os
import pty
import re
import select
import shutil
import subprocess
import time
import unittest
from pathlib import Path

from harness import BUILD, FTSTRESS, SANITIZED, EndToEnd, each

MANUAL = BUILD / 'manual'
BASH = shutil.which('bash')


def ftstress(*arguments):
    return subprocess.run([FTSTRESS, *arguments], capture_output=True, text=True, check=True).stdout


COMMANDS = re.findall(r'^  ftstress (\w+)', ftstress('--help'), re.MULTILINE)
OPTIONS = {command: re.findall(r'^  (?:(-\w),|   ) --([a-z-]+)', ftstress(command, '--help'), re.MULTILINE)
           for command in COMMANDS}


def words_of(*words):
    """Returns what the completion gives for the last of the words, by a call of its function."""
    script = (f'source {MANUAL}/ftstress.bash; ftstress() {{ {FTSTRESS} "$@"; }}; COMP_WORDS=("$@"); '
              'COMP_CWORD=$(($# - 1)); _ftstress; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run([BASH, '--norc', '-c', script, 'bash', 'ftstress', *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.split()


@unittest.skipIf(SANITIZED, 'sanitizer builds make no man page')
class Manual(EndToEnd):
    def setUp(self):
        self.assertGreaterEqual(len(COMMANDS), 9, COMMANDS)

    def read(self, form):
        return (MANUAL / f'ftstress.{form}').read_text()

    @each((command,) for command in COMMANDS)
    def test_man(self, command):
        """each option is in the man page, with the command"""
        page = self.read('man').replace('\\-', '-')
        self.assertIn(f'.SS {command}\n', page)
        for letter, name in OPTIONS[command]:
            items = [item for item in page.split('.TP\n') if f'\\fB--{name}\\fR' in item]
            self.assertEqual(len(items), 1, name)
            self.assertRegex(items[0], rf'Commands: [^.]*\b{command}\b')
            self.assertTrue(not letter or items[0].startswith(f'\\fB{letter}\\fR, '), items[0])

    @unittest.skipUnless(shutil.which('groff'), 'needs groff')
    def test_page(self):
        """groff sets the page without a warning"""
        done = subprocess.run(['groff', '-man', '-ww', '-Tutf8', MANUAL / 'ftstress.man'], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, '')
        self.assertIn('sharing level', done.stdout)

    @each((command,) for command in COMMANDS)
    def test_shells(self, command):
        """each option of a command is in the completions of bash, zsh and fish"""
        bash = words_of(command, '-')
        zsh = self.read('zsh').partition(f'\n    {command})\n')[2].partition(' ;;\n')[0]
        fish = [line for line in self.read('fish').splitlines() if f"__fish_seen_subcommand_from {command}'" in line]
        for letter, name in OPTIONS[command]:
            self.assertIn(f'--{name}', bash)
            self.assertIn(f"'*--{name}[", zsh)
            self.assertEqual(len([line for line in fish if f' -l {name} ' in line]), 1, name)
            if letter:
                self.assertIn(letter, bash)
                self.assertIn(f"'*{letter}[", zsh)

    @each([('detectors',), ('options',)])
    def test_reference(self, form):
        """the page of the reference is what the program prints"""
        page = Path(__file__).resolve().parents[2] / 'docs' / f'reference-{form}.md'
        self.assertEqual(page.read_text(), ftstress('--print', form), f'ftstress --print {form} >docs/{page.name} makes it anew')

    def test_detectors(self):
        """the reference has, for each detector, what it reports, does not see, costs, and where it works"""
        sections = re.split(r'^## ', ftstress('--print', 'detectors'), flags=re.MULTILINE)[1:]
        names = [line.split()[0] for line in ftstress('list', 'detectors').splitlines()]
        self.assertEqual([section.split()[0] for section in sections], names)
        for section in sections:
            for part in ('Reports', 'Does not see', 'Costs'):
                self.assertRegex(section, rf'(?m)^- {part}: \w')
            self.assertTrue('- Works in: ' in section or re.search('with `?--(tsan|under)', section), section)

    def test_syntax(self):
        """a shell that is here reads its completion"""
        for shell in filter(shutil.which, ('bash', 'zsh', 'fish')):
            subprocess.run([shell, '-n', MANUAL / f'ftstress.{shell}'], check=True)

    def test_words(self):
        """values and names are completed, also in lists"""
        self.assertEqual(words_of('mini'), ['minimize'])
        self.assertEqual(words_of('run', '--share', 'o'), ['one-writer'])
        self.assertEqual(words_of('run', '--detect', 'crash,gu'), ['crash,guard'])
        self.assertEqual(words_of('run', '--perturb', 'lockstep,fr'), ['lockstep,fresh'])
        self.assertEqual(words_of('report', '--as', 's'), ['sarif', 'script'])
        self.assertEqual(words_of('run', 'some'), ['somersd'])
        self.assertEqual(words_of('list', ''), ['scenarios', 'detectors', 'findings'])

    def test_terminal(self):
        """bash at a terminal completes with it"""
        process, terminal = pty.fork()
        if process == 0:
            os.execv(BASH, ['bash', '--norc', '--noprofile', '-i'])
        try:
            os.write(terminal, f'source {MANUAL}/ftstress.bash; ftstress() {{ echo "go""t:$*"; }}\n'.encode())
            os.write(terminal, b'ftstress run --shar\tone\t\n')
            text, end = '', time.monotonic() + 60
            while 'got:run --share one-writer' not in text and time.monotonic() < end:
                if select.select([terminal], [], [], 1)[0]:
                    text += os.read(terminal, 4096).decode(errors='replace')
        finally:
            os.kill(process, 9)
            os.waitpid(process, 0)
            os.close(terminal)
        self.assertIn('got:run --share one-writer', text)


if __name__ == '__main__':
    unittest.main()
