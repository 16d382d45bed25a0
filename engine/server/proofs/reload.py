"""Channels changed under load: no connection of another channel dropped, no message lost.

Two channels in files of their own, two senders on each that wait for each answer. EJ1's channel is
changed over and over, by a signal and over HTTP in turn: its steps, a bad file, its port. A channel that is added and cannot
begin (its port is somebody else's) says so in /api/channels, and begins with the first reload after it can. EJ2's senders
keep one connection from the first message to the last. Then every acknowledged message is in the
state once, as a patient, in a rebuild too.
"""
import argparse, json, os, shutil, signal, socket, subprocess, sys, tempfile, threading, time
import urllib.error, urllib.request
from real import BINARY, CONFIG, Sender, Sluice, admit

TWO = CONFIG.split("[[channel]]")[0]
TWO += TWO.replace("EJ1", "EJ2").replace("699000014", "699000022").replace('"PROOF"', '"OTHER"')


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def channel(ej, port, step=""):
    return (f'id = "{ej}.mllp"\nejs = ["{ej}"]\n[source]\ntype = "mllp"\n'
            f'address = "127.0.0.1:{port}"\n{step}')


def write(path, text):
    """In one piece, as configuration tools do."""
    with open(path + ".new", "w") as f:
        f.write(text)
    os.replace(path + ".new", path)


class Feed(threading.Thread):
    """Messages one after the other, sent again where the connection was lost before the answer."""

    def __init__(self, name, port, ending, foreign=False):
        super().__init__(daemon=True)
        self.name, self.port, self.ending, self.foreign = name, port, ending, foreign
        self.acknowledged, self.connections, self.wrong = [], 0, None

    def run(self):
        sender, number = None, 0
        while not self.ending.is_set():
            identifier = f"{self.name}{number}"
            message = admit(identifier)
            if self.foreign:
                message = message.replace(b"|PROOF|PROOF|", b"|PROOF|OTHER|").replace(b"699000014", b"699000022")
            try:
                if sender is None:
                    sender = Sender(self.port[0])
                    self.connections += 1
                told = sender.exchange(message)
            except OSError:
                told, sender = None, None
                time.sleep(0.02)
                continue
            if told is None:
                sender.close()
                sender = None
            elif told == ("AA", identifier):
                self.acknowledged.append(identifier)
                number += 1
            else:
                self.wrong = told
                return


def reload_over_http(sluice):
    request = urllib.request.Request(f"http://127.0.0.1:{sluice.ports['http']}/api/channels/reload", b"", method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def until(what, probe, seconds=30):
    end = time.time() + seconds
    while not probe():
        assert time.time() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def cannot_begin(sluice, path):
    """A channel that is added on a port which is taken, then no more."""
    told = lambda: {key: sluice.json("/api/channels/EJ1.taken")[key] for key in ("state", "problem")}
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        write(path, channel("EJ1", port).replace('"EJ1.mllp"', '"EJ1.taken"'))
        reload_over_http(sluice)
        failed = told()
        assert failed["state"] == "failed" and f"cannot listen on 127.0.0.1:{port}" in failed["problem"], failed
    reload_over_http(sluice)
    assert told() == {"state": "running", "problem": None}, told()
    os.remove(path)
    reload_over_http(sluice)
    assert "EJ1.taken" not in sluice.get("/api/channels").decode()


def patients(sluice, ej):
    return sluice.json(f"/ej/{ej}/fhir/R4/Patient?_summary=count")["total"]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=100)
    rounds = arguments.parse_args().rounds
    folder = tempfile.mkdtemp(prefix="sluice-reload-")
    os.mkdir(os.path.join(folder, "channels"))
    files = {ej: os.path.join(folder, "channels", f"{ej}.toml") for ej in ("EJ1", "EJ2")}
    first, second, other = free_ports(3)
    port = [first]
    write(files["EJ1"], channel("EJ1", first))
    write(files["EJ2"], channel("EJ2", other))
    data = os.path.join(folder, "data")
    sluice = Sluice(data, config=TWO)
    ending = threading.Event()
    feeds = [Feed(f"A{n}X", port, ending) for n in range(2)]
    kept = [Feed(f"B{n}X", [other], ending, foreign=True) for n in range(2)]
    for feed in feeds + kept:
        feed.start()
    counts = {"steps": 0, "bad": 0, "port": 0}
    for number in range(rounds):
        before = [len(feed.acknowledged) for feed in feeds + kept]
        kind = ("steps", "bad", "steps", "port")[number % 4]
        counts[kind] += 1
        if kind == "port":
            port[0] = second if port[0] == first else first
        step = f'[[step]]\ntype = "set"\nat = "PV1-3.1"\ntext = "round-{number}"\n'
        text = channel("EJ1", port[0], step)
        write(files["EJ1"], text.replace("type = \"set\"", "type = \"sett\"") if kind == "bad" else text)
        if number % 2:
            told = reload_over_http(sluice)
            assert bool(told["not_in_force"]) == (kind == "bad"), told
            assert told["changed"] == ([] if kind == "bad" else ["EJ1.mllp"]), told
        else:
            sluice.process.send_signal(signal.SIGHUP)
            until("the signal's change", lambda: sluice.json("/api/channels/EJ1.mllp")["problem"] is None
                  and f"{port[0]}" in str(sluice.json("/api/channels/EJ1.mllp")["address"]))
        # Every feed goes on before the next change.
        until(f"round {number}: every feed goes on", lambda: all(
            len(feed.acknowledged) > was for feed, was in zip(feeds + kept, before)))
    cannot_begin(sluice, os.path.join(folder, "channels", "taken.toml"))
    ending.set()
    for feed in feeds + kept:
        feed.join(30)
        assert feed.wrong is None, f"{feed.name} was answered {feed.wrong}"
    for feed in kept:
        assert feed.connections == 1, f"{feed.name} needed {feed.connections} connections"
    assert sluice.caught_up(), "folded"
    acknowledged = {"EJ1": sum(len(f.acknowledged) for f in feeds), "EJ2": sum(len(f.acknowledged) for f in kept)}
    # A feed that ended between an answer's loss and the resend may have one more in the journal.
    for ej, count in acknowledged.items():
        assert count <= patients(sluice, ej) <= count + 2, (ej, count, patients(sluice, ej))
    seen = {ej: patients(sluice, ej) for ej in acknowledged}
    assert sluice.stop() == 0
    rebuilt = subprocess.run([BINARY, "rebuild", "--config", sluice.config, "--data-dir", data], capture_output=True)
    assert rebuilt.returncode == 0, rebuilt.stderr[-500:]
    sluice = Sluice(data, config=TWO)
    assert sluice.caught_up()
    assert {ej: patients(sluice, ej) for ej in seen} == seen, "a rebuild comes to the same"
    sluice.kill()
    shutil.rmtree(folder)
    print(f"reload: {rounds} changes ({counts['steps']} of steps, {counts['bad']} bad, {counts['port']} of the port), "
          f"{acknowledged['EJ1']} and {acknowledged['EJ2']} messages acknowledged and there, "
          f"1 connection for each sender of the other channel; a channel on a taken port told as failed, and begun once it was free")


if __name__ == "__main__":
    main()
