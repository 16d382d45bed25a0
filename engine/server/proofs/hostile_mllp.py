"""Attacks over MLLP by what a message says."""
import glob, os, random, re, time
from attack import Raw, Watcher, alive, memory_mb, metric, must, quiet_p99, unharmed, verify
from real import FS_CR, ROOT, VT, Sender, admit, identifiers

# What an MLLP frame cannot carry; these bytes have attacks of their own.
FRAMING = bytes([0x0B, 0x1C])
GOOD = admit("GOOD")


def fixtures():
    found = []
    for path in sorted(glob.glob(os.path.join(ROOT, "fixtures", "messages", "**", "*.hl7"), recursive=True)):
        raw = open(path, "rb").read().replace(b"\r\n", b"\r").replace(b"\n", b"\r")
        found += [b"MSH" + part for part in re.split(rb"(?:^|\r)MSH", raw) if part.strip()]
    return found


def crafted():
    """The ways in which messages are known to break, one by one."""
    pid = GOOD[GOOD.index(b"PID"):]
    cases = [
        b"", b"\r", b"\r\r\r\r", b"MSH", b"MSH|", b"MSH|^", b"MSH|^~\\&", b"MSH|^~\\&|", b"MSH^~\\&|A|B", b"msh|^~\\&|",
        pid, b"PID|1||X\r" + GOOD, b"garbage", b"\xff" * 500, b"\x00" * 500, b"|" * 5000, b"FHS|^~\\&|\r" + GOOD,
        b"BHS|^~\\&|\r" + GOOD, GOOD + GOOD, GOOD + b"MSH|^~\\&|A|B\r", b"\xef\xbb\xbf" + GOOD, b"\xff\xfe" + GOOD,
        GOOD.decode().encode("utf-16"), b" \t\r\n" + GOOD, GOOD.replace(b"\r", b"\n"), GOOD.replace(b"\r", b"\r\n"),
        GOOD.replace(b"\r", b""), GOOD.replace(b"\r", b"\x85"), GOOD.replace(b"\r", b"\r\r"), GOOD + b"\x00",
        GOOD.replace(b"PROOFER", b"PRO\x00OFER"), GOOD.replace(b"|P|2.5", b"|P|"), GOOD.replace(b"|P|2.5", b"||"),
        GOOD.replace(b"|P|2.5", b"|P|9.9"), GOOD.replace(b"|P|2.5", b"|P|2.5.1.7.8"), GOOD.replace(b"|GOOD|", b"||"),
        GOOD.replace(b"|GOOD|", b'|""|'), GOOD.replace(b"|GOOD|", b"|" + b"9" * 199 + b"|"),
        GOOD.replace(b"|GOOD|", b"|" + b"9" * 200 + b"|"), GOOD.replace(b"|GOOD|", b"|" + b"9" * 70000 + b"|"),
        GOOD.replace(b"ADT^A28^ADT_A05", b""), GOOD.replace(b"ADT^A28^ADT_A05", b"ADT"), GOOD.replace(b"ADT^A28", b"ADT^A99999999"),
        GOOD.replace(b"ADT^A28", b"ORU^R01"), GOOD.replace(b"ADT^A28", b"^^^^^"), GOOD.replace(b"ADT^A28", b"ADT~ADT^A28"),
        GOOD.replace(b"|2.5\r", b"|2.5||||||UTF-7\r"), GOOD.replace(b"|2.5\r", b"|2.5||||||UNICODE UTF-16\r"),
        GOOD.replace(b"|2.5\r", b"|2.5|||NE|NE\r"), GOOD.replace(b"|2.5\r", b"|2.5|||AL|NE\r"),
        GOOD.replace(b"|2.5\r", b"|2.5|||ER|\r"), GOOD.replace(b"PID|1||GOOD", b"PID|1||"), GOOD.replace(b"PID|", b"PI|"),
        GOOD.replace(b"PID|", b"PIDX|"), GOOD.replace(b"PID|", b"|PID|"), GOOD.replace(b"19700101", b"9" * 400),
        GOOD.replace(b"20260301120000", b"99999999999999"), GOOD.replace(b"20260301120000", b"-1"),
        GOOD.replace(b"ADT^A28", b"ADT^A40"), GOOD.replace(b"ADT^A28", b"ADT^A40") + b"MRG|\r",
        GOOD.replace(b"ADT^A28", b"ADT^A40") + b"MRG|GOOD^^^PROOF&699000014&M^PI\r",
        GOOD + b"NTE|1||x\r" * 10000, GOOD + b"\r" * 10000, GOOD + b"Z|\r" * 10000,
        GOOD + b"OBX|1|ED|x||" + b"A" * (1 << 20) + b"\r", GOOD + b"NTE|1||" + b"\\" * (1 << 20) + b"\r",
        GOOD + b"NTE|1||" + b"\\X41\\" * 200000 + b"\r", GOOD + b"PV2|" + b"|" * 500000 + b"\r",
        GOOD.replace(b"PROOFER^", b"A~" * 60000), GOOD.replace(b"PROOFER^", b"A^" * 60000), GOOD.replace(b"PROOFER^", b"A&" * 60000),
        GOOD.replace(b"PROOFER^", b"^&~" * 40000), GOOD.replace(b"GOOD^^^PROOF", b"GOOD^^^PROOF&699000014&M^PI~" * 3000 + b"GOOD^^^PROOF"),
        GOOD.replace(b"\r", b"\x07\r"), GOOD.replace(b"PROOFER", b"\x1b[31mPROOFER\x1b[0m"),
    ]
    for bad in (b"\\X\\", b"\\Xzz\\", b"\\X4\\", b"\\Zxx\\", b"\\", b"\\T", b"\\.br\\\\.sp+9999\\", b"\\C2842\\", b"\\M\\",
                b"\\H\\\\N\\", b"\\XFFFEFD\\", b"\\F\\\\S\\\\T\\\\R\\\\E\\", "山田\\T\\太郎".encode(), b"\xc3", b"\xed\xa0\x80"):
        cases.append(GOOD.replace(b"PROOFER", bad + b"PROOFER" + bad))
    for separators in (b"MSH|||||", b"MSH|^^^^|", b"MSH|^|", b"MSH|^~|", b"MSH|^~\\|", b"MSH|^~\\&#|", b"MSH|^~\\&#$%|",
                       b"MSHA^~\\&A", b"MSH ^~\\& ", b"MSH\t^~\\&\t", b"MSH|\"~\\&|", b"MSH|^~\\^|", b"MSH|||||||||", b"MSH\xff^~\\&\xff"):
        cases.append(separators + GOOD[9:])
    for n, separator in enumerate(b"!#$%*+,-./:;<=>?@[]_`{}"):
        cases.append(GOOD.replace(b"|", bytes([separator])).replace(b"GOOD", b"SEP%d" % n))
    return cases


