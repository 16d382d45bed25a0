#!/usr/bin/env python3
"""Every way to be refused by a TLS listener, and to get in, on the real binary with openssl's client.

usage: tls.py

Certificates are made by openssl in a folder of their own. Each case connects, where it is refused twice: one
client waits for what it is told, one sends its message at once and must get no answer. Then certificates and authorities are
renewed while a connection stands, and one that was configured after the start nears its end. Prints a
table: the case, what was sent, what was answered, what counted it; each of its lines must stand in docs/mllp.md.
Exit 0, 1, or 77 where there is no openssl.
"""
import os, re, select, shutil, socket, ssl, subprocess, sys, tempfile, time
from attack import TWO_EJS, Broken, eventually, metric, must
from certificates import Certificates
from real import FS_CR, ROOT, VT, Sluice, admit, identifiers

ALERTS = {40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate", 45: "certificate_expired",
          46: "certificate_unknown", 48: "unknown_ca", 50: "decode_error", 70: "protocol_version", 80: "internal_error",
          116: "certificate_required"}
FOREIGN = ((b"|PROOF|PROOF|", b"|PROOF|OTHER|"), (b"PROOF&699000014", b"OTHER&699000022"))


def said(answer):
    """MSA-1 of an answer, with ERR-3 and ERR-7 where it has them."""
    fields = {line.split(b"|")[0]: line.split(b"|") for line in answer.strip(VT).split(b"\r")}
    code = fields[b"MSA"][1].decode()
    if b"ERR" in fields:
        error = fields[b"ERR"]
        code += f" {error[3].split(b'^')[0].decode()} {error[7].split(b'^')[0].decode()}"
    return code


