#!/usr/bin/env python3
"""Asks a running server many searches, and counts what each must find from the resources that it exports.

    search_oracle.py BASE EJ…             e.g. http://127.0.0.1:8080 EJ1 EJ2
    search_oracle.py --live N BASE EJ…    N searches whose ids are compared in their order, page by page, while a
                                          feed changes patients whose name begins with ZQFEED, and their stays

Shares no code with the engine: the rules are those of docs/fhir-search.md, read from resources, one by one. Dates
without an offset are read in Europe/Paris. Exit 0 when all totals agree, 1 with the differences, 3 where this
Python has no time-zone database.
"""
import json
import random
import re
import sys
import unicodedata
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

try:
    PARIS = ZoneInfo("Europe/Paris")
except ZoneInfoNotFoundError:
    print("no time-zone database")
    sys.exit(3)

LIVE = 0
if sys.argv[1] == "--live":
    LIVE = int(sys.argv[2])
    del sys.argv[1:3]
BASE, EJS = sys.argv[1], sys.argv[2:]
DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$")
FIRST, LAST = (datetime(y, 6, 1, tzinfo=timezone.utc) for y in (1, 9998))
PREFIXES = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]


def get(path, accept="application/fhir+json"):
    request = urllib.request.Request(BASE + path, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def export(ej, what):
    return [json.loads(line) for line in get(f"/ej/{ej}/export/{what}", "application/ndjson").splitlines()]


def fold(text):
    letters = [c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c)[0] != "M"]
    text = "".join(letters).lower().replace("œ", "oe").replace("æ", "ae").replace("ß", "ss").replace("ø", "o")
    return " ".join(re.findall(r"[^\W_]+", text))


