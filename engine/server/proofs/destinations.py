#!/usr/bin/env python3
"""kill -9 during delivery, again and again: an MLLP peer and a FHIR server that fail, hang, reset and slow down.

usage: destinations.py [--rounds N] [--seed S]

Messages of some patients go in, each patient's in order; out they go to a peer that now and then answers "later" (AE 207),
closes before or after it took a message, or does not answer in time, and to a FHIR server that answers 503, resets before or
after it took a resource, or is slow. The process is killed at random moments. In the end, for each patient: every
acknowledged message arrived (lost 0), in order (disorder 0); the server's versions only rose (fell 0), and end at ours.
What comes again carries the same control id; how often is told. Exit 0 or 1.
"""
import argparse, json, os, random, re, socket, socketserver, sys, tempfile, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from real import CONFIG, FS_CR, VT, Sender, Sluice

LOCK = threading.Lock()


class Peer(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address = True, True

    def __init__(self, rng):
        self.rng, self.smooth, self.taken, self.again = rng, False, [], 0
        super().__init__(("127.0.0.1", 0), Mllp)

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


class Fhir(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server, lot = self.server, self.server.peer.lot()
        if lot < 0.03:
            return self.reset()
        if lot < 0.08:
            return self.say(503)
        with LOCK:
            version = int(body["meta"]["versionId"])
            server.fell += version < server.versions.get(self.path, 0)
            server.again += version == server.versions.get(self.path, 0)
            server.versions[self.path] = version
        if lot < 0.10:
            return self.reset()
        if lot < 0.105:
            time.sleep(0.6)
        self.say(200)

    def reset(self):
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def say(self, status):
        try:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, peer):
        self.peer, self.versions, self.fell, self.again = peer, {}, 0, 0
        super().__init__(("127.0.0.1", 0), Fhir)

    def handle_error(self, *_):
        """Its clients are killed."""


def message(patient, n):
    event = "A28" if n == 0 else "A31"
    return (f"MSH|^~\\&|PROOF|PROOF|SLUICE|GHT|20260301120000||ADT^{event}^ADT_A05|{patient}X{n}|P|2.5\r"
            f"EVN||20260301120000\rPID|1||{patient}^^^PROOF&699000014&M^PI||PROOFER^N{n}^^^^^L||19700101|F\r"
            f"PV1|1|N\r").encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    rng = random.Random(asked.seed)
    peer = Peer(random.Random(asked.seed + 1))
    fhir = Server(peer)
    for server in (peer, fhir):
        threading.Thread(target=server.serve_forever, daemon=True).start()
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
url = "http://127.0.0.1:{fhir.server_address[1]}"
timeout_ms = 500
{delivery}
"""
    data = os.path.join(tempfile.mkdtemp(), "data")
    numbers, sent = {f"P{n}": 0 for n in range(12)}, []
    for _ in range(asked.rounds):
        sluice = Sluice(data, config=config)
        sender, until = Sender(sluice.mllp), time.monotonic() + rng.uniform(0.05, 0.5)
        while time.monotonic() < until:
            patient = rng.choice(list(numbers))
            control_id = f"{patient}X{numbers[patient]}"
            if sender.exchange(message(patient, numbers[patient])) != ("AA", control_id):
                break
            sent.append(control_id)
            numbers[patient] += 1
            time.sleep(0.002)
        sluice.kill()
        sender.close()
    peer.smooth = True
    sluice = Sluice(data, config=config)
    end, depth = time.monotonic() + 120, 1
    while depth and time.monotonic() < end:
        sluice.caught_up()
        depth = sum(queue["depth"] for queue in sluice.json("/api/queues")["queues"])
        time.sleep(0.05)
    first = list(dict.fromkeys(peer.taken))
    lost = [control_id for control_id in sent if control_id not in set(first)]
    disorder = 0
    for patient in numbers:
        order = [int(c.split("X")[1]) for c in first if c.startswith(patient + "X")]
        disorder += order != sorted(order)
    behind = 0
    for path, version in fhir.versions.items():
        ours = json.loads(sluice.get(f"/ej/EJ1/fhir/R4{path}"))["meta"]["versionId"]
        behind += int(ours) != version
    total = sluice.json("/ej/EJ1/fhir/R4/Patient?_summary=count")["total"]
    missing = total - sum(path.startswith("/Patient/") for path in fhir.versions)
    code = sluice.stop()
    print(f"{asked.rounds} rounds of kill -9: {len(sent)} acknowledged, lost {len(lost)}, disorder {disorder}, "
          f"waiting {depth}, came again {peer.again}; FHIR: {len(fhir.versions)} resources, fell {fhir.fell}, "
          f"behind {behind}, missing {missing}, came again {fhir.again}; stop {code}")
    sys.exit(bool(lost or disorder or depth or fhir.fell or behind or missing or code))


main()