class Client:
    """openssl's client on a listener; what it reads and writes goes through its pipes."""

    def __init__(self, at, port, arguments=""):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{port}", "-CAfile", "ours.pem",
             "-verify_return_error", "-verify_hostname", "sluice.test", *arguments.split()],
            cwd=at, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ask(self, message, seconds=20):
        """What is answered to a message; None when the connection ends."""
        try:
            self.process.stdin.write(VT + message + FS_CR)
            self.process.stdin.flush()
        except OSError:
            pass  # It was refused before it could say anything.
        answer, out, end = b"", self.process.stdout.fileno(), time.monotonic() + seconds
        while not answer.endswith(FS_CR):
            must(select.select([out], [], [], max(0, end - time.monotonic()))[0], "no answer and no end within its time")
            more = os.read(out, 4096)
            if not more:
                return None
            answer += more
        return said(answer)

    def told(self, seconds=20):
        """Says nothing until the connection ends; what ended it."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.close()
            return "still connected"
        text = self.process.stderr.read().decode(errors="replace")
        alert = re.search(r"SSL alert number (\d+)", text)
        if alert:
            return "alert " + ALERTS.get(int(alert[1]), alert[1])
        if "no protocols available" in text or "no ciphers available" in text:
            return None
        return "closed" if re.search(r"unexpected eof|errno=(0|104)\b", text) else "unknown: " + text[-200:]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def serial_served(at, port):
    """The serial number of the certificate that a new connection is shown: s_client cannot tell it apart from answers."""
    context = ssl.create_default_context(cafile=os.path.join(at, "ours.pem"))
    context.load_cert_chain(os.path.join(at, "his.pem"), os.path.join(at, "his.key"))
    context.check_hostname = False
    with socket.create_connection(("127.0.0.1", port), 20) as plain, context.wrap_socket(plain) as secured:
        return secured.getpeercert()["serialNumber"]


def plain_bytes(port, sent):
    """What comes back where the client speaks no TLS."""
    with socket.create_connection(("127.0.0.1", port), 20) as plain:
        plain.sendall(sent)
        answer = b""
        try:
            while more := plain.recv(4096):
                answer += more
        except ConnectionError:
            pass
    must(VT not in answer, "a message was answered in plain")
    return "alert " + ALERTS.get(answer[6], str(answer[6])) if answer[:1] == b"\x15" and len(answer) > 6 else "closed"


class Table:
    def __init__(self, sluice):
        self.sluice, self.lines, self.sent, self.skipped = sluice, [], 0, 0
        with open(os.path.join(ROOT, "docs", "mllp.md")) as page:
            self.page = page.read()

    def next_message(self):
        self.sent += 1
        return admit(f"TLS{self.sent:03d}")

    def counted(self):
        """What tells of refusals and acknowledgements, each by its label."""
        found = {}
        for name, label in (("sluice_mllp_limits_hit_total", "limit"), ("sluice_intake_verdicts_total", "verdict"),
                            ("sluice_mllp_tls_reloads_total", ""), ("sluice_mllp_tls_reload_failures_total", "")):
            for labels, value in metric(self.sluice, name).items():
                value_of = re.search(rf'\b{label}="([^"]*)"', labels)[1] if label else name.removeprefix("sluice_mllp_")
                found[value_of] = found.get(value_of, 0) + int(value)
        return found

    def line(self, case, sent, before, answered, connections=1):
        """Waits until as many refusals as connections are counted, and tells of the case."""
        def grown():
            now = self.counted()
            return {name: count - before.get(name, 0) for name, count in now.items() if count > before.get(name, 0)}
        must(eventually(lambda: sum(grown().values()) >= connections), f"{case}: {answered}, and only {grown()} counted")
        counts = grown()
        must(sum(counts.values()) == connections, f"{case}: {connections} connections, {counts}")
        self.lines.append(f"| {case} | {sent} | {answered} | {', '.join(f'`{name}`' for name in counts)} |")
        print(self.lines[-1], flush=True)

    def refused(self, at, port, case, sent, arguments):
        before = self.counted()
        waiting = Client(at, port, arguments)
        told = waiting.told()
        if told is None:
            self.skipped += 1
            return print(f"skipped: {case}: this openssl cannot speak it", flush=True)
        hasty = Client(at, port, arguments)
        must(hasty.ask(self.next_message()) is None, f"{case}: a message was answered")
        hasty.close()
        self.line(case, sent, before, told, 2)

    def taken(self, at, port, case, sent, arguments, change=()):
        before, message = self.counted(), self.next_message()
        for old, new in change:
            must(old in message, f"{case}: a message without {old}")
            message = message.replace(old, new)
        client = Client(at, port, arguments)
        answer = client.ask(message)
        client.close()
        must(answer is not None, f"{case}: no answer, {client.process.stderr.read()[-300:]}")
        self.line(case, sent, before, answer)

    def held(self):
        """The lines that the documentation has otherwise, or not."""
        return [line for line in self.lines if line not in self.page]


def channel(name, ejs, tls, port=0):
    return (f'id = "{name}"\nejs = {ejs}\n[source]\ntype = "mllp"\naddress = "127.0.0.1:{port}"\n'
            f'[source.tls]\ncertificate = "{tls}.pem"\nkey = "{tls}.key"\n')


def doors(made, at, table):
    """Who gets in, and for whom it speaks."""
    bound, anyone = table.sluice.ports["bound"], table.sluice.ports["anyone"]
    his = "-cert his.pem -key his.key"
    made.certificate("lab", "DNS:lab.test")
    made.certificate("late", "DNS:his.test", valid=("20200101000000Z", "20200201000000Z"))
    made.certificate("early", "DNS:his.test", valid=("20980101000000Z", "20991231000000Z"))
    made.certificate("stranger", "DNS:his.test", authority="others")
    made.certificate("nobody", "DNS:nobody.test")
    made.certificate("serving", "DNS:his.test", use="serverAuth")
    table.taken(at, bound, "TLS 1.3", "its client's certificate, its MSH-4", f"{his} -tls1_3")
    table.taken(at, bound, "TLS 1.2", "the same", f"{his} -tls1_2")
    table.taken(at, bound, "another client, another EJ", "its certificate, its MSH-4", "-cert lab.pem -key lab.key", FOREIGN)
    table.taken(at, bound, "wrong facility", "MSH-4 of the other client", his, FOREIGN)
    table.taken(at, bound, "wrong facility, enhanced mode", "the same, MSH-15 AL", his, (*FOREIGN, (b"|P|2.5\r", b"|P|2.5|||AL\r")))
    table.taken(at, bound, "wrong EJ", "PID-3 of the other EJ", his, FOREIGN[1:])
    table.taken(at, anyone, "no certificate, none asked for", "no `client_ca` on this channel", "")
    for version in ("1.1", "1.0"):
        old = f"-tls1{'_1' if version == '1.1' else ''} -cipher DEFAULT@SECLEVEL=0"
        table.refused(at, bound, f"old version, TLS {version}", "a ClientHello", f"{his} {old}")
    table.refused(at, bound, "old suites", "TLS 1.2 with CBC alone", f"{his} -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384")
    for version, flag in (("1.3", "-tls1_3"), ("1.2", "-tls1_2")):
        table.refused(at, bound, f"no client certificate, TLS {version}", "none", flag)
        table.refused(at, bound, f"wrong authority, TLS {version}", "a certificate of another authority", f"-cert stranger.pem -key stranger.key {flag}")
        table.refused(at, bound, f"expired, TLS {version}", "a certificate that ended", f"-cert late.pem -key late.key {flag}")
    table.refused(at, bound, "not yet valid", "a certificate that begins later", "-cert early.pem -key early.key")
    table.refused(at, bound, "for servers alone", "a certificate whose use is serverAuth", "-cert serving.pem -key serving.key")
    table.refused(at, bound, "no client of ours", "our authority's, none of the names", "-cert nobody.pem -key nobody.key")
    for case, sent, raw in (("no TLS", "a message in plain", VT + table.next_message() + FS_CR),
                            ("no TLS, HTTP", "`GET /`", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                            ("stops in the handshake", "half a ClientHello", bytes.fromhex("16030100c8010000c40303") + b"x" * 20)):
        before = table.counted()
        table.line(case, sent, before, plain_bytes(bound, raw))


def renewed(made, at, table):
    """Files that change: new connections see the new ones, one that stands goes on."""
    bound, his = table.sluice.ports["bound"], "-cert his.pem -key his.key"
    made.authority("next")
    standing, first = Client(at, bound, his), serial_served(at, bound)
    must(standing.ask(table.next_message()) == "AA", "the connection that stands")
    before = table.counted()

    def goes_on():
        answer = standing.ask(table.next_message())
        must(answer == "AA", f"the connection that stands: {answer}")
        before["accepted"] = before.get("accepted", 0) + 1

    made.certificate("server", "DNS:sluice.test")
    must(eventually(lambda: serial_served(at, bound) != first), "a renewed certificate is not served")
    second = serial_served(at, bound)
    goes_on()
    table.line("certificate renewed", "its files, key first", before, "the next connection sees it, one that stands goes on")
    before = table.counted()
    made.write("server.pem", "nothing\n")
    must(eventually(lambda: serial_served(at, bound) and table.counted().get("tls_reload_failures_total", 0)), "not noticed")
    must(serial_served(at, bound) == second, "the last good certificate does not serve on")
    goes_on()
    table.line("certificate broken", "a file that holds none", before, "the last good one serves on")
    made.certificate("server", "DNS:sluice.test")
    must(eventually(lambda: serial_served(at, bound) != second), "a mended certificate is not served")
    before = table.counted()
    made.certificate("newcomer", "DNS:his.test", authority="next")
    shutil.copy(os.path.join(at, "next.pem"), os.path.join(at, "new.ca"))
    os.replace(os.path.join(at, "new.ca"), os.path.join(at, "clients.pem"))

    def newcomer():
        client = Client(at, bound, "-cert newcomer.pem -key newcomer.key")
        answer = client.ask(table.next_message())
        client.close()
        return answer == "AA"

    must(eventually(newcomer), "the new authority's clients are not taken")
    goes_on()
    old = Client(at, bound, his)
    told = old.told()
    must(table.counted()["tls_reloads_total"] == before["tls_reloads_total"] + 1, "one reload")
    table.lines.append(f"| authorities replaced | the old one's certificate | {told}; the new one's AA; one that stands goes on | `tls_reloads_total`, `handshake` |")
    print(table.lines[-1])
    standing.close()


def watched(made, at, sluice, files):
    """A channel that was added after the start: its certificate's end is told, and no more once it is gone."""
    soon = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 5 * 86400))
    made.certificate("short", "DNS:sluice.test", valid=("20200101000000Z", soon))
    standing = lambda: [one["of"] for one in sluice.json("/api/alerts")["alerts"] if one["alert"] == "certificate_end"]
    must(standing() == [], f"alerts before: {standing()}")
    out = (f'[[destination]]\nname = "ward"\ntype = "mllp"\naddress = "127.0.0.1:9"\n[destination.tls]\n'
           f'ca = "{at}/ours.pem"\ncertificate = "{at}/short.pem"\nkey = "{at}/short.key"\n')
    with open(os.path.join(files, "late.toml"), "w") as file:
        file.write(channel("late", '["EJ1"]', os.path.join(at, "short")) + out)
    must(eventually(lambda: standing() == ["late", "late/ward"], 30), f"a new channel's certificate is not watched: {standing()}")
    os.remove(os.path.join(files, "late.toml"))
    must(eventually(lambda: standing() == [], 30), f"the alert of a channel that is gone stands: {standing()}")
    print("a channel added while running: the ends of its certificate and of its destination's are alerts, and are over once it is gone")


