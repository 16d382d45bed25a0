#!/usr/bin/env python3
"""The ways in that are no listener: a watched folder and HTTP POST, on the real binary.

usage: sources.py [--rounds N] [--seed S]

A folder: single messages, files of many, batches with their counts, broken ones, files that are still
written; then kill -9 at random moments while batches are read, again and again on the same data: in the
end each message made one patient (lost 0, twice 0), every file is in `done` with its batch of
acknowledgements. HTTP: what is answered with which status, by whom, and that bodies of other routes keep
their bound. Exit 0 or 1.
"""
import argparse, json, os, random, shutil, subprocess, sys, tempfile, time, urllib.error, urllib.request
from outward import must, until, wrong
from real import BINARY, CONFIG, Sluice, admit, identifiers

FOLDER = """
[[channel]]
id = "EJ1.folder"
ejs = ["EJ1"]
[channel.source]
type = "folder"
path = "in"
every_ms = 20
settle_ms = 40
retry_ms = 50
file_bytes_max = 4000000
in_flight_max = {in_flight}
[[channel]]
id = "EJ1.http"
ejs = ["EJ1"]
source = {{ type = "http", message_bytes_max = 200000 }}
"""
ER7 = "application/hl7-v2; charset=utf-8"


def batch(tag, messages, said=None, trailer=True):
    header = "|^~\\&|PROOF|PROOF|SLUICE|GHT|20260301120000||||"
    text = f"FHS{header}F{tag}\rBHS{header}B{tag}\r".encode() + b"".join(messages)
    text += f"BTS|{len(messages) if said is None else said}\r".encode()
    return text + (b"FTS|1\r" if trailer else b"")


started = []


def start(data, in_flight=1):
    started.append(Sluice(data, config=CONFIG + FOLDER.format(in_flight=in_flight)))
    return started[-1]


class Folder:
    def __init__(self, root):
        self.path = os.path.join(root, "in")
        os.makedirs(self.path)

    def put(self, name, text):
        """As a sender should: under another name until it is whole."""
        unfinished = os.path.join(self.path, "." + name)
        with open(unfinished, "wb") as file:
            file.write(text)
        os.rename(unfinished, os.path.join(self.path, name))

    def there(self, *parts):
        return os.path.exists(os.path.join(self.path, *parts))

    def text(self, *parts):
        with open(os.path.join(self.path, *parts), "rb") as file:
            return file.read()

    def left(self):
        return [name for name in os.listdir(self.path) if name not in ("done", "broken")]


def post(sluice, body, media=ER7, token=None, path="/channels/EJ1.http", coding=None):
    headers = {"Content-Type": media}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if coding:
        headers["Content-Encoding"] = coding
    url = f"http://127.0.0.1:{sluice.ports['http']}{path}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Content-Type", ""), error.read()


