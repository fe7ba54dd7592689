#!/usr/bin/python3
"""Runs commands of the AWS CLI, one after another in one process: most of the time of each is the start.

Reads lines: the beginning of file names. `.words` has the arguments, `.env` the environment, each ended by a NUL; output
goes to `.out` and `.err`. Answers with a line: the same, and the exit code.
"""

import os
import sys

import awscli.clidriver

driver = awscli.clidriver.create_clidriver()
# What awscli has set itself while it was loaded.
own = {name: value for name, value in os.environ.items() if name == 'AWS_DATA_PATH'}


def read(name):
    with open(name, encoding='utf-8') as file:
        return file.read().split('\0')[:-1]


def run(words):
    try:
        return driver.main(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


def run_into(ask):
    """With standard output and error in files, also for what writes to them past Python's streams."""
    kept = {number: os.dup(number) for number in (1, 2)}
    for number, name in ((1, '.out'), (2, '.err')):
        file = os.open(ask + name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
        os.close(file)
    try:
        return run(read(ask + '.words'))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, file in kept.items():
            os.dup2(file, number)
            os.close(file)


for line in sys.stdin:
    ask = line.rstrip('\n')
    os.environ.clear()
    os.environ.update(own)
    os.environ.update(pair.split('=', 1) for pair in read(ask + '.env'))
    print(ask, run_into(ask), flush=True)
