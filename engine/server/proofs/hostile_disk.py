"""Attacks on what lies on disk while nobody is at home, and folding it anew."""
import glob, os, random, re, shutil, struct, time
from attack import cli, must, verify
from real import ROOT, Sender, admit

EXPORTS = [f"/ej/{ej}/export/{what}" for ej in ("EJ1", "EJ2") for what in ("patients", "venues")]


def exports(sluice):
    """Every export, byte for byte."""
    must(sluice.caught_up(120), "the fold did not catch up")
    return [sluice.get(path, "application/fhir+ndjson") for path in EXPORTS]


def demo_config():
    text = open(os.path.join(ROOT, "config", "demo.toml")).read()
    return re.sub(r'address = "127\.0\.0\.1:\d+"', 'address = "127.0.0.1:0"', text)


def filled(room, *settings):
    """A folder that holds two of the demonstration's feeds, its process stopped; what it exports."""
    sluice = room.start(*settings, config=demo_config())
    for ej in ("EJ1", "EJ2"):
        done = cli("replay", f"{ROOT}/fixtures/feeds/demo/{ej}.hl7", "--to", f"127.0.0.1:{sluice.ports[ej + '.mllp']}")
        must("answers" in done.stdout or done.returncode in (0, 1), "the feed was not played")
    told = exports(sluice)
    must(all(told) and sluice.stop() == 0, "the feed left nothing, or no clean stop")
    return told


def ruined(rng, folder):
    """Does one bad thing to the files of a folder; its name."""
    files = [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names if os.path.getsize(os.path.join(root, name))]
    if not files:
        return "nothing there"
    one, what = rng.choice(files), rng.choice(("delete", "flip", "flip", "truncate", "swap", "zero", "grow", "folder"))
    size = os.path.getsize(one)
    if what == "delete":
        os.remove(one)
    elif what == "flip":
        with open(one, "r+b") as f:
            for _ in range(rng.choice((1, 10, 200))):
                at = rng.randrange(size)
                f.seek(at)
                byte = f.read(1)[0]
                f.seek(at)
                f.write(bytes([byte ^ 1 << rng.randrange(8)]))
    elif what == "truncate":
        os.truncate(one, rng.randrange(size))
    elif what == "swap":
        other = rng.choice(files)
        os.rename(one, one + ".x")
        if other != one:
            os.rename(other, one)
        os.rename(one + ".x", other)
    elif what == "zero":
        with open(one, "r+b") as f:
            f.seek(rng.randrange(size))
            f.write(bytes(4096))
    elif what == "grow":
        with open(one, "ab") as f:
            f.write(bytes(rng.randrange(256) for _ in range(5000)))
    else:
        shutil.rmtree(folder)
    return what


def ruined_state(room):
    """R18: whatever happens to the state's and the checkpoints' files, the journal makes it anew."""
    told = filled(room, "state.checkpoint_every_ms=1000")
    rng, done, slowest = random.Random(room.seed), {}, 0.0
    for number in range(50 if room.long else 15):
        copy = os.path.join(room.folder, f"copy{number}")
        shutil.copytree(room.data, copy)
        for folder in ("state", "checkpoints", "state")[:rng.randrange(1, 4)]:
            if os.path.isdir(os.path.join(copy, folder)):
                what = f"{folder} {ruined(rng, os.path.join(copy, folder))}"
                done[what] = done.get(what, 0) + 1
        began = time.monotonic()
        sluice = room.start(data=copy, config=demo_config())
        must(exports(sluice) == told, f"after {what} (number {number}) something else is served")
        slowest = max(slowest, time.monotonic() - began)
        must(sluice.stop() == 0, f"no clean stop after {what}")
        shutil.rmtree(copy)
    must(slowest < 30, f"a start took {slowest:.1f} s")
    return f"{sum(done.values())} ruins of {len(done)} kinds, each served byte-identical again, the slowest start {slowest:.1f} s"


def records(segment):
    """(offset, length, EJ) of each record, read by the layout in docs/journal.md; what is in use."""
    raw = open(segment, "rb").read()
    at, found = struct.unpack_from("<I", raw, 12)[0], []
    while at + 112 <= len(raw):
        length = struct.unpack_from("<I", raw, at)[0]
        if length < 112:
            break
        found.append((at, length, raw[at + 24:at + 40].rstrip(b"\0").decode()))
        at += (length + 7) // 8 * 8
    return found, at


