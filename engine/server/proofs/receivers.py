"""What takes messages on the other side of a way out: an MLLP peer, a FHIR server of transactions, a webhook; and who
reads the files of a folder. The first three fail by lot, and are smooth once they are told to be."""
import hashlib, hmac, json, os, socketserver, threading, time, urllib.error
from outward import LOCK, Fhir, Server
from real import FS_CR, VT


def named(control_id):
    patient, n = control_id.split("X")
    return patient, int(n)


class Lots:
    """What a receiver does next; everybody takes everything once it is smooth."""

    def __init__(self, rng):
        self.rng, self.smooth = rng, False

    def __call__(self):
        with LOCK:
            return 1.0 if self.smooth else self.rng.random()


class Peer(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address = True, True

    def __init__(self, lot, sent):
        self.lot, self.sent, self.taken, self.again, self.odd = lot, sent, [], 0, 0
        super().__init__(("127.0.0.1", 0), Mllp)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]


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
                    peer.odd += frame != VT + peer.sent(*named(control_id))
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


class Transactions(Fhir):
    """All entries or none; now and then as a batch, with 200, a status for each, and the second half not taken."""

    def do_POST(self):
        bundle = self.body()
        server, entries, statuses = self.server, bundle.get("entry", []), []
        odd = bundle["type"] != "transaction" or self.path not in ("", "/") or not entries
        for entry in entries:
            request, resource = entry["request"], entry.get("resource")
            with LOCK:
                server.responses += "response" in entry
            if request["method"] == "PUT":
                own = f"{resource['resourceType']}/{resource['id']}"
                odd |= request["url"] != own or entry["fullUrl"] != f"http://127.0.0.1:{server.port}/{own}"
            else:
                odd |= request["method"] != "DELETE" or resource is not None
        urls = [entry["request"]["url"] for entry in entries]
        with LOCK:
            server.bundles += 1
            server.malformed += odd or len(set(urls)) != len(urls)

        def take():
            whole = server.lot() >= 0.05
            with LOCK:
                for at, entry in enumerate(entries):
                    path, resource = "/" + entry["request"]["url"], entry.get("resource")
                    if not whole and at >= len(entries) // 2:
                        statuses.append(503)
                    elif resource is None:
                        statuses.append(server.delete(path))
                    else:
                        server.put(path, int(resource["meta"]["versionId"]))
                        server.bodies[path] = resource
                        statuses.append(200)
            return 200

        self.by_lot(take, lambda: json.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": [
            {"response": {"status": str(status)}} for status in statuses]}).encode())


class Repository(Server):
    def __init__(self, lot):
        self.bundles, self.malformed, self.responses, self.bodies = 0, 0, 0, {}
        super().__init__(lot, handler=Transactions)

    def other(self, sluice, release):
        """How many of what is there are not what we serve in this release."""
        def same(path):
            try:
                return json.loads(sluice.get(f"/ej/EJ1/fhir/{release}{path}")) == self.bodies[path]
            except urllib.error.HTTPError:
                return False

        return sum(not same(path) for path in self.versions.keys() - self.gone)


class Posts(Fhir):
    def do_POST(self):
        server, body = self.server, self.rfile.read(int(self.headers["content-length"]))
        t, v1 = (part.split("=", 1)[1] for part in self.headers["sluice-signature"].split(","))
        own = hmac.new(server.secret, t.encode() + b"." + body, hashlib.sha256).hexdigest()
        genuine = hmac.compare_digest(own, v1) and abs(time.time() - int(t)) < 300
        told, delivery = json.loads(body), self.headers["sluice-delivery"]
        control_id = told["control_id"]
        with LOCK:
            server.forged += not genuine
            server.odd += (delivery != f"{told['ej']}/{told['seq']}" or server.bodies.setdefault(delivery, body) != body
                           or server.places.setdefault(control_id, told["seq"]) != told["seq"]
                           or told["message"].encode() != server.sent(*named(control_id)))

        def take():
            with LOCK:
                patient = named(control_id)[0]
                if server.lot.rng.random() < 0.006 and not server.lot.smooth:
                    server.refused.append(patient)
                    return 422
                server.again += control_id in server.taken
                server.taken.append(control_id)
            return 200

        self.by_lot(take)


class Hook(Server):
    """Checks each delivery: its signature, its name, its bytes. Refuses one now and then for good, also what is tried
    again and what follows it."""

    def __init__(self, lot, secret, sent):
        self.secret, self.sent, self.forged, self.odd, self.refused = secret, sent, 0, 0, []
        self.bodies, self.places, self.taken = {}, {}, []
        super().__init__(lot, handler=Posts)


class Folder:
    """The files of a destination: what was closed may not be touched again; in the end, all that they hold."""

    def __init__(self, path, stem, sent):
        self.path, self.stem, self.sent, self.closed = path, stem, sent, {}
        self.touched, self.odd, self.misnamed, self.taken = 0, 0, 0, []

    def look(self):
        """Between two lives of the engine: what is closed."""
        for name in os.listdir(self.path) if os.path.isdir(self.path) else []:
            with open(os.path.join(self.path, name), "rb") as file:
                digest = hashlib.sha256(file.read()).digest()
            if not name.endswith(".open"):
                self.touched += self.closed.setdefault(name, digest) != digest

    def read(self, places):
        """All files as they were written one after the other, every entry in one piece; each is named after the place
        (`places`) of its first message."""
        there = set(os.listdir(self.path))
        self.touched += len(self.closed.keys() - there)
        names = []
        for name in there:
            stem, seq, ending = name.rsplit(".", 2)
            self.odd += (stem, ending) != (self.stem, "hl7")
            seq, again = (int(part) for part in (seq + "-1").split("-")[:2])
            names.append((os.stat(os.path.join(self.path, name)).st_mtime_ns, seq, again, name))
        for _, seq, _, name in sorted(names):
            with open(os.path.join(self.path, name), "rb") as file:
                entries = file.read().split(b"\n")
            self.odd += entries.pop() != b""  # Each ends with one.
            ids = []
            for entry in entries:
                fields = entry.split(b"|")
                ids.append(fields[9].decode() if len(fields) > 9 else "")
                self.odd += ids[-1] == "" or entry != self.sent(*named(ids[-1]))
            self.misnamed += not ids or places.get(ids[0]) != seq
            self.taken += ids
        return len(there)

    @property
    def again(self):
        return len(self.taken) - len(set(self.taken))
