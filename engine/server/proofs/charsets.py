#!/usr/bin/env python3
"""Character sets over the wire: what MSH-18 says, what the bytes are, what is answered, what FHIR shows.

usage: charsets.py [--every N]

Each case is a message with accented names, and the name of its sender in MSH-3. It is sent once for every N-th byte of
its frame (default 1: every one), cut there into two writes, and once byte by byte, each time about a patient of its own, and asks for both
acknowledgements. Asserted of every one: MSA-1 and ERR-3 of both, the sender's name and MSH-18 in the answer as they
were sent, byte for byte; and of every patient, the name that FHIR shows. What lies about its bytes is counted. Prints one
table; exit 0 or 1.
"""
import argparse, json, os, shutil, sys, tempfile, time
from attack import TWO_EJS, Broken, Raw, metric, must
from real import FS_CR, VT, Sluice

LATIN = ("D'Épinay-Ñuñez", "Hélène")
LATIN9 = ("Cœur-Œuvrard", "Žoëlle")
TAKEN = (("CA", ""), ("AA", ""))
LIES = (("CA", ""), ("AA", "103 charset_lies"))
REFUSED = (("CE", "103 charset_unsupported"),)
# What it is, MSH-18, the EJ (EJ1's default is UTF-8, EJ2's 8859/15), the name, its bytes' set, what is answered.
CASES = [
    ("ASCII", "ASCII", "EJ1", ("Dupont", "Helene"), "ascii", TAKEN),
    ("8859/1", "8859/1", "EJ1", LATIN, "latin-1", TAKEN),
    ("8859/15", "8859/15", "EJ1", LATIN9, "iso8859-15", TAKEN),
    ("UTF-8", "UNICODE UTF-8", "EJ1", ("Łukasiewicz-山田", "Zoë 𠮷"), "utf-8", TAKEN),
    ("`UNICODE` alone", "UNICODE", "EJ1", LATIN9, "utf-8", TAKEN),
    ("as IANA writes it", "iso-8859-1", "EJ1", LATIN, "latin-1", TAKEN),
    ("windows-1252", "WINDOWS-1252", "EJ1", ("L’Œuf", "Šárka"), "cp1252", TAKEN),
    ("empty, the EJ's default UTF-8", "", "EJ1", LATIN, "utf-8", TAKEN),
    ("empty, the EJ's default 8859/15", "", "EJ2", LATIN9, "iso8859-15", TAKEN),
    ("unknown: `ISO IR87`", "ISO IR87", "EJ1", LATIN, "utf-8", REFUSED),
    ("unknown: `UNICODE UTF-16`", "UNICODE UTF-16", "EJ1", LATIN, "utf-8", REFUSED),
    ("says ASCII, is 8859/1", "ASCII", "EJ1", LATIN, "latin-1", LIES),
    ("says 8859/1, is UTF-8", "8859/1", "EJ1", LATIN, "utf-8", LIES),
    ("says 8859/1, is 8859/15", "8859/1", "EJ1", ("Lecœur", "Anaïs"), "iso8859-15", LIES),
    ("says 8859/1, is windows-1252", "8859/1", "EJ1", ("L’Épine", "Œdipe"), "cp1252", LIES),
    ("says 8859/15, is UTF-8", "8859/15", "EJ1", LATIN9, "utf-8", LIES),
    ("says UTF-8, is 8859/1", "UNICODE UTF-8", "EJ1", LATIN, "latin-1", LIES),
    ("says nothing (UTF-8), is windows-1252", "", "EJ1", ("L’Épine", "Zoé"), "cp1252", LIES),
    ("says nothing (8859/15), is UTF-8", "", "EJ2", LATIN, "utf-8", LIES),
]


def message(identifier, declared, ej, name, codec):
    facility, finess = {"EJ1": ("PROOF", "699000014"), "EJ2": ("OTHER", "699000022")}[ej]
    family, given = name
    return (f"MSH|^~\\&|{family}|{facility}|SLUICE|GHT|20260301120000||ADT^A28^ADT_A05|{identifier}|P|2.5|||AL|AL||{declared}\r"
            f"EVN||20260301120000\rPID|1||{identifier}^^^{facility}&{finess}&M^PI||{family}^{given}^^^^^L||19700101|F\r"
            "PV1|1|N\r").encode(codec)


