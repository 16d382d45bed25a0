"""Attacks through the machine: signals, limits, clocks, files, and neighbours that take too much."""
import glob, os, random, re, shutil, socket, struct, subprocess, threading, time
from attack import (Broken, Raw, Skipped, Watcher, alive, cli, eventually, memory_mb, metric, must, quiet_p99,
                    unharmed, verify)
from real import BINARY, FS_CR, ROOT, VT, Sender, admit, identifiers

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


def burst(port, tag, stop, acknowledged, size=0):
    """A sender until `stop`; what was acknowledged, by identifier."""
    try:
        sender, number = Sender(port), 0
    except OSError:
        return
    while not stop.is_set():
        identifier = f"{tag}{number:06d}"
        answer = sender.exchange(admit(identifier, size))
        if answer is None:
            break
        if answer == ("AA", identifier):
            acknowledged.append(identifier)
        number += 1
    sender.close()


def crowd(port, count, tag, stop, acknowledged, size=0):
    threads = [threading.Thread(target=burst, args=(port, f"{tag}{n}X", stop, acknowledged, size)) for n in range(count)]
    for thread in threads:
        thread.start()
    return threads


def stops_under_load(room):
    """R6: SIGTERM under load ends with 0, and what was acknowledged is there, once."""
    acknowledged, slowest, rounds = [], 0.0, 20 if room.long else 5
    for number in range(rounds):
        sluice, stop = room.start(), threading.Event()
        threads = crowd(sluice.mllp, 6, f"T{number}N", stop, acknowledged)
        time.sleep(random.Random(room.seed + number).uniform(0.05, 0.5))
        began = time.monotonic()
        must(sluice.stop(30) == 0, "SIGTERM did not end with 0")
        slowest = max(slowest, time.monotonic() - began)
        stop.set()
        for thread in threads:
            thread.join()
    must(slowest < 10, f"a stop took {slowest:.1f} s")
    sluice = room.start()
    must(sluice.caught_up(), "the fold did not catch up")
    found = identifiers(sluice)
    lost, twice = [i for i in acknowledged if i not in found], [i for i, n in found.items() if n > 1]
    must(not lost and not twice, f"lost {len(lost)}, twice {len(twice)}")
    return f"{rounds} stops, {len(acknowledged)} acknowledged, lost 0, twice 0, the slowest stop {slowest:.2f} s"


def few_descriptors(room):
    """R20: without descriptors accepting rests, what is open goes on, and it heals by itself."""
    sluice = room.start(prefix=("sh", "-c", 'ulimit -n 64; exec "$0" "$@"'))
    sender = Sender(sluice.mllp)
    must(sender.exchange(admit("BEFORE")) == ("AA", "BEFORE"), "not served before")
    held = []
    for number in range(120):
        try:
            held.append(Raw((sluice.mllp, sluice.ports["http"])[number % 2], 5, source=f"127.0.3.{1 + number % 3}"))
        except OSError:
            pass
    for number in range(200):
        must(sender.exchange(admit(f"DURING{number}")) == ("AA", f"DURING{number}"), "an open connection was not served")
    alive(sluice)
    for line in held:
        line.close()
    began = time.monotonic()

    def healed():
        fresh = Sender(sluice.mllp, 2)
        answer = fresh.exchange(admit("AFTER"))
        fresh.close()
        return answer == ("AA", "AFTER") and sluice.json("/api/status")["ready"]

    must(eventually(healed, 5), "did not heal within 5 s")
    took = time.monotonic() - began
    must(sluice.stop() == 0 and verify(room.data)["sound"], "no clean stop, or damage")
    return f"{len(held)} connections on 64 descriptors: 200 of 200 exchanges went on, healed in {took:.1f} s"


