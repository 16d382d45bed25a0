"""Attacks through the machine: signals, limits, clocks, and a neighbour that takes too much."""
import glob, os, random, re, threading, time
from attack import (TWO_EJS, Raw, Skipped, Watcher, alive, cli, eventually, memory_mb, must, quiet_p99,
                    unharmed, verify)
from real import Sender, admit, identifiers


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
    data, config, codes = room.data, os.path.join(room.folder, "off.toml"), []
    for http, mllp in (("0.0.0.0:0", "127.0.0.1:0"), ("[::]:0", "127.0.0.1:0"), ("127.0.0.1:0", "0.0.0.0:0"), ("127.0.0.1:0", "[::]:0")):
        with open(config, "w") as f:
            f.write(TWO_EJS.replace("127.0.0.1:0", mllp))
        done = cli("serve", "--config", config, "--data-dir", data, "--http", http)
        codes.append(done.returncode)
        must(done.returncode in (73, 78) and "ready" not in done.stdout, f"{http} {mllp}: started, or {done.returncode}")
    return f"4 addresses off loopback: left with {codes}"


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
           noisy_neighbour]
