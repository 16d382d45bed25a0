#!/usr/bin/env python3
"""MLLP out over TLS and FHIR out over https, on the real binary, with certificates made by the openssl program.

usage: out_tls.py

One engine, a destination for each case: what is trusted on both sides is delivered; a wrong authority, another name, an
expired certificate, no certificate or a stranger's, and TLS 1.1 are not, nothing of a message goes out where the peer is not
the one that is meant, and /api/queues says why; what is mended (a file in place, a setting by a reload) is delivered.
Neither keys nor patients are in the log, the metrics or what is answered. Exit 0, 1, or 77 without openssl.
"""
import json, os, random, shutil, socketserver, ssl, sys, threading, urllib.request
from certificates import made
from outward import Feed, Server, depth, must, nothing_leaks, queue, until, wrong
from real import CONFIG, FS_CR, VT, Sender, Sluice

DELIVERY = ("delivery = { from = \"beginning\", window = 8, retry_first_ms = 20, retry_max_ms = 100, "
            "breaker_failures = 20, breaker_open_ms = 50, answered_retries_max = 0 }")


class Listener(socketserver.ThreadingTCPServer):
    """An MLLP peer over TLS: takes everything from whom it trusts."""

    daemon_threads, allow_reuse_address = True, True

    def __init__(self, tls):
        self.tls, self.taken, self.clients, self.versions = tls, [], set(), set()
        super().__init__(("127.0.0.1", 0), Mllp)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]


class Mllp(socketserver.BaseRequestHandler):
    def handle(self):
        peer, buffer = self.server, b""
        try:
            with peer.tls.wrap_socket(self.request, server_side=True) as stream:
                while more := stream.recv(65536):
                    buffer += more
                    while FS_CR in buffer:
                        frame, _, buffer = buffer.partition(FS_CR)
                        control_id = frame.split(b"|")[9].decode()
                        peer.taken.append(control_id)
                        peer.versions.add(stream.version())
                        peer.clients.add(str((stream.getpeercert() or {}).get("subject", "")))
                        ack = f"MSH|^~\\&|||||||ACK|1|P|2.5\rMSA|AA|{control_id}\r"
                        stream.sendall(VT + ack.encode() + FS_CR)
        except OSError:
            pass


def post(sluice, path):
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{sluice.ports['http']}{path}", b"")) as answer:
        return json.load(answer)