def flipped_journal(room):
    """R15, R16: every flipped bit is located; others are served; accepted, the EJ goes on; a cut tail is told."""
    filled(room, "journal.segment_bytes=1048576", "journal.entry_bytes_max=400000", "mllp.frame_bytes_max=262144")
    journal, rng = os.path.join(room.data, "journal"), random.Random(room.seed)
    segments = sorted(glob.glob(journal + "/*.seg"))
    missed, headers = [], 0
    for _ in range(1000 if room.long else 200):
        segment = rng.choice(segments)
        found, end = records(segment)
        if not found:
            continue
        start, length, _ = rng.choice(found)
        at = rng.randrange(start, start + length) if rng.random() < 0.95 else rng.randrange(128)
        headers += at < 128
        with open(segment, "r+b") as f:
            f.seek(at)
            byte = f.read(1)
            f.seek(at)
            f.write(bytes([byte[0] ^ 1 << rng.randrange(8)]))
            f.flush()
            report, number = verify(room.data), int(os.path.basename(segment).split(".")[0])
            hit = [d for d in report["damages"] if d["segment"] == number and (at < 128 or d["offset"] <= at < d["end"])]
            if report["sound"] or not hit:
                missed.append((number, at))
            f.seek(at)
            f.write(byte)
    must(not missed, f"{len(missed)} flips not located, the first at byte {missed[:1]}")
    must(verify(room.data)["sound"], "the journal is not as before")
    # One record of EJ1 in the middle is spoiled: EJ1 stops, EJ2 goes on; accepted, so does EJ1.
    segment = segments[0]
    found = [r for r in records(segment)[0] if r[2] == "EJ1"]
    at = found[len(found) // 2][0] + 112 + 20
    with open(segment, "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 0x10]))
    sluice = room.start(config=demo_config())
    message = lambda i, n: admit(i).replace(b"|PROOF|PROOF|", b"|PROOF|EJ%d|" % n).replace(b"PROOF&699000014&M", b"LOCAL")
    stopped = Sender(sluice.ports["EJ1.mllp"]).exchange(message("D1", 1))
    other = Sender(sluice.ports["EJ2.mllp"]).exchange(message("D2", 2))
    must(stopped is not None and stopped[0] == "AR", f"the damaged EJ answers {stopped}")
    must(other == ("AA", "D2"), f"the other EJ answers {other}")
    must(len(sluice.get("/ej/EJ2/export/patients", "application/fhir+ndjson")) > 1000, "the other EJ is not served")
    sluice.stop()
    damage = verify(room.data)["damages"][0]
    done = cli("verify", "--data-dir", room.data, "--accept", damage["id"], "--who", "a.proof", "--reason", "proof")
    must(done.returncode == 0, f"accepting left with {done.returncode}")
    sluice = room.start(config=demo_config())
    must(sluice.caught_up(), "after accepting the fold stands")
    must(Sender(sluice.ports["EJ1.mllp"]).exchange(message("D3", 1)) == ("AA", "D3"), "after accepting the EJ does not go on")
    sluice.stop()
    # The head mark knows how far was synced: losing the last records is damage, not a torn tail.
    last, cuts = [s for s in sorted(glob.glob(journal + "/*.seg")) if records(s)[0]][-1], 0
    found, end = records(last)
    raw = open(last, "rb").read()
    for start, length, _ in found[-3:]:
        for at in {start, start + 1, start + 111, start + 113, start + length - 1}:
            with open(last, "r+b") as f:
                f.seek(at)
                f.write(bytes(end - at))
            report = verify(room.data)
            must(not report["sound"], f"lost bytes from {at} to the end go unseen")
            cuts += 1
            with open(last, "r+b") as f:
                f.write(raw[:end])
    return f"{headers} header and {200 - headers if not room.long else 1000 - headers} record flips all located; one EJ stopped, the other served, accepted, went on; {cuts} lost tails seen"


def folded_twice(room):
    """R30: the same journal gives the same hash and the same bytes, however often it is folded."""
    told, hashes = filled(room), set()
    config = room.processes[0].config
    for _ in range(2):
        done = cli("rebuild", "--config", config, "--data-dir", room.data)
        must(done.returncode == 0, f"rebuild left with {done.returncode}")
        hashes.add(tuple(re.findall(r"hash (\w+)", done.stdout)))
    must(len(hashes) == 1 and len(next(iter(hashes))) >= 2, f"hashes {hashes}")
    copy = os.path.join(room.folder, "copy")
    os.makedirs(copy)
    shutil.copytree(os.path.join(room.data, "journal"), os.path.join(copy, "journal"))
    sluice = room.start(data=copy, config=demo_config())
    must(exports(sluice) == told, "a fold from the journal alone exports other bytes")
    return f"3 folds: hashes {' '.join(h[:8] for h in next(iter(hashes))[:2])}, {sum(map(len, told))} bytes of exports identical"


ATTACKS = [ruined_state, flipped_journal, folded_twice]
