"""What the proofs of the ways out share: messages whose order shows, a FHIR server that keeps what it is
sent and can be told to fail, and what is said of a run."""
import json, socket, subprocess, threading, time
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


class Feed:
    """Messages of some patients, each patient's in order, and what was acknowledged of them."""

    def __init__(self, rng, patients=12):
        self.rng, self.numbers, self.sent = rng, {f"P{n}": 0 for n in range(patients)}, []

    def send(self, sender):
        """One more; false where it was not acknowledged."""
        patient = self.rng.choice(list(self.numbers))
        control_id = f"{patient}X{self.numbers[patient]}"
        if sender.exchange(message(patient, self.numbers[patient])) != ("AA", control_id):
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
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server, lot = self.server, self.server.lot()
        if not server.admits(self.headers.get("authorization", "")):
            return self.say(401)
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
    """Takes versions of resources. `lot`: what it does next; `admits`: whose bearer; `tls`: an SSLContext."""

    daemon_threads = True

    def __init__(self, lot=lambda: 1.0, admits=lambda _: True, tls=None, handler=Fhir):
        self.lot, self.admits, self.versions, self.fell, self.again = lot, admits, {}, 0, 0
        super().__init__(("127.0.0.1", 0), handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, *_):
        """Its clients are killed."""

    def judge(self, sluice):
        """Resources whose version is not ours, and patients that it was never sent."""
        behind = 0
        for path, version in self.versions.items():
            ours = json.loads(sluice.get(f"/ej/EJ1/fhir/R4{path}"))["meta"]["versionId"]
            behind += int(ours) != version
        total = sluice.json("/ej/EJ1/fhir/R4/Patient?_summary=count")["total"]
        return behind, total - sum(path.startswith("/Patient/") for path in self.versions)
