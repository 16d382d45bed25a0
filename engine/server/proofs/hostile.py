#!/usr/bin/env python3
"""Attacks on the real binary, each with the promise that it tries to break.

usage: hostile.py [--only NAME[,NAME…]] [--theme mllp,wire,http,host,disk] [--seed S] [--long]

Every attack starts processes of its own on ports of the kernel's choice and ends them. The seed is
printed; the same seed attacks alike. Exit 0: everything held; 1: something did not.
"""
import argparse, resource, sys, time, traceback
import hostile_disk, hostile_host, hostile_http, hostile_mllp, hostile_wire
from attack import Broken, Room, Skipped

THEMES = {"mllp": hostile_mllp.ATTACKS, "wire": hostile_wire.ATTACKS, "http": hostile_http.ATTACKS,
          "host": hostile_host.ATTACKS, "disk": hostile_disk.ATTACKS}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--theme", default=",".join(THEMES))
    parser.add_argument("--seed", type=int, default=20261120)
    parser.add_argument("--long", action="store_true")
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # Floods need more sockets than the usual 1 024.
    resource.setrlimit(resource.RLIMIT_NOFILE, (most if 0 < most < 65536 else 65536, most))
    only, failed, ran = [name for name in asked.only.split(",") if name], 0, 0
    for theme in asked.theme.split(","):
        for attack in THEMES[theme]:
            name = attack.__name__
            if only and name not in only:
                continue
            began = time.monotonic()
            try:
                with Room(asked.seed, asked.long) as room:
                    told = attack(room)
                verdict = "held"
            except Skipped as why:
                verdict, told = "skipped", why
            except Broken as what:
                verdict, told, failed = "BROKEN", what, failed + 1
            except Exception as what:  # The attack itself fell over: the others go on, and it counts.
                traceback.print_exc()
                verdict, told, failed = "BROKEN", f"{type(what).__name__}: {what}", failed + 1
            ran += 1
            print(f"{verdict} {theme}/{name}: {told} [{time.monotonic() - began:.1f} s]", flush=True)
    print(f"{ran} attacks, {failed} broken")
    sys.exit(1 if failed or not ran else 0)


if __name__ == "__main__":
    main()
