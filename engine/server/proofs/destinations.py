#!/usr/bin/env python3
"""kill -9 during delivery, again and again, to every kind of destination at once, each with a receiver that fails.

usage: destinations.py [--rounds N] [--seed S]

Patients come and go (A28, A01, A08, A03, A31), each one's messages in order; their allergies are lists of which later ones
lack some, so that there is something to delete. Out they go to an MLLP peer that now and then answers "later" (AE 207),
closes before or after it took a message, or does not answer in time; to FHIR servers, one by resources (R4), one by
transactions (R5), that answer 503, reset before or after they took something, are slow, or take half of a transaction and
say so; to a webhook that does the same and refuses one message of each patient for good, behind which the others are held
back until an operator has it tried again (`hold_patient`); and into files. The process is killed at random moments. In the
end, for each kind: every acknowledged message arrived (lost 0), each patient's in order (disorder 0), with its own bytes;
what FHIR servers have and have no more is what we have (behind 0, missing 0), and versions only rose (fell 0); signatures
and names of deliveries held; files hold whole entries, and none that was closed was touched. How often what was delivered
came again is told. Exit 0 or 1.
"""
import argparse, os, random, shutil, sys, tempfile, time, urllib.error, urllib.request
from outward import Feed, Server, depth, stay, until
from real import CONFIG, Sender, Sluice
from receivers import Folder, Hook, Lots, Peer, Repository


def destinations(peer, each, whole, hook, root):
    delivery = ("from = \"beginning\", window = 8, retry_first_ms = 5, retry_max_ms = 50, breaker_failures = 20, "
                "breaker_open_ms = 50, answered_retries_max = 0")
    kinds = (
        ("mllp", "peer", f'address = "127.0.0.1:{peer.port}"\nanswer_timeout_ms = 500', ""),
        ("fhir", "each", f'url = "http://127.0.0.1:{each.port}"\ntimeout_ms = 500', ""),
        ("fhir", "whole", f'url = "http://127.0.0.1:{whole.port}"\nversion = "R5"\nmode = "transaction"\ntimeout_ms = 500', ""),
        ("webhook", "hook", f'url = "http://127.0.0.1:{hook.port}"\nsecret_file = "{root}/secret"\ntimeout_ms = 500',
         ", hold_patient = true"),
        ("file", "files", f'folder = "{root}/files"\nrotate_bytes = 20000', ""),
    )
    return "".join(f'[[channel.destination]]\ntype = "{kind}"\nname = "{name}"\n{own}\ndelivery = {{ {delivery}{hold} }}\n'
                   for kind, name, own, hold in kinds)


def retried(sluice):
    """An operator has delivered again what was refused; what waits behind follows by itself. How many are open."""
    letters = sluice.json("/api/ejs/EJ1/dead-letters?count=1000")
    for letter in letters["dead_letters"]:
        if letter["code"] != "behind" and not letter["retrying"]:
            path = f"/api/ejs/EJ1/dead-letters/{letter['id']}/retry"
            try:
                urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{sluice.ports['http']}{path}", b"")).close()
            except urllib.error.HTTPError as refused:
                if refused.code != 404:  # It was delivered meanwhile.
                    raise
    return letters["total"]


def run(asked, root, lives):
    rng, lot = random.Random(asked.seed), Lots(random.Random(asked.seed + 1))
    secret = b"proof of what is genuine"
    with open(os.path.join(root, "secret"), "wb") as file:
        file.write(secret)
    peer, each, whole, hook = Peer(lot, stay), Server(lot), Repository(lot), Hook(lot, secret, stay)
    files = Folder(os.path.join(root, "files"), "EJ1.mllp.files.EJ1", stay)
    config = CONFIG + destinations(peer, each, whole, hook, root)
    data, feed, held = os.path.join(root, "data"), Feed(rng, told=stay), 0
    for _ in range(asked.rounds):
        lives.append(sluice := Sluice(data, config=config))
        held = max(held, retried(sluice))
        sender, end = Sender(sluice.mllp), time.monotonic() + rng.uniform(0.05, 0.5)
        while time.monotonic() < end and feed.send(sender):
            time.sleep(0.002)
        held = max(held, retried(sluice))
        sluice.kill()
        sender.close()
        files.look()
    lot.smooth = True
    lives.append(sluice := Sluice(data, config=config))
    until(lambda: sluice.caught_up() and depth(sluice) == 0 and retried(sluice) == 0, 120 + 2 * asked.rounds)
    waiting, dead = depth(sluice), sluice.json("/api/ejs/EJ1/dead-letters")["total"]
    servers = {"fhir each R4": (each, each.judge(sluice)), "fhir transaction R5": (whole, whole.judge(sluice, "R5"))}
    other, code = whole.other(sluice, "R5"), sluice.stop()
    count = files.read(hook.places)
    bad = [waiting, dead, code, other, whole.malformed, whole.responses, peer.odd, hook.forged, hook.odd, files.odd, files.misnamed, files.touched]
    print(f"{asked.rounds} rounds of kill -9: {len(feed.sent)} acknowledged; waiting {waiting}, dead letters {dead}, stop {code}")
    for kind, receiver in (("mllp", peer), ("webhook", hook), ("file", files)):
        lost, disorder = feed.judge(receiver.taken)
        bad += lost, disorder
        own = {"mllp": f"; other bytes {peer.odd}",
               "webhook": f"; forged {hook.forged}, other name or bytes {hook.odd}, refused {len(hook.refused)}, most held {held}",
               "file": f"; {count} files, not whole {files.odd}, misnamed {files.misnamed}, touched {files.touched}"}
        print(f"{kind}: lost {lost}, disorder {disorder}, came again {receiver.again}{own.get(kind, '')}")
    for kind, (server, (behind, missing)) in servers.items():
        bad += behind, missing, server.fell, not server.gone
        own = f"; {whole.bundles} bundles, malformed {whole.malformed + whole.responses}, other content {other}" if server is whole else ""
        print(f"{kind}: {len(server.versions)} resources, {len(server.gone)} deleted, fell {server.fell}, behind {behind}, "
              f"missing {missing}, came again {server.again}{own}")
    return any(bad)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    root, lives = tempfile.mkdtemp(), []
    try:
        failed = run(asked, root, lives)
    finally:
        if lives and lives[-1].process.poll() is None:
            lives[-1].kill()
        shutil.rmtree(root, ignore_errors=True)
    sys.exit(failed)


main()