def wall(text):
    """The first wall-clock time that a date covers, the first that it does not, its offset (None: none given)."""
    year, month, day, hour, minute, second, fraction, offset = DATE.match(text).groups()
    first = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0))
    if hour is None:
        if day:
            return first, first + timedelta(days=1), None
        if month:
            return first, datetime(first.year + first.month // 12, first.month % 12 + 1, 1), None
        return first, datetime(first.year + 1, 1, 1), None
    length = timedelta(minutes=1) if second is None else timedelta(seconds=1)
    if fraction:
        first += timedelta(microseconds=int((fraction[1:] + "00000")[:6]))
        length = timedelta(microseconds=10 ** (6 - len(fraction[1:7])))
    zone = None
    if offset:
        sign = -1 if offset[0] == "-" else 1
        minutes = 0 if offset == "Z" else int(offset[1:3]) * 60 + int(offset[4:])
        zone = timezone(sign * timedelta(minutes=minutes))
    return first, first + length, zone


def instants(text):
    first, after, zone = wall(text)
    utc = lambda t: t.replace(tzinfo=zone or PARIS).astimezone(timezone.utc)
    if DATE.match(text).group(4):
        return utc(first), utc(first) + (after - first)
    return utc(first), utc(after)


def holds(prefix, record, query):
    (low, after), (query_low, query_after) = record, query
    contained = query_low <= low and after <= query_after
    return {
        "eq": contained,
        "ne": not contained,
        "gt": after > query_after,
        "lt": low < query_low,
        "ge": after > query_low,
        "le": low < query_after,
        "sa": low >= query_after,
        "eb": after <= query_low,
    }[prefix or "eq"]


def period(encounter):
    shown = encounter.get("period")
    if shown is None:
        return None
    low = instants(shown["start"])[0] if "start" in shown else FIRST
    return low, (instants(shown["end"])[1] if "end" in shown else LAST)


def texts(patient, *parts):
    for name in patient.get("name", []):
        for part in parts:
            value = name.get(part, [])
            yield from [value] if isinstance(value, str) else value


asked, differences = 0, []


def check(of_type, params, resources, rule):
    global asked
    asked += 1
    query = urllib.parse.urlencode([*params, ("_summary", "count")])
    total = json.loads(get(f"/fhir/R4/{of_type}?{query}"))["total"]
    expected = sum(map(rule, resources))
    if total != expected:
        differences.append(f"{of_type} {params}: {total} found, {expected} expected")


def main():
    dice = random.Random(5)
    patients = [p for ej in EJS for p in export(ej, "patients")]
    stays = [e for ej in EJS for e in export(ej, "venues")]

    def some(values, count):
        different = sorted(set(values))
        return dice.sample(different, min(count, len(different)))

    for value in some((t for p in patients for t in texts(p, "family", "given")), 15):
        escaped = value.replace(",", "\\,")
        for start in {escaped, escaped.swapcase(), escaped[:3], escaped[:13]}:
            if not fold(start):
                continue
            for param, parts in (("family", ["family"]), ("given", ["given"]), ("name", ["family", "given"])):
                begins = lambda p: any(fold(t).startswith(fold(start)) for t in texts(p, *parts))
                check("Patient", [(param, start)], patients, begins)
            both = lambda p: begins(p) and p.get("gender") == "female"
            check("Patient", [("name", start), ("gender", "female")], patients, both)
        check("Patient", [("family:exact", escaped)], patients, lambda p: value in texts(p, "family"))
        if middle := fold(value[1:4]):
            inside = lambda p: any(middle in fold(t) for t in texts(p, "family", "given"))
            check("Patient", [("name:contains", middle)], patients, inside)

    for born in some((p["birthDate"] for p in patients if "birthDate" in p), 20):
        for value in {born, born[:7], born[:4]}:
            for prefix in PREFIXES:
                # A calendar date: no zone.
                rule = lambda p: "birthDate" in p and holds(prefix, wall(p["birthDate"])[:2], wall(value)[:2])
                check("Patient", [("birthdate", prefix + value)], patients, rule)

    for gender in ("male", "female", "other", "unknown"):
        check("Patient", [("gender", gender)], patients, lambda p: p.get("gender") == gender)
        check("Patient", [("gender:not", gender)], patients, lambda p: p.get("gender") != gender)
    for active in (True, False):
        check("Patient", [("active", str(active).lower())], patients, lambda p: p["active"] is active)
    for patient in dice.sample(patients, min(30, len(patients))):
        for own in patient.get("identifier", []):
            key = own["system"], own["value"]
            has = lambda p: any((i["system"], i["value"]) == key for i in p.get("identifier", []))
            check("Patient", [("identifier", "|".join(key))], patients, has)
        subject = "Patient/" + patient["id"]
        check("Encounter", [("patient", subject)], stays, lambda e: e["subject"]["reference"] == subject)

    for status in {e["status"] for e in stays}:
        check("Encounter", [("status", status)], stays, lambda e: e["status"] == status)
        check("Encounter", [("status:not", status)], stays, lambda e: e["status"] != status)
    for code in {e["class"]["code"] for e in stays}:
        check("Encounter", [("class", code)], stays, lambda e: e["class"]["code"] == code)
    places = lambda e: [entry["location"].get("reference") for entry in e.get("location", [])]
    for place in some((p for e in stays for p in places(e) if p), 20):
        check("Encounter", [("location", place)], stays, lambda e: place in places(e))
    for time in some((t for e in stays for t in e.get("period", {}).values()), 25):
        for value in {time, time[:16], time[:10], time[:7], time[:4]}:
            for prefix in PREFIXES:
                rule = lambda e: period(e) is not None and holds(prefix, period(e), instants(value))
                check("Encounter", [("date", prefix + value)], stays, rule)

    def moment(patient):
        at, _ = instants(patient["meta"]["lastUpdated"])
        return at, at + timedelta(microseconds=1)

    for time in some((p["meta"]["lastUpdated"] for p in patients), 5):
        for value in {time, time[:16] + "Z", time[:10]}:
            for prefix in PREFIXES:
                rule = lambda p: holds(prefix, moment(p), instants(value))
                check("Patient", [("_lastUpdated", prefix + value)], patients, rule)

    print(f"{len(patients)} patients, {len(stays)} stays: {asked} searches, {len(differences)} differ")
    print("\n".join(differences[:20]))
    # Fewer would mean that the script found nothing to ask about.
    sys.exit(1 if differences or asked < 500 else 0)


def walk(of_type, params):
    """The ids of all pages, in order."""
    path, found = f"/fhir/R4/{of_type}?" + urllib.parse.urlencode(params), []
    while path:
        page = json.loads(get(path))
        found += [entry["resource"]["id"] for entry in page.get("entry", [])]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        path = following[0].removeprefix(BASE) if following else None
    return found


def in_order(resources, keys):
    """By each key: its lowest value, in the reverse its highest, none last; then as they were created."""
    ordered = list(resources)
    for values, reverse in reversed(keys):
        # sorted() keeps the order of equal ones, in the reverse too.
        some = [r for r in ordered if values(r)]
        none = [r for r in ordered if not values(r)]
        ordered = sorted(some, key=lambda r: (max if reverse else min)(values(r)), reverse=reverse) + none
    return ordered


def live():
    dice = random.Random(11)
    is_fed = lambda p: any(n.get("family", "").startswith("ZQFEED") for n in p.get("name", []))
    patients = [p for ej in EJS for p in export(ej, "patients") if not is_fed(p)]
    by_id = {"Patient/" + p["id"]: p for p in patients}
    stays = [e for ej in EJS for e in export(ej, "venues") if e["subject"]["reference"] in by_id]
    stays_of = {}
    for stay in stays:
        stays_of.setdefault(stay["subject"]["reference"], []).append(stay)
    whose = lambda e: by_id[e["subject"]["reference"]]
    own = lambda p: stays_of.get("Patient/" + p["id"], [])
    names = sorted({t for p in patients for t in texts(p, "family", "given") if fold(t)})
    births = sorted({p["birthDate"] for p in patients if "birthDate" in p})
    times = sorted({t for e in stays for t in e.get("period", {}).values()})
    statuses = ["planned", "in-progress", "onleave", "finished", "cancelled", "entered-in-error"]
    classes = sorted({e["class"]["code"] for e in stays})

    def of_patient():
        kind = dice.randrange(5)
        if kind == 0:
            param, parts = dice.choice([("family", ["family"]), ("given", ["given"]), ("name", ["family", "given"])])
            start = dice.choice(names)[: dice.choice([1, 3, 99])]
            if fold(start):
                rule = lambda p: any(fold(t).startswith(fold(start)) for t in texts(p, *parts))
                return param, start.replace(",", "\\,"), rule
        if kind == 1 and births:
            prefix, value = dice.choice(PREFIXES), dice.choice(births)[: dice.choice([4, 7, 10])]
            rule = lambda p: "birthDate" in p and holds(prefix, wall(p["birthDate"])[:2], wall(value)[:2])
            return "birthdate", prefix + value, rule
        if kind == 2:
            active = dice.random() < 0.7
            return "active", str(active).lower(), lambda p: p["active"] is active
        gender = dice.choice(["male", "female", "other", "unknown"])
        if kind == 3:
            return "gender:not", gender, lambda p: p.get("gender") != gender
        return "gender", gender, lambda p: p.get("gender") == gender

    def of_stay():
        kind = dice.randrange(4)
        if kind == 0 and times:
            prefix, value = dice.choice(PREFIXES), dice.choice(times)[: dice.choice([4, 7, 10, 16])]
            rule = lambda e: period(e) is not None and holds(prefix, period(e), instants(value))
            return "date", prefix + value, rule
        if kind == 1:
            code = dice.choice(classes)
            return "class", code, lambda e: e["class"]["code"] == code
        if kind == 2:
            subject = dice.choice(sorted(by_id))
            return "patient", subject, lambda e: e["subject"]["reference"] == subject
        status = dice.choice(statuses)
        return "status", status, lambda e: e["status"] == status

    def asked_of_patient():
        name, value, rule = of_patient()
        if dice.random() < 0.3:
            name, value, of = of_stay()
            return f"_has:Encounter:patient:{name}", value, lambda p: any(map(of, own(p)))
        return name, value, rule

    def asked_of_stay():
        chance = dice.random()
        if chance < 0.35:
            name, value, of = of_patient()
            return f"patient.{name}", value, lambda e: of(whose(e))
        if chance < 0.5:
            name, value, of = of_stay()
            return f"patient._has:Encounter:patient:{name}", value, lambda e: any(map(of, own(whose(e))))
        return of_stay()

    text_key = lambda *parts: lambda p: [fold(t).encode()[:64] for t in texts(p, *parts) if fold(t)]
    genders = ["male", "female", "other", "unknown"]
    updated = lambda r: [instants(r["meta"]["lastUpdated"])[0]]
    keys = {
        "Patient": {
            "family": text_key("family"),
            "given": text_key("given"),
            "gender": lambda p: [genders.index(p["gender"])] if "gender" in p else [],
            "active": lambda p: [p["active"]],
            "_lastUpdated": updated,
        },
        "Encounter": {
            "status": lambda e: [statuses.index(e["status"])],
            "class": lambda e: [e["class"]["code"].encode()],
            "patient": lambda e: [e["subject"]["reference"]],
            "_lastUpdated": updated,
        },
    }
    ways = {"Patient": (patients, asked_of_patient), "Encounter": (stays, asked_of_stay)}
    fed, shown = 0, 0
    for _ in range(LIVE):
        of_type = dice.choice(["Patient", "Encounter"])
        resources, ask = ways[of_type]
        filters = [ask() for _ in range(dice.choice([0, 1, 1, 2, 3]))]
        sort = [(name, dice.random() < 0.5) for name in dice.sample(sorted(keys[of_type]), dice.choice([0, 1, 2]))]
        params = [(name, value) for name, value, _ in filters]
        if sort:
            params.append(("_sort", ",".join("-" * reverse + name for name, reverse in sort)))
        expected = [r for r in resources if all(rule(r) for _, _, rule in filters)]
        ordered = in_order(expected, [(keys[of_type][name], reverse) for name, reverse in sort])
        expected = [r["id"] for r in ordered]
        own_ids = {r["id"] for r in resources}
        found = walk(of_type, [*params, ("_count", dice.choice([20, 100, 500])), ("_elements", "id")])
        fed += sum(id not in own_ids for id in found)
        found = [id for id in found if id in own_ids]
        shown += len(found)
        if found != expected:
            how = "in another order" if sorted(found) == sorted(expected) else f"{len(found)} for {len(expected)}"
            differences.append(f"{of_type} {params}: {how}")
    print(f"{LIVE} searches, {shown} ids in order, {fed} of the feed beside them, {len(differences)} differ")
    print("\n".join(differences[:20]))
    sys.exit(1 if differences or not shown or not fed else 0)


live() if LIVE else main()
