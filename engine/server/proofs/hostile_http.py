"""Attacks over HTTP: requests that lie, drip, probe and ask for too much."""
import gzip, json, multiprocessing, os, queue, random, re, socket, time
from attack import Broken, Raw, Watcher, alive, cli, eventually, memory_mb, metric, must, quiet_p99, unharmed
from real import ROOT, Sender, admit

PATIENT = "ZQXFAMILY7F3A"  # In every patient; in no answer but the data itself.
FHIR = "/fhir/R4/Patient"


def served(room, *settings, patients=60):
    """A process that holds patients whose every field would be recognised."""
    sluice = room.start(*settings)
    for port, name, facility, finess in (("EJ1.mllp", "A", b"PROOF", b"699000014"), ("EJ2.mllp", "B", b"OTHER", b"699000022")):
        sender = Sender(sluice.ports[port])
        for number in range(patients):
            message = admit(f"{name}{number:05d}").replace(b"PROOFER", PATIENT.encode())
            sender.exchange(message.replace(b"PROOF", facility).replace(b"699000014", finess))
        sender.close()
    must(sluice.caught_up(), "the fold did not catch up")
    return sluice


class Answer:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        found = re.match(rb"HTTP/1\.1 (\d{3})", head)
        self.status, self.head = int(found[1]) if found else 0, head

    def harmless(self, told):
        must(self.status < 500, f"{told}: {self.status}")
        if self.status >= 400:
            must(PATIENT.encode() not in self.body + self.head and b"panick" not in self.body, f"{told}: data in a refusal")


def said(sluice, raw, told, seconds=10):
    """Sends bytes, and reads until the connection ends or rests after a whole answer."""
    line, out = Raw(sluice.ports["http"], seconds), b""
    try:
        line.send(raw)
    except OSError:
        pass  # Refused while still sending: the answer may be there all the same.
    try:
        while True:
            more = line.socket.recv(1 << 16)
            if not more:
                break
            out += more
            length = re.search(rb"(?i)content-length: (\d+)", out)
            head = out.find(b"\r\n\r\n")
            if length and head >= 0 and len(out) >= head + 4 + int(length[1]):
                break
            if out.endswith(b"0\r\n\r\n") and re.search(rb"(?i)transfer-encoding: chunked", out):
                break
    except socket.timeout:
        raise Broken(f"{told}: neither an answer nor an end within {seconds} s") from None
    except ConnectionError:
        pass
    line.close()
    answer = Answer(out)
    answer.harmless(told)
    return answer


def ask(sluice, target, method="GET", body=b"", headers=(), told=None, seconds=10):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines).encode("latin-1", "replace")
    return said(sluice, head + b"\r\n\r\n" + body, told or f"{method} {target[:60]}", seconds)


def bearer(token):
    return [f"Authorization: Bearer {token}"]


def still_serves(sluice):
    alive(sluice)
    must(ask(sluice, FHIR + "?_count=1").status in (200, 401), "the server no longer answers")
    must(not any(metric(sluice, "sluice_panics_total").values()), "a request made a panic")


