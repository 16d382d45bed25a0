#!/usr/bin/env python3
"""MLLP out to a server made of python-hl7 that fails, hangs, resets and slows on script.

usage: out_hl7.py SCRATCH [--messages N] [--seed S]

One scene after the other on the same data: the peer answers "later", does not answer in time, resets before and after
it took a message, is slow, does all of it while the engine is killed and stopped, and takes everything. Then
an operator pauses the destination, the engine is killed, and the operator starts it again. In the end, for each patient: all
acknowledged messages arrived (lost 0) in order (disorder 0); what came again had the same bytes, and came only where
the peer's own answer may have been lost with its connection (needless 0). SCRATCH holds the package hl7 where this Python
does not. Exit 0, 1, or 77 where it cannot be had.
"""
import argparse, asyncio, atexit, json, os, random, shutil, subprocess, sys, tempfile, threading, time
from outward import Feed, depth, must, queue, until, wrong
from real import BINARY, CONFIG, Sender, Sluice

try:
    import hl7
    from hl7.mllp import InvalidBlockError, start_hl7_server
except ImportError:
    hl7 = None


def under_a_python_with_hl7(scratch):
    """Goes on there; or leaves with 77."""
    venv = os.path.join(scratch, "venv")
    python = os.path.join(venv, "bin", "python")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if os.environ.get("OUT_HL7") != python:
        if not os.path.exists(python):
            subprocess.run([sys.executable, "-m", "venv", venv], **quiet)
        if os.path.exists(python):
            if subprocess.run([python, "-c", "import hl7.mllp"], **quiet).returncode:
                subprocess.run([python, "-m", "pip", "install", "-q", "hl7"], **quiet)
            os.execve(python, [python, *sys.argv], {**os.environ, "OUT_HL7": python, "SLUICE_BINARY": BINARY})
    print("skipped: the Python package hl7 cannot be had")
    sys.exit(77)


# What the peer does with a message, by lot: up to which it does what.
SCENES = {
    "it fails": [(0.15, "later"), (0.25, "busy")],
    "it hangs": [(0.03, "hang")],
    "it resets": [(0.05, "reset before"), (0.10, "reset after")],
    "it is slow": [(0.30, "slow")],
    "all of it": [(0.05, "later"), (0.06, "hang"), (0.08, "reset before"), (0.10, "reset after"), (0.20, "slow")],
    "it takes everything": [],
}


class Peer:
    """A python-hl7 server in a thread of its own."""

    def __init__(self, rng):
        self.rng, self.scene, self.connections, self.port = rng, "it takes everything", 0, None
        # In order: connection, control id, bytes, and whether AA was said.
        self.taken, self.faulty, self.deeds = [], set(), {}
        threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True).start()
        assert until(lambda: self.port)

    async def serve(self):
        server = await start_hl7_server(self.talk, "127.0.0.1", 0, encoding="utf-8")
        self.port = server.sockets[0].getsockname()[1]
        await server.serve_forever()

    async def talk(self, reader, writer):
        connection, self.connections = self.connections, self.connections + 1
        try:
            while True:
                if await self.one(connection, await reader.readmessage(), writer):
                    self.faulty.add(connection)
                    return writer.transport.abort()
        except (asyncio.IncompleteReadError, ConnectionError, InvalidBlockError):
            pass
        writer.close()

    async def one(self, connection, message, writer):
        """Whether the connection is to be reset."""
        lot = self.rng.random()
        deed = next((deed for below, deed in SCENES[self.scene] if lot < below), "take")
        self.deeds[deed] = self.deeds.get(deed, 0) + 1
        if deed == "reset before":
            return True
        if deed in ("later", "busy"):
            ack = message.create_ack("AE" if deed == "later" else "AR")
            ack = f"{ack}ERR|||207|E\r" if deed == "later" else str(ack)
            writer.writeblock(ack.encode())
            await writer.drain()
            return False
        entry = [connection, str(message.segment("MSH")[10]), str(message), False]
        self.taken.append(entry)
        if deed == "reset after":
            return True
        if deed == "hang":
            self.faulty.add(connection)
            await asyncio.sleep(1.2)
        if deed == "slow":
            await asyncio.sleep(self.rng.uniform(0.005, 0.06))
        writer.writemessage(message.create_ack("AA"))
        entry[3] = True
        await writer.drain()
        return False

    def came(self):
        return [control_id for _, control_id, _, _ in self.taken]

    def judge(self):
        """How many came again; with other bytes; and though the answer cannot have been lost."""
        times = {}
        for entry in self.taken:
            times.setdefault(entry[1], []).append(entry)
        again = [sorted(entries, key=lambda e: e[0]) for entries in times.values() if len(entries) > 1]
        other = sum(len({entry[2] for entry in entries}) > 1 for entries in again)
        needless = sum(before[3] and before[0] not in self.faulty
                       for entries in again for before, _ in zip(entries, entries[1:]))
        return sum(len(entries) - 1 for entries in again), other, needless


