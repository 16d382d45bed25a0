#!/usr/bin/env python3
"""Generated messages before a reader of others: hl7apy parses each, loses nothing of it and validates it.

usage: hl7apy_reads.py [--messages N]

French PAM and every international version that hl7apy knows, each in another character set, about N messages in
all. What hl7apy finds fault with, and why that is hl7apy's or allowed, stands in the table "What hl7apy says" of
docs/generate.md; anything else fails. Needs hl7apy (`pip install hl7apy`, or a folder that holds it in HL7APY).
Exit 0, 1, or 77 where hl7apy is not there.
"""
import argparse, collections, json, multiprocessing, os, re, subprocess, sys, tempfile
from real import BINARY, ROOT

sys.path.insert(0, os.environ.get("HL7APY", ""))
# Every version that hl7apy knows; it does not know 2.7.1.
SPOKEN = [("pam-fr", "UNICODE UTF-8"), ("2.3", "8859/1"), ("2.3.1", "ASCII"), ("2.4", "8859/15"), ("2.5", "UNICODE UTF-8"),
          ("2.5.1", "WINDOWS-1252"), ("2.6", "UNICODE UTF-8"), ("2.7", "UNICODE UTF-8"), ("2.8", "8859/15")]
NAMED = {}
PYTHON = {"ASCII": "ascii", "8859/1": "latin-1", "8859/15": "iso8859-15", "WINDOWS-1252": "cp1252"}
MESSAGES_A_PATIENT = 4
# As many patients as it takes for the rare events to happen.
PATIENTS_LEAST = 1500


def exceptions():
    """The rows of the table: versions, events and what hl7apy says."""
    page = open(os.path.join(ROOT, "docs", "generate.md")).read()
    table = page.partition("## What hl7apy says")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("| ")]
    return [(set(versions.split()), set(events.split()), said.strip("`")) for versions, events, said, _ in rows[1:]]


def feed(folder, version, charset, messages):
    path = os.path.join(folder, f"{version}.hl7")
    said = ["--dialect", "pam-fr"] if version == "pam-fr" else ["--dialect", "international", "--hl7", version]
    patients = max(messages // MESSAGES_A_PATIENT, PATIENTS_LEAST)
    subprocess.run([BINARY, "generate", "--seed", "6", "--patients", str(patients), "--ej", "all", "--charset", charset,
                    "-o", path, *said], check=True, stdout=subprocess.DEVNULL)
    text = open(path, "rb").read().decode(PYTHON.get(charset, "utf-8")).replace("\r\n", "\r")
    found = [message for message in text.split("\r\r") if message]
    assert len(found) == json.load(open(path + ".manifest.json"))["messages"], "a message is not a message"
    os.remove(path)
    return chosen(found, messages)


def event_of(message):
    return message.split("|")[8].split("^")[1]


def chosen(found, messages):
    """So many of them: of each event alike, as far as it happened as often, and the others in order."""
    share, seen, first, others = max(messages // 50, 1), collections.Counter(), [], []
    for message in found:
        event = event_of(message)
        seen[event] += 1
        (first if seen[event] <= share else others).append(message)
    return (first + others)[:max(messages, len(seen))]


def faults(message):
    """The event, and what hl7apy finds wrong."""
    from hl7apy.parser import parse_message
    event = event_of(message)
    lines = [line[:3] for line in message.split("\r") if line]
    try:
        flat = parse_message(message, find_groups=False)
        if [segment.name for segment in flat.children] != lines:
            return event, ["segments were lost"]
        if flat.msh.msh_10.to_er7() != message.split("|")[9]:
            return event, ["MSH-10 is another"]
        # 2.3 does not name structures, and hl7apy knows them under the names that 2.3.1 gave them.
        type_of = message.split("|")[8]
        named = message.replace(type_of, f"ADT^{event}^{NAMED[event]}", 1) if type_of == f"ADT^{event}" else message
        parsed = parse_message(named, find_groups=True)
        parsed.msh.msh_9 = type_of
    except Exception as error:  # Whatever it is, it is one to be told.
        return event, [f"not read: {type(error).__name__}: {str(error)[:80]}"]
    with tempfile.NamedTemporaryFile("r") as report:
        try:
            parsed.validate(report_file=report.name)
            return event, []
        except Exception as error:
            wrong = [line[7:].strip() for line in report.read().splitlines() if line.startswith("Error: ")]
            return event, wrong or [f"not validated: {type(error).__name__}: {str(error)[:80]}"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=1500)
    messages = parser.parse_args().messages
    try:
        import hl7apy
    except ImportError:
        print("skipped: hl7apy is not installed, so that no other reader has seen the messages")
        sys.exit(77)
    allowed, used, wrong = exceptions(), collections.Counter(), collections.Counter()
    read = clean = 0
    with tempfile.TemporaryDirectory(prefix="sluice-hl7apy-") as folder:
        NAMED.update(message.split("|")[8].split("^")[1:] for message in feed(folder, "2.3.1", "ASCII", 1))
        for version, charset in SPOKEN:
            found = feed(folder, version, charset, messages // len(SPOKEN))
            with multiprocessing.Pool() as pool:
                results = pool.map(faults, found, chunksize=16)
            for event, said in results:
                read, clean = read + 1, clean + (not said)
                for what in said:
                    row = next((n for n, (versions, events, text) in enumerate(allowed) if version in versions
                                and ("all" in events or event in events) and what.startswith(text)), None)
                    if row is None:
                        wrong[version, event, what] += 1
                    else:
                        used[row] += 1
            print(f"{version}: {len(found)} messages of {len({event for event, _ in results})} events", flush=True)
    for row, (versions, events, text) in enumerate(allowed):
        print(f"  listed, {used[row]} times: {text} ({' '.join(sorted(events))} of {' '.join(sorted(versions))})")
    for what, count in sorted(wrong.items()):
        print("  NOT LISTED:", count, *what)
    print(f"hl7apy reads {read} messages, and finds nothing wrong with {clean}")
    sys.exit(1 if wrong or not read else 0)


if __name__ == "__main__":
    main()