def requests_that_lie(room):
    """S14: ambiguous framing, foreign hosts, odd methods, headers and encodings are refused."""
    sluice, counts = served(room), {}
    h = b"Host: localhost\r\n"
    smuggled = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    post = b"POST /fhir/R4/Patient/_search HTTP/1.1\r\n" + h + b"Content-Type: application/x-www-form-urlencoded\r\n"
    get = b"GET /fhir/R4/Patient?_count=1 HTTP/1.1\r\n"
    lies = {
        "CL.TE": post + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
        "TE.TE": post + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled,
        "TE odd": post + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "CL CL": post + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
        "CL list": post + b"Content-Length: 0, 44\r\n\r\n", "CL sign": post + b"Content-Length: +4\r\n\r\n_id=",
        "CL minus": post + b"Content-Length: -1\r\n\r\n", "CL huge": post + b"Content-Length: 99999999999999999999999\r\n\r\n",
        "chunk huge": post + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx", "chunk bad": post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "space colon": get + b"Host : localhost\r\n\r\n", "folded": get + h + b"X: a\r\n b\r\n\r\n", "bare LF": get.replace(b"\r", b"") + b"Host: evil\n\n",
        "no host": get + b"\r\n", "two hosts": get + h + b"Host: evil.example\r\n\r\n", "NUL": get + h + b"X: a\x00b\r\n\r\n",
        "HTTP/0.9": b"GET /\r\n\r\n", "HTTP/3.7": get.replace(b"1.1", b"3.7") + h + b"\r\n", "h2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), "garbage": bytes(range(256)) * 8 + b"\r\n\r\n", "MLLP": b"\x0bMSH|^~\\&|\x1c\r\r\n\r\n",
        "CONNECT": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + h + b"\r\n", "absolute": b"GET http://evil.example/fhir/R4/Patient HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "star": b"OPTIONS * HTTP/1.1\r\n" + h + b"\r\n", "header 100 KB": get + h + b"X: " + b"a" * 100000 + b"\r\n\r\n",
        "1000 headers": get + h + b"".join(b"X%d: a\r\n" % n for n in range(1000)) + b"\r\n",
        "URI 40 KB": b"GET /fhir/R4/Patient?_id=" + b"a" * 20000 + b" HTTP/1.1\r\n" + h + b"\r\n",
        "method 5 KB": b"A" * 5000 + b" / HTTP/1.1\r\n" + h + b"\r\n",
        "body 1 MB": post + b"Content-Length: 1048576\r\n\r\n" + b"a" * (1 << 20), "gzip body": post + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n",
        "expect": post + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n",
        "range": get + h + b"Range: bytes=" + b"0-," * 1300 + b"\r\n\r\n", "upgrade": get + h + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    }
    bomb = gzip.compress(b"_id=" + b"a" * (64 << 20))
    lies["gzip body"] = lies["gzip body"] % len(bomb) + bomb
    for name in ("absolute", "evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "0.0.0.0", "169.254.169.254", "[::ffff:8.8.8.8]"):
        lies.setdefault("host " + name, get + f"Host: {name}\r\n\r\n".encode())
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "FOO", "get", "POST"):
        lies["method " + method] = method.encode() + b" /fhir/R4/Patient/x HTTP/1.1\r\n" + h + b"Content-Length: 0\r\n\r\n"
    lies["origin"] = post + b"Origin: https://evil.example\r\nContent-Length: 0\r\n\r\n"
    base = memory_mb(sluice, "VmRSS")
    for name, raw in lies.items():
        answer = said(sluice, raw, name, 20)
        counts[answer.status] = counts.get(answer.status, 0) + 1
        # Read by the chunks and then closed, as RFC 9112 §6.1 has it; the others mean one thing only.
        harmless = name in ("CL.TE", "range", "upgrade", "bare LF")
        must(harmless or answer.status != 200, f"{name} was answered 200")
        must(b"sluice_" not in answer.body, f"{name}: a smuggled request was answered")
    for name in ("CL.TE", "TE.TE", "CL CL"):
        line = Raw(sluice.ports["http"]).send(lies[name], smuggled)
        line.socket.settimeout(5)
        out = b""
        try:
            while more := line.socket.recv(1 << 16):
                out += more
        except ConnectionError:
            pass
        must(out.count(b"HTTP/1.1 ") == 1, f"{name}: {out.count(b'HTTP/1.1 ')} answers")
    still_serves(sluice)
    grown = memory_mb(sluice) - base
    must(grown < 64, f"memory grew by {grown:.0f} MB")
    return f"{len(lies)} lies, answers {dict(sorted(counts.items()))} (0: closed), +{grown:.0f} MB"


