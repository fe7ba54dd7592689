#!/usr/bin/python3
"""Types on a terminal: on-terminal SCRIPT PROMPT ANSWER [PROMPT ANSWER]...

Runs the script by bash, with a terminal of its own, and answers each prompt (a regular expression) whenever it stands at the
end of what was said. The answer `totp` is a code by the secret that was shown last. What was said goes to standard output. Ends with
the script's exit code, or with 124 after five minutes.
"""
import base64
import hashlib
import hmac
import os
import pty
import re
import select
import struct
import sys
import time


def code_of(said):
    secret = re.findall(r'secret=([A-Z2-7]+)', said)[-1]
    key = base64.b32decode(secret + '=' * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack('>Q', int(time.time()) // 30), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return '%06d' % ((struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000)


script, *pairs = sys.argv[1:]
answers = list(zip(pairs[::2], pairs[1::2]))
pid, terminal = pty.fork()
if pid == 0:
    os.execv('/bin/bash', ['bash', '-euo', 'pipefail', '-c', script])
said, answered, until = '', 0, time.monotonic() + 300
while time.monotonic() < until:
    if not select.select([terminal], [], [], 1)[0]:
        continue
    try:
        chunk = os.read(terminal, 65536)
    except OSError:  # the last of them has closed it
        chunk = b''
    if chunk == b'':
        sys.stdout.write(said.replace('\r\n', '\n'))
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
    said += chunk.decode()
    for prompt, answer in answers:
        if re.search(f'(?:{prompt})$', said[answered:]):
            answered = len(said)
            os.write(terminal, ((code_of(said) if answer == 'totp' else answer) + '\n').encode())
            break
sys.stdout.write(said)
sys.stderr.write('on-terminal: it did not end\n')
sys.exit(124)
