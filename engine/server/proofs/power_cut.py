#!/usr/bin/env python3
"""Power cuts: a file system on a loop device is shut down under load, without flushing its log.

usage: power_cut.py [--rounds N] [--fs ext4,xfs] [--sizes 800,20000,200000] [--seed S]

Each round makes a fresh file system, serves on it, sends from eight connections, and at a random
moment shuts the file system down (EXT4_IOC_SHUTDOWN / XFS_IOC_GOINGDOWN, flag NOLOGFLUSH): from
then on nothing more reaches the device. Then the process is killed, the file system mounted anew,
and everything that was acknowledged *before* the shutdown must be there, exactly once.

The negative control runs the same rounds against a listener that acknowledges without syncing; it
must lose something, or the proof proves nothing. Exit 0: nothing lost. 1: something was. 77: this
machine does not allow loop mounts (skipped).
"""
import argparse, fcntl, os, random, re, shutil, struct, subprocess, sys, tempfile, threading, time
from real import BINARY, Sender, Sluice, admit, identifiers

GOING_DOWN = 0x8004587D
NO_LOG_FLUSH = 2


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Disk:
    """A file system in a file."""

    def __init__(self, folder, kind, megabytes=700):
        self.image, self.mount = os.path.join(folder, "disk.img"), os.path.join(folder, "mnt")
        os.makedirs(self.mount, exist_ok=True)
        with open(self.image, "wb") as f:
            f.truncate(megabytes << 20)
        run(f"mkfs.{kind}", *(["-q", "-F"] if kind == "ext4" else ["-q", "-f"]), self.image)
        self.up()

    def up(self):
        run("mount", "-o", "loop", self.image, self.mount)

    def down(self):
        for _ in range(100):
            if subprocess.run(["umount", self.mount], stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("cannot unmount")

    def cut(self):
        handle = os.open(self.mount, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, GOING_DOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(handle)


def load(port, tag, size, stop, acknowledged, sent):
    """One sender: (time of the answer, identifier) for each positive one."""
    number = 0
    try:
        sender = Sender(port, timeout=5)
    except OSError:
        return
    while not stop.is_set():
        identifier = f"{tag}{number:06d}"
        sent.append(identifier)
        answer = sender.exchange(admit(identifier, size))
        if answer is None:
            break
        if answer[0] in ("AA", "CA"):
            acknowledged.append((time.monotonic(), identifier))
        number += 1
    sender.close()


def senders(port, size, disk, rng):
    stop, acknowledged, sent = threading.Event(), [], []
    threads = [threading.Thread(target=load, args=(port, f"S{n}X", size, stop, acknowledged, sent))
               for n in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(rng.uniform(0.1, 0.8))
    cut_at = time.monotonic()
    disk.cut()
    stop.set()
    return threads, cut_at, acknowledged, sent


def round_of(folder, kind, size, rng):
    disk = Disk(folder, kind)
    data = os.path.join(disk.mount, "data")
    small = ["--set", "journal.segment_bytes=16777216", "--set", "journal.free_floor_bytes=67108864"]
    try:
        sluice = Sluice(data, small)
        threads, cut_at, acknowledged, sent = senders(sluice.mllp, size, disk, rng)
        sluice.kill()
        for thread in threads:
            thread.join()
        disk.down()
        disk.up()
        again = Sluice(data, small)
        again.caught_up()
        found = identifiers(again)
        again.stop()
        promised = [i for at, i in acknowledged if at < cut_at]
        lost = [i for i in promised if i not in found]
        twice = [i for i, count in found.items() if count > 1]
        asked = set(sent)
        strange = [i for i in found if i not in asked]
        return len(promised), len(lost), len(twice) + len(strange)
    finally:
        disk.down()


def control_round(folder, kind, size, rng):
    """The same against a listener that never syncs."""
    disk = Disk(folder, kind)
    log = os.path.join(disk.mount, "log")
    try:
        bare = subprocess.Popen([BINARY, "bench", "bare", "--file", log, "--no-sync"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        port = int(bare.stdout.readline().split(b":")[-1])
        first = Sender(port, timeout=120)  # It answers once its file is laid out and synced.
        first.exchange(admit("FIRST", size))
        first.close()
        threads, cut_at, acknowledged, _ = senders(port, size, disk, rng)
        bare.kill()
        bare.wait()
        for thread in threads:
            thread.join()
        disk.down()
        disk.up()
        # One pass over the file, which is large: a search for each message takes minutes.
        kept = open(log, "rb").read() if os.path.exists(log) else b""
        kept = set(re.findall(rb"\|(S\dX\d{6})\|P\|", kept))
        promised = [i for at, i in acknowledged if at < cut_at]
        return len(promised), sum(1 for i in promised if i.encode() not in kept)
    finally:
        disk.down()


def allowed(folder, kind):
    if os.geteuid() != 0 or not shutil.which(f"mkfs.{kind}"):
        return False
    try:
        Disk(folder, kind, 400).down()
        return True
    except (subprocess.CalledProcessError, RuntimeError):
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fs", default="ext4,xfs")
    parser.add_argument("--sizes", default="800,20000,200000")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    rng, failed, ran, folder = random.Random(asked.seed), False, False, tempfile.mkdtemp()
    for kind in asked.fs.split(","):
        if not allowed(folder, kind):
            print(f"skipped: {kind} (needs root, loop mounts and mkfs.{kind})")
            continue
        ran = True
        for size in map(int, asked.sizes.split(",")):
            totals = [0, 0, 0]
            for _ in range(asked.rounds):
                for index, count in enumerate(round_of(folder, kind, size, rng)):
                    totals[index] += count
            print(f"{kind} {size} B: {asked.rounds} power cuts, {totals[0]} acknowledged, "
                  f"{totals[1]} lost, {totals[2]} twice or never sent", flush=True)
            failed |= totals[1] > 0 or totals[2] > 0 or totals[0] == 0
        promised = lost = 0
        for _ in range(10):
            one = control_round(folder, kind, 800, rng)
            promised, lost = promised + one[0], lost + one[1]
            if lost:
                break
        print(f"{kind} negative control (no sync): {promised} acknowledged, {lost} lost", flush=True)
        failed |= lost == 0
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0 if ran else 77)


if __name__ == "__main__":
    main()
