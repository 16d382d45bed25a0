"""Attacks over MLLP by how it is said: cuts, floods, drips, deaf and vanished peers."""
import threading, time
from attack import Raw, Watcher, alive, eventually, memory_mb, metric, must, quiet_p99, unharmed
from real import FS_CR, VT, Sender, admit, identifiers


def cut_and_glued_frames(room):
    """B5: the cut of the stream never matters, and only FS CR ends a frame."""
    sluice = room.start()
    line = Raw(sluice.mllp)
    frame = VT + admit("CUT") + FS_CR
    for at in range(len(frame) + 1):
        one = frame.replace(b"CUT", b"C%05d" % at)
        line.send(one[:at])
        time.sleep(0.0003)  # Lets the two parts be two reads; where they are one nothing is lost.
        line.send(one[at:])
        answer = line.answer()
        must(answer and b"|AA|C%05d\r" % at in answer, f"a cut at byte {at} changed the answer")
    for byte in frame.replace(b"CUT", b"BYTES"):
        line.send(bytes([byte]))
    must(b"|AA|BYTES\r" in line.answer(), "byte by byte")
    many = [b"MANY%04d" % n for n in range(400)]
    line.send(b"".join(VT + admit(i.decode()) + FS_CR for i in many))
    for identifier in many:
        must(b"|AA|" + identifier + b"\r" in (line.answer() or b""), "400 frames in one write")
    a = lambda text: admit(text)
    for name, sent, wanted in (
        ("no FS, then another frame", VT + a("LOST1") + VT + a("KEPT1") + FS_CR, [b"KEPT1"]),
        ("FS without CR, then another frame", VT + a("KEPT2") + b"\x1c" + VT + a("KEPT3") + FS_CR, [b"KEPT2", b"KEPT3"]),
        ("FS without CR, then silence", VT + a("KEPT4") + b"\x1c", [b"KEPT4"]),
        ("FS LF CR FS CR", VT + a("KEPT5") + b"\x1c\n\r" + FS_CR, [b"KEPT5"]),
        ("an FS inside", VT + a("KEPT6").replace(b"PROOFER", b"PRO\x1cOFER") + FS_CR, [b"KEPT6"]),
        ("junk before and between", b"GET / HTTP/1.1\r\n\r\n" + VT + a("KEPT7") + FS_CR + b"\n\nzzz" + VT + a("KEPT8") + FS_CR, [b"KEPT7", b"KEPT8"]),
        ("VT VT", VT + VT + VT + a("KEPT9") + FS_CR, [b"KEPT9"]),
        ("a VT inside", VT + a("LOST2")[:60] + VT + a("KEPT10") + FS_CR, [b"KEPT10"]),
        ("empty frames", VT + FS_CR + VT + FS_CR + VT + a("KEPT11") + FS_CR, [b"", b"", b"KEPT11"]),
    ):
        fresh = Raw(sluice.mllp)
        fresh.send(sent)
        for identifier in wanted:
            answer = fresh.answer()
            must(answer is not None and answer.split(b"\r")[1].split(b"|")[2] == identifier, name)
        fresh.send(VT + a("AFTER") + FS_CR)
        must(b"|AA|AFTER" in (fresh.answer() or b""), f"{name}: the next frame")
        fresh.close()
    sluice.caught_up()
    found = identifiers(sluice)
    must(not any(i.startswith("LOST") for i in found), "a frame that was cut off had an effect")
    return f"{len(frame) + 1} cuts, byte by byte, 400 in one write, 9 broken ends: each answered once, none mixed"


