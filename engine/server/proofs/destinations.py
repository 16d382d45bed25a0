#!/usr/bin/env python3
"""kill -9 during delivery, again and again: an MLLP peer and a FHIR server that fail, hang, reset and slow down.

usage: destinations.py [--rounds N] [--seed S]

Messages of some patients go in, each patient's in order; out they go to a peer that now and then answers "later" (AE 207),
closes before or after it took a message, or does not answer in time, and to a FHIR server that answers 503, resets before or
after it took a resource, or is slow. The process is killed at random moments. In the end, for each patient: every
acknowledged message arrived (lost 0), in order (disorder 0); the server's versions only rose (fell 0), and end at ours.
What comes again carries the same control id; how often is told. Exit 0 or 1.
"""
import argparse, os, random, socketserver, sys, tempfile, threading, time
from outward import LOCK, Feed, Server, depth, until
from real import CONFIG, FS_CR, VT, Sender, Sluice


class Peer(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address = True, True

    def __init__(self, rng):
        self.rng, self.smooth, self.taken, self.again = rng, False, [], 0
        super().__init__(("127.0.0.1", 0), Mllp)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def lot(self):
        with LOCK:
            return 1.0 if self.smooth else self.rng.random()


class Mllp(socketserver.BaseRequestHandler):
    def handle(self):
        buffer, peer = b"", self.server
        while True:
            while FS_CR not in buffer:
                try:
                    more = self.request.recv(65536)
                except OSError:
                    return
                if not more:
                    return
                buffer += more
            frame, _, buffer = buffer.partition(FS_CR)
            control_id = frame.split(b"|")[9].decode()
            lot, code, err = peer.lot(), "AA", ""
            if lot < 0.02:
                return
            if lot < 0.06:
                code, err = "AE", "ERR|||207|E\r"
            else:
                with LOCK:
                    peer.again += control_id in peer.taken
                    peer.taken.append(control_id)
                if lot < 0.08:
                    return
                if lot < 0.085:
                    time.sleep(0.6)
            ack = f"MSH|^~\\&|||||||ACK|1|P|2.5\rMSA|{code}|{control_id}\r{err}"
            try:
                self.request.sendall(VT + ack.encode() + FS_CR)
            except OSError:
                return


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    rng = random.Random(asked.seed)
    peer = Peer(random.Random(asked.seed + 1))
    fhir = Server(peer.lot)
    delivery = ("delivery = { from = \"beginning\", window = 8, retry_first_ms = 5, retry_max_ms = 50, "
                "breaker_failures = 20, breaker_open_ms = 50, answered_retries_max = 0 }")
    config = CONFIG + f"""
[[channel.destination]]
type = "mllp"
name = "peer"
address = "127.0.0.1:{peer.server_address[1]}"
answer_timeout_ms = 500
{delivery}
[[channel.destination]]
type = "fhir"
name = "server"
url = "http://127.0.0.1:{fhir.port}"
timeout_ms = 500
{delivery}
"""
    data = os.path.join(tempfile.mkdtemp(), "data")
    feed = Feed(rng)
    for _ in range(asked.rounds):
        sluice = Sluice(data, config=config)
        sender, end = Sender(sluice.mllp), time.monotonic() + rng.uniform(0.05, 0.5)
        while time.monotonic() < end and feed.send(sender):
            time.sleep(0.002)
        sluice.kill()
        sender.close()
    peer.smooth = True
    sluice = Sluice(data, config=config)
    until(lambda: sluice.caught_up() and depth(sluice) == 0, 120)
    waiting, (lost, disorder) = depth(sluice), feed.judge(peer.taken)
    behind, missing = fhir.judge(sluice)
    code = sluice.stop()
    print(f"{asked.rounds} rounds of kill -9: {len(feed.sent)} acknowledged, lost {lost}, disorder {disorder}, "
          f"waiting {waiting}, came again {peer.again}; FHIR: {len(fhir.versions)} resources, fell {fhir.fell}, "
          f"behind {behind}, missing {missing}, came again {fhir.again}; stop {code}")
    sys.exit(bool(lost or disorder or waiting or fhir.fell or behind or missing or code))


main()
