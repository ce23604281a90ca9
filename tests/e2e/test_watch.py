"""Lost updates: threads stall at words that they share, and another thread's write comes in between."""
import re
import tempfile
import unittest
from pathlib import Path

from harness import EndToEnd, each, run

WATCH = ('-t', 4, '--detect', 'watch', '--stop-on-first')
SETUP = ('-s', 'import watch_update as m; m.open_held()')


class LostUpdates(EndToEnd):
    def find(self, statement, *options):
        """On a busy machine threads seldom run at the same time: makes up to three runs."""
        for _ in range(3):
            done = run(*SETUP, '--time', 20, *WATCH, *options, statement)
            if done.findings(kind='data-race'):
                break
        self.expect(done, 1)
        finding = done.findings(kind='data-race')[0]
        self.assertEqual((finding['package'], finding['blame'], finding['severity']), ('watch_update', 'target', 'data-race'), done)
        return finding, done

    @each([('add', r'changes 8 bytes of added in watch_update\S+ by an instruction that is not atomic, and bug_add wrote them '
            r'in another thread before the first thread went on, they went from 0x[0-9a-f]+ to 0x[0-9a-f]+: no lock orders the two, '
            'and an update can be lost', 'read and write of 8 bytes in one instruction, not atomic', 'read and write of 8 bytes meanwhile, by thread '),
           ('load', r'reads 8 bytes of loaded in watch_update\S+ and then stores a value that depends on them; in between bug_load '
            r'wrote them in another thread, they went from 0(x[0-9a-f]+)? to 0x[0-9a-f]+, and that update is lost',
            'load of 8 bytes that a later store depends on', 'write of 8 bytes meanwhile, by thread '),
           ('heap', r'(reads|changes) 8 bytes of memory of the heap ', '', ''),
           ('index', r'reads 8 bytes of memory of the heap ', 'load of 8 bytes that a later store depends on', 'write of 8 bytes meanwhile'),
           ('push', r'reads 8 bytes of listed in watch_update\S+ and then stores the address of memory that it fills from them; in '
            r'between bug_push wrote them in another thread, they went from 0(x[0-9a-f]+)? to 0x[0-9a-f]+, and that update is lost',
            'load of 8 bytes that memory is filled from', 'write of 8 bytes meanwhile, by thread '),
           ('link', r'reads 8 bytes of linked in watch_update\S+ and then stores the address of memory that it fills from them; ',
            'load of 8 bytes that memory is filled from', 'write of 8 bytes meanwhile, by thread '),
           ('exchange', r'reads 8 bytes of kept\S* in watch_update\S+, stores others, and releases what the old ones point to; in between '
            r'bug_exchange wrote them in another thread, they went from 0x[0-9a-f]+ to 0x[0-9a-f]+: a reference is released twice, or never$',
            'load of 8 bytes that point to what is released', 'write of 8 bytes meanwhile, by thread '),
           ('clear', r'reads 8 bytes of cleared\S* in watch_update\S+, stores others, and releases what the old ones point to; in between '
            r'bug_clear wrote them in another thread, ', 'load of 8 bytes that point to what is released', 'write of 8 bytes meanwhile'),
           ('crowded', r'reads 8 bytes of crowded in watch_update\S+ and then stores a value that depends on them; in between bug_crowded ',
            'load of 8 bytes that a later store depends on', 'write of 8 bytes meanwhile, by thread ')])
    def test_finds(self, name, message, first, other):
        """an addition in one instruction, a load and a later store, one of the heap, new heads, exchanges, one before an abort: both stacks"""
        finding, done = self.find(f'm.bug_{name}({"thread_index" if name == "index" else ""})')
        self.assertEqual(finding['function'], f'bug_{name}', done)
        self.check(re.match(rf'bug_{name} \(watch_update\) {message}', finding['message']), done, finding['message'])
        titles = [stack['title'] for stack in finding['stacks']]
        self.check(titles[0].startswith(first) and titles[1].startswith(other), done, titles)
        self.check(re.search(r'by thread \d$', titles[0]) and re.search(r'by thread \d$', titles[1]), done, titles)
        self.check('stall' in finding['plan']['yaml'], done, 'the plan does not stall')

    def test_before_a_crash(self):
        """a process that ends in the middle of both calls waits for the thread that stalled: without that, one in 70 shows it"""
        for _ in range(2):
            done = run(*SETUP, '--time', 16, '-t', 4, '--detect', 'watch', '--verify', 0, 'm.bug_crowded()')
            count = sum(finding['count'] for finding in done.findings(kind='data-race'))
            if count >= max(2, len(done.json['children']) / 30):
                return
        self.fail(f'{count} of {len(done.json["children"])} children showed it{done}')

    def test_again(self):
        """the plan of a finding runs the kind of child that showed it, and shows it again"""
        finding, done = self.find('m.bug_load()', '--members', 'bare,watch')
        self.assertIn('\nmembers: watch\n', finding['plan']['yaml'], done)
        with tempfile.TemporaryDirectory() as folder:
            plan = Path(folder, 'plan.yaml')
            plan.write_text(finding['plan']['yaml'])
            again = run(plan, '--verify', 0, until=lambda done: done.findings(kind='data-race'))
        self.expect(again, 1)
        self.assertIn(finding['id'], [one['id'] for one in again.findings(kind='data-race')], again)
        self.assertEqual({child['member'] for child in again.json['children']}, {'watch'}, again)
        self.assertIn('members: only watch had turns; without --members, all kinds of children have some', again.json['notes'], again)

    def test_cannot(self):
        """a kind of child that cannot run is no clean run"""
        done = self.expect(run('-s', '', '--members', 'watch', '--perturb', 'off', '--time', 2, 'len([1])'), 3)
        self.assertIn('members: watch cannot run with these threads, detectors and perturbations; leave it out', done.json['reason'], done)

    def test_names_the_word(self):
        """a wrong result that stalls lead to names the word and the two instructions"""
        for _ in range(4):
            done = run('-s', 'import narrow', '--time', 6, '-t', 4, '--perturb', 'stall', '--detect', 'diverge',
                       'narrow.order_violation(7)')
            finding = next(iter(done.findings(kind='wrong-result')), {'explanation': []})
            lines = [line for line in finding['explanation'] if 'while ftstress stalled' in line]
            if lines:
                break
        self.check(lines, done, 'no finding names the word')
        place = r'order_violation \(narrow\S+\+0x[0-9a-f]+\)'
        self.check(re.fullmatch(r'seen while ftstress stalled (its thread|another thread) at (\S+ in narrow\S+|a word of the heap), '
                                rf'after {place} had touched it(; meanwhile {place} touched it in another thread)?', lines[0]), done, lines)

    def test_twin(self):
        """locks, a lock that an addition releases, atomic operations, hints, heads, exchanges, double-checked locking: no finding"""
        done = run(*SETUP, '--time', 6, *WATCH, 'm.twin(iteration_index)')
        self.expect(done, 0)
        self.assertEqual(done.json['findings'], [], done)


if __name__ == '__main__':
    unittest.main()