def havoc(rng, samples, count):
    """Mutated copies of real messages: bytes, fields and whole segments moved, doubled, broken."""
    for _ in range(count):
        message = bytearray(rng.choice(samples))
        for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
            at, kind = rng.randrange(max(len(message), 1)), rng.randrange(9)
            if kind == 0:
                message[at:at + 1] = bytes([rng.randrange(256)])
            elif kind == 1:
                del message[at:at + rng.randrange(1, 40)]
            elif kind == 2:
                message[at:at] = message[at:at + rng.randrange(1, 200)] * rng.randrange(1, 9)
            elif kind == 3:
                message[at:at] = rng.choice((b"|", b"^", b"~", b"\\", b"&", b"\r", b"\n", b"\x00", b'""', b"\\X", b"MSH|", b"PID|", b"\xc3"))
            elif kind == 4:
                other = rng.choice(samples)
                message[at:] = other[rng.randrange(len(other)):]
            elif kind == 5:
                segments = bytes(message).split(b"\r")
                rng.shuffle(segments)
                message = bytearray(b"\r".join(segments))
            elif kind == 6 and len(message) > 8:
                message[rng.randrange(3, 9)] = rng.randrange(256)
            elif kind == 7:
                message = message[:at]
            else:
                message[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 64)))
        yield bytes(message)


def header(message):
    """The MSH line, read by rules of our own: (line, its field separators to be believed)."""
    for line in re.split(rb"[\r\n]", message):
        line = line.lstrip(b" \t\x0c\xef\xbb\xbf")
        if line.startswith(b"MSH"):
            return line, {line[3:4] or b"|", b"|"}
    return None, {b"|"}


def readable(message, answer):
    """Holds an answer against what was sent; its MSA-1."""
    separator = answer[3:4]
    segments = answer.split(b"\r")
    must(answer.startswith(b"MSH") and segments[-1] == b"", "an answer is no message")
    names = [segment[:3] for segment in segments[:-1]]
    must(names in ([b"MSH", b"MSA"], [b"MSH", b"MSA", b"ERR"]), f"an answer has the segments {names}")
    msa = segments[1].split(separator)
    must(msa[1] in (b"AA", b"AE", b"AR", b"CA", b"CE", b"CR"), "MSA-1 is none")
    line, separators = header(message)
    ids = {(line.split(s) + [b""] * 10)[9] for s in separators} if line is not None else {b""}
    harmless = lambda raw: len(raw) <= 512 and all(byte >= 32 and byte != 127 for byte in raw)
    wanted = {raw if harmless(raw) else b"" for raw in ids}
    must(msa[2] in wanted, f"MSA-2 is not byte-exact ({len(msa[2])} bytes, message of {len(message)})")
    return msa[1]


