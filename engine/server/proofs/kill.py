#!/usr/bin/env python3
"""kill -9 at random under eight senders, again and again on the same data; every tenth time SIGTERM.

usage: kill.py [--rounds N] [--seed S] [--keep-state]

A sender whose connection breaks before its answer sends the same bytes again after the restart,
as hospital systems do. Every other sender asks for both acknowledgements (MSH-15 and MSH-16 AL) and counts a
message as acknowledged when its AA has come: killed between CA and AA, it sends again, and is told what became
of the first. A SIGTERM must end the process within 10 s with 0; it also leaves a cut of the
state, so that later rounds do not fold ever more before they take anything. In the end: every acknowledged message has its effect (lost 0), each
message that was ever accepted stands in the journal once and made one patient (twice 0).
Exit 0 or 1.
"""
import argparse, os, random, shutil, sys, tempfile, threading, time
from real import Sender, Sluice, admit, identifiers
import json, subprocess
from real import BINARY


class Source:
    """One sending system: its next number, and the message that still waits for its answer."""

    def __init__(self, tag, both):
        self.both, self.torn = both, 0
        self.tag, self.next, self.pending, self.acknowledged = tag, 0, None, []
        self.other = 0

    def ask(self, sender):
        """The last answer that the pending message is owed; None when the connection closed before it."""
        answer = sender.exchange(admit(self.pending, 900, asks="|||AL|AL" if self.both else ""))
        if self.both and answer == ("CA", self.pending):
            answer = sender.answer()
            self.torn += answer is None
        return answer

    def play(self, port, stop):
        try:
            sender = Sender(port, timeout=10)
        except OSError:
            return
        while not stop.is_set():
            if self.pending is None:
                self.pending = f"{self.tag}{self.next:07d}"
                self.next += 1
            answer = self.ask(sender)
            if answer is None:
                break
            if answer == ("AA", self.pending):
                self.acknowledged.append(self.pending)
                self.pending = None
            else:
                self.other += 1
            time.sleep(0.002)  # 500 rounds at full speed are millions of patients to compare.
        sender.close()


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
    slowest, slowest_stop, clean = 0.0, 0.0, 0
    for round_number in range(asked.rounds):
        began = time.monotonic()
        sluice = Sluice(data, settings)
        slowest = max(slowest, time.monotonic() - began)
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
        if round_number % 50 == 49:
            print(f"  after {round_number + 1} rounds: "
                  f"{sum(len(s.acknowledged) for s in sources)} acknowledged", flush=True)
    sluice = Sluice(data, settings)
    sluice.caught_up()
    stop = threading.Event()
    for source in sources:  # What still waits is sent a last time.
        if source.pending is not None:
            sender = Sender(sluice.mllp)
            if source.ask(sender) == ("AA", source.pending):
                source.acknowledged.append(source.pending)
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
    other = sum(s.other for s in sources)
    terms = asked.rounds // 10
    print(f"{asked.rounds} rounds, {terms} of them SIGTERM ({clean} ended with 0, the slowest in {slowest_stop:.1f} s), "
          f"the others kill -9: {len(acknowledged)} acknowledged, lost {len(lost)}, "
          f"{sum(s.torn for s in sources)} between CA and AA, twice {len(twice)}, never sent {strange}, answered otherwise {other}; "
          f"journal holds {accepted} accepted, state holds {total}; slowest start {slowest:.2f} s; "
          f"clean stop {code}; journal damages {len(report['damages'])}")
    shutil.rmtree(folder, ignore_errors=True)
    right = (clean == terms and slowest_stop < 10 and not lost and not twice and strange == 0 and other == 0 and code == 0
             and accepted == len(set(acknowledged)) == total and not report["damages"])
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
