"""Runs a program under a seccomp filter that refuses personality(2), as sandboxes do: refuse_personality.py PROGRAM..."""
import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
SECCOMP_ERRNO, SECCOMP_ALLOW = 0x00050000, 0x7fff0000
SYS_PERSONALITY = 135  # x86-64

FILTER = b''.join(struct.pack('HBBI', *instruction) for instruction in (
    (LOAD_WORD, 0, 0, 0),  # the number of the system call
    (JUMP_IF_EQUAL, 0, 1, SYS_PERSONALITY),
    (RETURN, 0, 0, SECCOMP_ERRNO | errno.EPERM),
    (RETURN, 0, 0, SECCOMP_ALLOW)))

if __name__ == '__main__':
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    code = ctypes.create_string_buffer(FILTER)
    program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(FILTER) // 8, ctypes.addressof(code)))
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0):
        sys.exit(f'no filter: {os.strerror(ctypes.get_errno())}')
    os.execv(sys.argv[1], sys.argv[1:])
