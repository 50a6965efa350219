"""Computes and waits, over and over, until told to stop; run as a process of its own.

Run as ``python worker_process.py LOOPS IO_S``; for each line ``BEGIN END`` on standard input it
works until the clock says END and answers with the number of requests done since BEGIN.
"""

import sys
import time


def spin(loops: int) -> None:
    """Compute for a while; holds CPython's lock all the time."""
    for _ in range(loops):
        pass


def work(loops: int, io_s: float, begin: float, end: float) -> int:
    """Serve requests until the clock says `end`; return how many were done since `begin`.

    The clock is that of the machine, so all workers count in one and the same window, also those
    that had to wait before they could start.
    """
    count = 0
    while True:
        spin(loops)
        time.sleep(io_s)
        now = time.perf_counter()
        if now >= end:
            return count
        count += now >= begin


def main(loops: int, io_s: float) -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        print(work(loops, io_s, *map(float, line.split())), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
