#!/usr/bin/env python3
"""The synthetic hospital's feeds against the real binary (hl7apy_reads.py: against a reader of others).

usage: generate.py [--patients N]

Three things are proven, for French PAM and for international senders of several versions and character sets:

1. the same seed gives the same bytes on one thread and on eight, and the manifest's SHA-256 is the file's;
2. every message, those with faults included, is answered as the generator says it must be;
3. over HTTP, patients and stays are as the truth file says (identities, status, class, place, start, end).

Exit 0 or 1.
"""
import argparse, collections, hashlib, json, os, re, shutil, subprocess, sys, tempfile, urllib.parse
from real import BINARY, ROOT, Sluice

# Sessions (R) are shown as such, or as ambulatory where the profile of the country says so.
CLASS = {"E": {"EMER"}, "I": {"IMP"}, "O": {"AMB"}, "R": {"R", "AMB"}}


def generate(*arguments, expect=0):
    done = subprocess.run([BINARY, "generate", *arguments], capture_output=True, text=True)
    if done.returncode != expect:
        sys.exit(f"generate {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def same_bytes(folder, patients):
    hashes = set()
    for threads in ("1", "8"):
        feed = os.path.join(folder, f"t{threads}.hl7")
        generate("--seed", "4", "--patients", str(patients), "--ej", "all", "--threads", threads, "-o", feed,
                 "--truth", feed + ".truth", "--fault", "disorder=0.01")
        data = open(feed, "rb").read()
        manifest = json.load(open(feed + ".manifest.json"))
        assert hashlib.sha256(data).hexdigest() == manifest["sha256"], "the manifest's hash is the file's"
        assert data.count(b"\r\n\r\n") == manifest["messages"], "the manifest counts the messages"
        hashes.add((manifest["sha256"], hashlib.sha256(open(feed + ".truth", "rb").read()).hexdigest()))
    assert len(hashes) == 1, "one thread and eight write the same"
    print(f"same bytes on 1 and 8 threads: {manifest['messages']} messages, {len(data)} bytes")


def demo_config():
    text = open(os.path.join(ROOT, "config", "demo.toml")).read()
    return re.sub(r'address = "127\.0\.0\.1:\d+"', 'address = "127.0.0.1:0"', text)


def mapped():
    """The events that this engine maps, from the page that a test holds to its table of them."""
    page = open(os.path.join(ROOT, "docs", "mapping.md")).read()
    return sorted(set(re.findall(r"^\| (A\d\d|Z99) \|", page, re.MULTILINE)))


def lines(sluice, path):
    return [json.loads(line) for line in sluice.get(path, "application/fhir+ndjson").splitlines() if line.strip()]


def place_of(encounter, places):
    entries = encounter.get("location", [])
    temporary = lambda e: any("subject-locationClassification" in x.get("url", "") for x in e.get("extension", []))
    assigned = [e for e in entries if not temporary(e) and e.get("status") != "reserved"]
    if not assigned:
        return ""
    current = [e for e in assigned if e.get("status") == "active"] or assigned[-1:]
    return places.get(current[-1]["location"]["reference"].rpartition("/")[2], "?")


def local(moment):
    return re.sub(r"\D", "", moment[:19]) if moment else ""


def path_of(location, units):
    """Point of care, room and bed, from the identifier that stands for the place. A ward that the structure tells of
    stands for its unit: the point of care is the unit's code."""
    for identifier in location.get("identifier", []):
        if identifier.get("system", "").endswith(":place"):
            parts = [urllib.parse.unquote(part) for part in identifier["value"].split("/")]
            told = any(i.get("value", "").startswith("N/") for i in location["identifier"])
            unit = location.get("managingOrganization", {}).get("reference", "")
            if told and unit in units:
                parts[3] = units[unit]
            return "^".join((parts + [""] * 6)[3:6]).rstrip("^")
    return "?"


def compare(sluice, ej, truths):
    wrong = []
    structure = lines(sluice, f"/ej/{ej}/export/structure")
    units = {f"Organization/{r['id']}": i["value"][2:] for r in structure if r["resourceType"] == "Organization"
             for i in r.get("identifier", []) if i.get("system", "").endswith(":structure") and i["value"].startswith("H/")}
    places = {r["id"]: path_of(r, units) for r in structure if r["resourceType"] == "Location"}
    patients = {}
    for patient in lines(sluice, f"/ej/{ej}/export/patients"):
        for identifier in patient.get("identifier", []):
            if identifier.get("system", "").endswith("/ipp") and (identifier.get("use") != "old" or not patient["active"]):
                patients.setdefault(identifier["value"], patient)
    stays = {}
    for encounter in lines(sluice, f"/ej/{ej}/export/venues"):
        for identifier in encounter.get("identifier", []):
            if identifier.get("system", "").endswith("/venue"):
                stays[identifier["value"]] = encounter
    compared = 0
    for truth in truths:
        if set(truth["faults"]) - {"duplicate", "lying-charset"}:
            continue
        compared += 1
        bearer = patients.get(truth["replaced_by"] or truth["ipp"])
        if bearer is None or (not truth["replaced_by"] and bearer["active"] != truth["active"]):
            wrong.append(f"{ej}: {truth['ipp']} is not there, or not as active as it should be")
            continue
        for stay in truth["stays"]:
            encounter = stays.get(stay["number"])
            if stay["merged_into"]:
                continue
            if encounter is None:
                wrong.append(f"{ej}: stay {stay['number']} is not there")
                continue
            period = encounter.get("period", {})
            seen = [encounter["status"], place_of(encounter, places), local(period.get("end")),
                    encounter["subject"]["reference"].rpartition("/")[2]]
            should = [stay["status"], stay["place"], stay["end"] or "", bearer["id"]]
            if encounter["class"]["code"] not in CLASS[stay["class"]]:
                wrong.append(f"{ej}: stay {stay['number']} is of class {encounter['class']['code']}, not {stay['class']}")
            if seen != should:
                wrong.append(f"{ej}: stay {stay['number']}: {seen}, not {should}")
            if stay["status"] in ("in-progress", "onleave", "finished") and local(period.get("start")) != stay["start"]:
                wrong.append(f"{ej}: stay {stay['number']} starts {local(period.get('start'))}, not {stay['start']}")
    return compared, wrong


def answered(folder, name, patients, *arguments):
    """Straight to the real binary: exit 0 says that every answer was the one that it must be."""
    sluice = Sluice(os.path.join(folder, name), config=demo_config())
    try:
        to = [part for n in range(1, 5) for part in ("--to", f"EJ{n}=127.0.0.1:{sluice.ports[f'EJ{n}.mllp']}")]
        truth = os.path.join(folder, name + ".truth")
        said = generate("--seed", "5", "--patients", str(patients), "--ej", "all", "--truth", truth,
                        "--events", ",".join(mapped()), "--structure", *to, *arguments)
        assert sluice.caught_up(300), "the feed was not applied in time"
        truths = collections.defaultdict(list)
        for line in open(truth):
            told = json.loads(line)
            truths[told["ej"]].append(told)
        wrong, compared = [], 0
        for ej in sorted(truths):
            count, differences = compare(sluice, ej, truths[ej])
            compared, wrong = compared + count, wrong + differences
        if wrong:
            sys.exit("\n".join([f"{name}: {len(wrong)} not as the truth says"] + wrong[:20]))
        first = said.splitlines()[0]
        found = next(line.strip() for line in said.splitlines() if line.startswith("  answered:"))
        print(f"{name}: {first}; {found}; {compared} identities as the truth says")
    finally:
        sluice.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--patients", type=int, default=1500)
    patients = parser.parse_args().patients
    folder = tempfile.mkdtemp(prefix="sluice-generate-")
    try:
        same_bytes(folder, patients)
        answered(folder, "french", patients)
        answered(folder, "international-2.3", patients // 2, "--hl7", "2.3", "--charset", "8859/15")
        answered(folder, "international-2.8", patients // 2, "--hl7", "2.8")
        faults = [f"--fault={kind}=0.02" for kind in ("duplicate", "disorder", "bad-segment", "lying-charset", "missing-field")]
        answered(folder, "faulty", patients // 2, *faults, "--fault=oversize=0.0005")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
