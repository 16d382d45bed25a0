#!/usr/bin/env python3
"""A disk that fills up under load: refusals that can be retried, nothing lost, and it heals.

usage: full_disk.py [--rounds N]

Serves on a small loop-mounted ext4, fills the rest of it with ballast while sending, and checks:
every answer is AA or the transient refusal (AR, ERR-3 207), reads go on, restarting while full
works and loses nothing, and when the ballast goes the same messages are taken. Exit 0, 1, or 77
where loop mounts are not allowed.
"""
import argparse, os, shutil, sys, tempfile, time
from power_cut import Disk, allowed
from real import Sender, Sluice, admit, identifiers

FLOOR = 32 << 20
SETTINGS = ["--set", f"journal.segment_bytes={4 << 20}", "--set", f"journal.free_floor_bytes={FLOOR}",
            "--set", f"journal.entry_bytes_max={3 << 19}", "--set", f"mllp.frame_bytes_max={1 << 20}",
            "--set", f"state.free_floor_bytes={FLOOR}"]


def fill(mount):
    """Leaves less than the floor free."""
    ballast = os.path.join(mount, "ballast")
    with open(ballast, "ab") as f:
        while os.statvfs(mount).f_bavail * os.statvfs(mount).f_frsize > FLOOR // 2:
            f.write(b"\0" * (1 << 20))
            f.flush()
    return ballast


def one_round(folder, number):
    disk = Disk(folder, "ext4", 160)
    data, problems, accepted = os.path.join(disk.mount, "data"), [], []
    try:
        sluice = Sluice(data, SETTINGS)
        sender = Sender(sluice.mllp)
        for n in range(200):
            identifier = f"B{number}X{n:05d}"
            if sender.exchange(admit(identifier, 20000)) == ("AA", identifier):
                accepted.append(identifier)
        if len(accepted) != 200:
            problems.append(f"only {len(accepted)} of 200 accepted before the disk was full")
        ballast = fill(disk.mount)
        refused = []
        for n in range(2000):
            identifier = f"F{number}X{n:05d}"
            answer = sender.exchange(admit(identifier, 20000))
            if answer == ("AA", identifier):
                accepted.append(identifier)
            elif answer == ("AR", identifier):
                refused.append(identifier)
                if len(refused) > 50:
                    break
            else:
                problems.append(f"full: answered {answer}")
                break
        if not refused:
            problems.append("a full disk refused nothing")
        sluice.caught_up()
        if len(identifiers(sluice)) < len(accepted):
            problems.append("reads did not go on while full")
        sluice.kill()
        for _ in range(5):  # A supervisor restarts it again and again.
            sluice = Sluice(data, SETTINGS)
            sluice.caught_up()
            missing = [i for i in accepted if i not in identifiers(sluice)]
            if missing:
                problems.append(f"restarted while full: {len(missing)} missing")
            sluice.kill()
        sluice = Sluice(data, SETTINGS)
        os.remove(ballast)
        end, healed = time.time() + 10, False
        sender = Sender(sluice.mllp)
        while time.time() < end and not healed:
            answer = sender.exchange(admit(refused[0], 20000)) if refused else None
            healed = answer is not None and answer[0] == "AA"
            time.sleep(0.1)
        if not healed:
            problems.append("did not heal within 10 s of the space's return")
        else:
            accepted.append(refused[0])
        sluice.caught_up()
        found = identifiers(sluice)
        missing = [i for i in accepted if found.get(i) != 1]
        if missing:
            problems.append(f"{len(missing)} accepted messages missing or twice in the end")
        if sluice.stop() != 0:
            problems.append("did not stop cleanly")
        return len(accepted), len(refused), problems
    finally:
        disk.down()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    folder = tempfile.mkdtemp()
    if not allowed(folder, "ext4"):
        print("skipped: needs root, loop mounts and mkfs.ext4")
        sys.exit(77)
    failed = False
    for number in range(asked.rounds):
        accepted, refused, problems = one_round(folder, number)
        print(f"round {number}: {accepted} accepted, {refused} refused while full, "
              f"{'nothing lost, healed' if not problems else '; '.join(problems)}", flush=True)
        failed |= bool(problems)
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