def main():
    if not shutil.which("openssl"):
        print("skipped: there is no openssl here")
        sys.exit(77)
    root = tempfile.mkdtemp()
    at, files = os.path.join(root, "certificates"), os.path.join(root, "channels")
    os.mkdir(at)
    os.mkdir(files)
    sluice = None
    try:
        made = Certificates(at)
        made.authority("ours")
        made.authority("others")
        shutil.copy(os.path.join(at, "ours.pem"), os.path.join(at, "clients.pem"))
        made.certificate("server", "DNS:sluice.test")
        made.certificate("his", "DNS:his.test")
        clients = "".join(f'[[source.tls.client]]\nname = "{name}"\nfacility = ["{facility}"]\n'
                          for name, facility in (("his.test", "PROOF"), ("lab.test", "OTHER")))
        server = os.path.join(at, "server")
        with open(os.path.join(files, "bound.toml"), "w") as file:
            file.write(channel("bound", '["EJ1", "EJ2"]', server) + f'client_ca = "{at}/clients.pem"\n' + clients)
        with open(os.path.join(files, "anyone.toml"), "w") as file:
            file.write(channel("anyone", '["EJ1"]', server))
        sluice = Sluice(os.path.join(root, "data"), ["--set", "mllp.handshake_timeout_ms=1000", "--set", "alerts.every_s=1"],
                        config=TWO_EJS.split("[[channel]]")[0])
        table = Table(sluice)
        print("| case | sent | answered | counted as |\n|---|---|---|---|")
        doors(made, at, table)
        must(sluice.caught_up(), "the fold did not catch up")
        served = [len(identifiers(sluice, ej)) for ej in ("EJ1", "EJ2")]
        must(served == [3, 1], f"patients of what was accepted: {served}")
        renewed(made, at, table)
        watched(made, at, sluice, files)
        must(sluice.stop() == 0, "no clean stop")
        missing = table.held()
        must(not missing, "docs/mllp.md tells otherwise of:\n" + "\n".join(missing))
        print(f"tls: {len(table.lines)} cases as docs/mllp.md tells them, {table.skipped} skipped")
    except Broken as what:
        print(f"BROKEN: {what}")
        sys.exit(1)
    finally:
        if sluice and sluice.process.poll() is None:
            sluice.kill()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