def absurd_questions(room):
    """B8, B10: searches that ask for too much are refused or answered soon, and never by a fault."""
    sluice, rng, counts, slowest = served(room), random.Random(room.seed), {}, 0.0
    cursor = re.search(rb'_cursor=([^"&]+)', ask(sluice, FHIR + "?_count=2").body)[1].decode()
    targets = [f"{FHIR}?{q}" for q in (
        "_id=" + ",".join("a" * 3 for _ in range(3900)), "_id=" + "," * 15000, "identifier=" + "%7C" * 4000, "family=" + "%5C," * 3000,
        "&".join("family=a" for _ in range(97)), "&".join(f"p{n}=1" for n in range(2000)), "_count=99999999999999999999", "_count=-1",
        "_count=1e9", "_count=0x10", "_count=", "_count=1&_count=2", "_count=%00", "_sort=" + ",".join(["family"] * 2000), "_sort=--family",
        "_elements=" + ",".join(["name"] * 3000), "birthdate=gt" + "9" * 5000, "birthdate=ge0000-00-00", "birthdate=2026-02-30", "birthdate=eq-1",
        "birthdate=99999-01-01", "birthdate=1970-01-01T25:61:61Z", "birthdate=" + ",".join(["1970"] * 3000), "family=(a+)+$", "family:contains=" + "(.*)*" * 900,
        "family=%ff", "family=%", "family=%u0041", "family=%C0%AF", "family=%00", "family=%F4%90%80%80", "family=" + "%CC%81" * 4000, "name=" + "é" * 10,
        "family:exact:exact=a", "family:=a", ":=a", "=", "&&&&", "?????", "identifier=a|b|c|d", "identifier=|", "identifier=|||||", "_format=xml", "_format=../../etc/passwd",
        "_summary=everything", "_total=x", "_type=Patient", "_id=../../../etc/passwd", "_lastUpdated=gt2026", "_has:Encounter:patient:_id=1", "general-practitioner.name=a",
        "_include=*", "_revinclude:iterate=*", "_cursor=", "_cursor=AAAA", f"_cursor={cursor}&family=x", "_text=a", "_content=a", "_filter=" + "(" * 3000,
        "_query=x", "gender=" + "x" * 9000, "active=maybe", "__proto__=1", "constructor=1", "_id[$ne]=1", "_id=' OR 1=1--")]
    targets += [f"/fhir/R4/{p}" for p in ("", "/", "//Patient", "Patient/", "Patient//", "Patient/%2e%2e/Encounter", "Patient/..%2f..%2fetc", "Patient/" + "a" * 8000,
                                          "Patient/%00", "Patient/%", "patient", "Patient/_search", "Patient/x/_history", "Patient/$everything", "Observation", "metadata?x=" + "a" * 9000,
                                          "Encounter?date=ge2026&date=le2025", "Encounter?patient=Patient/x,Encounter/y", "Location?name=" + "a" * 5000)]
    targets += ["/..%2f..%2fetc/passwd", "/%", "//", "/fhir", "/fhir/R5/Patient", "/fhir/R9/Patient", "/ej/EJ9/fhir/R4/Patient", "/ej/../EJ1/fhir/R4/Patient", "/ej//fhir/R4/Patient",
                "/ej/EJ1%00/fhir/R4/Patient", "/ej/EJ1/export/everything", "/ej/EJ1/export/patients?_format=exe", "/api/../metrics", "/metrics/", "/health/x", "/.git/config", "/api/cache/clear"]
    for at in range(0, len(cursor), max(1, len(cursor) // 40)):  # Forged, cut and stretched cursors.
        flipped = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1:]
        for forged in (flipped, cursor[:at], cursor + "A" * at):
            if forged != cursor:
                targets.append(f"{FHIR}?_cursor={forged}")
    for _ in range(4000 if room.long else 600):
        target = list(rng.choice(targets)[:300] or "/")
        for _ in range(rng.choice((1, 2, 8))):
            target.insert(rng.randrange(1, len(target) + 1), rng.choice("%&=?/|,\\:;$.+-_~'\"()[]{}<>*^`0aZ") if rng.random() < 0.8 else f"%{rng.randrange(256):02x}")
        targets.append("".join(target))
    for target in targets:
        wire = "".join(c if 32 < ord(c) < 127 else "".join(f"%{b:02X}" for b in c.encode()) for c in target)
        wire = wire if wire.startswith("/") else "/" + wire
        began = time.monotonic()
        answer = ask(sluice, wire, headers=["Accept-Encoding: gzip;q=0, *;q=0.1", "Connection: close"])
        slowest = max(slowest, time.monotonic() - began)
        counts[answer.status] = counts.get(answer.status, 0) + 1
        if "_cursor=" in target and answer.status == 200:
            must(f"_cursor={cursor}" in wire or not wire.startswith(f"{FHIR}?_cursor="), "a forged cursor was taken")
    form = ["Content-Type: application/x-www-form-urlencoded"]
    for body in (b"_id=" + b"a," * 20000, b"%" * 60000, b"&" * 60000, b"\xff" * 1000, b'{"a":' * 10000, b"family=" + b"%41" * 20000):
        answer = ask(sluice, FHIR + "/_search", "POST", body, form)
        counts[answer.status] = counts.get(answer.status, 0) + 1
    still_serves(sluice)
    must(slowest < 5, f"one question took {slowest:.1f} s")
    return f"{sum(counts.values())} questions, answers {dict(sorted(counts.items()))}, the slowest {slowest * 1000:.0f} ms"


def dripping_clients(room):
    """S9: thousands of slow and idle clients keep nobody out, and are let go."""
    sluice = served(room, "http.header_timeout_ms=3000", "http.body_timeout_ms=2000", "http.write_stall_timeout_ms=3000", patients=400)
    held, kinds = [], (b"GET /fhir/R4/Patient HTT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", b"", b"POST /fhir/R4/Patient/_search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n_id=")
    for number in range(1600):
        try:
            line = Raw(sluice.ports["http"], 5, source=f"127.0.2.{1 + number % 4}")
            line.send(kinds[number % 4])
            held.append(line)
        except OSError:
            pass
    time.sleep(1.1)  # Places are given away from connections that have rested for a second.
    seconds = []
    for number in range(100):
        began = time.monotonic()
        must(ask(sluice, FHIR + "?_count=1").status == 200, "a client was kept out")
        seconds.append(time.monotonic() - began)
    greedy = Raw(sluice.ports["http"], 20, receive_bytes=2048)  # Asks for much, reads nothing.
    greedy.send(b"GET /ej/EJ1/fhir/R4/Patient?_count=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
    open_now = lambda: sum(metric(sluice, "sluice_http_connections").values())
    must(eventually(lambda: open_now() <= 3, 20), f"{open_now():.0f} connections were not let go")
    for line in held + [greedy]:
        line.close()
    still_serves(sluice)
    return f"{len(held)} slow clients: 100 of 100 others answered, the slowest in {max(seconds) * 1000:.0f} ms; all let go"


def greedy_readers(room):
    """G7: sixteen readers that search, page and export without a pause do not stop a feed."""
    sluice = served(room, patients=1500)
    before, over, told = quiet_p99(sluice, "Q"), multiprocessing.Event(), multiprocessing.Queue()
    asked = [f"{FHIR}?family:contains=a&_count=1000&_sort=-birthdate", "/ej/EJ1/export/patients", f"{FHIR}?_count=1000&_pretty=true",
             f"{FHIR}?birthdate=ge1900&gender=female&_summary=count", "/ej/EJ2/export/patients?_format=ndjson"]

    def reader(number):
        while not over.is_set():
            number += 1
            told.put(ask(sluice, asked[number % len(asked)], headers=["Connection: close"], seconds=30).status)

    # Processes of their own: what is measured is the server, not this interpreter's lock.
    readers = [multiprocessing.Process(target=reader, args=(number,), daemon=True) for number in range(16)]
    for one in readers:
        one.start()
    watcher = Watcher(sluice, "W")
    time.sleep(20 if room.long else 4)
    during, exchanges = watcher.stop()
    over.set()
    seen = []
    while any(one.is_alive() for one in readers) or not told.empty():
        try:
            seen.append(told.get(timeout=0.2))
        except queue.Empty:
            pass
    must(set(seen) == {200}, f"answers {sorted(set(seen))}")
    must(all(one.exitcode == 0 for one in readers), "a reader was refused or left without an answer")
    still_serves(sluice)
    return f"{len(seen)} large answers to 16 readers beside {exchanges} messages; {unharmed(before, during)}"


def routes():
    """Method and path of every route, as docs/http.md lists them (a test holds it to the router)."""
    text = open(os.path.join(ROOT, "docs", "http.md")).read()
    return re.findall(r"^\| (GET|POST) \| `([^`]+)` \| (\w+) \|", text, re.M)


def tokens_over_their_life(room):
    """S5, S6, S22: no route without its right, revoked at once, and no secret in any other place."""
    sluice, folder = served(room), ["--config", "", "--data-dir", room.data]
    folder[1] = sluice.config
    make = lambda *more: cli("token", "create", *folder, *more).stdout.strip()
    first = make("--role", "administrator", "--all-ejs")
    must(first.startswith("slc_"), "no token was made")
    must(eventually(lambda: ask(sluice, FHIR).status == 401, 5), "the first token does not close the door")
    one = make("--role", "administrator", "--ej", "EJ1")
    expiring = make("--role", "administrator", "--all-ejs", "--expires", "1h")
    monitor, gone = make("--role", "monitor", "--all-ejs"), make("--role", "administrator", "--all-ejs")
    listed = json.loads(cli("token", "list", *folder, "--json").stdout)
    rows = listed if isinstance(listed, list) else listed["tokens"]
    must(eventually(lambda: all(ask(sluice, FHIR, headers=bearer(t)).status == 200 for t in (first, one, expiring, gone)), 5), "a new token does not count")
    number = next(row["id"] for row in rows if row["id"] and gone and ask and row is rows[-1])
    began = time.monotonic()
    must(cli("token", "revoke", *folder, number).returncode == 0, "revoke failed")
    must(eventually(lambda: ask(sluice, FHIR, headers=bearer(gone)).status == 401, 5), "a revoked token still counts")
    took, checked = time.monotonic() - began, 0
    kept = os.path.join(room.data, "tokens.json")
    stolen = json.load(open(kept))
    for entry in stolen["tokens"]:
        if entry.get("expires"):
            entry["expires"] = 1
    with open(kept, "w") as f:  # An hour later, as the file has it.
        json.dump(stolen, f)
    must(eventually(lambda: ask(sluice, FHIR, headers=bearer(expiring)).status == 401, 5), "an expired token counts")
    hashes = re.findall(r"[0-9a-f]{64}|[A-Za-z0-9+/_-]{43}=?", json.dumps(stolen))
    strangers = [None, gone, expiring, first[:-1], first + "a", first.upper(), "slc_", "", "null", "slc_" + "A" * 43, "Bearer " + first[:8], "a" * 8000, *hashes[:2]]
    identifier = json.loads(ask(sluice, "/ej/EJ2/fhir/R4/Patient?_count=1", headers=bearer(first)).body)["entry"][0]["resource"]["id"]
    for method, path, role in routes():
        if role == "public":
            continue
        target = path.replace("{ej}", "EJ2").replace("{id}", identifier)
        for stranger in strangers:
            answer = ask(sluice, target, method, b"", bearer(stranger) if stranger is not None else [])
            must(answer.status in (401, 431), f"{method} {path}: a stranger was answered {answer.status}")
            checked += 1
        for odd in (["Authorization: Basic " + first], ["Authorization: Bearer" + first], ["authorization: Bearer x", *bearer(first)], ["Cookie: token=" + first]):
            must(ask(sluice, target, method, b"", odd).status == 401, f"{method} {path}: {odd[0][:22]}… let in")
        must(ask(sluice, target + "?access_token=" + first, method).status == 401, f"{method} {path}: a token in a URL counts")
        if role != "monitor":
            must(ask(sluice, target, method, b"", bearer(monitor)).status in (401, 403, 404), f"{method} {path}: a monitor was let in")
        if "{ej}" in path or "{id}" in path:  # EJ2's, asked with a right to EJ1 only.
            answer = ask(sluice, target, method, b"", bearer(one))
            must(answer.status in (404, 403), f"{method} {path}: another EJ's answered {answer.status}")
            must(PATIENT.encode() not in answer.body, "another EJ's data")
    mine = ask(sluice, FHIR + "?_count=1000", headers=bearer(one)).body
    must(b"A00001" in mine and b"B00001" not in mine, "a search over all shows another EJ")
    cursor = re.search(rb'_cursor=([^"&]+)', ask(sluice, FHIR + "?_count=2", headers=bearer(first)).body)[1].decode()
    must(ask(sluice, f"{FHIR}?_cursor={cursor}", headers=bearer(one)).status == 400, "a cursor works under other rights")
    metrics = ask(sluice, "/metrics", headers=bearer(monitor)).body
    out = open(sluice.log.name, "rb").read() + metrics
    out += b"".join(open(f"/proc/{sluice.process.pid}/{f}", "rb").read() for f in ("cmdline", "environ"))
    out += b"".join(open(os.path.join(room.data, f), "rb").read() for f in os.listdir(room.data) if os.path.isfile(os.path.join(room.data, f)))
    leaks = [t for t in (first, one, monitor, expiring, gone) if t[4:].encode() in out]
    must(not leaks, f"{len(leaks)} secrets are told")
    must(os.stat(os.path.join(room.data, "tokens.json")).st_mode & 0o77 == 0, "others may read tokens.json")
    sluice.stop()
    again = room.start()
    must(ask(again, FHIR).status == 401 and ask(again, FHIR, headers=bearer(gone)).status == 401, "a restart opens the door")
    must(ask(again, FHIR, headers=bearer(first)).status == 200, "a restart forgets a token")
    return f"{len(routes())} routes, {checked} strangers refused, revoked within {took:.1f} s, 5 secrets nowhere else"


ATTACKS = [requests_that_lie, absurd_questions, dripping_clients, greedy_readers, tokens_over_their_life]
