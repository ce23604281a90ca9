"""Runs inside gdb: stops the process when its threads hang, and selects the thread that the finding names first. FRAMES has
the functions of that thread, the innermost first; SECONDS is how long the process must have been asleep."""
import os
import signal
import threading
import time

import gdb

POLL = 0.5  # s
own = {'pid': 0}


def used(pid):
    """Returns the processor time of the process, and whether a thread of it runs."""
    used, runs = 0, False
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/stat', encoding='utf-8', errors='replace') as stat:
            fields = stat.read().rpartition(')')[2].split()
        used += int(fields[11]) + int(fields[12])
        runs |= fields[0] == 'R'
    return used, runs


def watch():
    """gdb is asleep while the process runs, so another thread looks at it."""
    last, since = None, time.monotonic()
    while True:
        time.sleep(POLL)
        try:
            now = own['pid'], *used(own['pid'])
        except OSError:
            now = None
        if now is None or now != last or now[2]:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > SECONDS:
            os.kill(own['pid'], signal.SIGINT)
            since = time.monotonic() + 3600


def frames(thread):
    thread.switch()
    frame, names = gdb.newest_frame(), []
    while frame and len(names) < 64:
        names.append(frame.name())
        frame = frame.older()
    return names


def likeness(thread):
    """Returns how many functions of the finding the thread is in, and whether in the innermost ones."""
    names = frames(thread)
    return sum(name in names for name in FRAMES), sum(name in names for name in FRAMES[:8])


def select():
    best = max(gdb.selected_inferior().threads(), key=likeness, default=None)
    if best:
        best.switch()


def note(event):
    own['pid'] = event.inferior_thread.ptid[0]


gdb.events.new_thread.connect(note)
threading.Thread(target=watch, daemon=True).start()