def main():
    c, late = made(), {}
    for name in ("mended", "https-mended"):  # Whose authority is put right while the engine runs.
        late[name] = c[name + ".pem"]
        shutil.copy(c["strangers.pem"], late[name])
    v12, v13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    own = f"certificate = \"{c['client.pem']}\", key = \"{c['client.key']}\""
    other = f"certificate = \"{c['stranger.pem']}\", key = \"{c['stranger.key']}\""
    # A TLS 1.3 server may have closed before its alert is read.
    late_word = {"tls: refused by the peer", "tls: the peer wants a certificate", "reset", "closed"}
    cases = {
        "trusted": (c.serving(clients=True), "ours", own, None),
        "trusted-12": (c.serving(clients=True, newest=v12), "ours", own, None),
        "wrong-ca": (c.serving(), "strangers", own, {"tls: unknown issuer"}),
        "mended": (c.serving(clients=True), "mended", own, {"tls: unknown issuer"}),
        "other-name": (c.serving("elsewhere"), "ours", own, {"tls: certificate of another name"}),
        "named": (c.serving("elsewhere"), "ours", own + ", server_name = \"elsewhere.example\"", None),
        "expired": (c.serving("expired"), "ours", own, {"tls: certificate expired"}),
        "no-certificate": (c.serving(clients=True, newest=v12), "ours", "", {"tls: refused by the peer"}),
        "no-certificate-13": (c.serving(clients=True, newest=v13), "ours", "", late_word),
        "stranger": (c.serving(clients=True, newest=v12), "ours", other, {"tls: refused by the peer"}),
        "old": (c.serving(newest=ssl.TLSVersion.TLSv1_1), "ours", own, {"tls: no version in common"}),
    }
    web = {
        "https": (c.serving(), "ours", None),
        "https-wrong-ca": (c.serving(), "strangers", {"tls: unknown issuer"}),
        "https-mended": (c.serving(), "https-mended", {"tls: unknown issuer"}),
        "https-other-name": (c.serving("elsewhere"), "ours", {"tls: certificate of another name"}),
    }
    peers = {name: Listener(tls) for name, (tls, *_) in cases.items()}
    servers = {name: Server(tls=tls) for name, (tls, *_) in web.items()}
    config = CONFIG
    for name, (_, ca, more, _) in cases.items():
        tls = f"ca = \"{c[ca + '.pem']}\"" + (f", {more}" if more else "")
        config += (f"[[channel.destination]]\ntype = \"mllp\"\nname = \"{name}\"\n"
                   f"address = \"127.0.0.1:{peers[name].port}\"\ntls = {{ {tls} }}\nanswer_timeout_ms = 5000\n{DELIVERY}\n")
    for name, (_, ca, _) in web.items():
        config += (f"[[channel.destination]]\ntype = \"fhir\"\nname = \"{name}\"\n"
                   f"url = \"https://127.0.0.1:{servers[name].port}\"\nca = \"{c[ca + '.pem']}\"\n{DELIVERY}\n")
    sluice = Sluice(os.path.join(c.folder, "data"), config=config, extra=["--set", "log.level=trace"])
    sender, feed = Sender(sluice.mllp), Feed(random.Random(7))
    assert all(feed.send(sender) for _ in range(60))
    for name, (*_, trouble) in {**cases, **web}.items():
        if trouble is None:
            must(until(lambda: depth(sluice, name) == 0), f"{name}: delivered")
            continue
        said = until(lambda: queue(sluice, name)["trouble"] in trouble)
        told, taken = queue(sluice, name), (peers[name].taken if name in peers else servers[name].versions)
        must(said and told["depth"] and not taken, f"{name}: {told['trouble']}; {told['depth']} wait, {len(taken)} taken")
    must(peers["trusted"].versions == {"TLSv1.3"} and peers["trusted-12"].versions == {"TLSv1.2"}, "TLS 1.3 and 1.2")
    must(all("client" in client for client in peers["trusted"].clients), "the peer knows us by our certificate")
    for file in late.values():
        shutil.copy(c["ours.pem"], file)
    must(until(lambda: depth(sluice, "mended") == 0), "the authority's file is put right: delivered")
    # That one reads its file as it begins, and the other has to be told of a certificate.
    ours = f"ca = \"{c['ours.pem']}\""
    config = config.replace(f"ca = \"{late['https-mended']}\"", ours)
    before, after = config.split("name = \"no-certificate\"")
    with open(sluice.config, "w") as file:
        file.write(before + "name = \"no-certificate\"" + after.replace(f"{{ {ours} }}", f"{{ {ours}, {own} }}", 1))
    must(post(sluice, "/api/channels/reload")["changed"] == ["EJ1.mllp"], "settings are put right, and reloaded")
    for name in ("no-certificate", "https-mended"):
        must(until(lambda: depth(sluice, name) == 0), f"{name}: delivered")
    for name in ("trusted", "trusted-12", "named", "mended", "no-certificate"):
        must(feed.judge(peers[name].taken) == (0, 0) and len(peers[name].taken) == 60, f"{name}: each once, in order")
    for name in ("https", "https-mended"):
        must(servers[name].judge(sluice) == (0, 0) and not servers[name].fell, f"{name}: has what we have")
    keys = [open(c[name]).read().splitlines()[1] for name in ("client.key", "stranger.key")]
    nothing_leaks(sluice, [*keys, "PRIVATE KEY", "PROOFER", "P1X1"])
    must(sluice.stop() == 0, "a stop, while half of the destinations get nowhere")
    sys.exit(bool(wrong))


main()
