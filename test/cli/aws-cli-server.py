#!/usr/bin/python3
"""Runs the AWS CLI's commands, each in a fork of a process that has loaded it already: most of its time is the loading.

Reads lines: the beginning of file names. `.words` has the arguments, `.env` the environment, each ended by a NUL; output
goes to `.out` and `.err`. Answers with a line: the same, and the exit code.
"""

import gc
import os
import sys

import awscli.clidriver

driver = awscli.clidriver.create_clidriver()
models = driver.session.get_component('data_loader')
models.load_data('endpoints')
for service in ('iam', 'kms', 's3'):
    models.load_service_model(service, 'service-2')


def read(name):
    with open(name, encoding='utf-8') as file:
        return file.read().split('\0')[:-1]


def run(ask):
    for name, number in (('.out', 1), ('.err', 2)):
        os.dup2(os.open(ask + name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    # What awscli has set itself while it was loaded.
    data = os.environ['AWS_DATA_PATH']
    os.environ.clear()
    os.environ.update(AWS_DATA_PATH=data)
    os.environ.update(pair.split('=', 1) for pair in read(ask + '.env'))
    return driver.main(read(ask + '.words'))


# A collection would touch, and so copy, every page that the forks share.
gc.disable()
gc.freeze()

for line in sys.stdin:
    ask = line.rstrip('\n')
    child = os.fork()
    if child == 0:
        code = 255
        try:
            code = run(ask)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    print(ask, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
