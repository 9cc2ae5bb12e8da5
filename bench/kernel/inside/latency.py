"""
How long a connection takes, in milliseconds: the first one after a while, when nothing is cached in either switch's kernel
part, and later ones. Prints a figure a line.

latency.py ADDRESS ROUNDS
"""
import os
import socket
import subprocess
import sys
import time

address, rounds = sys.argv[1], int(sys.argv[2])
# Before this, each way has passed as many connections as there are real servers.
FIGURES = ['first', None, None, None, 'next', 'next', 'next']


def purge():
    for name in ('director', 'host'):
        subprocess.run(['ovs-appctl', '-t', 'ovs-vswitchd', 'revalidator/purge'],
                       env={**os.environ, 'OVS_RUNDIR': f'/run/ovs/{name}'}, check=True)


for _ in range(rounds):
    purge()
    for figure in FIGURES:
        client = socket.socket()
        client.settimeout(3)
        begin = time.perf_counter_ns()
        try:
            client.connect((address, 80))
        except OSError:
            continue
        if figure is not None:
            print(figure, (time.perf_counter_ns() - begin) / 1e6, flush=True)
        client.close()
        time.sleep(0.01)