def endless_frames(room):
    """B6: a frame without an end costs no memory, is refused at the cap, and is let go."""
    sluice = room.start()
    before = quiet_p99(sluice, "Q")
    watcher, base = Watcher(sluice, "W"), memory_mb(sluice, "VmRSS")
    block = b"x" * (1 << 20)
    big = Raw(sluice.mllp, 60)
    big.send(VT + admit("BIG")[:-1] + b"\rOBX|1|ED|x||", *[block] * 60, FS_CR)
    answer = big.answer()
    must(answer and b"|AR|BIG\r" in answer and b"frame_too_large" in answer, "60 MB were not refused")
    big.send(VT + admit("NEXT") + FS_CR)
    must(b"|AA|NEXT" in (big.answer() or b""), "the frame after it was not taken")

    def endless(sent):
        line = Raw(sluice.mllp, 60)
        try:
            line.send(VT + admit("ENDLESS"))
            for _ in range(200):
                line.send(block)
                sent.append(len(block))
        except OSError:
            pass
        sent.append(line.ended(20))

    runs = [[] for _ in range(12)]
    threads = [threading.Thread(target=endless, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    must(all(run[-1] is True for run in runs), "an endless frame was not let go")
    # What the sockets' buffers took on top of the 64 MiB that are skipped is no memory of the process.
    longest = max(sum(run[:-1]) for run in runs) >> 20
    must(longest <= 64 + 64, f"{longest} MB of an endless frame were read")
    noise = Raw(sluice.mllp)
    try:
        noise.send(b"y" * 300000)
    except OSError:
        pass
    must(noise.ended(), "endless noise without a VT was not let go")
    during, _ = watcher.stop()
    peak, limits = memory_mb(sluice), metric(sluice, "sluice_mllp_limits_hit_total")
    must(peak - base < 128, f"memory grew by {peak - base:.0f} MB")
    return (f"60 MB refused at the cap, 12 endless frames let go after {longest} MB, peak +{peak - base:.0f} MB, "
            f"{int(sum(limits.values()))} limits counted; {unharmed(before, during)}")


def idle_and_dripping_connections(room):
    """S9, S10: one peer's flood takes only its own places; drips are let go; others are answered."""
    sluice = room.start("mllp.frame_deadline_ms=3000")
    before = quiet_p99(sluice, "Q")
    watcher, held = Watcher(sluice, "W"), []
    for number in range(2000):  # 1 000 at each listener, half of them with a frame that has begun.
        try:
            line = Raw(sluice.ports[("EJ1.mllp", "EJ2.mllp")[number % 2]], 5, source="127.0.0.9")
            held.append(line)
            if number % 4 < 2:
                line.send(VT + b"MSH|")
        except OSError:
            pass
    open_now = metric(sluice, "sluice_mllp_connections")
    must(all(count <= 64 + 2 for count in open_now.values()), f"one peer holds {open_now}")
    fresh = Sender(sluice.mllp)
    must(fresh.exchange(admit("FRESH")) == ("AA", "FRESH"), "another peer's new connection was not served")
    began, dripping = time.monotonic(), True
    while dripping and time.monotonic() - began < 8:
        for line in held:
            try:
                line.socket.send(b"x")
            except OSError:
                pass
        time.sleep(0.2)
        dripping = metric(sluice, "sluice_mllp_limits_hit_total").get('{channel="EJ1.mllp",limit="frame_deadline"}', 0) < 1
    must(not dripping, "a dripping frame was not let go at its deadline")
    for line in held:
        line.close()
    must(eventually(lambda: sum(metric(sluice, "sluice_mllp_connections").values()) <= 3), "places were not given back")
    during, _ = watcher.stop()
    return f"2000 connections of one peer held {int(max(open_now.values()))} places at most; {unharmed(before, during)}"


def many_hostile_peers(room):
    """S10: connections that never say anything, from many addresses, keep no sender out."""
    sluice = room.start()
    held = [Raw(sluice.mllp, 5, source=f"127.0.1.{peer}") for peer in range(1, 9) for _ in range(60)]
    time.sleep(1.2)
    accepted = 0
    for number in range(20):
        line = Sender(sluice.mllp)
        accepted += line.exchange(admit(f"IN{number}")) == ("AA", f"IN{number}")
        line.close()
    for line in held:
        line.close()
    must(accepted == 20, f"{accepted} of 20 senders got in beside 480 connections that say nothing")
    return "480 silent connections of 8 peers kept none of 20 senders out"


def senders_that_do_not_read(room):
    """R26: a peer that never reads its answers is let go, and its memory with it."""
    sluice = room.start("mllp.write_timeout_ms=2000")
    before = quiet_p99(sluice, "Q")
    watcher, base, lines = Watcher(sluice, "W"), memory_mb(sluice, "VmRSS"), []

    def deaf(tag):
        line = Raw(sluice.mllp, 20, receive_bytes=2048)
        lines.append(line)
        try:
            for _ in range(100000):  # One message again and again: the state does not grow by it.
                line.send((VT + admit(tag) + FS_CR) * 50)
        except OSError:
            pass

    threads = [threading.Thread(target=deaf, args=(f"D{n}X",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        must(not thread.is_alive(), "a peer that does not read was not let go")
    during, _ = watcher.stop()
    must(eventually(lambda: sum(metric(sluice, "sluice_mllp_connections").values()) == 0), "places were not given back")
    peak = memory_mb(sluice)
    must(peak - base < 64, f"memory grew by {peak - base:.0f} MB")
    return f"8 let go, peak +{peak - base:.0f} MB; {unharmed(before, during)}"


def broken_connections(room):
    """R25: resets in mid-frame, half closes and vanished senders leave nothing behind."""
    sluice = room.start()
    for number in range(300):
        line = Raw(sluice.mllp)
        frame = VT + admit(f"RST{number:04d}") + FS_CR
        line.send(frame[:1 + number * 7 % (len(frame) - 3)])
        line.reset()
    free = lambda: metric(sluice, "sluice_mllp_connections").get('{channel="EJ1.mllp"}') == 0
    must(eventually(free), "reset connections keep their places")
    half = Raw(sluice.mllp)
    half.send(b"".join(VT + admit(f"HALF{n:02d}") + FS_CR for n in range(50)))
    half.socket.shutdown(1)
    answers = [half.answer() for _ in range(50)]
    must(all(a and b"|AA|HALF%02d" % n in a for n, a in enumerate(answers)), "a half-closed sender misses answers")
    must(half.ended(5), "a half-closed connection stays open")
    gone = [f"GONE{n:03d}" for n in range(100)]
    for identifier in gone:  # Sent whole, reset before the answer: sent again, it has one effect.
        line = Raw(sluice.mllp)
        line.send(VT + admit(identifier) + FS_CR)
        line.reset()
    must(eventually(free), "reset connections keep their places")
    sender = Sender(sluice.mllp)
    must(all(sender.exchange(admit(i)) == ("AA", i) for i in gone), "a resend was not accepted")
    sender.close()
    must(eventually(free), "places were not given back")
    sluice.caught_up()
    found = identifiers(sluice)
    must(len(found) == 150 and all(count == 1 for count in found.values()), f"{len(found)} patients of 150")
    alive(sluice)
    return "300 resets in mid-frame, 50 answers after a half close, 100 resends: 150 effects, each once"


ATTACKS = [cut_and_glued_frames, endless_frames, idle_and_dripping_connections, many_hostile_peers,
           senders_that_do_not_read, broken_connections]
