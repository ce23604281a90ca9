"""Handlers of the target: they make no detector blind, and no report false."""
import unittest

from harness import OWN_MALLOC, SANITIZED, EndToEnd, each, functions, run

CRASH = 'import crash_null_write as m, signal_handlers as h'
BUG = 'm.bug(None, 1)'


@unittest.skipIf(SANITIZED, OWN_MALLOC)
class Handlers(EndToEnd):
    @each([('at_import', CRASH, BUG),
           ('each_call', CRASH, f'h.take(); {BUG}'),
           ('that_raise_again', CRASH, f'h.take_to_raise(); {BUG}'),
           ('of_python', 'import signal, crash_null_write as m; signal.signal(signal.SIGSEGV, lambda *_: None)', BUG),
           ('of_faulthandler', 'import faulthandler, crash_null_write as m; faulthandler.enable()', BUG)])
    def test_crash(self, _, setup, step):
        """a crash under handlers of the target is found where it happens"""
        done = self.expect(run('-s', setup, step, '--time', '4'), 1)
        self.assertEqual(done.kinds(), ['crash'], done)
        finding = done.findings()[0]
        self.assertEqual((finding['function'], finding['package']), ('bug', 'crash_null_write'), done)
        self.assertIn('Segmentation fault at address 0', finding['message'], done)
        self.assertEqual(functions(finding['stacks'][0])[0], 'bug', done)

    def test_abort(self):
        """abort() under a handler that returns is found where it happens"""
        done = self.expect(run('-s', 'import crash_abort as m, signal_handlers as h', 'h.take(); m.bug()', '--time', '3'), 1)
        finding = done.findings(kind='crash')[0]
        self.assertEqual((finding['function'], finding['package']), ('bug', 'crash_abort'), done)

    def test_exit(self):
        """a handler that ends the process is no plain exit"""
        done = self.expect(run('-s', CRASH, f'h.take_to_leave(); {BUG}', '--time', '3'), 1)
        self.assertIn("a handler of the target got Segmentation fault and ended the process with status 70",
                      done.findings(kind='crash')[0]['message'], done)

    def test_tripwire(self):
        """the tripwire sees a hidden write under handlers, signal stacks and masks of the target"""
        done = self.expect(run('-s', 'import tripwire_data as m, signal_handlers as h', '-i', 'x=f8[20]',
                               'h.take(); m.bug(x)', '--detect', 'tripwire', '--time', '3'), 1)
        self.check(done.findings(kind='input-mutated', function='bug'), done, 'the write is not found')

    def test_past_libc(self):
        """a handler that the kernel got directly is replaced after the round, and noted"""
        step = f'h.take_past_libc() if iteration_index == 250 else {BUG}'
        done = run('-s', CRASH.replace('crash_null_write', 'counter'), step.replace(BUG, 'm.add(1)'), '--time', '3')
        self.expect(done, 0)
        self.check(any('crash, tripwire and guard missed' in note for note in done.json['notes']), done, 'no note')

    @each([('jumps_out', 'h.jump_out()'), ('opens_a_page', 'h.open_page()')])
    def test_healthy(self, _, step):
        """a target that recovers from faults of its own is clean"""
        self.expect(run('-s', 'import signal_handlers as h', step, '--time', '4'), 0)


if __name__ == '__main__':
    unittest.main()
