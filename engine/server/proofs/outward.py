"""What the proofs of the ways out share: messages whose order shows, a FHIR server that keeps what it is
sent and can be told to fail, and what is said of a run."""
import json, socket, subprocess, threading, time, urllib.error
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from real import BINARY

LOCK = threading.Lock()
wrong = []


def must(right, told):
    print(("  " if right else "  WRONG: ") + told, flush=True)
    if not right:
        wrong.append(told)


def until(what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


def message(patient, n):
    """The nth of a patient: an A28, then A31."""
    event = "A28" if n == 0 else "A31"
    return (f"MSH|^~\\&|PROOF|PROOF|SLUICE|GHT|20260301120000||ADT^{event}^ADT_A05|{patient}X{n}|P|2.5\r"
            f"EVN||20260301120000\rPID|1||{patient}^^^PROOF&699000014&M^PI||PROOFER^N{n}^^^^^L||19700101|F\r"
            f"PV1|1|N\r").encode()


# What comes after a patient's A28, over and over: the event, and the allergies that its AL1 list names (none: no list).
STAY = (("A01", "NUT PEN"), ("A31", ""), ("A08", "NUT"), ("A03", ""), ("A31", "PEN"), ("A31", "NONE"))


def stay(patient, n):
    """The nth of a patient who comes and goes: allergies that a later list lacks, a doctor who is everybody's."""
    event, allergies = STAY[(n - 1) % len(STAY)] if n else ("A28", "")
    text = message(patient, n).decode().replace("ADT^A31^ADT_A05" if n else "ADT^A28^ADT_A05", {
        "A01": "ADT^A01^ADT_A01", "A08": "ADT^A08^ADT_A01", "A03": "ADT^A03^ADT_A03"}.get(event, f"ADT^{event}^ADT_A05"))
    if event in ("A01", "A08", "A03"):
        visit, end = f"{patient}V{(n - 1) // len(STAY)}", "20260302120000" if event == "A03" else ""
        text = text.replace("PV1|1|N\r", f"PV1|1|I|3101^C1^L1||||8001^DOC^N{n}|||||||||||"
                            f"|{visit}^^^PROOF&699000014&M^VN|||||||||||||||||||||||||20260301120000|{end}\r")
    if allergies == "NONE":
        return (text + "AL1|1||\"\"\r").encode()
    return (text + "".join(f"AL1|{at}|DA|{code}^{code}^L\r" for at, code in enumerate(allergies.split(), 1))).encode()


class Feed:
    """Messages of some patients, each patient's in order, and what was acknowledged of them."""

    def __init__(self, rng, patients=12, told=message):
        self.rng, self.numbers, self.sent, self.told = rng, {f"P{n}": 0 for n in range(patients)}, [], told

    def send(self, sender):
        """One more; false where it was not acknowledged."""
        patient = self.rng.choice(list(self.numbers))
        control_id = f"{patient}X{self.numbers[patient]}"
        if sender.exchange(self.told(patient, self.numbers[patient])) != ("AA", control_id):
            return False
        self.sent.append(control_id)
        self.numbers[patient] += 1
        return True

    def judge(self, taken):
        """Lost, and patients whose messages did not first arrive in order."""
        first = list(dict.fromkeys(taken))
        lost = set(self.sent) - set(first)
        order = {patient: [] for patient in self.numbers}
        for control_id in first:
            patient, n = control_id.split("X")
            order[patient].append(int(n))
        return len(lost), sum(numbers != sorted(numbers) for numbers in order.values())


def depth(sluice, destination=None):
    queues = sluice.json("/api/queues")["queues"]
    return sum(queue["depth"] for queue in queues if destination in (None, queue["destination"]))


def queue(sluice, destination):
    return next(q for q in sluice.json("/api/queues")["queues"] if q["destination"] == destination)


def nothing_leaks(sluice, secret):
    """What must not be seen, in what the engine tells anybody."""
    url = f"http://127.0.0.1:{sluice.ports['http']}"
    told = [sluice.get(path).decode() for path in (
        "/metrics", "/api/queues", "/api/channels", "/api/status", "/api/alerts", "/api/acts", "/api/ejs/EJ1/dead-letters")]
    for command in (["queues"], ["queues", "--json"], ["channels", "list"], ["acts"], ["dead-letters", "list", "EJ1"]):
        done = subprocess.run([BINARY, *command, "--url", url], capture_output=True, text=True)
        told.append(done.stdout + done.stderr)
    with open(sluice.log.name, errors="replace") as log:
        log = log.read()
    found = {len(text) for text in secret for where in [log, *told] if text in where}
    lines = len(log.splitlines())
    must(not found and lines, f"none of {len(secret)} secrets and names in {lines} lines of log and {len(told)} answers")


class Fhir(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        body, path = self.body(), self.path

        def take():
            with LOCK:
                self.server.put(path, int(body["meta"]["versionId"]))
            return 200

        self.by_lot(take)

    def do_DELETE(self):
        def take():
            with LOCK:
                return self.server.delete(self.path)

        self.by_lot(take)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers["content-length"])))

    def by_lot(self, take, answer=lambda: b""):
        """Takes it and answers with the status that it came to; or fails, before or after it took it."""
        lot = self.server.lot()
        if not self.server.admits(self.headers.get("authorization", "")):
            return self.say(401)
        if lot < 0.03:
            return self.reset()
        if lot < 0.08:
            return self.say(503)
        status = take()
        if lot < 0.10:
            return self.reset()
        if lot < 0.105:
            time.sleep(0.6)
        self.say(status, answer())

    def reset(self):
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def say(self, status, body=b""):
        try:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    """Takes versions of resources. `lot`: what it does next; `admits`: whose bearer; `tls`: an SSLContext."""

    daemon_threads = True

    def __init__(self, lot=lambda: 1.0, admits=lambda _: True, tls=None, handler=Fhir):
        self.lot, self.admits, self.fell, self.again = lot, admits, 0, 0
        # By path: the newest version that came, and what was deleted since.
        self.versions, self.gone = {}, set()
        super().__init__(("127.0.0.1", 0), handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, *_):
        """Its clients are killed."""

    def put(self, path, version):
        self.fell += version < self.versions.get(path, 0)
        self.again += version == self.versions.get(path, 0)
        self.versions[path] = version
        self.gone.discard(path)

    def delete(self, path):
        """The status of a server that keeps no trace of what it never had."""
        if path not in self.versions or path in self.gone:
            return 404 if path not in self.versions else 410
        self.gone.add(path)
        return 204

    def judge(self, sluice, release="R4"):
        """What is not as ours is, version or absence; and how many of ours it was never sent."""
        behind, types = 0, {"Patient"}
        for path, version in self.versions.items():
            types.add(path.split("/")[1])
            try:
                ours = int(json.loads(sluice.get(f"/ej/EJ1/fhir/{release}{path}"))["meta"]["versionId"])
            except urllib.error.HTTPError as refused:
                ours = refused.code
            behind += ours != (410 if path in self.gone else version)
        there = self.versions.keys() - self.gone
        return behind, sum(sluice.json(f"/ej/EJ1/fhir/{release}/{of}?_summary=count")["total"]
                           - sum(path.startswith(f"/{of}/") for path in there) for of in types)