def may_stay_silent(message):
    """Acknowledgements, and headers that ask for no answer."""
    line, separators = header(message)
    modes = [field for s in separators for field in (line or b"").split(s)[14:16]]
    return any(word in message for word in (b"ACK", b"MCF", b"MSA")) or \
        any(mode.strip() in (b"NE", b"SU", b"ER") for mode in modes)


def malformed_messages(room):
    """B1: every complete frame is answered readably or rightly not at all; the journal counts alike."""
    rng, samples = random.Random(room.seed), fixtures()
    cases = crafted() + list(havoc(rng, samples, 20000 if room.long else 1500))
    cases = list(dict.fromkeys(re.sub(b"[%s]" % FRAMING, b"", case) for case in cases))
    sluice = room.start()
    before = quiet_p99(sluice, "Q")
    watcher, line, codes, silent = Watcher(sluice, "W"), Raw(sluice.mllp), {}, 0
    for number, case in enumerate(cases):
        mark = b"MARK%06d" % number  # A good message after each one shows where silence ends.
        line.send(VT + case + FS_CR + VT + admit(mark.decode()) + FS_CR)
        answer = line.answer()
        must(answer is not None, f"case {number} ended the connection")
        if b"|AA|" + mark + b"\r" in answer:
            silent += 1
            must(may_stay_silent(case), f"case {number} of {len(case)} bytes was not answered")
            continue
        code = readable(case, answer).decode()
        codes[code] = codes.get(code, 0) + 1
        answer = line.answer()
        must(answer is not None and b"|AA|" + mark + b"\r" in answer, f"the message after case {number} was not accepted")
    during, exchanges = watcher.stop()
    alive(sluice)
    must(sluice.caught_up(), "the fold did not catch up")
    must(not any(metric(sluice, "sluice_panics_total").values()), "a message made a panic")
    counted, peak = metric(sluice, "sluice_intake_verdicts_total"), memory_mb(sluice)
    must(sluice.stop() == 0, "no clean stop")
    report = verify(room.data)
    told = {}
    for labels, count in counted.items():
        name = re.search(r'verdict="(\w+)"', labels)[1]
        told[name] = told.get(name, 0) + int(count)
    kept = {name: count for name, count in told.items() if count and name != "frame_too_large"}
    must(report["sound"] and kept == report["messages"], f"told {kept}, journaled {report['messages']}")
    must(peak < 400, f"{peak:.0f} MB")
    return (f"{len(cases)} messages, answers {dict(sorted(codes.items()))}, {silent} owed none; {len(kept)} verdicts, "
            f"{sum(kept.values())} messages told and journaled alike; peak {peak:.0f} MB; {unharmed(before, during)}")


def acknowledgements_sent_to_us(room):
    """An answer is never answered, whatever it looks like: no ping-pong."""
    sluice = room.start()
    line = Raw(sluice.mllp)
    line.send(VT + admit("FIRST") + FS_CR)
    ours = line.answer()
    for number in range(50):
        line.send(VT + ours + FS_CR, VT + b"MSH|^~\\&|A|B|C|D|20260301||ACK^A01|%d|P|2.5\rMSA|AE|%d\r" % (number, number) + FS_CR)
    line.send(VT + admit("LAST") + FS_CR)
    must(b"|AA|LAST\r" in line.answer(), "an acknowledgement was answered")
    must(line.buffer == b"", "more was said than owed")
    return "100 acknowledgements, none answered"


def somebody_elses_patients(room):
    """S16: what is another EJ's is refused, journaled with its verdict, and filed nowhere."""
    sluice, wrong = room.start(), []
    sender = Sender(sluice.mllp)
    for number in range(50):
        message = admit(f"WRONG{number:03d}")
        wrong.append(sender.exchange(message.replace(b"|PROOF|PROOF|", (b"|PROOF|OTHER|", b"|PROOF|699000022|", b"|PROOF|EJ2|")[number % 3])))
        wrong.append(sender.exchange(message.replace(b"PROOF&699000014", b"X&699000022")))
        wrong.append(sender.exchange(message.replace(b"|PROOF|PROOF|", b"|PROOF|Q^699000022^L|")))
    must(all(code == "AR" for code, _ in wrong), f"answers {sorted(set(code for code, _ in wrong))}")
    sluice.caught_up()
    must(not identifiers(sluice) and not identifiers(sluice, "EJ2"), "a refused message had an effect")
    sluice.stop()
    found = verify(room.data)["messages"]
    must(found == {"sender_of_another_ej": 100, "authority_of_another_ej": 50}, f"journaled {found}")
    return f"150 messages, all AR, {found}, no effect"