def files(folder, data):
    """One of each kind of file."""
    sluice = start(data)
    folder.put("1.hl7", admit("F1"))
    folder.put("2.hl7", admit("F2a") + b"\r\n" + admit("F2b").replace(b"\r", b"\r\n"))
    bad = admit("F3b").replace(b"|P|2.5", b"|P|")
    folder.put("3.hl7", batch("3", [admit("F3a"), bad, admit("F3c"), admit("F3d").replace(b"|F3d|P", b"||P")]))
    folder.put("4.hl7", batch("4", [admit("F4a"), admit("F4b")], said=3))
    folder.put("5.hl7", batch("5", [admit("F5a")], trailer=False))
    folder.put("6.hl7", b"\r\n")
    folder.put("7.hl7", b"x" * 4_000_001)
    folder.put("8.hl7", admit("F8"))
    must(until(lambda: not folder.left()), "each file of eight kinds went somewhere")
    done = sorted(n for n in os.listdir(folder.path + "/done") if not n.endswith(".ack"))
    broken = sorted(n for n in os.listdir(folder.path + "/broken") if not n.endswith(".reason"))
    must((done, broken) == (["1.hl7", "2.hl7", "3.hl7", "8.hl7"], ["4.hl7", "5.hl7", "6.hl7", "7.hl7"]),
         f"done {done}, broken {broken}")
    must(folder.text("done", "1.hl7.ack").count(b"MSA|AA|F1\r") == 1, "a message is answered")
    must(b"MSA|AA|F2a\r" in folder.text("done", "2.hl7.ack") and b"MSA|AA|F2b\r" in folder.text("done", "2.hl7.ack"),
         "two messages are answered")
    answer = folder.text("done", "3.hl7.ack")
    codes = [line.split(b"|")[1].decode() for line in answer.split(b"\r") if line.startswith(b"MSA")]
    must(codes == ["AA", "AR", "AA", "AE"] and answer.startswith(b"FHS|^~\\&|SLUICE|GHT|PROOF|PROOF|")
         and b"|F3\rBHS|" in answer and answer.endswith(b"BTS|4\rFTS|1\r"),
         f"a batch is answered by a batch of acknowledgements: {codes}")
    reasons = {n: folder.text("broken", n + ".reason").decode().strip() for n in broken}
    must("BTS-1 says 3, and 2 are there" in reasons["4.hl7"], reasons["4.hl7"])
    must("FTS is missing" in reasons["5.hl7"], reasons["5.hl7"])
    must("no message" in reasons["6.hl7"] and "4000001 bytes" in reasons["7.hl7"], "empty, and too large")
    must(not any("F4" in reason or "PROOFER" in reason for reason in reasons.values()), "no reason quotes a message")
    # A file that is still written waits, and so does the one after it; a name of no finished file is left.
    with open(os.path.join(folder.path, "a.hl7"), "wb") as slow:
        for part in range(20):
            slow.write(admit(f"W{part}"))
            slow.flush()
            if part == 1:
                folder.put("b.hl7", admit("WB"))
                folder.put("c.hl7.part", admit("WC"))
            time.sleep(0.01)
    must(until(lambda: folder.there("done", "b.hl7")), "what waits behind a growing file is taken")
    order = [os.stat(os.path.join(folder.path, "done", n + ".ack")).st_mtime_ns for n in ("a.hl7", "b.hl7")]
    must(folder.text("done", "a.hl7.ack").count(b"MSA|AA|W") == 20 and order[0] <= order[1], "whole, and in the order of names")
    must(folder.left() == ["c.hl7.part"], "an unfinished name is left")
    os.remove(os.path.join(folder.path, "c.hl7.part"))
    # The same name and the same bytes again.
    folder.put("1.hl7", admit("F1"))
    must(until(lambda: folder.there("done", "1.hl7.1.ack")), "a name that comes again overwrites nothing")
    must(b"MSA|AA|F1\r" in folder.text("done", "1.hl7.1.ack"), "the same bytes get the same answer")
    sluice.caught_up()
    found = identifiers(sluice)
    expected = {"F1", "F2a", "F2b", "F3a", "F3c", "F8", "WB", *(f"W{n}" for n in range(20))}
    must(set(found) == expected and all(n == 1 for n in found.values()), f"{len(found)} patients, each once")
    metrics = sluice.get("/metrics", "text/plain").decode()
    must('sluice_folder_files_total{channel="EJ1.folder",outcome="broken"} 4' in metrics
         and 'outcome="done"} 7' in metrics, "files are counted by what became of them")
    must(not any(name in open(sluice.config + ".log").read() for name in ("1.hl7", "PROOFER")), "the log names no file")
    must(sluice.stop() == 0, "a clean stop")


def crashes(folder, data, rounds, rng):
    """kill -9 while batches are read."""
    sent, number = [], 0
    for round_number in range(rounds):
        sluice = start(data, rng.choice((1, 1, 16)))
        for _ in range(3):
            names = [f"K{number:04d}X{n:03d}" for n in range(rng.randrange(50, 200))]
            folder.put(f"k{number:04d}.hl7", batch(str(number), [admit(name) for name in names]))
            sent += names
            number += 1
        time.sleep(rng.uniform(0.0, 0.5))
        sluice.kill()
    sluice = start(data)
    must(until(lambda: not folder.left(), 120), "after the last start every file is taken")
    sluice.caught_up()
    found = identifiers(sluice)
    lost, twice = [n for n in sent if n not in found], [n for n in found if found[n] > 1]
    must(not lost and not twice, f"{rounds} times kill -9 over {number} batches: {len(sent)} messages, lost {len(lost)}, twice {len(twice)}")
    must(sluice.stop() == 0, "a clean stop")
    report = json.loads(subprocess.run([BINARY, "verify", "--data-dir", data, "--json"],
                                       capture_output=True, check=False, cwd=os.path.dirname(data)).stdout)
    accepted = sum(1 for n in found)
    must(report["accepted"] == accepted, f"the journal holds {report['accepted']} accepted messages for {accepted} patients")
    answers = b"".join(folder.text("done", n) for n in os.listdir(folder.path + "/done") if n.startswith("k") and n.endswith(".ack"))
    must(all(answers.count(f"MSA|AA|{name}\r".encode()) == 1 for name in sent), "each message is acknowledged in one file")


