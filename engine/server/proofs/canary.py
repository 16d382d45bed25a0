#!/usr/bin/env python3
"""No patient data gets out but by the door: a canary in every field.

usage: canary.py

Replays messages whose every patient field holds a token that occurs nowhere else (plain, accented,
escaped, in two charsets), good ones and broken ones, at TRACE level; asks for what is there and for
what is not; stops the process in every way that prints. Then greps all that came out (standard
output and error, metrics, every refusal over MLLP, every HTTP answer that is not the data itself,
response headers, the command line) for every token and every piece of eight characters of one.

Positive control: the same grep must find the tokens in FHIR bodies and in the journal.
Exit 0 or 1.
"""
import os, re, shutil, signal, sys, tempfile, time, urllib.error, urllib.parse, urllib.request
from real import FS_CR, VT, Sender, Sluice

FIELDS = ["family", "given", "second", "maiden", "mother", "street", "city", "zip", "phone", "mail",
          "ipp", "ipp2", "account", "visit", "contact", "contactphone", "doctor", "doctorname",
          "nation", "birthplace", "religion", "room", "bed", "ward", "reason", "allergy",
          "diagnosis", "insured", "policy", "note", "zfield", "obx", "oldipp"]


class Tokens:
    """A token a field and a message: ZQX, the field, and a number that nothing else has."""

    def __init__(self):
        self.all = []

    def __call__(self, field, number):
        # Spread over the alphabet, so that no eight characters of one stand in another by chance.
        code = (number * 2654435761 + FIELDS.index(field) * 40503 + 12345) % (1 << 40)
        token = f"ZQX{code:010x}{field[:3].upper()}"
        self.all.append(token)
        return token


def message(token, number, event="A01", charset="UNICODE UTF-8", version="2.5"):
    t = lambda field: token(field, number)
    text = (
        f"MSH|^~\\&|CANARY|PROOF|SLUICE|GHT|20260301120000||ADT^{event}|CAN{number:06d}|P|{version}|||||FRA|{charset}\r"
        f"EVN||20260301120000||||20260301120000\r"
        f"PID|1||{t('ipp')}^^^PROOF&699000014&M^PI~{t('ipp2')}^^^OTHER&1.2.3.4&ISO^MR||{t('family')}é^{t('given')}^{t('second')}^^^^L~{t('maiden')}^X^^^^^D|{t('mother')}|19700101|F||"
        f"|{t('street')}^B^{t('city')}^^{t('zip')}^FRA^H~^^{t('birthplace')}^^^FRA^BDL||^PRN^PH^^^^^^^^^{t('phone')}~^NET^Internet^{t('mail')}@x.example|||M|{t('religion')}|{t('account')}^^^PROOF&699000014&M^AN||||||||{t('nation')}\r"
        f"NK1|1|{t('contact')}^Y|SPO^x||^PRN^PH^^^^^^^^^{t('contactphone')}\r"
        f"PV1|1|I|{t('ward')}^{t('room')}^{t('bed')}^PROOF|R|||{t('doctor')}^{t('doctorname')}^Z||||||||||||{t('visit')}^^^PROOF&699000014&M^VN|||||||||||||||||||||||||20260301120000\r"
        f"PV2|||{t('reason')}\r"
        f"AL1|1|DA|{t('allergy')}\rDG1|1||{t('diagnosis')}\rIN1|1|{t('policy')}|||||||||||||{t('insured')}\r"
        f"NTE|1||{t('note')} \\X{t('note').encode().hex()}\\ \\Zbad\\ \\T\\{t('note')}\r"
        f"OBX|1|ST|x||{t('obx')}\rZZZ|{t('zfield')}|\r")
    if event == "A40":
        text += f"MRG|{t('oldipp')}^^^PROOF&699000014&M^PI\r"
    return text.encode({"8859/15": "iso-8859-15"}.get(charset, "utf-8"))


