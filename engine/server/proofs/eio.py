#!/usr/bin/env python3
"""The k-th fdatasync, fsync and pwrite of the journal fails, for every k up to the first clean run.

usage: eio.py [--calls fdatasync,fsync,pwrite64,short] [--most K] [--step S]

A preloaded library makes one call fail with EIO. Whatever was acknowledged must be there after a
restart; the process must have stopped by itself with exit code 70 (or carried on, where the call
that failed was not a promise's); and no sync may ever be tried again on the file that failed.
Exit 0, 1, or 77 without a C compiler.
"""
import argparse, os, shutil, subprocess, sys, tempfile
from real import Sender, Sluice, admit, identifiers

SETTINGS = ["--set", "journal.segment_bytes=1048576", "--set", "journal.entry_bytes_max=262144",
            "--set", "mllp.frame_bytes_max=131072"]
MESSAGES = 60


def one(folder, library, call, k):
    data, log = os.path.join(folder, "data"), os.path.join(folder, "eio.log")
    for path in (data, log):
        shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else (os.path.exists(path) and os.remove(path))
    env = {"LD_PRELOAD": library, "EIO_CALL": call, "EIO_AT": str(k), "EIO_PATH": "/data/journal", "EIO_LOG": log}
    acknowledged, code = [], None
    try:
        sluice = Sluice(data, SETTINGS, env=env)
        sender = Sender(sluice.mllp, timeout=10)
        for n in range(MESSAGES):
            identifier = f"E{n:05d}"
            answer = sender.exchange(admit(identifier, 30000))
            if answer is None:
                break
            if answer[0] == "AA":
                acknowledged.append(identifier)
        try:
            code = sluice.process.wait(0.5)
        except subprocess.TimeoutExpired:
            sluice.kill()
    except (RuntimeError, OSError):
        pass  # It failed while starting, and left: nothing was acknowledged.
    told = open(log).read() if os.path.exists(log) else ""
    hit = "failed" in told
    problems = []
    if "again" in told and call in ("fdatasync", "fsync"):
        problems.append("a sync was tried again on the file that failed")
    again = Sluice(data, SETTINGS)
    again.caught_up()
    found = identifiers(again)
    lost = [i for i in acknowledged if found.get(i) != 1]
    if lost:
        problems.append(f"{len(lost)} acknowledged messages lost or twice")
    if hit and code is not None and code != 70:
        problems.append(f"left with {code}, not 70")
    sender = Sender(again.mllp)
    if sender.exchange(admit("AFTER", 900)) != ("AA", "AFTER"):
        problems.append("took nothing after the restart")
    again.kill()
    return hit, len(acknowledged), code, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", default="fdatasync,fsync,pwrite64,short")
    parser.add_argument("--most", type=int, default=1000)
    parser.add_argument("--step", type=int, default=1)
    asked = parser.parse_args()
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        print("skipped: needs a C compiler")
        sys.exit(77)
    folder = tempfile.mkdtemp()
    library = os.path.join(folder, "eio.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "eio.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    failed = False
    for call in asked.calls.split(","):
        runs = stops = 0
        for k in range(1, asked.most + 1, asked.step):
            hit, acknowledged, code, problems = one(folder, library, call, k)
            runs += 1
            stops += code == 70
            for problem in problems:
                failed = True
                print(f"{call} {k}: {problem}")
            if not hit:
                break
        print(f"{call}: every {asked.step}. call up to {k}: {runs} runs, {stops} left with 70, "
              f"{'the last one clean' if not hit else 'stopped early'}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
