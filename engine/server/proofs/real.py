"""The real binary under proof: start it, talk MLLP and HTTP to it, stop or kill it.

Python's standard library only. Everything listens on 127.0.0.1, on ports that the kernel gives.
"""
import json, os, re, signal, socket, subprocess, threading, time, urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BINARY = os.environ.get("SLUICE_BINARY", os.path.join(ROOT, "target", "release", "sluice"))
# SLUICE_… variables are settings to the binary, and an unknown one stops it: ours stays with us.
os.environ.pop("SLUICE_BINARY", None)
VT, FS_CR = b"\x0b", b"\x1c\r"

CONFIG = """
[[ej]]
id = "EJ1"
name = "Proof"
finess = "699000014"
msh4 = ["PROOF"]
profile = "pam-fr"
[[ej.authority]]
namespace = "PROOF"
universal_id = "699000014"
system = "https://proof.example/ipp"
use = "patient"
[[channel]]
id = "EJ1.mllp"
ejs = ["EJ1"]
source = { type = "mllp", address = "127.0.0.1:0" }
"""


class Sluice:
    """One process of the real binary."""

    def __init__(self, data_dir, extra=(), env=None, config=CONFIG, wait=60, prefix=()):
        self.config = os.path.join(os.path.dirname(data_dir), os.path.basename(data_dir) + ".toml")
        with open(self.config, "w") as f:
            f.write(config)
        self.log = open(self.config + ".log", "ab")
        command = [*prefix, BINARY, "serve", "--config", self.config, "--data-dir", data_dir,
                   "--http", "127.0.0.1:0", *extra]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log,
                                        env={**os.environ, **(env or {})})
        self.ports, self.said_ready = {}, False
        self.ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        if not self.ready.wait(wait) or not self.said_ready:
            self.kill()
            raise RuntimeError(f"did not start (exit {self.process.poll()}), see {self.log.name}")

    def _read(self):
        for line in self.process.stdout:
            found = re.match(rb"listening (\S+) 127\.0\.0\.1:(\d+)", line)
            if found:
                self.ports[found[1].decode()] = int(found[2])
            if line.startswith(b"ready"):
                self.said_ready = True
                self.ready.set()
        self.ready.set()  # It ended, ready or not.

    @property
    def mllp(self):
        return self.ports["EJ1.mllp"]

    def get(self, path, accept="application/fhir+json"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports['http']}{path}",
                                         headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def json(self, path):
        return json.loads(self.get(path))

    def caught_up(self, seconds=60):
        """Waits until every lane has applied what the journal holds."""
        end = time.time() + seconds
        while time.time() < end:
            try:
                status = self.json("/api/status")
                if status["ready"] and all(ej["lag"] == 0 for ej in status["ejs"]):
                    return True
            except OSError:
                pass
            time.sleep(0.02)
        return False

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def stop(self, seconds=20):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self.log.close()
        return code


class Sender:
    """A sender that waits for each answer, as hospital systems do."""

    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.raw = b"", b""

    def exchange(self, message):
        """Sends one message; its answer's MSA-1 and MSA-2, or None when the connection closed."""
        try:
            self.socket.sendall(VT + message + FS_CR)
        except OSError:
            return None
        return self.answer()

    def answer(self):
        """The next answer's MSA-1 and MSA-2, or None when the connection closed."""
        try:
            while FS_CR not in self.buffer:
                more = self.socket.recv(65536)
                if not more:
                    return None
                self.buffer += more
        except OSError:
            return None
        self.raw, _, self.buffer = self.buffer.partition(FS_CR)
        for segment in self.raw.split(b"\r"):
            if segment.startswith(b"MSA"):
                fields = segment.split(b"|")
                return fields[1].decode(), fields[2].decode()
        return None

    def close(self):
        self.socket.close()


def admit(identifier, size=0, event="A28", asks=""):
    """An A28 of a patient of its own whose control id is the identifier, padded to `size` bytes; it
    `asks` for acknowledgements in MSH-15 and MSH-16."""
    text = (f"MSH|^~\\&|PROOF|PROOF|SLUICE|GHT|20260301120000||ADT^{event}^ADT_A05|{identifier}|P|2.5{asks}\r"
            f"EVN||20260301120000\r"
            f"PID|1||{identifier}^^^PROOF&699000014&M^PI||PROOFER^{identifier}^^^^^L||19700101|F\r"
            f"PV1|1|N\r")
    missing = size - len(text)
    if missing > 0:
        text += f"NTE|1||{'x' * (missing - 8)}\r"
    return text.encode()


def identifiers(sluice, ej="EJ1"):
    """Every patient identifier that an NDJSON export of the EJ shows, with how often."""
    found = {}
    body = sluice.get(f"/ej/{ej}/export/patients", "application/fhir+ndjson")
    for line in body.splitlines():
        if line.strip():
            for identifier in json.loads(line).get("identifier", []):
                if identifier.get("system", "").endswith("/ipp"):
                    found[identifier["value"]] = found.get(identifier["value"], 0) + 1
    return found