def sluice_says(sluice, *arguments):
    url = f"http://127.0.0.1:{sluice.ports['http']}"
    done = subprocess.run([BINARY, *arguments, "--url", url], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def kill(sluice, peer):
    """What was delivered in its last second may come again."""
    sluice.kill()
    peer.faulty.update(range(peer.connections))


def paused(sluice, start, feed, peer):
    """An operator pauses the one destination; the other goes on. Returns the engine, started again."""
    before, count, late = len(peer.taken), 40, set(peer.faulty)
    code, said = sluice_says(sluice, "channels", "pause", "EJ1.mllp", "--destination", "peer")
    must(code == 0 and " paused " in said, f"sluice channels pause EJ1.mllp --destination peer: {said.strip()}")
    sender = Sender(sluice.mllp)
    assert all(feed.send(sender) for _ in range(count))
    must(until(lambda: depth(sluice, "archive") == 0), "the other destination goes on")
    must(until(lambda: depth(sluice, "peer") == count), f"{count} wait for the one that is paused")
    kill(sluice, peer)
    sender.close()
    sluice = start()
    must(until(lambda: depth(sluice, "peer") >= count), "and after a kill -9 they still do")
    must(until(lambda: queue(sluice, "peer")["oldest"]), "it reads on")
    told = queue(sluice, "peer")
    must((told["state"], told["in_flight"]) == ("paused", 0),
         f"/api/queues: {told['state']}, {told['depth']} since {told['oldest']}")
    # One that hung may yet read what a connection held that is long gone.
    sent = [connection for connection, *_ in peer.taken[before:] if connection not in late]
    must(not sent, f"nothing was sent (read late: {len(peer.taken) - before})")
    code, said = sluice_says(sluice, "channels", "pause", "EJ1.mllp", "--destination", "nobody")
    must(code != 0 and "404" in said, "a destination that is not there cannot be paused")
    code, said = sluice_says(sluice, "channels", "start", "EJ1.mllp", "--destination", "peer")
    must(code == 0 and " paused " not in said, f"sluice channels start EJ1.mllp --destination peer: {said.strip()}")
    must(until(lambda: depth(sluice) == 0), "they are delivered")
    acts = sluice.json("/api/acts?ej=EJ1")["acts"]
    acts = [act for act in acts if act["act"].startswith("destination_")]
    must([act["act"] for act in acts] == ["destination_started", "destination_paused"]
         and all(act["by"] and act["at"] and act["destination"] == "peer" for act in acts),
         "both are acts: " + json.dumps(acts[0]))
    return sluice


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scratch")
    parser.add_argument("--messages", type=int, default=150)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    if hl7 is None:
        under_a_python_with_hl7(asked.scratch)
    print(f"seed {asked.seed}, python-hl7 {hl7.__version__}")
    peer, feed = Peer(random.Random(asked.seed + 1)), Feed(random.Random(asked.seed))
    root = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    config = CONFIG + f"""
[[channel.destination]]
type = "mllp"
name = "peer"
address = "127.0.0.1:{peer.port}"
answer_timeout_ms = 800
delivery = {{ from = "beginning", window = 8, retry_first_ms = 5, retry_max_ms = 50, breaker_failures = 20, \
breaker_open_ms = 50, answered_retries_max = 0 }}
[[channel.destination]]
type = "file"
name = "archive"
folder = "{root}/archive"
"""
    start = lambda: Sluice(os.path.join(root, "data"), config=config)
    sluice = start()
    for scene in SCENES:
        peer.scene, before = scene, len(peer.taken)
        sender = Sender(sluice.mllp)
        for n in range(asked.messages):
            assert feed.send(sender), "what goes in is taken, whatever happens on the way out"
            if scene == "all of it" and n % (asked.messages // 3) == asked.messages // 4:
                # By turns; what a stop leaves is not delivered again, what a kill leaves may be.
                if n < asked.messages // 2:
                    kill(sluice, peer)
                else:
                    must(sluice.stop() == 0, "a stop in between")
                sender.close()
                sluice = start()
                sender = Sender(sluice.mllp)
        sender.close()
        done = until(lambda: sluice.caught_up() and depth(sluice) == 0, 60 + asked.messages)
        must(done, f"{scene}: {asked.messages} more delivered, taken {len(peer.taken) - before} times")
    sluice = paused(sluice, start, feed, peer)
    code = sluice.stop()
    (lost, disorder), (again, other, needless) = feed.judge(peer.came()), peer.judge()
    must(not (lost or disorder or other or needless or code),
         f"{len(feed.sent)} acknowledged, lost {lost}, disorder {disorder}, came again {again} (other bytes {other}, "
         f"needless {needless}); stop {code}")
    print("what the peer did: " + ", ".join(f"{deed} {count}" for deed, count in sorted(peer.deeds.items())))
    sys.exit(bool(wrong))


main()
