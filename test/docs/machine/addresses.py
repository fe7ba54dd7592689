#!/usr/bin/python3
"""Brings up the loopback interface of a new network namespace, with one more address. (ip is in no minimal Debian.)"""
import fcntl
import socket
import struct
import sys

SIOCSIFFLAGS, SIOCSIFADDR = 0x8914, 0x8916
IFF_UP, IFF_RUNNING = 0x1, 0x40

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
    fcntl.ioctl(link, SIOCSIFFLAGS, struct.pack('16sh14x', b'lo', IFF_UP | IFF_RUNNING))
    address = struct.pack('HH4s8x', socket.AF_INET, 0, socket.inet_aton(sys.argv[1]))
    fcntl.ioctl(link, SIOCSIFADDR, struct.pack('16s16s', b'lo:1', address))
