"""What the attacks share: a room with one process in it, raw connections, and what is measured.

An attack is a function of a `Room` that returns what it saw in one line, and raises `Broken` with
the first promise that did not hold, or `Skipped` where this machine cannot make it.
"""
import json, os, re, shutil, socket, subprocess, tempfile, threading, time
from real import BINARY, CONFIG, FS_CR, VT, Sender, Sluice, admit

EJ2 = CONFIG.replace("EJ1", "EJ2").replace("699000014", "699000022").replace('"PROOF"', '"OTHER"')
TWO_EJS = CONFIG.split("[[channel]]")[0] + EJ2.split("[[channel]]")[0] + \
    "[[channel]]" + CONFIG.split("[[channel]]")[1] + "[[channel]]" + EJ2.split("[[channel]]")[1]


class Broken(Exception):
    """A promise that did not hold."""


class Skipped(Exception):
    """This machine cannot make the attack."""


def must(right, told):
    if not right:
        raise Broken(told)


class Room:
    """A folder, and the processes that are started on it; all of it goes at the end."""

    def __init__(self, seed, long):
        self.seed, self.long, self.folder = seed, long, tempfile.mkdtemp()
        self.data, self.processes = os.path.join(self.folder, "data"), []

    def start(self, *settings, data=None, config=TWO_EJS, **options):
        extra = [part for one in settings for part in ("--set", one)]
        sluice = Sluice(data or self.data, extra, config=config, **options)
        self.processes.append(sluice)
        return sluice

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sluice in self.processes:
            if sluice.process.poll() is None:
                sluice.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Raw:
    """A connection on which anything may be said."""

    def __init__(self, port, timeout=10, source=None, receive_bytes=None):
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if source:
            self.socket.bind((source, 0))
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, *pieces):
        for piece in pieces:
            self.socket.sendall(piece)
        return self

    def answer(self):
        """The next frame's content, or None when the connection has ended."""
        try:
            while FS_CR not in self.buffer:
                more = self.socket.recv(1 << 16)
                if not more:
                    return None
                self.buffer += more
        except ConnectionError:
            return None
        except socket.timeout:
            raise Broken("no answer and no end of the connection within its time") from None
        whole, _, self.buffer = self.buffer.partition(FS_CR)
        must(whole.startswith(VT), "an answer does not start with VT")
        return whole[1:]

    def ended(self, seconds=10):
        """Whether the other side closes within the time; what it still says is read away."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(1 << 16):
                pass
            return True
        except ConnectionError:
            return True
        except socket.timeout:
            return False

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def close(self):
        self.socket.close()


class Watcher(threading.Thread):
    """A well-behaved sender of EJ2 that measures each of its exchanges, until it is stopped."""

    def __init__(self, sluice, tag, pause=0.002):
        super().__init__(daemon=True)
        self.sender, self.tag, self.pause = Sender(sluice.ports["EJ2.mllp"]), tag, pause
        self.seconds, self.wrong, self.over = [], 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            identifier = f"{self.tag}{len(self.seconds):06d}"
            began = time.perf_counter()
            message = admit(identifier).replace(b"PROOF", b"OTHER").replace(b"699000014", b"699000022")
            self.wrong += self.sender.exchange(message) != ("AA", identifier)
            self.seconds.append(time.perf_counter() - began)
            if self.wrong > 20:
                return
            time.sleep(self.pause)

    def stop(self):
        """(p99 in ms, exchanges). Every one must have been accepted."""
        self.over.set()
        self.join()
        self.sender.close()
        must(self.wrong == 0, f"{self.wrong} messages of an innocent sender were not accepted")
        ordered = sorted(self.seconds)
        return ordered[int(len(ordered) * 0.99)] * 1000 if ordered else 0.0, len(ordered)


def quiet_p99(sluice, tag, seconds=1.5):
    watcher = Watcher(sluice, tag)
    time.sleep(seconds)
    return watcher.stop()[0]


def unharmed(before_ms, during_ms):
    """An innocent sender's p99 may grow by the processors' share, not by a stall."""
    must(during_ms < max(20 * before_ms, 400), f"an innocent sender's p99 went from {before_ms:.1f} to {during_ms:.1f} ms")
    return f"innocent p99 {before_ms:.1f} -> {during_ms:.1f} ms (x{during_ms / max(before_ms, 0.001):.1f})"


def memory_mb(sluice, name="VmHWM"):
    with open(f"/proc/{sluice.process.pid}/status") as status:
        return int(re.search(rf"{name}:\s+(\d+) kB", status.read())[1]) / 1024


def alive(sluice):
    must(sluice.process.poll() is None, f"the process ended with {sluice.process.poll()}")


def metric(sluice, name):
    """Every series of a metric: its labels as text, and its value."""
    text = sluice.get("/metrics", "text/plain").decode()
    return {m[1] or "": float(m[2]) for m in re.finditer(rf"^{name}(\{{.*\}})? (\S+)$", text, re.M)}


def eventually(what, seconds=15):
    """Polls a condition of the other process until it holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if what():
                return True
        except OSError:
            pass
        time.sleep(0.05)
    return False


def cli(*arguments, **options):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=300, **options)


def verify(data):
    return json.loads(cli("verify", "--data-dir", data, "--json").stdout)
