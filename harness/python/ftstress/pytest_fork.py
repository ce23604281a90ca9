"""The calls of tests in a fork of pytest, before its own: a test that ends the process ends only the fork."""
import faulthandler
import os
import signal
import threading
import warnings

from _pytest.runner import runtestprotocol

BEGUN, ENDED = b'.', b'!'


def call(items, nextitem, failures, pipe):
    """Calls the tests, until as many fail as pytest has left before it ends. Tells the pipe of each that begins."""
    faulthandler.disable()  # its dump would be of a process that is not the user's
    for item, following in zip(items, [*items[1:], nextitem]):
        os.write(pipe, BEGUN)
        reports = runtestprotocol(item, log=False, nextitem=following)
        failures -= any(report.failed for report in reports)
        if failures == 0:
            return
    items[0].session._setupstate.teardown_exact(None)


def fork():
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of threads: those of libraries, which know forks
        return os.fork()


def read_all(pipe):
    with os.fdopen(pipe, 'rb') as file:
        return file.read()


def call_in_fork(items, nextitem, failures):
    """Returns how many tests began, and how the process ended; '' where all of them came to their end."""
    reader, writer = os.pipe()
    pid = fork()
    if pid == 0:
        try:
            call(items, nextitem, failures, writer)
        finally:  # of an error, too: pytest meets it again
            os.write(writer, ENDED)
            os._exit(0)
    os.close(writer)
    told = read_all(reader)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    how = f'signal {signal.Signals(-status).name}' if status < 0 else f'exit status {status}'
    return told.count(BEGUN), '' if told.endswith(ENDED) else how


def find_ends(items, nextitem, failures):
    """Returns the tests that end the process, with how it ended. In a process with threads of Python it calls none: a
    fork has only one of them, and may wait for ever for the others."""
    ends = {}
    while items and failures > 0 and threading.active_count() == 1:
        n, how = call_in_fork(items, nextitem, failures)
        if not how or n == 0:
            break
        ends[items[n - 1].nodeid] = how
        items = items[n:]
        failures -= 1
    return ends


def drop_captured(config):
    """What a fork wrote stays in the files of pytest's capture, if it ended in a test."""
    capture = config.pluginmanager.getplugin('capturemanager')
    if capture and capture.is_globally_capturing():
        capture.read_global_capture()