def little_memory(room):
    """R21: 384 MB for all of it, 24 senders of frames up to 3.9 MB: bounded, and nobody is killed."""
    group = f"/sys/fs/cgroup/memory/sluice-proof-{os.getpid()}"
    try:
        os.mkdir(group)
        with open(group + "/memory.limit_in_bytes", "w") as limit:
            limit.write(str(384 << 20))
    except OSError as why:
        if os.path.isdir(group):
            os.rmdir(group)
        raise Skipped(f"no memory cgroup ({why.strerror})") from None
    try:
        sluice = room.start(prefix=("sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$0" "$@"'))
        stop, acknowledged = threading.Event(), []
        threads = crowd(sluice.mllp, 12, "BIG", stop, acknowledged, 3_900_000) + crowd(sluice.mllp, 12, "MID", stop, acknowledged, 200_000)
        watcher = Watcher(sluice, "W", 0.02)
        time.sleep(20 if room.long else 6)
        stop.set()
        for thread in threads:
            thread.join()
        during, _ = watcher.stop()
        alive(sluice)
        must(sluice.caught_up(120), "the fold did not catch up")
        found = identifiers(sluice)
        must(all(i in found for i in acknowledged) and acknowledged, "acknowledged messages are missing")
        peak = memory_mb(sluice)
        must(sluice.stop() == 0, "no clean stop")
    finally:
        for one in room.processes:
            if one.process.poll() is None:
                one.kill()
        os.rmdir(group)
    return f"{len(acknowledged)} large messages, peak {peak:.0f} MB of 384, no kill; innocent p99 {during:.0f} ms"


def jumping_clock(room):
    """R19: the clock jumps by days and a year, forth and back: order, answers and stop are sane."""
    library = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
    if library is None:
        raise Skipped("libfaketime is not here")
    dial = os.path.join(room.folder, "clock")
    with open(dial, "w") as f:
        f.write("+0d\n")
    env = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": dial, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    sluice, slowest, sent = room.start(env=env), 0.0, 0
    sender = Sender(sluice.mllp)
    for jump in ("+1d", "-1d", "+365d", "+0d", "-365d", "+3600s", "+0d", "-20000d", "+0d"):
        with open(dial, "w") as f:
            f.write(jump + "\n")
        for number in range(40):
            identifier = f"CLOCK{sent:05d}"
            began = time.monotonic()
            must(sender.exchange(admit(identifier)) == ("AA", identifier), f"not accepted after a jump to {jump}")
            slowest, sent = max(slowest, time.monotonic() - began), sent + 1
        must(sluice.caught_up(20), f"the fold stands after a jump to {jump}")
    must(slowest < 5, f"an answer took {slowest:.1f} s")
    lines = [line for line in sluice.get("/ej/EJ1/export/patients", "application/fhir+ndjson").splitlines() if line]
    seen = [re.search(rb"CLOCK\d{5}", line)[0] for line in lines]
    must(seen == sorted(seen) and len(seen) == sent, "the order follows the clock")
    began = time.monotonic()
    must(sluice.stop() == 0 and time.monotonic() - began < 10, "no clean stop")
    must(verify(room.data)["sound"], "the journal is damaged")
    again = room.start()
    must(again.caught_up() and len(identifiers(again)) == sent, "a restart loses something")
    return f"9 jumps of up to 20000 days, {sent} messages in order, the slowest answer {slowest * 1000:.0f} ms"


def second_process(room):
    """R27: one folder, one process; the second leaves with 73 and touches nothing."""
    sluice = room.start()
    sender = Sender(sluice.mllp)
    must(sender.exchange(admit("ONE")) == ("AA", "ONE"), "not served")
    sluice.caught_up()
    seconds = [cli("serve", "--config", sluice.config, "--data-dir", room.data, "--http", "127.0.0.1:0").returncode for _ in range(5)]
    rebuild = cli("rebuild", "--config", sluice.config, "--data-dir", room.data)
    must(set(seconds) == {73}, f"a second process left with {seconds}")
    must(rebuild.returncode != 0, "rebuild ran beside a server")
    must(sender.exchange(admit("TWO")) == ("AA", "TWO") and sluice.caught_up(), "the first one is disturbed")
    must(len(identifiers(sluice)) == 2 and sluice.stop() == 0, "the first one is disturbed")
    return f"5 seconds left with 73, rebuild beside a server with {rebuild.returncode}; the first went on"


def refused_addresses(room):
    """S7: nothing listens off loopback without TLS, a token, or somebody's explicit word."""
    from attack import TWO_EJS
    data, config, codes = room.data, os.path.join(room.folder, "off.toml"), []
    for http, mllp in (("0.0.0.0:0", "127.0.0.1:0"), ("[::]:0", "127.0.0.1:0"), ("127.0.0.1:0", "0.0.0.0:0"), ("127.0.0.1:0", "[::]:0")):
        with open(config, "w") as f:
            f.write(TWO_EJS.replace("127.0.0.1:0", mllp))
        done = cli("serve", "--config", config, "--data-dir", data, "--http", http)
        codes.append(done.returncode)
        must(done.returncode in (73, 78) and "ready" not in done.stdout, f"{http} {mllp}: started, or {done.returncode}")
    return f"4 addresses off loopback: left with {codes}"


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


def noisy_neighbour(room):
    """R24: ten times the load on one EJ leaves the other its place."""
    sluice = room.start()
    before = quiet_p99(sluice, "Q", 2)
    stop, acknowledged = threading.Event(), []
    threads = crowd(sluice.mllp, 16, "N", stop, acknowledged)
    watcher = Watcher(sluice, "W")
    time.sleep(10 if room.long else 4)
    during, exchanges = watcher.stop()
    stop.set()
    for thread in threads:
        thread.join()
    return f"{len(acknowledged)} of the noisy EJ beside {exchanges} of the other; {unharmed(before, during)}"


ATTACKS = [stops_under_load, few_descriptors, little_memory, jumping_clock, second_process, refused_addresses,
           ruined_state, flipped_journal, folded_twice, noisy_neighbour]
