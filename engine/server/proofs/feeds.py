#!/usr/bin/env python3
"""Whole feeds over real sockets, and what FHIR then shows against the oracle, patient by patient.

usage: feeds.py --ej EJ1=FILE[,FILE…] [--ej …]

Plays the files with `sluice replay` into the demonstration's EJs, reads every Patient and Encounter
back over HTTP, and compares with `fixtures/oracle/count.py --dump`, which shares no code with the
engine: answers by code, patients and their identifiers, stays with number, status, class, place,
start and end. Exit 0 or 1.
"""
import argparse, collections, json, os, re, shutil, subprocess, sys, tempfile, urllib.parse
from real import BINARY, ROOT, Sluice

LOCAL = re.compile(r"^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?)?")


def digits(text):
    """A FHIR dateTime in the EJ's own zone, as v2 digits; what it holds beyond is left out."""
    found = LOCAL.match(text or "")
    return "".join(part for part in found.groups() if part) if found else ""


def same_time(fhir, sent):
    """Seen to the precision of both: a TS without seconds is rendered with them."""
    seen = digits(fhir)
    sent = re.match(r"\d*", sent or "")[0]
    shortest = min(len(seen), len(sent))
    return bool(seen) == bool(sent) and seen[:shortest] == sent[:shortest]


def bundle_lines(sluice, path):
    body = sluice.get(path, "application/fhir+ndjson")
    return [json.loads(line) for line in body.splitlines() if line.strip()]


def place_of(sluice, encounter, places):
    """Point of care, room and bed of the current place, or of the last one of an ended stay."""
    # A reserved place is none that the patient has, nor the one that a stay is planned in.
    assigned = [e for e in encounter.get("location", []) if e.get("status") != "reserved"]
    entries = [e for e in assigned if e.get("status") != "planned"] or assigned
    if not entries:
        return ""
    current = [e for e in entries if e.get("status") == "active"] or entries[-1:]
    reference = current[-1]["location"]["reference"]
    if reference not in places:
        location = sluice.json(f"/fhir/R4/{reference}")
        # facility/building/floor/point of care/room/bed, each percent-encoded
        path = [urllib.parse.unquote(part) for part in location["identifier"][0]["value"].split("/")]
        places[reference] = "^".join((path + [""] * 6)[3:6]).rstrip("^")
    return places[reference]


def compare(sluice, ej, oracle, problems):
    patients = {p["id"]: p for p in bundle_lines(sluice, f"/ej/{ej}/export/patients")}
    stays = collections.defaultdict(list)
    for encounter in bundle_lines(sluice, f"/ej/{ej}/export/venues"):
        stays[encounter["subject"]["reference"].rpartition("/")[2]].append(encounter)
    by_value = {}
    for patient in patients.values():
        for identifier in patient.get("identifier", []):
            if identifier.get("use") != "old":
                by_value.setdefault(identifier["value"], patient)
    add = lambda text: problems.append(f"{ej}: {text}")
    if len(patients) != oracle["patients"]["total"]:
        add(f"{len(patients)} patients, the oracle says {oracle['patients']['total']}")
    seen_stays = sum(map(len, stays.values()))
    if seen_stays != oracle["stays"]["total"]:
        add(f"{seen_stays} stays, the oracle says {oracle['stays']['total']}")
    places = {}
    for number, expected in enumerate(oracle["dump"]):
        values = [i["value"] for i in expected["identifiers"] if i["use"] == "current"] or \
                 [i["value"] for i in expected["identifiers"]]
        patient = next((by_value[v] for v in values if v in by_value), None)
        name = f"the {number}th patient"
        if patient is None:
            if expected["active"]:
                add(f"{name} is not there")
            continue
        if patient.get("active") != expected["active"]:
            add(f"{name}: active {patient.get('active')}")
        here = {i["value"] for i in patient["identifier"]}
        missing = [i for i in expected["identifiers"] if i["value"] not in here]
        if missing and expected["active"]:
            add(f"{name}: {len(missing)} identifiers missing")
        left = list(stays[patient["id"]])
        for stay in expected["stays"]:
            candidates = [e for e in left if stay["visit"] in [i["value"] for i in e.get("identifier", [])]] \
                if stay["visit"] else [e for e in left if not e.get("identifier") and e["status"] == stay["status"]]
            if not candidates:
                add(f"{name}: no stay like {stay['status']} {'with' if stay['visit'] else 'without'} a number")
                continue
            encounter = candidates[0]
            left.remove(encounter)
            period = encounter.get("period", {})
            for what, right in (
                ("status", encounter["status"] == stay["status"]),
                ("class", encounter["class"].get("code", "") == stay["class"] or stay["class"] == "UNK"),
                ("start", not stay["start"] or same_time(period.get("start"), stay["start"])),
                ("end", same_time(period.get("end"), stay["end"])),
                ("location", place_of(sluice, encounter, places) == stay["location"]),
            ):
                if not right:
                    add(f"{name}: the stay's {what} differs (oracle status {stay['status']})")
        if left:
            add(f"{name}: {len(left)} stays too many")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ej", action="append", required=True)
    asked = parser.parse_args()
    folder, problems = tempfile.mkdtemp(), []
    demo = open(os.path.join(ROOT, "config", "demo.toml")).read()
    config = re.sub(r'address = "127\.0\.0\.1:\d+"', 'address = "127.0.0.1:0"', demo)
    oracle = json.loads(subprocess.run(
        [sys.executable, os.path.join(ROOT, "fixtures", "oracle", "count.py"), "--dump",
         *[part for ej in asked.ej for part in ("--ej", ej)]],
        check=True, capture_output=True).stdout)
    sluice = Sluice(os.path.join(folder, "data"), config=config)
    for ej, _, files in (one.partition("=") for one in asked.ej):
        done = subprocess.run(
            [BINARY, "replay", *files.split(","), "--to", f"127.0.0.1:{sluice.ports[ej + '.mllp']}", "--json"],
            capture_output=True)
        counted = json.loads(done.stdout)["cases"][0]["counters"]
        answers = {name.removeprefix("answers."): count for name, count in counted.items()
                   if name.startswith("answers.") and count}
        if answers != oracle[ej]["answers"] or counted["mismatched"] or counted["unanswered"]:
            problems.append(f"{ej}: answers {answers}, the oracle says {oracle[ej]['answers']}; "
                            f"{counted['mismatched']} control ids differ, {counted['unanswered']} unanswered")
        sluice.caught_up()
        compare(sluice, ej, oracle[ej], problems)
        print(f"{ej}: {counted['sent']} messages, answers {answers}, "
              f"{oracle[ej]['patients']['total']} patients and {oracle[ej]['stays']['total']} stays by the oracle")
    sluice.stop()
    for problem in problems[:40]:
        print("DIFFERS", problem)
    print(f"{len(problems)} differences")
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