def http(data):
    sluice = start(data)
    status, media, answer = post(sluice, admit("H1"))
    must((status, media) == (200, "application/hl7-v2; charset=utf-8") and b"MSA|AA|H1\r" in answer, f"AA is {status}, {media}")
    status, _, answer = post(sluice, admit("H1"))
    must(status == 200 and b"MSA|AA|H1\r" in answer, "the same bytes get the same answer")
    status, media, answer = post(sluice, admit("H2").replace(b"|P|2.5", b"|P|"), "x-application/hl7-v2+er7")
    must(status == 200 and b"MSA|AR|H2\r" in answer and media.startswith("x-application/hl7-v2+er7;"),
         "a refusal is an answer too: 200, in the media type of the request")
    status, _, answer = post(sluice, admit("H3").replace(b"|2.5\r", b"|2.5|||NE|NE\r", 1))
    must((status, answer) == (204, b""), "who asks for no acknowledgement gets 204")
    latin1 = admit("H4").decode().replace("PROOFER", "Jérôme").encode("latin-1")
    status, _, answer = post(sluice, latin1, "application/hl7-v2; charset=iso-8859-1")
    must(status == 200 and b"MSA|AA|H4\r" in answer, "another character set is taken")
    sluice.caught_up()
    name = json.loads(sluice.get("/ej/EJ1/fhir/R4/Patient?identifier=H4"))["entry"][0]["resource"]["name"][0]["family"]
    must(name.lower() == "jérôme", f"and read right: {name}")
    for told, expected, got in [
        ("XML", 415, post(sluice, b"<ADT_A01/>", "application/hl7-v2+xml; charset=utf-8")),
        ("no media type of HL7", 415, post(sluice, admit("H5"), "text/plain")),
        ("compressed", 415, post(sluice, admit("H5"), coding="gzip")),
        ("not in its character set", 400, post(sluice, latin1)),
        ("over the channel's bound", 413, post(sluice, admit("H6", 200_001))),
        ("no such channel", 404, post(sluice, admit("H7"), path="/channels/EJ1.mllp")),
        ("a form over the bound of forms", 413, post(sluice, b"x" * 70_000, "application/x-www-form-urlencoded", path="/fhir/R4/Patient/_search")),
    ]:
        must(got[0] == expected and "hl7-v2" not in got[1], f"{told}: {got[0]} {got[1]}")
    status, _, answer = post(sluice, admit("H8", 150_000))
    must(status == 200, "a message over the bound of other bodies is taken")

    def token(*arguments):
        made = subprocess.run([BINARY, "token", "create", "--config", sluice.config, "--data-dir", data, *arguments],
                              capture_output=True, check=False)
        return made.stdout.decode().strip() or made.stderr.decode()

    sender, reader = token("--role", "sender", "--ej", "EJ1"), token("--role", "reader", "--ej", "EJ1")
    time.sleep(1.2)
    told = [post(sluice, admit("H9"), token=one)[0] for one in (None, "slc_nothing", reader, sender)]
    must(told == [401, 401, 403, 200], f"nobody, anybody, a reader, a sender: {told}")
    request = urllib.request.Request(f"http://127.0.0.1:{sluice.ports['http']}/fhir/R4/Patient", headers={"Authorization": f"Bearer {sender}"})
    try:
        urllib.request.urlopen(request, timeout=10)
        must(False, "a sender reads")
    except urllib.error.HTTPError as error:
        must(error.code == 403, "a sender reads nothing")
    must(sluice.stop() == 0, "a clean stop")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    root = tempfile.mkdtemp()
    folder, data = Folder(root), os.path.join(root, "data")
    try:
        print("files")
        files(folder, data)
        print("kill -9")
        crashes(folder, data, asked.rounds, random.Random(asked.seed))
        print("HTTP")
        http(data)
    finally:
        for sluice in started:
            if sluice.process.poll() is None:
                sluice.kill()
        shutil.rmtree(root, ignore_errors=True)
    print("all right" if not wrong else f"{len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


main()