def injected_answers(room):
    """S17: nothing in a header breaks out of the answer that quotes it."""
    sluice, line_of = room.start(), b"MSH|^~\\&|%s|PROOF|%s|GHT|20260301120000||ADT^A28^ADT_A05|%s|%s|2.5||||||%s\r"
    bodies = admit("INJECT").split(b"\r", 1)[1]
    evil = [b"\x1c", b"\x1c\x1c", b"x\x1cx", b"x\ry", b"x\nMSA|AA|FORGED", b"\rMSA|AA|FORGED", b"\x00", b"\x7f", b"\x1b[2J", b"\x85", b"\xff\xfe",
            b"a^b~c\\F\\d&e", b"\\X0D\\MSA\\F\\AA", b"\\X1C0D\\", b"x" * 600, b"^" * 500, "é".encode(), b"'\";<script>", b"\t\x08\x0c", b"%0d%0a"]
    line, seen = Raw(sluice.mllp), 0
    for number, text in enumerate(evil):
        for place in range(5):
            parts = [b"PROOF", b"SLUICE", b"INJ%02d%d" % (number, place), b"P", b""]
            parts[place] = text
            message = line_of % tuple(parts) + bodies
            line.send(VT + message + FS_CR, VT + admit(f"MARK{number}x{place}") + FS_CR)
            answer = line.answer()
            must(answer is not None, "the connection ended")
            mark = b"|AA|MARK%dx%d\r" % (number, place)
            if mark in answer:  # MSA as a segment of its own: that is an acknowledgement.
                must(b"\rMSA" in message or b"\nMSA" in message, "not answered")
                continue
            readable(message, answer)
            must(not any(byte < 32 and byte != 13 or byte == 127 for byte in answer), "a control character in an answer")
            must(b"FORGED" not in answer.split(b"MSA|")[1][:10], "a forged acknowledgement")
            must(mark in (line.answer() or b""), "the answers lost step")
            seen += 1
    return f"{seen} answers to {len(evil)} injections in 5 places: 2 or 3 segments each, no control character, in step"


def one_patient_with_everything(room):
    """One patient with thousands of stays, identifiers, moves and merged records stays cheap."""
    sluice, count = room.start(), 6000 if room.long else 1200
    sender, worst = Sender(sluice.mllp), 0.0
    own = lambda number: b"PID|1||%s^" % number
    visit = lambda place, number: b"PV1|1|I|%s^1^1" % place + b"|" * 16 + number + b"^^^PROOF&699000014&M^VN"
    storms = {
        "A": ("A01", lambda n, m: m.replace(own(n), b"PID|1||HUBA^").replace(b"PV1|1|N", visit(b"W", n))),
        "B": ("A28", lambda n, m: m.replace(own(n), b"PID|1||HUBB^").replace(b"^PI|", b"^PI~%s^^^S%s&1.2.3&ISO^MR|" % (n, n))),
        "C": ("A02", lambda n, m: m.replace(own(n), b"PID|1||HUBC^").replace(b"PV1|1|N", visit(n, b"VISIT"))),
        "D": ("A40", lambda n, m: m.replace(own(n), b"PID|1||HUBD^") + b"MRG|OLD%s^^^PROOF&699000014&M^PI\r" % n),
    }
    for name, (event, changed) in storms.items():
        began = time.monotonic()
        for number in range(count):
            identifier = f"{name}{number}"
            message = changed(identifier.encode(), admit(identifier, event=event))
            must(b"HUB" in message and sender.exchange(message) == ("AA", identifier), f"{identifier} was not accepted")
        must(sluice.caught_up(), f"the fold stands behind {name}")
        worst = max(worst, (time.monotonic() - began) / count * 1000)
    stays, peak = sluice.json("/ej/EJ1/fhir/R4/Encounter?_summary=count")["total"], memory_mb(sluice)
    must(stays >= count, f"{stays} stays")
    must(not any(metric(sluice, "sluice_panics_total").values()), "a message made a panic")
    must(worst < 25 and peak < 200, f"{worst:.1f} ms a message, {peak:.0f} MB")
    must(sluice.stop() == 0, "no clean stop")
    again = room.start()
    must(again.caught_up() and again.json("/ej/EJ1/fhir/R4/Encounter?_summary=count")["total"] == stays, "a restart has other stays")
    return f"{count} stays, identifiers, moves and merges of one patient: {worst:.1f} ms a message and its fold at worst, peak {peak:.0f} MB"


ATTACKS = [malformed_messages, acknowledgements_sent_to_us, somebody_elses_patients, injected_answers,
           one_patient_with_everything]