def told(answer, sent):
    """MSA-1 and MSA-2 of an answer, ERR-3 and ERR-7; what it quotes must be as it was sent."""
    fields = {line.split(b"|")[0]: line.split(b"|") for line in answer.split(b"\r")}
    asked, header = sent.split(b"\r")[0].split(b"|"), fields[b"MSH"] + [b""] * 18
    must(header[4] == asked[2], "the sender's name is not quoted byte for byte")
    must(header[17] == asked[17], "MSH-18 of the answer is another")
    error = fields.get(b"ERR")
    found = b" ".join((error[3].split(b"^")[0], error[7].split(b"^")[0])).decode() if error else ""
    return fields[b"MSA"][1].decode(), fields[b"MSA"][2].decode(), found


def play(line, number, case, every):
    """Sends a case in all its cuts; the identifiers of its patients."""
    title, declared, ej, name, codec, expected = case
    frame, sent = VT + message(f"C{number:02d}N0000", declared, ej, name, codec) + FS_CR, []
    for at in [*range(1, len(frame), every), len(frame)]:
        identifier = f"C{number:02d}N{at:04d}"
        text = message(identifier, declared, ej, name, codec)
        one = VT + text + FS_CR
        if at == len(frame):
            for byte in one:
                line.send(bytes([byte]))
        else:
            line.send(one[:at])
            time.sleep(0.0003)  # Lets the two parts be two reads.
            line.send(one[at:])
        for code, error in expected:
            answer = line.answer()
            must(answer is not None, f"{title}, cut at {at}: the connection ended")
            got = told(answer, text)
            must(got == (code, identifier, error), f"{title}, cut at {at}: {got}")
        sent.append(identifier)
    return sent


def names(sluice, ej):
    """Family and given name of every patient that FHIR serves, by the patient's identifier."""
    found = {}
    for line in sluice.get(f"/ej/{ej}/export/patients", "application/fhir+ndjson").decode("utf-8").splitlines():
        patient = json.loads(line)
        own = [one["value"] for one in patient["identifier"] if one.get("system", "").endswith("/ipp")]
        must(len(own) == 1 and own[0] not in found, "a patient is there twice")
        found[own[0]] = (patient["name"][0]["family"], " ".join(patient["name"][0]["given"]))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1)
    every = parser.parse_args().every
    folder, sluice = tempfile.mkdtemp(), None
    try:
        config = TWO_EJS.replace('id = "EJ2"\n', 'id = "EJ2"\ncharset = "8859/15"\n', 1)
        sluice = Sluice(os.path.join(folder, "data"), config=config)
        lines = {ej: Raw(sluice.ports[f"{ej}.mllp"]) for ej in ("EJ1", "EJ2")}
        sent = [play(lines[case[2]], number, case, every) for number, case in enumerate(CASES)]
        must(sluice.caught_up(), "the fold did not catch up")
        served = {ej: names(sluice, ej) for ej in lines}
        print("| case | MSH-18 | sent | answered | FHIR shows |\n|---|---|---|---|---|")
        for (title, declared, ej, name, codec, expected), own in zip(CASES, sent):
            shown = {served[ej].get(identifier) for identifier in own}
            must(shown == ({name} if expected != REFUSED else {None}), f"{title}: FHIR shows {shown}, sent was {name}")
            answered = ", ".join(f"{code} {error}".strip() for code, error in expected)
            reads = " ".join(name) if expected != REFUSED else "no patient"
            print(f"| {title} | {declared or 'empty'} | {len(own)} cuts, {codec} | {answered} | {reads} |")
        lying = sum(len(own) for case, own in zip(CASES, sent) if case[5] == LIES)
        counted = metric(sluice, "sluice_issues_total").get('{code="charset_lies"}', 0)
        must(counted == lying, f"{counted:.0f} lies counted, {lying} told")
        taken = sum(len(own) for case, own in zip(CASES, sent) if case[5] != REFUSED)
        must(taken == sum(map(len, served.values())), "a patient that nobody sent")
        must(sluice.stop() == 0, "no clean stop")
        print(f"charsets: {len(CASES)} cases, {sum(map(len, sent))} messages, {taken} patients read right, {lying} lies counted")
    except Broken as what:
        print(f"BROKEN: {what}")
        sys.exit(1)
    finally:
        if sluice and sluice.process.poll() is None:
            sluice.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
