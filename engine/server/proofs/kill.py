#!/usr/bin/env python3
"""kill -9 at random under eight senders, again and again on the same data; every tenth time SIGTERM.

usage: kill.py [--rounds N] [--seed S]

A sender whose connection breaks before its answer sends the same bytes again after the restart,
as hospital systems do. Every other sender asks for both acknowledgements (MSH-15 and MSH-16 AL), sends sixteen messages
before it reads, and counts one as acknowledged when its AA has come after its CA. Killed between the two, the message is
applied after the restart before anybody sends it again; sent again, it is told what became of the first: CA, then an AA that
names nothing (not the `repeated` of what is no longer known). A SIGTERM must end the process within 10 s with 0; it also leaves a cut of the
state, so that later rounds do not fold ever more before they take anything. In the end: every acknowledged message has its effect (lost 0), each
message that was ever accepted stands in the journal once and made one patient (twice 0).
Exit 0 or 1.
"""
import argparse, os, random, shutil, sys, tempfile, threading, time
from real import FS_CR, VT, Sender, Sluice, admit, identifiers
import json, subprocess
from real import BINARY


class Source:
    """One sending system: its next number, and the messages that still wait for their last answer."""

    def __init__(self, tag, both):
        self.tag, self.both, self.window = tag, both, 16 if both else 1
        self.next, self.acknowledged, self.other = 0, [], 0
        self.waiting = {}  # By identifier: whether its CA has come.
        self.owed, self.torn, self.told = set(), 0, 0

    def ask(self, sender):
        """Sends all that waits and reads its answers; whether the connection lasted until the last of them."""
        asks = "|||AL|AL" if self.both else ""
        try:
            sender.socket.sendall(b"".join(VT + admit(i, 900, asks=asks) + FS_CR for i in self.waiting))
        except OSError:
            return False
        while self.waiting:
            answer = sender.answer()
            if answer is None:
                return False
            code, identifier = answer
            if self.both and code == "CA" and identifier in self.waiting:
                self.waiting[identifier] = True
            elif code == "AA" and self.waiting.get(identifier) == self.both and b"\rERR" not in sender.raw:
                self.told += identifier in self.owed
                del self.waiting[identifier]
                self.acknowledged.append(identifier)
            else:
                self.other += 1
                return False
        return True

    def again(self):
        """What was told CA and not AA when the connection broke; its CA comes again when it is sent again."""
        self.owed = {identifier for identifier, safe in self.waiting.items() if safe}
        self.torn += len(self.owed)
        self.waiting = dict.fromkeys(self.waiting, False)

    def play(self, port, stop):
        try:
            sender = Sender(port, timeout=10)
        except OSError:
            return
        while not stop.is_set():
            while len(self.waiting) < self.window:
                self.waiting[f"{self.tag}{self.next:07d}"] = False
                self.next += 1
            if not self.ask(sender):
                break
            time.sleep(0.002 * self.window)  # 500 rounds at full speed are millions of patients to compare.
        sender.close()


def unapplied(sluice, sources):
    """What was told CA before the stop, is owed its AA, and is not there although nobody sent it again."""
    owed = [identifier for source in sources for identifier in source.owed]
    if not owed:
        return []
    sluice.caught_up()
    count = lambda identifier: sluice.json(f"/ej/EJ1/fhir/R4/Patient?identifier={identifier}&_summary=count")["total"]
    return [identifier for identifier in owed if count(identifier) != 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    rng, folder = random.Random(asked.seed), tempfile.mkdtemp()
    data = os.path.join(folder, "data")
    settings = ["--set", f"journal.segment_bytes={16 << 20}"]
    sources = [Source(f"K{n}X", n % 2 == 1) for n in range(8)]
    slowest, slowest_stop, clean, missing = 0.0, 0.0, 0, []
    for round_number in range(asked.rounds):
        began = time.monotonic()
        sluice = Sluice(data, settings)
        slowest = max(slowest, time.monotonic() - began)
        missing += unapplied(sluice, sources)
        stop = threading.Event()
        threads = [threading.Thread(target=s.play, args=(sluice.mllp, stop)) for s in sources]
        for thread in threads:
            thread.start()
        time.sleep(rng.uniform(0.05, 0.6))
        if round_number % 10 == 9:
            began = time.monotonic()
            clean += sluice.stop(30) == 0
            slowest_stop = max(slowest_stop, time.monotonic() - began)
        else:
            sluice.kill()
        stop.set()
        for thread in threads:
            thread.join()
        for source in sources:
            source.again()
        if round_number % 50 == 49:
            print(f"  after {round_number + 1} rounds: "
                  f"{sum(len(s.acknowledged) for s in sources)} acknowledged", flush=True)
    sluice = Sluice(data, settings)
    sluice.caught_up()
    missing += unapplied(sluice, sources)
    for source in sources:  # What still waits is sent a last time.
        if source.waiting:
            sender = Sender(sluice.mllp)
            source.ask(sender)
            sender.close()
    sluice.caught_up()
    found = identifiers(sluice)
    total = sluice.json("/ej/EJ1/fhir/R4/Patient?_summary=count")["total"]
    code = sluice.stop()
    acknowledged = [i for s in sources for i in s.acknowledged]
    lost = [i for i in acknowledged if i not in found]
    twice = [i for i, count in found.items() if count > 1]
    strange = len(found) - len(set(acknowledged))
    report = json.loads(subprocess.run([BINARY, "verify", "--data-dir", data, "--json"],
                                       capture_output=True, check=False).stdout)
    accepted = report["accepted"]
    other = sum(s.other + len(s.waiting) for s in sources)
    torn, told = (sum(getattr(s, name) for s in sources) for name in ("torn", "told"))
    terms = asked.rounds // 10
    print(f"{asked.rounds} rounds, {terms} of them SIGTERM ({clean} ended with 0, the slowest in {slowest_stop:.1f} s), "
          f"the others kill -9: {len(acknowledged)} acknowledged, lost {len(lost)}, "
          f"{torn} between CA and AA (not applied by themselves {len(missing)}, told when sent again {told}), twice {len(twice)}, never sent {strange}, answered otherwise {other}; "
          f"journal holds {accepted} accepted, state holds {total}; slowest start {slowest:.2f} s; "
          f"clean stop {code}; journal damages {len(report['damages'])}")
    shutil.rmtree(folder, ignore_errors=True)
    right = (clean == terms and slowest_stop < 10 and not lost and not twice and strange == 0 and other == 0 and code == 0 and not missing
             and accepted == len(set(acknowledged)) == total and not report["damages"])
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