def broken(token, number):
    """Ways in which messages break, each around a message full of tokens."""
    good = message(token, number)
    n = str(number).encode()
    return [
        good.replace(b"PID|1||" + token("ipp", number).encode(), b"PID|1||"),
        good.replace(b"PID|", b"pid|"), good.replace(b"ADT^A01", b"ORU^R01"),
        good.replace(b"ADT^A01", token("family", number).encode()),
        good.replace(b"|P|2.5", b"|" + token("given", number).encode() + b"|2.5"),
        good.replace(b"|2.5|", b"|" + token("city", number).encode() + b"|"),
        good.replace(b"UNICODE UTF-8", token("street", number).encode()),
        good.replace(b"CAN%06d" % number, token("note", number).encode() * 30),
        good.replace(b"\r", b""), good.replace(b"MSH|", b"MXH|"), good[3:], good[: len(good) // 2],
        good.replace(b"|", b"\xff"), good.replace("é".encode(), b"\xe9"),
        good.replace(b"20260301120000", token("zip", number).encode()),
        good.replace(b"PV1|1|I", b"PV1|1|" + token("bed", number).encode()),
        token("obx", number).encode() * 200, b"MSH|" + token("mail", number).encode(),
        b"\x00\x01" + good, good + VT, good.replace(b"PROOF|SLUICE", token("ward", number).encode() + b"|SLUICE"),
        good.replace(b"699000014", token("doctor", number).encode()),
        good.replace(b"^~\\&", b"^^^^"), good.replace(b"MSH|^~\\&|", b"MSH|"),
    ]


def answers_of(port, messages):
    """Raw answers, each on a connection of its own."""
    import socket
    out = b""
    for one in messages:
        try:
            s = socket.create_connection(("127.0.0.1", port), 5)
            s.settimeout(2)
            s.sendall(VT + one + FS_CR)
            while FS_CR not in (got := s.recv(65536)) and got:
                out += got
            out += got
            s.close()
        except OSError:
            pass
    return out


def http(sluice, path, method="GET", body=None, headers=None):
    """Status line, headers and body of any answer, whatever its status."""
    request = urllib.request.Request(f"http://127.0.0.1:{sluice.ports['http']}{path}", method=method,
                                     data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as a:
            return a.status, bytes(str(a.headers), "latin-1"), a.read()
    except urllib.error.HTTPError as e:
        return e.code, bytes(str(e.headers), "latin-1"), e.read()
    except OSError:
        return 0, b"", b""


def pieces(tokens):
    """Every token, and every run of eight characters of one that holds a part of its number."""
    found = set()
    for token in set(tokens):
        for at in range(3, len(token) - 7):
            found.add(token[at:at + 8].lower().encode())
        found.add(token.lower().encode())
    return found


def hits(blob, wanted):
    low = blob.lower()
    windows = {low[i:i + 8] for i in range(len(low) - 7)}
    return sorted(w for w in wanted if len(w) == 8 and w in windows)


def main():
    folder, token = tempfile.mkdtemp(), Tokens()
    data = os.path.join(folder, "data")
    sluice = Sluice(data, ["--set", "log.level=trace"])
    sender, told = Sender(sluice.mllp), b""
    events = ["A28", "A01", "A02", "A03", "A08", "A31", "A11", "A12", "A13", "A40", "A04", "A05", "A06", "A07", "A15"]
    for number in range(60):
        charset = ["UNICODE UTF-8", "8859/15", "8859/1", ""][number % 4]
        answer = sender.exchange(message(token, number, events[number % len(events)], charset))
        told += repr(answer).encode().replace(b"CAN", b"")
    for number in range(100, 104):
        told_raw = answers_of(sluice.mllp, broken(token, number))
        # What an answer must give back to its own sender is not told to anybody: its header
        # (names, version, charset) and its control id in MSA-2. All else is ours to say.
        answered = re.sub(rb"MSH[^\r]*\r", b"", told_raw)
        told += re.sub(rb"MSA(.)([A-Z]{2}).[^|\r]*", rb"MSA\1\2\1", answered)
    sluice.caught_up()
    bodies = b""
    for path in ("/ej/EJ1/fhir/R4/Patient?_count=200", "/ej/EJ1/fhir/R4/Encounter?_count=200", "/ej/EJ1/export/patients"):
        status, headers, body = http(sluice, path)
        bodies += body
        told += headers
    secret = urllib.parse.quote(token("family", 7))
    for path in (f"/fhir/R4/Patient/{secret}", f"/fhir/R4/Patient?nope={secret}", f"/fhir/R4/Patient?birthdate={secret}",
                 f"/fhir/R4/Patient?identifier:{secret}=1", f"/ej/{secret}/fhir/R4/Patient", f"/{secret}",
                 f"/fhir/R4/{secret}/1", f"/fhir/R4/Patient?_count={secret}", f"/fhir/R4/Patient?_cursor={secret}",
                 f"/fhir/R4/Patient?_format={secret}", f"/api/{secret}", f"/fhir/R4/Encounter?date={secret}"):
        for method, body in (("GET", None), ("POST", secret.encode()), ("DELETE", None)):
            status, headers, body = http(sluice, path, method, body, {"Authorization": "Bearer " + secret} if method == "DELETE" else {})
            # A self link repeats the question to the one who asked it; nothing else may.
            told += headers + (b"" if status == 200 else body)
    told += http(sluice, "/metrics")[2] + http(sluice, "/health/ready")[2] + http(sluice, "/health/live")[2]
    told += open(f"/proc/{sluice.process.pid}/cmdline", "rb").read()
    sluice.process.send_signal(signal.SIGTERM)
    sluice.process.wait(20)
    time.sleep(0.2)
    told += open(sluice.log.name, "rb").read()
    again = Sluice(data, ["--set", "log.level=trace"])
    again.caught_up()
    again.kill()
    told += open(again.log.name, "rb").read()
    wanted = pieces(token.all)
    journal = b"".join(open(os.path.join(root, f), "rb").read()
                       for root, _, files in os.walk(os.path.join(data, "journal")) for f in files)
    control, in_journal = hits(bodies, wanted), hits(journal, wanted)
    leaks = hits(told, wanted)
    tokens = len(set(token.all))
    print(f"{tokens} tokens, {len(told)} bytes told: {len(leaks)} leaks; "
          f"control: {len(control)} pieces in FHIR bodies, {len(in_journal)} in the journal")
    for piece in leaks[:10]:
        at = told.lower().find(piece)
        print("  leak in:", told[max(0, at - 100):at].decode("latin-1").splitlines()[-1:], "…")
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if leaks or not control or not in_journal or tokens < 1000 else 0)


if __name__ == "__main__":
    main()
